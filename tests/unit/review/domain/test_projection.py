"""Status of materials, worst first, and what is asked of the other services next."""

from dataclasses import replace

import pytest

from services.catalogue.findings import Finding
from services.catalogue.opening.model import Shot, Status
from services.catalogue.pages.model import Repeat, SeenFile
from services.review.domain.manifest import manifest_sha256
from services.review.domain.projection import MaterialView, view, views, worst
from services.review.domain.records import (
    Arrangement,
    Decision,
    Defect,
    Dossier,
    DossierState,
    FileState,
    Leaf,
    Material,
    MaterialStatus,
    ReadOpening,
)
from tests.unit.catalogue.opening.writing import rows
from tests.unit.review.builders import (
    CATALOGUE,
    ID_NUMBER,
    NOW,
    assembled,
    confirmation,
    dossier,
    file,
    material,
    profile,
    report,
)


def seen(made: Material, of: Dossier | None = None) -> MaterialView:
    return view(CATALOGUE, profile(), of or dossier(made), made)


def test_nothing_uploaded_is_missing() -> None:
    assert seen(material()).status is MaterialStatus.MISSING


def test_a_stored_file_is_processing_until_its_report_and_hash_are_there() -> None:
    assert seen(material(file(report=None))).status is MaterialStatus.PROCESSING
    assert seen(material(file(report=report(fetched=False)))).status is MaterialStatus.PROCESSING
    assert seen(material(file(state=FileState.STORED))).status is MaterialStatus.PROCESSING
    assert seen(material(file(file_name=""))).status is MaterialStatus.PROCESSING


def test_codes_that_an_event_told_are_not_shown_before_their_texts_are_there() -> None:
    """The words of most need what only the report has: which page, how many bytes."""
    told = report("fail", fetched=False, findings=(Finding(code="pdf.page-too-large", rule_id="", measured=None),))
    waiting = seen(material(file(report=told)))
    assert (waiting.status, waiting.file_findings["f1"]) == (MaterialStatus.FAILED, ())


def test_a_report_that_another_follows_settles_nothing() -> None:
    """G-03: the pictures are still to be decoded. What is wrong already is wrong at once."""
    waiting = seen(material(file(report=report(pending=True))))
    assert (waiting.status, waiting.wants_merge) == (MaterialStatus.PROCESSING, False)
    assert seen(material(file(report=report("fail", pending=True)))).status is MaterialStatus.FAILED


def test_a_complete_material_wants_its_merge_and_passes_with_it() -> None:
    made = material(file())
    before = seen(made)
    assert (before.status, before.wants_merge) == (MaterialStatus.PROCESSING, True)
    after = seen(assembled(made))
    assert (after.status, after.wants_merge) == (MaterialStatus.PASSED, False)


def test_a_merge_of_other_files_does_not_count() -> None:
    made = assembled(material(file()))
    changed = replace(made, files=(file(), file("f2")))
    assert seen(changed).wants_merge


def test_a_blocking_finding_fails_the_material_worst_first() -> None:
    bad = file(report=report("fail", findings=(Finding(code="pdf.damaged", rule_id="G-04"),)))
    assert seen(material(bad, file("f2", report=None))).status is MaterialStatus.FAILED


def test_a_rejected_file_fails_with_its_code() -> None:
    found = seen(material(file(state=FileState.REJECTED, rejection_code="file.hash-mismatch")))
    assert found.status is MaterialStatus.FAILED
    assert [f.code for f in found.file_findings["f1"]] == ["file.hash-mismatch"]


def test_a_merged_result_over_the_limit_fails() -> None:
    made = assembled(material(file()))
    assert made.merged is not None
    over = replace(made, merged=replace(made.merged, verdict="fail", codes=("pdf.item-too-large",)))
    assert seen(over).status is MaterialStatus.FAILED


def video(name: str = "李川明", number: str = ID_NUMBER) -> Material:
    own = file("v1", "video", report=report(parsed_name=name, parsed_id_number=number), file_name="x.mp4")
    return material(own, item_id="surgery_video")


