"""What an applicant owes: each condition of the notice on and off, and what is said to be missing."""

from pathlib import Path

import pytest
import yaml

from services.catalogue import load
from services.catalogue.checklist import Entry, checklist, entry_of, missing
from services.catalogue.checklist_json import to_data
from services.catalogue.profile import from_data

SURGEON = Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml"
CATALOGUE = load.default()


def entries(**changes: object) -> list[Entry]:
    data = {**yaml.safe_load(SURGEON.read_text("utf-8")), **changes}
    if not data.get("specialty_surgical"):
        data["answers"] = {key: value for key, value in data["answers"].items() if key != "surgery_video"}
    return list(checklist(CATALOGUE, from_data(data, CATALOGUE)).entries)


def paper(**changes: object) -> dict[str, int | None]:
    data = {**yaml.safe_load(SURGEON.read_text("utf-8")), **changes}
    return {line.id: line.copies for line in checklist(CATALOGUE, from_data(data)).paper}


def numbers(**changes: object) -> list[str]:
    return [entry.item.number for entry in entries(**changes)]


def due(number: str, answer: dict[str, object] | None = None, **changes: object) -> set[str]:
    """The components due of the first entry of an item, given one answer for it."""
    item = CATALOGUE.item(number)
    answers = {} if answer is None else {item.id: answer}
    found = [entry for entry in entries(answers=answers, **changes) if entry.item is item]
    return {owed.component.id for owed in found[0].components if owed.due}


def test_the_surgeon() -> None:
    assert " ".join(numbers()) == "1 1 2 2 3 4 5 6 8 9 10 11 12 13 14.1 14.2 15.1 15.2a 15.2b"
    assert [entry.ordinal for entry in entries()][:4] == [1, 2, 1, 2]


def test_without_answers_only_what_everybody_owes() -> None:
    assert " ".join(numbers(answers={})) == "1 2 3 4 5 6 8 9 10 11 12 13"


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"has_degree": True}, "2"),
        ({"category": "医疗类"}, "3"),
        ({"category": "医疗类"}, "4"),
        ({"category": "护理类"}, "4"),
        ({"category": "医疗类", "workload_register": "public_health"}, "3"),
        ({"category": "医疗类", "workload_register": "public_health"}, "4"),
        ({"target_level": "副高级"}, "7"),
        ({"counterpart_support_due": True}, "11"),
        ({"aid_abroad": True}, "16a"),
        ({"aid_tibet_yi": True}, "16b"),
        ({"exceptional": True}, "17"),
        ({"covid_frontline": True}, "18"),
        ({"liangshan_team": True}, "19"),
    ],
)
def test_conditions_that_hold(change: dict[str, object], number: str) -> None:
    assert number in numbers(answers={}, **change)


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"has_degree": False}, "2"),
        ({"category": "护理类"}, "3"),
        ({"category": "药学"}, "4"),
        ({"category": "医学技术"}, "4"),
        ({"target_level": "正高级"}, "7"),
        ({"counterpart_support_due": False}, "11"),
        ({}, "16a"),
        ({}, "16b"),
        ({}, "17"),
        ({}, "18"),
        ({}, "19"),
        ({}, "14.1"),
        ({}, "15.2a"),
        ({}, "15.2b"),
    ],
)
def test_conditions_that_do_not_hold(change: dict[str, object], number: str) -> None:
    assert number not in numbers(answers={}, **change)


