"""The recipe: bookmarks, page map, identity, and the part that is to blame."""

import pytest

from services.pdfcheck.domain.facts import DocumentFacts, Health, Json, PageSize
from services.pdfcheck.domain.findings import DocumentLimits
from services.pdfcheck.domain.merging import (
    Bookmark,
    Merged,
    PageOrigin,
    Part,
    blames_of,
    bookmarks_of,
    merged_from_json,
    page_map_of,
    recipe_sha256,
)

PARTS = (
    Part(title="正面", component="毕业证书"),
    Part(title="反面", component="毕业证书"),
    Part(title="报告", component="学信网报告"),
    Part(title="其他"),
)
COUNTS = (1, 2, 3, 1)
LIMITS = DocumentLimits(page_bytes=100, item_bytes=1000)


def facts(*pages: int, size_bytes: int = 700, embedded_files: int = 0) -> DocumentFacts:
    return DocumentFacts(
        size_bytes=size_bytes,
        media_type="application/pdf",
        health=Health.SOUND,
        pages=tuple(PageSize(size_bytes=page) for page in pages),
        embedded_files=embedded_files,
    )


def merged(measured: DocumentFacts) -> Merged:
    told: dict[str, Json] = {"sha256": "ab", "page_counts": list(COUNTS)}
    return merged_from_json(told, PARTS, measured)


def test_bookmarks() -> None:
    assert bookmarks_of(PARTS, COUNTS) == (
        Bookmark(title="毕业证书", page=1, depth=0),
        Bookmark(title="正面", page=1, depth=1),
        Bookmark(title="反面", page=2, depth=1),
        Bookmark(title="学信网报告", page=4, depth=0),
        Bookmark(title="报告", page=4, depth=1),
        Bookmark(title="其他", page=7, depth=0),
    )


def test_a_component_that_comes_back_after_a_part_without_one_is_said_again() -> None:
    parts = (Part(title="a", component="甲"), Part(title="b"), Part(title="c", component="甲"))
    assert [mark.title for mark in bookmarks_of(parts, (1, 1, 1)) if mark.depth == 0] == ["甲", "b", "甲"]


def test_page_map() -> None:
    assert page_map_of((Part(title="a"), Part(title="b")), (1, 2)) == (
        PageOrigin(part=0, page=1),
        PageOrigin(part=1, page=1),
        PageOrigin(part=1, page=2),
    )


def test_the_page_map_of_chosen_pages_names_those_of_the_file() -> None:
    parts = (Part(title="a", pages=((3, 0), (1, 90))), Part(title="b"))
    assert [(origin.part, origin.page) for origin in page_map_of(parts, (2, 1))] == [(0, 3), (0, 1), (1, 1)]


def test_other_pages_or_turns_are_another_recipe() -> None:
    whole, chosen, turned = (
        recipe_sha256([Part(title="a", pages=pages)], ["1"]) for pages in ((), ((1, 0),), ((1, 90),))
    )
    assert len({whole, chosen, turned}) == 3


def test_the_recipe_is_its_parts_their_bytes_and_their_order() -> None:
    one = recipe_sha256(PARTS, ["1", "2", "3", "4"])
    assert one == recipe_sha256(PARTS, ["1", "2", "3", "4"])
    assert one != recipe_sha256(PARTS, ["2", "1", "3", "4"])
    assert one != recipe_sha256((*PARTS[:3], Part(title="别的")), ["1", "2", "3", "4"])


def test_nothing_is_to_blame_at_the_limits() -> None:
    assert blames_of(merged(facts(*[100] * 7, size_bytes=1000)), (1, 2, 3, 4), LIMITS) == ()


def test_a_page_over_the_limit_is_its_parts() -> None:
    (blame,) = blames_of(merged(facts(1, 1, 101, 1, 1, 1, 1)), (1, 2, 3, 4), LIMITS)
    assert (blame.part, blame.finding.code, blame.finding.where) == (1, "pdf.page-too-large", "page 3")


def test_a_total_over_the_limit_is_put_to_the_largest_part() -> None:
    (blame,) = blames_of(merged(facts(*[1] * 7, size_bytes=1001)), (1, 2, 30, 4), LIMITS)
    assert (blame.part, blame.finding.code) == (2, "pdf.item-too-large")


def test_an_attached_original_is_no_finding_of_the_result() -> None:
    assert blames_of(merged(facts(*[1] * 7, embedded_files=1)), (1, 2, 3, 4), LIMITS) == ()


@pytest.mark.parametrize("counts", [None, "1", [1, 2, 3], [1, 2, 3, 2], [1, 2, 3, "1"]])
def test_a_result_that_does_not_add_up_is_refused(counts: Json) -> None:
    with pytest.raises(ValueError):
        merged_from_json({"sha256": "ab", "page_counts": counts}, PARTS, facts(*[1] * 7))
