"""Hints about pages of files: which are shown, and as frames on the pages of the merged PDF."""

from collections.abc import Mapping, Sequence

from services.gateway.plain import Data

#: So many hints are not too many.
_FEW = 3


def apart(findings: Sequence[Data]) -> tuple[Sequence[Data], Sequence[Data]]:
    """(what is shown, hints that are folded away): a long record with one weakness has it on every page. Of each kind
    the first is shown.
    """
    hints = [each for each in findings if each["level"] == "warn"]
    if len(hints) <= _FEW:
        return findings, ()
    kinds: set[str] = set()
    shown: list[Data] = []
    folded: list[Data] = []
    for each in findings:
        (folded if each["level"] == "warn" and each["code"] in kinds else shown).append(each)
        kinds.add(each["code"])
    return shown, folded


def on_pages(document: Data | None, material: Data) -> Mapping[int, Sequence[Data]]:
    """Page of the merged PDF → places to frame on it; hints about whole pages frame nothing there."""
    if document is None:
        return {}
    at = _pages(document)
    found: dict[int, list[Data]] = {}
    for file in material["files"]:
        for place in (finding["place"] for finding in file["findings"]):
            page = at.get((file["file_id"], place["page"])) if place is not None else None
            if page is not None and (place["width"] < 1 or place["height"] < 1):
                found.setdefault(page, []).append(place)
    return found


def beside(document: Data | None, twins: Sequence[Data]) -> Sequence[tuple[int, Sequence[Data]]]:
    """Page of the merged PDF (0 where it is not in there) → the same page in other dossiers; in the order of pages."""
    at = {} if document is None else _pages(document)
    found: dict[tuple[int, str, int], list[Data]] = {}
    for twin in twins:
        own = (twin["file_id"], twin["page"])
        found.setdefault((at.get(own, 0), *own), []).append(twin)
    return [(key[0], found[key]) for key in sorted(found)]


def _pages(document: Data) -> Mapping[tuple[str, int], int]:
    """File and page of it → page of the merged PDF."""
    return {(origin["file_id"], origin["page"]): page for page, origin in enumerate(document["page_map"], 1)}
