"""Hints about pages of files stand on the right pages of the merged PDF, as frames."""

import pytest

from services.gateway.pages.page_hints import apart, beside, on_pages
from services.gateway.pages.view import environment
from services.gateway.plain import Data

DOCUMENT: Data = {"page_map": [{"file_id": "b", "page": 1}, {"file_id": "a", "page": 2}, {"file_id": "a", "page": 1}]}


def place(page: int, width: float = 0.2) -> Data:
    return {"page": page, "left": 0.5, "top": 0.25, "width": width, "height": width, "confidence": 0.9}


def material(*places: Data | None) -> Data:
    return {"files": [{"file_id": "a", "findings": [{"place": each} for each in places]}]}


def test_where_the_page_lies_now() -> None:
    assert on_pages(DOCUMENT, material(place(1), place(2))) == {3: [place(1)], 2: [place(2)]}


def test_what_is_about_a_whole_page_or_none_or_a_page_that_was_left_out_frames_nothing() -> None:
    assert on_pages(DOCUMENT, material(place(1, width=1), None, place(9))) == {}
    assert on_pages(None, material(place(1))) == {}


def test_a_sheet_has_its_frames() -> None:
    sheet = environment("zh").get_template("_pages.html").module.sheet  # type: ignore[attr-defined]
    drawn = sheet("/somewhere", {"sha256": "0" * 64, "pages": 3}, 3, None, [place(1)])
    assert '<rect x="50.0%" y="25.0%" width="20.0%" height="20.0%"/>' in drawn
    assert "<rect" not in sheet("/somewhere", {"sha256": "0" * 64, "pages": 3}, 3, None)


def twin(file_id: str, page: int, other: str) -> Data:
    return {"file_id": file_id, "page": page, "other_dossier_id": other}


def test_pages_of_other_dossiers_stand_in_the_order_of_this_one_s_and_those_left_out_first() -> None:
    twins = [twin("a", 1, "x"), twin("b", 1, "x"), twin("a", 1, "y"), twin("a", 9, "x")]
    assert beside(DOCUMENT, twins) == [
        (0, [twin("a", 9, "x")]), (1, [twin("b", 1, "x")]), (3, [twin("a", 1, "x"), twin("a", 1, "y")]),
    ]  # fmt: skip
    assert beside(None, twins[:1]) == [(0, twins[:1])]
    assert beside(DOCUMENT, []) == []


def told(*findings: str) -> list[Data]:
    """`w:code` a hint, `b:code` what blocks."""
    return [{"level": {"w": "warn", "b": "block"}[each[0]], "code": each[2:]} for each in findings]


@pytest.mark.parametrize(
    ("findings", "shown", "folded"),
    [
        ((), (), ()),
        (("w:dpi", "w:dpi", "w:dpi"), ("w:dpi", "w:dpi", "w:dpi"), ()),
        (("w:dpi", "w:dpi", "w:dpi", "w:dpi"), ("w:dpi",), ("w:dpi", "w:dpi", "w:dpi")),
        (("w:dpi", "w:twice", "w:dpi", "w:twice"), ("w:dpi", "w:twice"), ("w:dpi", "w:twice")),
        (("b:size", "w:a", "b:size", "w:a", "w:b", "w:a"), ("b:size", "w:a", "b:size", "w:b"), ("w:a", "w:a")),
    ],
)
def test_of_many_hints_the_first_of_each_kind_is_shown(
    findings: tuple[str, ...], shown: tuple[str, ...], folded: tuple[str, ...]
) -> None:
    assert tuple(map(list, apart(told(*findings)))) == (told(*shown), told(*folded))
