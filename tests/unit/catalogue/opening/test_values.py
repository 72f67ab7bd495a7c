"""What values look like, and when two of them are the same."""

from datetime import date

import pytest

from services.catalogue.opening import values
from services.catalogue.opening.model import FieldName


@pytest.mark.parametrize(
    "text",
    ["2022年5月12日", "2022年05月12日", "2022-05-12", "2022.5.12", "2022/05/12", "2022 年 5 月 12 日", "20220512",
     "二〇二二年五月十二日", "二○二二年五月十二日", "2022年5月12日 09:30", "于2022-5-12实施"],
)  # fmt: skip
def test_a_day_is_one_however_it_is_written(text: str) -> None:
    assert values.day_in(text) == date(2022, 5, 12)


@pytest.mark.parametrize(
    "text", ["", "2022", "2022年5月", "2022-13-01", "2022-02-30", "二〇二二年十三月一日", "五月十二日", "12:30:01"]
)
def test_what_names_no_day(text: str) -> None:
    assert values.day_in(text) is None


@pytest.mark.parametrize(
    ("text", "day"), [("二〇二〇年十月三十一日", 31), ("二〇二〇年十月二十日", 20), ("二〇二〇年十月十日", 10)]
)
def test_tens_are_counted(text: str, day: int) -> None:
    assert values.day_in(text) == date(2020, 10, day)


def test_a_day_that_breaks_off_is_not_whole() -> None:
    assert not values.is_whole_day("二〇二二年七月二")
    assert not values.is_whole_day("2022年7月2")
    assert values.is_whole_day("2022年7月25日")
    assert values.is_whole_day("2022-07-25")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("副主任医师", "副主任医师"),
        ("主任医师", "主任医师"),
        ("普外科副主任医师/副教授", "副主任医师"),
        ("主治(主管)医师", "主治(主管)医师"),
    ],
)
def test_the_longest_title_counts(text: str, title: str) -> None:
    found = values.title_in(text)
    assert found is not None
    assert found[0] == title


@pytest.mark.parametrize("name", ["张三", "欧阳修文", "阿依古丽·买买提", "古丽巴哈尔•阿不都热合曼", "𠮷田"])
def test_names(name: str) -> None:
    assert values.is_name(name)


@pytest.mark.parametrize("other", ["张", "手术视频资料", "张3", "Zhang", "张三李四王五"])
def test_no_names(other: str) -> None:
    assert not values.is_name(other)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (FieldName.EMPLOYER, "四川省人民医院", "骨科"),
        (FieldName.DEPARTMENT, "普通外科二病区", "四川省"),
        (FieldName.OPERATION, "腹腔镜胃癌根治术(D2)", "主任医师"),
        (FieldName.TITLE, "主任医师", "院长"),
        (FieldName.DATE, "2022.5.1", "五月"),
        (FieldName.SURGEON, "张三", "Z3"),
    ],
)
def test_what_fits_a_field(name: FieldName, good: str, bad: str) -> None:
    assert values.fits(name, good)
    assert not values.fits(name, bad)


def test_compared_values_lose_marks_brackets_and_old_characters() -> None:
    assert values.bare("腹腔鏡 胃癌根治術（D2）") == values.bare("腹腔镜胃癌根治术 (d2)")
    assert values.bare("阿依古丽·买买提") == values.bare("阿依古丽买买提")


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("张三", "张山", True),
        ("张三", "李四", False),
        ("主任医师", "副主任医师", True),
        ("腹腔镜胆囊切除术", "开腹胆囊切除术", False),
        ("", "张", False),
    ],
)
def test_nearness_is_one_character_in_four(one: str, other: str, *, near: bool) -> None:
    assert values.is_near(one, other) is near


def test_a_cameras_clock_is_none() -> None:
    assert values.is_clock("2022-05-12 09:30:15")
    assert not values.is_clock("2022-05-12 09:30")