CARD = rows(
    "主刀医生：李川明",
    "工作单位：锦川县人民医院",
    "科室：普外科",
    "职称：副主任医师",
    "手术名称：腹腔镜胆囊切除术",
    "手术日期：2023.5.1",
)


def with_opening(*shots: Shot) -> Material:
    made = video()
    return replace(made, files=(replace(made.files[0], opening=ReadOpening(version=1, shots=shots)),))


def test_an_opening_that_agrees_says_nothing() -> None:
    found = seen(with_opening(CARD))
    assert found.file_findings["v1"] == ()
    assert {field.status for field in found.openings["v1"].fields.values()} == {Status.FOUND}


def test_an_opening_is_held_against_the_profile_of_now_and_never_fails_alone() -> None:
    """M15-2b, C-17: a person decides. The profile is corrected, nothing is read again."""
    made = with_opening(CARD)
    other = view(CATALOGUE, profile(title="主任医师"), dossier(made), made)
    [finding] = other.file_findings["v1"]
    assert (finding.code, finding.where, finding.measured, finding.limit) == (
        "video.opening-mismatch", "title", "副主任医师", "主任医师",
    )  # fmt: skip
    assert other.status is seen(made).status
    assert view(CATALOGUE, profile(), dossier(made), made).file_findings["v1"] == ()


def test_what_an_opening_lacks_is_one_finding() -> None:
    [finding] = seen(with_opening(rows("主刀医生：李川明", "科室：普外科"))).file_findings["v1"]
    assert (finding.code, finding.where) == ("video.opening-missing", "employer,title,operation,date")
    assert (finding.measured, finding.limit) == (2, 6)


def test_an_opening_that_cannot_be_shown_lacks_everything() -> None:
    [finding] = seen(with_opening()).file_findings["v1"]
    assert (finding.code, finding.measured) == ("video.opening-missing", 0)


def test_before_it_is_read_nothing_is_missing() -> None:
    assert seen(video()).openings == {}


def test_a_video_wants_its_disc_once_it_passes() -> None:
    found = seen(video())
    assert (found.wants_disc, found.wants_merge) == ("v1:1", False)
    assert seen(assembled(video())).status is MaterialStatus.PASSED


def test_a_video_named_for_somebody_else_fails_and_a_corrected_profile_mends_it() -> None:
    made = video(name="王五")
    assert [f.code for f in seen(made).file_findings["v1"]] == ["video.name-mismatch"]
    assert seen(made).status is MaterialStatus.FAILED
    corrected = view(CATALOGUE, profile(name="王五"), dossier(made), made)
    assert corrected.status is MaterialStatus.PROCESSING


def in_review(made: Material) -> Dossier:
    return dossier(made, state=DossierState.IN_REVIEW, level="unit")


def test_confirmations_count_for_level_files_and_catalogue_only() -> None:
    made = assembled(material(file()))
    manifest = manifest_sha256(CATALOGUE, made)

    def status(**given: object) -> MaterialStatus:
        with_it = replace(made, confirmations=(confirmation(**{"level": "unit", "manifest": manifest, **given}),))  # type: ignore[arg-type]
        return seen(with_it, in_review(with_it)).status

    assert status() is MaterialStatus.CONFIRMED
    assert status(level="county") is MaterialStatus.AWAITING_CONFIRMATION
    assert status(manifest="other") is MaterialStatus.AWAITING_CONFIRMATION
    assert status(catalogue_version="other") is MaterialStatus.AWAITING_CONFIRMATION
    assert status(legible=False) is MaterialStatus.AWAITING_CONFIRMATION


def test_the_same_bytes_under_another_id_keep_their_confirmation() -> None:
    one, other = material(file("f1", sha256="s")), material(file("f2", sha256="s"))
    assert manifest_sha256(CATALOGUE, one) == manifest_sha256(CATALOGUE, other)


