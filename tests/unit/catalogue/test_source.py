"""YAML with lines: what is refused, and that every complaint says where."""

import pytest
from pydantic import BaseModel, ConfigDict

from services.catalogue.source import MAX_BYTES, Source, SourceError, parse, validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    parts: tuple[Inner, ...] = ()


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SourceError) as caught:
        validated(parse(text, "f.yaml"), Outer)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: x\ntitel: y\n", "f.yaml:2: titel: unknown key"),
        ("title: x\nparts:\n  - number: 1\n  - number: one\n", "f.yaml:4: parts[1].number: "),
        ("parts: []\n", "f.yaml:1: title: is missing and has to be given"),
        ("title: x\nparts:\n  - {}\n", "f.yaml:3: parts[0].number: is missing"),
        ("title: x\ntitle: y\n", "f.yaml:2: title stands here twice"),
        ("title: &a x\nother: *a\n", "f.yaml:2: aliases are not accepted"),
        ("title: [x\n", "f.yaml:2: "),
        ("title: !!python/object:os.system x\n", "f.yaml:1: "),
        ("", "f.yaml:1: "),
        ("- a\n", "f.yaml:1: "),
        ("title: a\nb: \x00\n", "f.yaml:2: a character that no text holds (U+0000)"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: "),
        ("? [a, b]\n: 1\n", "f.yaml:1: "),
    ],
)
def test_problems_say_file_line_and_path(text: str, expected: str) -> None:
    assert any(problem.startswith(expected) for problem in problems(text)), problems(text)


def test_every_problem_is_reported_at_once() -> None:
    assert len(problems("parts:\n  - number: a\n  - number: b\nwrong: 1\n")) == 4


def test_size_is_bounded() -> None:
    parse("#" * MAX_BYTES, "f.yaml")
    with pytest.raises(SourceError, match="at most"):
        parse("#" * (MAX_BYTES + 1), "f.yaml")


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(SourceError, match=r"^f\.yaml"):
        parse("[" * 5000, "f.yaml")


def test_every_problem_in_chinese() -> None:
    with pytest.raises(SourceError) as caught:
        validated(parse("parts:\n  - number: a\n", "f.yaml"), Outer)
    assert caught.value.lines("zh") == (
        "f.yaml:1: title: 缺少此项，必须填写",
        "f.yaml:2: parts[0].number: 这里是文字，应为整数",
    )


def test_data_from_no_file_has_no_line() -> None:
    with pytest.raises(SourceError) as caught:
        validated(Source("profile", {"title": 1}, None), Outer)
    assert caught.value.problems == ("title: is a number, a text is expected",)


def test_days_stay_text() -> None:
    assert parse("day: 2023-08-31", "f.yaml").data == {"day": "2023-08-31"}
