"""The rules of the requirements by id, and what carries out those that no entry of the catalogue cites."""

from collections.abc import Mapping
from types import MappingProxyType

_IDS = """
G-01 G-02 G-03 G-04 G-05 G-06 G-07 G-08 G-09 G-10 G-11 G-12 G-13 G-14 G-15 M01-01 M01-02 M01-03 M01-04 M01-05
M01-06 M01-07 M02-01 M02-02 M02-03 M02-04 M02-05 M02-06 M02-07 M03-01 M03-02 M03-03 M04-01 M04-02 M04-03
M04-04 M04-05 M04-06 M04-07 M04-08 M05-01 M05-02 M05-03 M06-01 M06-02 M07-01 M07-02 M07-03 M07-04 M08-01
M08-02 M09-01 M09-02 M10-01 M10-02 M10-03 M11-01 M11-02 M12-01 M12-02 M12-03 M12-04 M13-01 M13-02 M13-03
M13-04 M13-05 M14-01 M14-1a M14-1b M14-1c M14-1d M14-2a M14-2b M14-3a M14-3b M14-4a M14-4b M14-4c M14-5a
M14-6a M14-7a M14-7b M14-8a M15-1a M15-1b M15-2a M15-2b M15-2c M15-2d M15-2e M15-2f M15-2g M15-2h M15-3a
M15-3b M15-4 M15-5 M15-6 M15-7 M15-8a M15-8b M15-8c M15-8d M15-8e M15-8f M15-9a M15-9b M15-10 M15-11a M15-11b
M15-11c M15-12 M15-13a M15-13b M15-14 M15-15 M15-16a M15-16b M15-16c M15-17 M16-1 M16-2 M17-1 M18-1 M18-2
M19-1 P-01 P-02 P-03 P-04 P-05 P-06 P-07 T1-01 T1-02 T1-03 T2-01 T2-02 T3-01 T3-02 T3-03 T4-01 T4-02 T4-03
T4-04 T5-01 T5-02 T6-01 T7-01 C-01 C-02 C-03 C-04 C-05 C-06 C-07 C-08 C-09 C-10 C-11 C-12 C-13 C-14 C-15 C-16
C-17 C-18 C-19 C-20 C-21 C-22 C-23
"""
RULES = frozenset(_IDS.split())

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "G-01": "catalogue.rules.may_apply",
        "G-02": "catalogue.checklist",
        "G-03": "reviewers: confirmation compared_with_original",
        "G-04": "pdfcheck: pdf.not-pdf",
        "G-05": "pdfcheck: merge",
        "G-06": "not yet: page previews",
        "G-07": "pdfcheck: pdf.page-too-large",
        "G-09": "review: submit with declaration",
        "G-10": "catalogue.checklist: paper",
        "G-12": "review: forward with eligibility",
        "G-13": "review: three confirmations",
        "T7-01": "reviewers: header of the registers",
        "C-01": "catalogue.rules.may_apply",
        "C-02": "reviewers; the map of specialties is the province's",
        "C-03": "reviewers; the map of scopes is the province's",
        "C-04": "reviewers: unit and main institution",
        "C-05": "reviewers: unit and practice place",
        "C-06": "reviewers: licence validity; the reference date is open",
        "C-07": "not yet: import of exam results",
        "C-08": "not yet: import of exam results",
        "C-09": "not yet: import of exam results",
        "C-10": "catalogue: conditions of items 5 and 6",
        "C-11": "catalogue: item 1, one entry per education",
        "C-12": "catalogue: paths of item 10",
        "C-13": "catalogue: paths of item 11",
        "C-15": "catalogue: items 18 and 19",
        "C-18": "reviewers; assistance by text recognition comes later",
        "C-19": "not yet: registers T4 and T5",
        "C-20": "reviewers: years of T1",
        "C-21": "reviewers: paper reception",
        "C-22": "reviewers: rows of 15.3",
        "C-23": "catalogue.id_number",
    }
)
