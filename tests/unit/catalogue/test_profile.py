"""The profile's schema from YAML (with lines) and from data (with paths); answers held against the catalogue."""

from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest
import yaml

from services.catalogue import load
from services.catalogue.profile import KNOWN_NAMES, Answer, Profile, from_data, from_yaml
from services.catalogue.source import SourceError

SURGEON = (Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml").read_text("utf-8")


def data(**changes: object) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(SURGEON)
    return {**loaded, **changes}


def problems(**changes: object) -> tuple[str, ...]:
    with pytest.raises(SourceError) as caught:
        from_data(data(**changes), load.default())
    return caught.value.problems


def test_yaml_and_data_give_the_same_profile() -> None:
    assert from_yaml(SURGEON, "p.yaml", load.default()) == from_data(data(), load.default())


def test_it_survives_the_way_through_json() -> None:
    profile = from_yaml(SURGEON, "p.yaml")
    assert Profile.model_validate_json(profile.model_dump_json(exclude_defaults=True)) == profile


def test_lines_of_every_problem() -> None:
    text = SURGEON.replace("县属", "乡属").replace("specialty_surgical: true", "specialty_surgical: perhaps")
    with pytest.raises(SourceError) as caught:
        from_yaml(text, "p.yaml")
    lines = text.splitlines()
    wrong = [number for number, line in enumerate(lines, 1) if "乡属" in line or "perhaps" in line]
    assert sorted(int(problem.split(":")[1]) for problem in caught.value.problems) == wrong


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ""}, "name: "),
        ({"name": "张" * 201}, "name: has 201 characters, at most 200 are allowed"),
        ({"name": "张\0三"}, "name: character 2 (U+0000) cannot be seen"),
        ({"name": "\u202e三张"}, "name: character 1 (U+202E) cannot be seen"),
        ({"employer": "一\n二"}, "employer: character 2 (U+000A) cannot be seen"),
        ({"name": "\ud800"}, "name: holds characters that are no text"),
        ({"id_number": "51019919780214101Ａ"}, "id_number: character 18 of the ID number should be 0-9 / X"),
        ({"id_number": "510199197802301017"}, "id_number: the birth date from digit 7 of the ID number does not exist"),
        ({"id_number": "510199189902141017"}, "(expected >= 1900)"),
        ({"id_number": 510199197802141016}, "id_number: put the ID number in quotation marks"),
        ({"id_number": "510199197802141017"}, "id_number: the last character of the ID number does not fit"),
        ({"id_number": "51019919780214101"}, "id_number: the ID number has 17 characters, 18 are expected"),
        ({"target_level": "中级"}, "target_level: "),
        ({"category": "公共卫生"}, "category: "),
        ({"appointed_on": 20170901}, "appointed_on: write the day as YYYY-MM-DD"),
        ({"appointed_on": "2017-02-30"}, "appointed_on: "),
        ({"no_such_field": 1}, "no_such_field: unknown key"),
        ({"answers": {"advanced_study": {"way": "exempt"}}}, "answers.advanced_study[0].way: unknown key"),
        ({"answers": {"no_such_item": {}}}, "answers.no_such_item: there is no such item"),
        ({"answers": {"15.1": {}}}, "answers.15.1: there is no such item"),
        (
            {"answers": {"advanced_study": {"path": "self"}}},
            "answers.advanced_study[0].path: is none of: certif",
        ),
        (
            {"answers": {"clinical_case": {"path": "x"}}},
            "answers.clinical_case[0].path: item 15.1 has no choice of path",
        ),
        (
            {"answers": {"research_project": {"kind": "x"}}},
            "answers.research_project[0].kind: is none of: project, tr",
        ),
        ({"answers": {"advanced_study": [{}, {}]}}, "answers.advanced_study: item 10 has one entry, not 2"),
        ({"specialty_surgical": False}, "answers.surgery_video: item 15.2a is for: specialty_surgical"),
    ],
)
def test_what_is_refused(changes: dict[str, object], expected: str) -> None:
    assert any(expected in problem for problem in problems(**changes)), problems(**changes)


@pytest.mark.parametrize(("today", "refused"), [(date(1978, 2, 13), True), (date(1978, 2, 14), False)])
def test_nobody_is_born_after_today(today: date, *, refused: bool) -> None:
    raises = pytest.raises(SourceError, match="lies in the future") if refused else nullcontext()
    with raises:
        from_data(data(), today=today)


def test_names_with_rare_and_foreign_letters_are_taken() -> None:
    assert from_data(data(name="𠮷野·阿依古丽")).name == "𠮷野·阿依古丽"


def test_no_complaint_repeats_the_id_number() -> None:
    assert "51019919780214101" not in "".join(problems(id_number="510199197802141017"))


def test_name_and_id_number_are_put_into_one_form() -> None:
    profile = from_data(data(name=" 扎西•次仁 ", id_number="１１０１０５１９４９１２３１００２ｘ"))
    assert (profile.name, profile.id_number) == ("扎西·次仁", "11010519491231002X")


def test_one_answer_may_stand_without_a_list() -> None:
    assert from_data(data(answers={"education": {"label": "x"}})).answers["education"] == (Answer(label="x"),)


@pytest.mark.parametrize(
    ("answer", "expected"), [({}, False), ({"electronic": True}, True), ({"path": "electronic"}, True)]
)
def test_an_electronic_path_is_the_electronic_form(answer: dict[str, object], *, expected: bool) -> None:
    profile = from_data(data())
    assert profile.names(Answer.model_validate(answer))["electronic"] is expected


def test_every_name_of_a_condition_has_a_value() -> None:
    assert set(from_data(data()).names(Answer())) >= KNOWN_NAMES - {"appointed_on", "operation_date"}
