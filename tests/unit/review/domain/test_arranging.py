"""Pages as the applicant put them: a recipe over files that stay as they are (G-05)."""

from dataclasses import replace

import pytest

from services.kernel.errors import AppError
from services.review.domain.arranging import MOST_LEAVES, Part, arranged, instead, parts_of, whole, without
from services.review.domain.manifest import manifest_sha256, recipe_sha256
from services.review.domain.records import Arrangement, Leaf, Material
from tests.unit.review.builders import CATALOGUE, file, material, report
from tests.unit.review.domain.test_projection import seen

ITEM = "education"
COMPONENTS = [component.id for component in CATALOGUE.item(ITEM).components]
FIRST, SECOND = COMPONENTS[:2]


def leaf(file_id: str, page: int, component_id: str = FIRST, turn: int = 0) -> Leaf:
    return Leaf(file_id=file_id, page=page, turn=turn, component_id=component_id)


def two_files() -> Material:
    return material(
        file("a", FIRST, report=report(pages=3)), file("b", FIRST, position=1, report=report(pages=1)), item_id=ITEM
    )


def with_leaves(*leaves: Leaf) -> Material:
    made = two_files()
    return replace(made, arrangement=arranged(CATALOGUE, made, leaves))


def told(parts: tuple[Part, ...]) -> list[tuple[str, str, str]]:
    return [(part.file.file_id, part.component_id, part.told) for part in parts]


def test_without_an_arrangement_files_are_taken_whole() -> None:
    assert told(parts_of(CATALOGUE, two_files())) == [("a", FIRST, ""), ("b", FIRST, "")]


def test_pages_are_taken_in_order_under_the_components_in_the_items_order() -> None:
    made = with_leaves(
        leaf("a", 3, SECOND), leaf("b", 1, SECOND, 90), leaf("a", 2), leaf("a", 1, turn=180), leaf("a", 3, SECOND)
    )
    assert told(parts_of(CATALOGUE, made)) == [
        ("a", FIRST, "2:0,1:180"), ("a", SECOND, "3:0"), ("b", SECOND, "1:90"), ("a", SECOND, "3:0"),
    ]  # fmt: skip


def test_what_says_no_more_than_the_whole_files_is_none() -> None:
    made = two_files()
    assert arranged(CATALOGUE, made, whole(made.files)) is None
    assert arranged(CATALOGUE, made, []) is None
    assert arranged(CATALOGUE, made, whole(made.files)[1:]) is not None


def test_a_file_that_came_later_is_taken_whole_and_one_left_out_stays_out() -> None:
    made = with_leaves(leaf("a", 1))
    later = replace(made, files=(*made.files, file("c", SECOND, report=report(pages=2))))
    assert told(parts_of(CATALOGUE, later)) == [("a", FIRST, "1:0"), ("c", SECOND, "")]


def test_a_page_counts_for_the_component_it_was_put_under() -> None:
    """One long scan under one component lacks the others; what is missing is named before anything is merged."""
    made = material(file("a", "staff_list", report=report(pages=3)), item_id="cmi_ranking")
    assert [finding.code for finding in seen(made).findings] == ["item.missing-component"] * 2
    pages = [leaf("a", 1, "staff_list"), leaf("a", 2, "statistics"), leaf("a", 3, "satisfaction")]
    whole_item = seen(replace(made, arrangement=arranged(CATALOGUE, made, pages)))
    assert (whole_item.findings, whole_item.wants_merge) == ((), True)


def test_what_nobody_asked_for_is_named_and_keeps_nothing_from_being_merged() -> None:
    made = material(file("a", FIRST, report=report(pages=2)), item_id=ITEM)
    pages = [leaf("a", 1), leaf("a", 2, "cscse_edu_cert")]
    surplus = seen(replace(made, arrangement=arranged(CATALOGUE, made, pages)))
    [finding] = [finding for finding in surplus.findings if finding.code == "item.surplus-component"]
    assert (finding.level, finding.where) == ("warn", CATALOGUE.item(ITEM).component("cscse_edu_cert").zh)
    assert surplus.wants_merge


def test_another_arrangement_is_another_recipe_and_manifest() -> None:
    arrangements = [
        two_files(),
        with_leaves(leaf("a", 1)),
        with_leaves(leaf("a", 1, turn=90)),
        with_leaves(leaf("a", 2)),
    ]
    assert len({recipe_sha256(CATALOGUE, made) for made in arrangements}) == len(arrangements)
    assert len({manifest_sha256(CATALOGUE, made) for made in arrangements}) == len(arrangements)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (leaf("x", 1), "dossier.no-such-page"),
        (leaf("a", 0), "dossier.no-such-page"),
        (leaf("a", 4), "dossier.no-such-page"),
        (leaf("a", 1, "nothing"), "dossier.no-such-component"),
        (leaf("a", 1, turn=45), "dossier.wrong-turn"),
        (leaf("a", 1, turn=360), "dossier.wrong-turn"),
        (leaf("a", 1, turn=-90), "dossier.wrong-turn"),
    ],
)
def test_a_leaf_that_cannot_be_is_refused(wrong: Leaf, code: str) -> None:
    with pytest.raises(AppError) as caught:
        arranged(CATALOGUE, two_files(), [leaf("a", 3), wrong])
    assert caught.value.code == code


@pytest.mark.parametrize("unknown", [None, report(pages=0)])
def test_pages_that_are_not_counted_yet_cannot_be_arranged(unknown: object) -> None:
    made = material(file("a", FIRST, report=unknown), item_id=ITEM)
    with pytest.raises(AppError, match=r"dossier\.not-counted"):
        arranged(CATALOGUE, made, [leaf("a", 1)])


@pytest.mark.parametrize("over", [0, 1])
def test_as_many_pages_as_are_taken_and_one_more(over: int) -> None:
    leaves = [leaf("a", 1)] * (MOST_LEAVES + over)
    if not over:
        assert arranged(CATALOGUE, two_files(), leaves) is not None
        return
    with pytest.raises(AppError, match=r"dossier\.too-many-pages"):
        arranged(CATALOGUE, two_files(), leaves)


def test_a_video_has_no_pages() -> None:
    made = material(file("a", "video"), item_id="surgery_video")
    with pytest.raises(AppError, match=r"dossier\.pages-of-video"):
        arranged(CATALOGUE, made, [leaf("a", 1)])


def test_a_file_that_goes_takes_its_pages_with_it() -> None:
    made = with_leaves(leaf("a", 1), leaf("b", 1))
    assert without(made.arrangement, "a") == Arrangement(leaves=(leaf("b", 1),), files=("b",))
    assert without(with_leaves(leaf("a", 1)).arrangement, "a") is None
    assert without(made.arrangement, "x") is made.arrangement
    assert without(None, "a") is None


def test_a_file_that_takes_anothers_place_takes_its_pages_over() -> None:
    made = with_leaves(leaf("a", 1, turn=90), leaf("b", 1))
    assert instead(made.arrangement, "a", "n") == Arrangement(
        leaves=(leaf("n", 1, turn=90), leaf("b", 1)), files=("n", "b")
    )
    assert instead(None, "a", "n") is None