@pytest.mark.parametrize(
    ("number", "answer", "changes", "expected"),
    [
        ("1", {"path": "unit_verified"}, {}, {"cover", "signed_diploma_copy"}),
        ("1", {"path": "unit_verified", "content_page_shows_category": True}, {}, {"signed_diploma_copy"}),
        ("1", {"path": "overseas"}, {}, {"cscse_edu_cert"}),
        ("2", {}, {}, {"chsi_degree_report"}),
        ("2", {"path": "unit_verified"}, {}, {"cover", "signed_degree_copy"}),
        ("3", {}, {}, {"cover", "content_pages"}),
        ("3", {"content_page_shows_category": True}, {}, {"content_pages"}),
        ("4", {"path": "electronic"}, {}, {"electronic_licence"}),
        ("5", {}, {}, {"cover", "current_certificate"}),
        ("5", {"path": "electronic"}, {}, {"current_certificate"}),
        (
            "5",
            {"path": "electronic"},
            {"title_lateral_transfer": True},
            {"current_certificate", "all_level_certificates"},
        ),
        (
            "5",
            {"path": "electronic"},
            {"primary_care_title_first": True},
            {"current_certificate", "all_level_certificates"},
        ),
        ("5", {"path": "electronic"}, {"other_title_first": True}, {"current_certificate", "all_level_certificates"}),
        ("5", {"path": "electronic"}, {"employer_changed": True}, {"current_certificate"}),
        ("6", {}, {"employer_changed": True}, {"current_appointment", "all_level_appointments"}),
        (
            "6",
            {},
            {"employer_changed": False, "title_lateral_transfer": True},
            {"current_appointment", "all_level_appointments"},
        ),
        ("6", {}, {"employer_changed": False, "primary_care_title_first": True}, {"current_appointment"}),
        ("7", {}, {"target_level": "副高级"}, {"pass_certificate", "score_report"}),
        ("9", {}, {}, set()),
        ("10", {}, {}, {"completion_certificate"}),
        ("10", {"path": "standardized"}, {}, set()),
        ("10", {"path": "exempt"}, {}, {"exemption_form", "exemption_evidence"}),
        ("11", {"path": "aid"}, {}, {"aid_documents"}),
        ("11", {"path": "exempt"}, {}, {"exemption_form", "exemption_evidence"}),
        ("14.1", {}, {}, {"screenshot"}),
        ("14.1", {"path": "paper"}, {}, {"roster_copy", "register_copy"}),
        ("14.2", {"path": "paper"}, {}, {"front_page_copy", "record_numbers", "reason"}),
        ("14.4", {}, {}, {"event_records"}),
        ("14.4", {"has_register": False}, {}, {"no_register_statement", "process_material"}),
        ("14.4", {"kind": "reports"}, {}, {"report_originals"}),
        ("14.4", {"kind": "reports", "rank_unclear": True}, {}, {"report_originals", "ranking_statement"}),
        (
            "15.9",
            {"foreign_language_journal": True},
            {},
            {"index_proof", "cover", "copyright_page", "toc", "full_text", "translation"},
        ),
        ("15.11", {}, {}, {"contract", "document", "completion"}),
        ("15.11", {"by_funding": True}, {}, {"contract", "document", "completion", "funds_proof"}),
        ("15.11", {"kind": "transfer"}, {}, {"transfer_agreement", "funds_proof"}),
        ("15.16", {}, {}, {"start_proof", "years_proof"}),
        ("15.16", {"excellent_years_required": True}, {}, {"start_proof", "years_proof", "assessment"}),
        ("16a", {}, {"aid_abroad": True}, {"approval", "passport", "return_doc", "assessment"}),
        ("16a", {"mission_ended": False}, {"aid_abroad": True}, {"approval", "passport", "assessment"}),
    ],
)
def test_components(number: str, answer: dict[str, object], changes: dict[str, object], expected: set[str]) -> None:
    assert due(number, answer, **changes) == expected


def test_a_nurse_also_owes_the_renewal() -> None:
    assert "renewal_info" in due("4", {}, category="护理类")
    assert "renewal_info" not in due("4", {})


def test_a_clinical_case_has_twelve_documents_in_surgery_and_ten_elsewhere() -> None:
    assert len(due("15.1", {"surgical_department": True, "temperature_abnormal": True})) == 12
    assert len(due("15.1", {"temperature_abnormal": True})) == 10
    assert "abnormal_temperature" not in due("15.1", {})


def test_the_video_brings_its_documents_and_one_entry_per_case() -> None:
    found = numbers(answers={"surgery_video": {}, "clinical_case": [{}, {}, {}]})
    assert found[-5:] == ["15.1", "15.1", "15.1", "15.2a", "15.2b"]


def test_paper() -> None:
    assert paper(answers={}) == {
        "paper_review_form": 1,
        "paper_public_info_form": 1,
        "paper_recommendation": None,
        "paper_study": 1,
        "paper_support": 1,
        "paper_workload_clinical_dental": 1,
    }


