"""Measured against declared: the video's name, and who may apply here."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import yaml

from services.catalogue import load, rules
from services.catalogue.opening.model import FieldName, Found, Status
from services.catalogue.profile import Answer, from_data
from services.catalogue.rules import expected_video_name, may_apply, video_name
from services.catalogue.wording import word

ID = "11010519491231002X"
SURGEON = Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml"


@pytest.mark.parametrize(
    ("parsed_name", "parsed_id", "name", "id_number"),
    [
        ("张三", ID, "张三", ID),
        ("张三", ID.lower(), "张三", ID),
        ("扎西•次仁", ID, "扎西·次仁", ID),
        ("张三", "１１０１０５１９４９１２３１００２Ｘ", "张三", ID),
        ("Ju\u0308rgen", ID, "J\u00fcrgen", ID),
        ("张三", ID, "", ""),
        ("", "", "张三", ID),
        ("张三", ID, "张三", ""),
        ("张三", ID, "", ID),
    ],
)
def test_what_agrees(parsed_name: str, parsed_id: str, name: str, id_number: str) -> None:
    assert video_name(parsed_name, parsed_id, name=name, id_number=id_number) == ()


@pytest.mark.parametrize(
    ("name", "id_number", "parts"),
    [
        ("李四", ID, "姓名"),
        ("张三", "510199197802141016", "身份证号"),
        ("李四", "510199197802141016", "姓名、身份证号"),
    ],
)
def test_what_differs_is_named_with_the_right_name(name: str, id_number: str, parts: str) -> None:
    (finding,) = video_name("张三", ID, name=name, id_number=id_number)
    assert (finding.code, finding.rule_id, finding.params["parts"]) == ("video.name-mismatch", "M15-2f", parts)
    assert finding.params["right"] == f"{name}{id_number}.mp4"
    assert str(finding.params["right"]) in word(finding).message + word(finding).fix


def test_the_name_that_is_due() -> None:
    assert expected_video_name(" 张 三 ", "11010519491231002x") == "张三11010519491231002X.mp4"


@pytest.mark.parametrize(
    ("level", "affiliation", "expected"),
    [
        ("正高级", "县属", True),
        ("正高级", "省属", True),
        ("副高级", "省属", True),
        ("副高级", "市属", False),
        ("副高级", "县属", False),
    ],
)
def test_who_may_apply_here(level: str, affiliation: str, *, expected: bool) -> None:
    data = yaml.safe_load(SURGEON.read_text("utf-8"))
    assert may_apply(from_data({**data, "target_level": level, "affiliation": affiliation})) is expected


def test_what_an_opening_should_say_comes_from_profile_and_entry() -> None:
    surgeon = from_data(yaml.safe_load(SURGEON.read_text("utf-8")))
    answer = Answer(operation="剖宫产术", operation_date=date(2023, 5, 18))
    said = rules.declared_opening(surgeon, answer)
    assert set(said) == set(FieldName)
    assert said[FieldName.DATE] == "2023-05-18"
    assert FieldName.OPERATION not in rules.declared_opening(surgeon, Answer())


def test_what_is_uncertain_is_told_as_missing_and_what_differs_by_name() -> None:
    """M15-2b: all of it warns, and a person decides."""
    said = {FieldName.SURGEON: "张三", FieldName.TITLE: "主任医师"}
    read = {
        FieldName.SURGEON: Found(status=Status.UNREADABLE, value="张", confidence=0.3, shot=0),
        FieldName.TITLE: Found(status=Status.SIMILAR, value="副主任医师", confidence=0.9, shot=0),
        FieldName.DATE: Found(status=Status.MISSING),
        FieldName.EMPLOYER: Found(status=Status.FOUND, value="四川省人民医院", confidence=0.9, shot=0),
    }
    missing, differing = rules.opening(read, said)
    assert (missing.code, missing.where, missing.measured, missing.limit) == (
        "video.opening-missing", "surgeon,date", 2, 4,
    )  # fmt: skip
    assert (differing.where, differing.measured, differing.limit) == ("title", "副主任医师", "主任医师")
    assert not missing.blocks
    assert not differing.blocks


INTRO = load.default().item("surgery_video_docs").component("intro")


@pytest.mark.parametrize(
    ("counts", "code", "measured"),
    [
        ((2000,), None, None),
        ((1000, 1000), None, None),
        ((2001,), "text.too-long", 2001),
        ((1500, 501), "text.too-long", 2001),
        ((-1,), "text.not-countable", None),
        ((1500, -1), "text.not-countable", None),
        ((2001, -1), "text.too-long", 2001),
        ((), None, None),
    ],
)
def test_a_text_of_two_thousand_characters_and_one_more(
    counts: Sequence[int], code: str | None, measured: int | None
) -> None:
    """M15-2h: what can be counted is enough to say that it is too long; else what cannot be is for a person."""
    found = rules.text_length(INTRO, "M15-2h", counts)
    assert [(finding.code, finding.measured) for finding in found] == ([(code, measured)] if code else [])
    for finding in found:
        assert "2000" in word(finding, "zh").message
        assert "M15-2h" in word(finding, "en").message


def test_a_text_without_a_limit_is_not_counted() -> None:
    assert rules.text_length(load.default().item("surgery_video_docs").component("op_record"), "M15-2h", (9999,)) == ()
