"""GB 11643: length, characters, birth date, check digit; each at the limit and one beside it."""

from datetime import date

import pytest

from services.catalogue.id_number import check_digit, check_id_number, normalise

TODAY = date(2023, 10, 1)
RIGHT = "510199197802141016"


def reason_and_position(text: str, today: date = TODAY) -> tuple[str, int] | None:
    problem = check_id_number(text, today)
    return None if problem is None else (problem.reason, problem.position)


def with_birth_date(digits: str) -> str:
    first = f"510199{digits}101"
    return first + check_digit(first)


@pytest.mark.parametrize("text", [RIGHT, "11010519491231002X", "440524188001010014"])
def test_check_digit_of_known_numbers(text: str) -> None:
    assert check_digit(text[:17]) == text[17]


def test_a_right_number_has_no_problem() -> None:
    assert check_id_number(RIGHT, TODAY) is None
    assert check_id_number("11010519491231002X", TODAY) is None


@pytest.mark.parametrize("length", [0, 15, 17, 19])
def test_any_other_length_is_wrong(length: int) -> None:
    problem = check_id_number(("5" * 40)[:length], TODAY)
    assert problem is not None
    assert (problem.reason, problem.position) == ("length", 0)
    assert (problem.found, problem.expected) == (str(length), "18")


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("A" + RIGHT[1:], 1),
        (RIGHT[:16] + "X" + RIGHT[17:], 17),
        (RIGHT[:17] + "A", 18),
        (RIGHT[:17] + "x", 18),
        (RIGHT[:9] + "٣" + RIGHT[10:], 10),
        (RIGHT[:4] + "²" + RIGHT[5:], 5),
    ],
)
def test_the_wrong_character_is_named(text: str, position: int) -> None:
    assert reason_and_position(text) == ("character", position)


@pytest.mark.parametrize("digits", ["20230229", "19780231", "19781301", "19780001", "19780100", "00000101"])
def test_a_day_that_never_was(digits: str) -> None:
    assert reason_and_position(with_birth_date(digits)) == ("birth-date", 7)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20231001", None),
        ("20231002", ("birth-date-in-future", 7)),
        ("19000101", None),
        ("18991231", ("birth-date", 7)),
        ("20000229", None),
    ],
)
def test_birth_dates_at_the_limits(digits: str, expected: tuple[str, int] | None) -> None:
    assert reason_and_position(with_birth_date(digits)) == expected


def test_every_single_digit_error_is_found() -> None:
    for place in range(17):
        for digit in "0123456789":
            if digit != RIGHT[place]:
                assert check_id_number(RIGHT[:place] + digit + RIGHT[place + 1 :], TODAY) is not None


def test_the_right_check_digit_is_said() -> None:
    problem = check_id_number(RIGHT[:17] + "7", TODAY)
    assert problem is not None
    assert (problem.reason, problem.position, problem.found, problem.expected) == ("check-digit", 18, "7", "6")


@pytest.mark.parametrize(
    "text", ["１１０１０５１９４９１２３１００２ｘ", "110105 19491231 002x", "110105\u300019491231002X"]
)
def test_full_width_spaces_and_small_x_are_made_plain(text: str) -> None:
    assert normalise(text) == "11010519491231002X"
