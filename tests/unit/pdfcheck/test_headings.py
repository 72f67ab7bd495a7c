"""What stands at the head of a page suggests the component that it belongs to; nothing is more than a suggestion."""

import pytest

from services.catalogue import load
from services.pdfcheck.domain.headings import HeadLine, Suggestion, names_of, suggest

RECORD = load.default().item("clinical_case")


def head(*texts: str, confidence: float = 1.0) -> list[HeadLine]:
    return [HeadLine(text=text, confidence=confidence) for text in texts]


def of(*pages: list[HeadLine]) -> list[str]:
    return [suggestion.component_id for suggestion in suggest(RECORD, pages)]


@pytest.mark.parametrize(
    ("heading", "component_id"),
    [
        ("住院病案首页", "front_page"),
        ("出 院 记 录", "discharge_or_death"),
        ("死亡记录", "discharge_or_death"),
        ("入院记录", "admission"),
        ("首次病程记录", "first_course"),
        ("2022-03-05 09:30 主任医师查房记录", "ward_round"),
        ("疑难病例讨论记录", "discussion"),
        ("术前小结", "preop_summary"),
        ("术前讨论记录", "preop_discussion"),
        ("手术记录", "op_record"),
        ("手术（操作）记录单", "op_record"),
        ("体温单", "abnormal_temperature"),
        ("长期医嘱单", "long_term_orders"),
        ("CT检查报告单", "key_reports"),
        ("锦川县人民医院病理诊断报告", "key_reports"),
    ],
)
def test_the_usual_headings_of_a_medical_record(heading: str, component_id: str) -> None:
    assert of(head("锦川县人民医院", heading, "姓名：张某  住院号：12345678")) == [component_id]


@pytest.mark.parametrize("heading", ["首次病理记录", "长期医瞩单", "手木记录单"])
def test_a_letter_that_was_misread_does_not_matter(heading: str) -> None:
    [suggestion] = suggest(RECORD, [head(heading)])
    assert suggestion.component_id in {"first_course", "long_term_orders", "op_record"}
    assert suggestion.confidence < 0.95


@pytest.mark.parametrize(
    "text", ["", "姓名：张某", "患者于入院记录所述时间由急诊送入我院，查体合作，心肺未见异常", "医嘱", "锦川县人民医院"]
)
def test_what_is_no_heading_suggests_nothing(text: str) -> None:
    assert of(head(text)) == [""]


def test_a_page_without_a_heading_goes_on_with_the_one_before_it() -> None:
    pages = [head("无关"), head("入院记录"), head("（续）体格检查"), head("出院记录"), []]
    found = suggest(RECORD, pages)
    assert [each.component_id for each in found] == [
        "", "admission", "admission", "discharge_or_death", "discharge_or_death",
    ]  # fmt: skip
    assert found[2] == Suggestion(page=3, component_id="admission", confidence=0.5)
    assert found[1].heading == "入院记录"


def test_what_was_read_without_confidence_suggests_nothing() -> None:
    assert of(head("入院记录", confidence=0.9)) == ["admission"]
    assert of(head("入院记录", confidence=0.4)) == [""]


def test_the_larger_line_is_the_heading() -> None:
    lines = [HeadLine(text="长期医嘱", height=0.012), HeadLine(text="入院记录", height=0.03)]
    assert of(lines) == ["admission"]


@pytest.mark.parametrize("item", load.default().items, ids=lambda item: item.id)
def test_every_component_has_a_name_to_be_found_by(item: object) -> None:
    """Its own title at the head of a page finds it, unless another component of the item bears the same."""
    catalogued = load.default().item(item.id)  # type: ignore[attr-defined]
    for component in catalogued.components:
        names = names_of(catalogued, component)
        assert names
        [found] = suggest(catalogued, [[HeadLine(text=names[0])]])
        shared = [other.id for other in catalogued.components if names[0] in names_of(catalogued, other)]
        assert found.component_id in shared