@pytest.mark.parametrize(
    ("item", "path", "line", "expected"),
    [
        ("advanced_study", "certificate", "paper_study", True),
        ("advanced_study", "standardized", "paper_study", False),
        ("advanced_study", "exempt", "paper_study", False),
        ("counterpart_support", "self_appraisal", "paper_support", True),
        ("counterpart_support", "chuanbangdai", "paper_support", False),
        ("counterpart_support", "exempt", "paper_support", False),
        ("counterpart_support", "aid", "paper_support", False),
        ("counterpart_support", "aid", "paper_support_other", True),
        ("counterpart_support", "self_appraisal", "paper_support_other", False),
    ],
)
def test_paper_of_study_and_support(item: str, path: str, line: str, *, expected: bool) -> None:
    assert (line in paper(answers={item: {"path": path}})) is expected


def test_who_owes_no_support_owes_no_paper_of_it() -> None:
    assert not {"paper_support", "paper_support_other"} & set(paper(counterpart_support_due=False))


@pytest.mark.parametrize("register", ["clinical_dental", "public_health", "nursing", "pharmacy", "medtech"])
def test_one_workload_register_each(register: str) -> None:
    lines = [line for line in paper(workload_register=register) if line.startswith("paper_workload")]
    assert lines == [f"paper_workload_{register}"]


def test_the_disc_goes_with_the_video() -> None:
    assert paper()["paper_disc"] == 1
    assert "paper_disc" not in paper(answers={})


def test_every_entry_has_a_reason_and_rules() -> None:
    for entry in entries(covid_frontline=True):
        assert entry.reason_zh
        assert entry.reason_en
        assert entry.item.rules
    reasons = {entry.item.number: entry.reason_zh for entry in entries()}
    assert "医疗类" in reasons["3"]
    assert "==" not in "".join(reasons.values())


def lacks(number: str, answer: dict[str, object], *present: str) -> list[tuple[str, str]]:
    item = CATALOGUE.item(number)
    found = next(entry for entry in entries(answers={item.id: answer}) if entry.item is item)
    return [(finding.code, finding.where or "") for finding in missing(found, present)]


def test_what_is_missing_is_named() -> None:
    assert lacks("3", {}) == [("item.missing-component", "封面"), ("item.missing-component", "内容页")]
    assert lacks("3", {}, "cover") == [("item.missing-component", "内容页")]
    assert lacks("3", {}, "content_pages", "cover") == []


def test_one_of_two_is_neither_none_nor_both() -> None:
    both = "学历验证报告（学信网） / 教育部学历证书电子注册备案表"
    assert lacks("1", {}) == [("item.missing-component", both)]
    assert lacks("1", {}, "chsi_report") == []
    assert lacks("1", {}, "moe_register_form") == []
    assert lacks("1", {}, "chsi_report", "moe_register_form") == [("item.too-many-files", both)]


@pytest.mark.parametrize("number", ["9", "14.7", "14.8"])
def test_at_least_one_may_be_both(number: str) -> None:
    item = CATALOGUE.item(number)
    first, second = item.alternatives[0].of
    assert [code for code, _ in lacks(number, {})] == ["item.missing-component"]
    assert lacks(number, {}, first) == lacks(number, {}, second) == lacks(number, {}, first, second) == []


def test_the_standardised_path_needs_no_upload_but_allows_one() -> None:
    assert lacks("10", {"path": "standardized"}) == []
    assert lacks("10", {"path": "standardized"}, "standardized_certificate") == []


def test_an_added_entry_beyond_the_profile_takes_the_last_answer() -> None:
    profile = from_data({**yaml.safe_load(SURGEON.read_text("utf-8")), "answers": {"education": {"path": "overseas"}}})
    added = entry_of(CATALOGUE, profile, CATALOGUE.item("1"), 3)
    assert (added.ordinal, added.answer.path) == (3, "overseas")
    paper_added = entry_of(CATALOGUE, profile, CATALOGUE.item("14.4"), 1)
    assert paper_added.answer.kind == "events"


def test_as_data() -> None:
    profile = from_data(yaml.safe_load(SURGEON.read_text("utf-8")))
    data = to_data(checklist(CATALOGUE, profile))
    assert set(data) == {"items", "paper"}
    assert "510199" not in str(data)
