"""Problems of typed data: every kind has words in both languages, and none repeats what was typed."""

from datetime import date
from importlib import resources
from typing import Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.catalogue.complaints import Complaint, complain, dotted, of_validation, refusal


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    text: str = Field("abc", min_length=2, max_length=3)
    code: str = Field("a", pattern="^a$")
    level: Literal["正高级", "副高级"] = "正高级"
    flag: bool = False
    count: int = Field(1, ge=1, le=9)
    weight: float = Field(1.0, gt=0, lt=2, allow_inf_nan=False)
    day: date | None = None
    parts: list[int] = Field([1], min_length=1, max_length=2)
    answers: dict[str, int] = Field(default_factory=dict)
    inner: "Form | None" = None

    @field_validator("code", mode="before")
    @classmethod
    def no_secret(cls, value: object) -> object:
        if value == "secret":
            raise ValueError("that is no code")
        if value == "day":
            raise refusal("profile.day")
        return value


def complaints(**data: object) -> tuple[Complaint, ...]:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate(data)
    return of_validation(caught.value.errors(include_url=False))


@pytest.mark.parametrize(
    ("data", "zh", "en"),
    [
        ({"text": "甲"}, "有 1 个字符，至少 2 个", "has 1 characters, at least 2 are needed"),
        ({"text": "甲乙丙丁"}, "有 4 个字符，至多 3 个，请缩短", "has 4 characters, at most 3 are allowed; shorten it"),
        ({"text": 1}, "这里是数字，应为文字", "is a number, a text is expected"),
        ({"text": None}, "这里是空，应为文字", "is nothing, a text is expected"),
        ({"text": True}, "这里是是或否，应为文字", "is yes or no, a text is expected"),
        ({"text": {}}, "这里是对象，应为文字", "is an object, a text is expected"),
        ({"text": "\ud800x"}, "含有无法显示的字符，请重新键入", "holds characters that are no text; type it anew"),
        ({"code": "b"}, "格式不符，应符合：^a$", "is not of the form ^a$"),
        ({"level": "中级"}, "不在可选范围内，应为以下之一：正高级, 副高级", "is none of: 正高级, 副高级"),
        ({"flag": "perhaps"}, "这里是文字，应为是或否（true / false）", "is a text, true or false is expected"),
        ({"flag": []}, "这里是列表，应为是或否（true / false）", "is a list, true or false is expected"),
        ({"count": "one"}, "这里是文字，应为整数", "is a text, a whole number is expected"),
        ({"count": 1.5}, "有小数部分，应为整数", "has a fraction, a whole number is expected"),
        ({"count": "9" * 5000}, "数字太大", "is too large a number"),
        ({"count": 0}, "不得小于 1", "should be 1 or more"),
        ({"count": 10}, "不得大于 9", "should be 9 or less"),
        ({"weight": 0}, "应大于 0.0", "should be more than 0.0"),
        ({"weight": 2}, "应小于 2.0", "should be less than 2.0"),
        ({"weight": "nan"}, "应为有限的数字", "should be a finite number"),
        ({"weight": "x"}, "这里是文字，应为数字", "is a text, a number is expected"),
        ({"day": "2023-02-30"}, "不是存在的日期", "is no day that exists"),
        ({"day": "2023-02-03T10:00"}, "含有时刻，只写日期", "holds a time of day"),
        ({"day": []}, "这里是列表，应为日期", "is a list, a day is expected"),
        ({"parts": []}, "有 0 项，至少 1 项", "has 0 entries, at least 1 are needed"),
        ({"parts": [1, 2, 3]}, "超过 2 项，请减少", "has more than 2 entries; give fewer"),
        ({"parts": 1}, "这里是数字，应为列表", "is a number, a list is expected"),
        ({"answers": []}, "这里是列表，应为各项名称和内容", "is a list, names with values are expected"),
        ({"inner": "x"}, "这里是文字，应为各项名称和内容", "is a text, names with values are expected"),
        ({"titel": 1}, "没有这个项目，请核对名称", "unknown key"),
        ({"code": "secret"}, "填写有误（that is no code）", "that is no code"),
        ({"code": "day"}, "应写成 2023-08-31 这样的文字", "write the day as YYYY-MM-DD"),
    ],
)
def test_words_in_both_languages(data: dict[str, object], zh: str, en: str) -> None:
    [found] = complaints(**data)
    assert found.path == tuple(data)
    assert found.zh.startswith(zh)
    assert found.en.startswith(en)


def test_nothing_that_was_typed_is_repeated() -> None:
    typed = "510199197802141016"
    found = complaints(text=typed, code=typed, level=typed, flag=typed, day=typed, parts=typed, titel=typed)
    assert len(found) == 7
    assert not [each for each in found if typed in each.zh + each.en]


def test_a_path_into_lists_and_objects() -> None:
    [found] = complaints(inner={"parts": [1, "x"]})
    assert found.text("en") == "inner.parts[1]: is a text, a whole number is expected"
    assert dotted(()) == ""
    assert Complaint(path=(), zh="错", en="wrong").text("zh") == "错"


def test_an_unknown_kind_is_a_bug() -> None:
    with pytest.raises(KeyError):
        complain((), "no.such-kind")


def test_a_validator_refuses_with_parameters() -> None:
    class Numbered(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def never(cls, value: int) -> int:
            raise refusal("profile.id-number.length", found=value, expected=18, position=0)

    with pytest.raises(ValidationError, match="has 17 characters, 18 are expected") as caught:
        Numbered(number=17)
    [found] = of_validation(caught.value.errors())
    assert found.zh == "身份证号有 17 位，应为 18 位"


def test_each_kind_has_both_languages() -> None:
    words = yaml.safe_load((resources.files("services.catalogue") / "complaints.yaml").read_text("utf-8"))
    assert {tuple(sorted(each)) for each in words.values()} == {("en", "zh")}
