"""Six fields from cards of every layout; beside what was declared (M15-2b, C-17)."""

import pytest

from services.catalogue.opening.compare import is_complete, read_opening
from services.catalogue.opening.model import FieldName, Line, Shot, Status
from tests.unit.catalogue.opening.writing import line, rows, shot, turned

SAID = {
    FieldName.SURGEON: "阿依古丽·买买提",
    FieldName.EMPLOYER: "四川省人民医院",
    FieldName.DEPARTMENT: "肝胆外科",
    FieldName.TITLE: "副主任医师",
    FieldName.OPERATION: "腹腔镜胆囊切除术",
    FieldName.DATE: "2022-05-12",
}
WHOLE = rows(
    "手术演示",
    "主刀医生：阿依古丽·买买提",
    "工作单位：四川省人民医院",
    "所在科室：肝胆外科",
    "职称：副主任医师",
    "手术名称：腹腔镜胆囊切除术",
    "手术日期：2022年5月12日",
    "麻醉医师：李四",
)
LABELS = ("主刀", "医院", "科别", "职称", "术式", "日期")
VALUES = ("阿依古丽·买买提", "四川省人民医院", "肝胆外科", "副主任医师", "腹腔镜胆囊切除术", "2022.5.12")
TABLE = shot(
    *(each for row, (label, value) in enumerate(zip(LABELS, VALUES, strict=True))
      for each in (line(label, 200, 100 + 80 * row), line(value, 420, 100 + 80 * row)))
)  # fmt: skip
HEADED = shot(
    *(each for place, (label, value) in enumerate(zip(LABELS, VALUES, strict=True))
      for each in (line(label, 100 + 600 * (place % 3), 100 + 300 * (place // 3)),
                   line(value, 100 + 600 * (place % 3), 170 + 300 * (place // 3))))
)  # fmt: skip
STACKED = shot(
    *(each for row, (label, value) in enumerate(zip(LABELS, VALUES, strict=True))
      for each in (line(label + "：", 200, 50 + 160 * row), line(value, 200, 105 + 160 * row)))
)  # fmt: skip
PAIRED = rows(
    "主刀：阿依古丽·买买提  职称：副主任医师",
    "医院：四川省人民医院  科室：肝胆外科",
    "术式：腹腔镜胆囊切除术  日期：2022-05-12",
)
TITLED = rows("腹腔镜胆囊切除术", "四川省人民医院 肝胆外科", "主刀：阿依古丽·买买提 副主任医师", "2022年5月12日")
CARDS = {"lines": WHOLE, "table": TABLE, "headed": HEADED, "stacked": STACKED, "paired": PAIRED, "titled": TITLED}


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("degrees", [0, 5, 180])
def test_every_layout_is_read_and_agrees(name: str, degrees: float) -> None:
    card = turned(CARDS[name], degrees)
    read = read_opening([card])
    assert is_complete(read), {str(field): found for field, found in read.items() if found.status is not Status.FOUND}
    assert read[FieldName.SURGEON].value == "阿依古丽·买买提"
    assert read[FieldName.DEPARTMENT].value == "肝胆外科"
    assert is_complete(read_opening([card], SAID))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        (FieldName.SURGEON, "阿依古丽·买买江"),
        (FieldName.EMPLOYER, "四川省八民医院"),
        (FieldName.DEPARTMENT, "肝胆内科"),
        (FieldName.TITLE, "主任医师"),
        (FieldName.OPERATION, "腹腔镜胆囊切开术"),
        (FieldName.DATE, "2022-05-13"),
    ],
)
def test_what_differs_in_one_character_is_similar_and_never_found(field: FieldName, wrong: str) -> None:
    found = read_opening([WHOLE], {**SAID, field: wrong})[field]
    assert found.status is Status.SIMILAR
    assert found.value


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        (FieldName.SURGEON, "王大力"),
        (FieldName.EMPLOYER, "四川省第二人民医院"),
        (FieldName.DEPARTMENT, "眼科"),
        (FieldName.TITLE, "住院医师"),
        (FieldName.OPERATION, "全髋关节置换术"),
        (FieldName.DATE, "2019-11-30"),
    ],
)
def test_another_value_is_missing_and_says_what_stands_there(field: FieldName, wrong: str) -> None:
    found = read_opening([WHOLE], {**SAID, field: wrong})[field]
    assert found.status is Status.MISSING
    assert found.value


def test_an_assistant_is_no_surgeon() -> None:
    card = rows("主刀医生：王五", "第一助手：张三", "麻醉医师：李四")
    assert read_opening([card], {FieldName.SURGEON: "张三"})[FieldName.SURGEON].status is Status.MISSING
    assert read_opening([rows("第一助手：张三")])[FieldName.SURGEON].status is Status.MISSING


def test_the_title_applied_for_is_not_the_present_one() -> None:
    assert (
        read_opening([rows("申报职称：主任医师")], {FieldName.TITLE: "主任医师"})[FieldName.TITLE].status
        is Status.MISSING
    )


def test_a_heading_is_nobodys_name() -> None:
    assert read_opening([rows("手术视频", "科室：骨科")])[FieldName.SURGEON].status is Status.MISSING


def test_a_cameras_clock_is_no_date() -> None:
    assert read_opening([rows("2022-05-12 09:30:15")])[FieldName.DATE].status is Status.MISSING


def test_a_label_with_nothing_behind_it_is_unreadable() -> None:
    assert read_opening([rows("职称：")])[FieldName.TITLE].status is Status.UNREADABLE
    assert read_opening([rows("职称：")], SAID)[FieldName.TITLE].status is Status.UNREADABLE


def test_an_unsure_reading_is_taken_only_where_it_agrees() -> None:
    card = rows("主刀医生：张三", confidence=0.7)
    assert read_opening([card])[FieldName.SURGEON].status is Status.UNREADABLE
    assert read_opening([card], {FieldName.SURGEON: "张三"})[FieldName.SURGEON].status is Status.FOUND


def test_a_long_name_may_go_on_in_the_next_line() -> None:
    card = shot(
        line("手术名称：白内障超声乳化吸除联合", 200, 100),
        line("人工晶状体植入术", 200, 160),
        line("日期：2022.5.1", 200, 300),
    )
    said = {FieldName.OPERATION: "白内障超声乳化吸除联合人工晶状体植入术"}
    found = read_opening([card], said)[FieldName.OPERATION]
    assert (found.status, found.value) == (Status.FOUND, said[FieldName.OPERATION])
    assert read_opening([card])[FieldName.OPERATION].value == said[FieldName.OPERATION]


def test_fields_may_stand_in_different_pictures_and_say_when() -> None:
    first, second = rows("主刀：张三"), rows("手术名称：剖宫产术")
    late = Shot(time_s=9.5, width_px=1920, height_px=1080, lines=second.lines)
    read = read_opening([first, late])
    assert (read[FieldName.SURGEON].shot, read[FieldName.SURGEON].time_s) == (0, 2.0)
    assert (read[FieldName.OPERATION].shot, read[FieldName.OPERATION].time_s) == (1, 9.5)
    assert read[FieldName.OPERATION].corners == (second.lines[0].corners,)


def test_of_two_names_of_a_hospital_one_is_enough_but_a_part_is_not() -> None:
    said = {FieldName.EMPLOYER: "四川省人民医院"}
    assert (
        read_opening([rows("单位：四川省医学科学院·四川省人民医院")], said)[FieldName.EMPLOYER].status is Status.FOUND
    )
    other = read_opening([rows("单位：四川省人民医院金堂医院")], said)[FieldName.EMPLOYER]
    assert other.status is not Status.FOUND


def test_old_characters_agree_with_new_ones() -> None:
    said = {FieldName.OPERATION: "腹腔镜阑尾切除术", FieldName.SURGEON: "李干"}
    read = read_opening([rows("手術名稱：腹腔鏡闌尾切除術", "术者：李乾")], said)
    assert read[FieldName.OPERATION].status is Status.FOUND
    assert read[FieldName.SURGEON].value == "李乾"


@pytest.mark.parametrize("lines", [[], [""], ["：：：", "年月日", "\x1f\x1f"], ["姓" * 200], ["主刀：" * 60]])
def test_any_lines_give_an_answer(lines: list[str]) -> None:
    read = read_opening([rows(*lines)], SAID)
    assert set(read) == set(FieldName)


def test_a_line_without_extent_does_no_harm() -> None:
    point = Line(text="主刀：张三", confidence=1.0, corners=((5, 5), (5, 5), (5, 5), (5, 5)))
    assert set(read_opening([shot(point)])) == set(FieldName)
