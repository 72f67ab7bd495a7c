"""The conditions' language: what it means, what it refuses and where it says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.expression import MAX_CHARACTERS, MAX_DEPTH, ExpressionError, Value, parse

NAMES: dict[str, Value] = {
    "category": "医疗类",
    "path": "chsi",
    "electronic": True,
    "surgical": False,
    "years": 5,
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("always", True),
        ("electronic", True),
        ("surgical", False),
        ("not surgical", True),
        ("not not electronic", True),
        ('category == "医疗类"', True),
        ('category != "医疗类"', False),
        ('category in ["药学", "医疗类"]', True),
        ('category not in ["药学", "医疗类"]', False),
        ('category in ["药学"]', False),
        ("years == 5", True),
        ("years == 5.5", False),
        ("electronic == true", True),
        ("surgical == false", True),
        ('not path == "chsi"', False),
        ('electronic or surgical and path == "x"', True),
        ('(electronic or surgical) and path == "x"', False),
        ("not surgical and electronic", True),
        ("not (surgical or electronic)", False),
        ("unknown", False),
        ('unknown == "x"', False),
        ("nothing", False),
        ('path == "and"', False),
    ],
)
def test_meaning(text: str, *, expected: bool) -> None:
    assert parse(text).holds(NAMES) is expected


def test_free_names_are_listed() -> None:
    assert parse('a == "b" and not (c or d in ["e", f])').names == {"a", "c", "d", "f"}
    assert parse("always").names == frozenset()
    assert parse("always or a").names == {"always", "a"}


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("a and", 6),
        ("a b", 3),
        ("(a", 3),
        ("a)", 2),
        ("a in b", 6),
        ("a in []", 7),
        ('a in ["x"', 10),
        ("a not b", 7),
        ("== a", 1),
        ('a == "open', 6),
        ("a + b", 3),
        ("a == -1", 6),
        ("a.b", 2),
        ("__import__('os')", 12),
        ("a == 'x'", 6),
        ("lambda: a", 7),
    ],
)
def test_what_it_refuses_and_where(text: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=f"at column {column}$") as caught:
        parse(text)
    assert caught.value.column == column


def test_length_and_depth_have_limits() -> None:
    parse("a" * MAX_CHARACTERS)
    with pytest.raises(ExpressionError, match="longer than"):
        parse("a" * (MAX_CHARACTERS + 1))
    inner = MAX_DEPTH - 1
    parse("(" * inner + "a" + ")" * inner)
    with pytest.raises(ExpressionError, match="levels"):
        parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH)
    with pytest.raises(ExpressionError, match="levels"):
        parse("not " * (MAX_DEPTH + 1) + "a")


def column_of_error(text: str) -> int | None:
    try:
        assert parse(text).holds(NAMES) in (True, False)
    except ExpressionError as error:
        return error.column
    return None


@given(st.text(max_size=200))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    column = column_of_error(text)
    assert column is None or 1 <= column <= len(text) + 1
