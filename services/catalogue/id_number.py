"""The 18-character citizen ID number (GB 11643-1999): six digits region, eight birth date, three order, one check."""

from dataclasses import dataclass
from datetime import date

LENGTH = 18
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_EARLIEST_YEAR = 1900


@dataclass(frozen=True, kw_only=True, slots=True)
class IdNumberProblem:
    """What is wrong: `position` from 1 (0 when the length is wrong), what stands there and what would be right.

    `reason` is length, character, birth-date, birth-date-in-future or check-digit.
    """

    reason: str
    position: int
    found: str
    expected: str


def normalise(text: str) -> str:
    """Full-width digits and letters made plain, spaces removed, x in upper case."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    return plain.replace(" ", "").replace("\u3000", "").upper()


def check_digit(first_seventeen: str) -> str:
    """The eighteenth character that GB 11643 demands for seventeen digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True))
    return _CHECK[total % 11]


def check_id_number(text: str, today: date) -> IdNumberProblem | None:
    """What is wrong with a normalised ID number, None when nothing is. `today` bounds the birth date."""
    if len(text) != LENGTH:
        return IdNumberProblem(reason="length", position=0, found=str(len(text)), expected=str(LENGTH))
    for position, character in enumerate(text, start=1):
        last = position == LENGTH
        if not (character.isascii() and character.isdigit()) and not (last and character == "X"):
            expected = "0-9 / X" if last else "0-9"
            return IdNumberProblem(reason="character", position=position, found=character, expected=expected)
    if problem := _check_birth_date(text, today):
        return problem
    right = check_digit(text[:17])
    if text[17] != right:
        return IdNumberProblem(reason="check-digit", position=LENGTH, found=text[17], expected=right)
    return None


def _check_birth_date(text: str, today: date) -> IdNumberProblem | None:
    year, month, day = int(text[6:10]), int(text[10:12]), int(text[12:14])
    try:
        born = date(year, month, day)
    except ValueError:
        return IdNumberProblem(reason="birth-date", position=7, found=text[6:14], expected="YYYYMMDD")
    if year < _EARLIEST_YEAR:
        return IdNumberProblem(reason="birth-date", position=7, found=text[6:14], expected=f">= {_EARLIEST_YEAR}")
    if born > today:
        return IdNumberProblem(
            reason="birth-date-in-future", position=7, found=text[6:14], expected=f"<= {today:%Y%m%d}"
        )
    return None
