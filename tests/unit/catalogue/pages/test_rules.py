"""What follows from pages, item and profile: seals and colour where they are due, with each item's own exceptions."""

from dataclasses import replace

import pytest

from services.catalogue.checklist import Entry, entry_of
from services.catalogue.findings import LEVELS, Finding, Level
from services.catalogue.pages import rules
from services.catalogue.pages.model import GREY_CHROMA, GREY_SEAL_SCORE, SEAL_SCORE, Repeat, Rim, SeenFile, SeenPage
from services.catalogue.pages.plain import plain_file, seen_file
from services.catalogue.pages.rules import SeenPart
from services.catalogue.profile import Profile
from tests.unit.review.builders import CATALOGUE, profile


def rim(score: float) -> Rim:
    return Rim(score=score, left=0.6, top=0.7, width=0.2, height=0.15)


def page(number: int = 1, **changes: object) -> SeenPage:
    """Sharp, upright, in colour, without a seal."""
    made = SeenPage(
        page=number, dpi=200, ink=0.08, focus=0.36, motion=1.4, chroma=30, seal=None, grey_seal=None, upright=1,
        print="0" * 16,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


SEALED, GREY = page(seal=rim(SEAL_SCORE)), page(chroma=GREY_CHROMA - 0.1)
COPY = replace(GREY, grey_seal=rim(GREY_SEAL_SCORE))


def entry(item_id: str, person: Profile) -> Entry:
    return entry_of(CATALOGUE, person, CATALOGUE.item(item_id), 1)


def seen(*pages: SeenPage, repeats: tuple[Repeat, ...] = ()) -> SeenFile:
    return SeenFile(version=3, pages=pages, findings=(), lines=(), repeats=repeats)


def part(component_id: str, *pages: SeenPage, file_id: str = "f1") -> SeenPart:
    return SeenPart(file_id=file_id, component_id=component_id, pages=len(pages), seen=seen(*pages))


def codes(item_id: str, *parts: SeenPart, complete: bool = True, **answers: object) -> list[str]:
    person = profile(answers={item_id: answers}) if answers else profile()
    found = rules.of_material(entry(item_id, person), person, parts, complete=complete)
    return [finding.code for _, finding in found]


PROOF = "assessment_proof"


def test_no_hint_blocks() -> None:
    told = {"pdf.no-colour", "pdf.no-seal", "pdf.copy-suspected", "pdf.duplicate-page", "pdf.name-mismatch"}
    assert {LEVELS[code] for code in told} <= {Level.WARN, Level.CHECKLIST}


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ([SEALED], []),
        ([page(), SEALED], []),  # one page of a material bears it
        ([page(seal=rim(SEAL_SCORE - 0.01))], ["pdf.no-seal"]),
        ([page()], ["pdf.no-seal"]),
        ([GREY], ["pdf.no-colour"]),
        ([replace(GREY, chroma=GREY_CHROMA)], ["pdf.no-seal"]),
        ([COPY], ["pdf.copy-suspected", "pdf.no-colour"]),
        ([page(chroma=GREY_CHROMA, grey_seal=rim(1))], ["pdf.no-seal"]),
    ],
)
def test_an_original_that_must_be_sealed(pages: list[SeenPage], told: list[str]) -> None:
    assert codes("annual_assessment", part(PROOF, *pages)) == told


def test_a_grey_page_is_fine_where_no_seal_is_due() -> None:
    assert (
        codes("physician_qualification", part(CATALOGUE.item("physician_qualification").components[0].id, COPY)) == []
    )


def test_a_stamped_copy_may_be_grey_but_wants_its_seal() -> None:
    component = "record_copies"
    assert codes("workload_nursing_activity", part(component, GREY)) == ["pdf.no-seal"]
    assert codes("workload_nursing_activity", part(component, COPY)) == ["pdf.no-seal"]
    assert codes("workload_nursing_activity", part(component, replace(GREY, seal=rim(1)))) == []


@pytest.mark.parametrize("component", ["screenshot"])
def test_a_screenshot_has_no_seal_of_its_own(component: str) -> None:
    assert codes("workload_outpatient", part(component, GREY)) == []
    assert codes("workload_outpatient", part(component, GREY), part("roster_copy", GREY, file_id="f2")) == [
        "pdf.no-seal"
    ]


def test_an_electronic_report_has_none() -> None:
    assert codes("education", part("chsi_report", GREY)) == []


def test_a_seal_that_depends_on_the_way_of_proof() -> None:
    diploma = part("signed_diploma_copy", GREY)
    assert codes("education", diploma, path="unit_verified") == ["pdf.no-seal"]
    assert codes("education", diploma, path="chsi") == []


@pytest.mark.parametrize("lacking", ["incomplete", "not looked at", "a page that could not be looked at"])
def test_nothing_is_missed_before_everything_is_there(lacking: str) -> None:
    sound = part(PROOF, page())
    unseen = {
        "incomplete": sound,
        "not looked at": replace(sound, seen=None),
        "a page that could not be looked at": replace(sound, pages=2),
    }
    assert codes("annual_assessment", unseen[lacking], complete=lacking != "incomplete") == []


def test_the_finding_says_who_should_have_sealed_and_how_sure_it_is() -> None:
    person = profile()
    [(file_id, finding)] = rules.of_material(
        entry("annual_assessment", person), person, [part(PROOF, page())], complete=True
    )
    assert (file_id, finding.params["who"], finding.where, finding.limit) == ("f1", "工作单位", "material", SEAL_SCORE)
    assert finding.params["confidence"] == 0.95


def test_a_copied_seal_is_framed() -> None:
    person = profile()
    found = rules.of_material(entry("annual_assessment", person), person, [part(PROOF, COPY)], complete=True)
    _, finding = next(iter(found))
    assert [finding.params[name] for name in ("page", "left", "top", "width", "height")] == [1, 0.6, 0.7, 0.2, 0.15]


def repeat(page: int, other: str, other_page: int) -> Repeat:
    return Repeat(page=page, other_file_id=other, other_page=other_page, likeness=0.9)


def repeated(files: dict[str, SeenFile]) -> list[tuple[str, str | None, object, object]]:
    found = rules.repeated(files)
    return [(file, each.where, each.params["other_file_id"], each.params["other_page"]) for file, each in found]


def test_a_page_that_is_twice_is_told_once_of_the_later_one() -> None:
    both = {"a": seen(page(), repeats=(repeat(1, "b", 2),)), "b": seen(page(), repeats=(repeat(2, "a", 1),))}
    assert repeated(both) == [("b", "page 2", "a", 1)]


def test_within_one_file() -> None:
    assert repeated({"a": seen(page(), repeats=(repeat(3, "a", 1),))}) == [("a", "page 3", "a", 1)]


def test_what_repeats_a_file_that_is_gone_is_no_repetition() -> None:
    assert repeated({"a": seen(page(), repeats=(repeat(1, "gone", 2),))}) == []


def test_what_was_seen_survives_being_kept() -> None:
    finding = Finding(
        code="pdf.blurred", rule_id="G-03", measured=0.7, limit=0.55, params={"reason": "focus", "page": 1}
    )
    whole = SeenFile(version=2, pages=(SEALED, COPY), findings=(finding,), lines=(), repeats=(repeat(1, "b", 2),))
    assert seen_file(plain_file(whole)) == whole