@pytest.mark.parametrize("changed", [False, True])
def test_a_returned_material_stays_returned_until_it_changes(changed: bool) -> None:
    made = assembled(material(file()))
    manifest = "older" if changed else manifest_sha256(CATALOGUE, made)
    decision = Decision(
        decision_id="x",
        submission=1,
        level="unit",
        decision="returned",
        by="r",
        at=NOW,
        defects=(Defect(material_id="m1", reason="模糊"),),
        manifests={"m1": manifest},
    )
    of = dossier(made, state=DossierState.RETURNED, decisions=(decision,))
    assert seen(made, of).status is (MaterialStatus.PASSED if changed else MaterialStatus.RETURNED)


def test_worst_is_first_and_nothing_is_passed() -> None:
    assert worst([MaterialStatus.PASSED, MaterialStatus.MISSING, MaterialStatus.FAILED]) is MaterialStatus.FAILED
    assert worst([]) is MaterialStatus.PASSED


def test_views_come_in_the_order_of_the_catalogue() -> None:
    late = material(item_id="surgery_video", material_id="a")
    early = material(item_id="education", material_id="b")
    found = views(CATALOGUE, profile(), dossier(late, early))
    assert [v.material.item_id for v in found] == ["education", "surgery_video"]


def intro(*counts: int) -> Material:
    return material(file("f1", "intro", report=report(pages=len(counts), page_characters=counts)), item_id="patent")


def test_a_text_that_is_too_long_fails_its_material() -> None:
    """M15-10. The other component is missing; failing is worse."""
    assert seen(intro(2000)).status is MaterialStatus.MISSING
    long = seen(intro(2000, 1))
    assert long.status is MaterialStatus.FAILED
    assert [(f.code, f.measured, f.rule_id) for f in long.findings if f.code.startswith("text.")] == [
        ("text.too-long", 2001, "M15-10")
    ]


def test_a_scanned_text_is_counted_by_a_person() -> None:
    scanned = seen(intro(-1))
    assert scanned.status is MaterialStatus.MISSING
    assert "text.not-countable" in [finding.code for finding in scanned.findings]


def test_only_pages_that_were_put_there_count() -> None:
    made = intro(1500, 1500)
    leaves = (
        Leaf(file_id="f1", page=2, turn=0, component_id="intro"),
        Leaf(file_id="f1", page=1, turn=0, component_id="certificate"),
    )
    arranged = replace(made, arrangement=Arrangement(leaves=leaves, files=("f1",)))
    assert seen(made).status is MaterialStatus.FAILED
    assert [finding.code for finding in seen(arranged).findings] == []


def test_a_page_that_was_left_out_repeats_nothing() -> None:
    """G-05: to leave it out is what the hint asks for. It is the first or the second of the two; a file that came
    later counts whole.
    """
    pairs = ((2, "f1", 1), (1, "f2", 3), (2, "f2", 4))
    repeats = tuple(Repeat(page=p, other_file_id=f, other_page=o, likeness=0.9) for p, f, o in pairs)
    looked = SeenFile(version=1, pages=(), findings=(), lines=(), repeats=repeats)
    made = material(file("f1", seen=looked), file("f2", seen=replace(looked, repeats=())))

    def told(leaves: tuple[Leaf, ...] | None, *files: str) -> list[tuple[str | None, object]]:
        arranged = None if leaves is None else Arrangement(leaves=leaves, files=files)
        [found] = views(CATALOGUE, profile(), dossier(replace(made, arrangement=arranged)))
        hints = [each for told in found.file_findings.values() for each in told if each.code == "pdf.duplicate-page"]
        return sorted((hint.where, hint.params["other_page"]) for hint in hints)

    def leaf(file_id: str, page: int) -> Leaf:
        return Leaf(file_id=file_id, page=page, turn=0, component_id=made.files[0].component_id)

    assert told(None) == [("page 2", 1), ("page 3", 1), ("page 4", 2)]
    assert told((leaf("f1", 1),), "f1") == [("page 3", 1)]
    assert told((leaf("f1", 2),), "f1") == [("page 4", 2)]
    assert told((leaf("f1", 1), leaf("f1", 2), leaf("f2", 1)), "f1", "f2") == [("page 2", 1)]
    assert told((leaf("f2", 3),), "f1", "f2") == []
