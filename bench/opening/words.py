"""What stands on generated cards: people, hospitals, departments, titles, operations, days, and labels before them."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import yaml

FIELDS = ("surgeon", "employer", "department", "title", "operation", "date")
_READ: Mapping[str, Sequence[str]] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text("utf-8"))
LABELS: Mapping[str, Sequence[str]] = dict(_READ["labels"])  # type: ignore[arg-type]
#: Lines of others (`asides`) must not be taken for the surgeon's.
TITLES, DEPARTMENTS, OPERATIONS, HEADINGS = (
    _READ[name] for name in ("titles", "departments", "operations", "headings")
)


def person(chance: random.Random) -> str:
    """A name of two to four characters, or one in two parts."""
    if chance.random() < 0.2:
        return chance.choice(_READ["minority"])
    return chance.choice(_READ["surnames"]) + "".join(chance.sample(_READ["given"], chance.choice((1, 2, 2, 2))))


def day(chance: random.Random) -> tuple[date, str]:
    """A day, and one way to write it."""
    at = date(2018, 1, 1) + timedelta(days=chance.randrange(2000))
    digits = str.maketrans("0123456789", "〇一二三四五六七八九")

    def spoken(number: int) -> str:
        tens, ones = divmod(number, 10)
        unit = "" if not ones else str(ones).translate(digits)
        return unit if not tens else ("十" if tens == 1 else f"{str(tens).translate(digits)}十") + unit

    ways = (
        f"{at.year}年{at.month}月{at.day}日",
        f"{at.year}年{at.month:02}月{at.day:02}日",
        at.isoformat(),
        f"{at.year}.{at.month}.{at.day}",
        f"{at.year}.{at.month:02}.{at.day:02}",
        f"{at.year}/{at.month:02}/{at.day:02}",
        f"{at.year} 年 {at.month} 月 {at.day} 日",
        f"{str(at.year).translate(digits)}年{spoken(at.month)}月{spoken(at.day)}日",
        f"{at.year}年{at.month}月{at.day}日 {chance.randrange(8, 18):02}:{chance.randrange(60):02}",
    )
    return at, chance.choices(ways, (6, 3, 4, 2, 2, 2, 1, 1, 1))[0]


def employer(chance: random.Random) -> str:
    """A hospital."""
    return (
        chance.choice(_READ["whole_hospitals"])
        if chance.random() < 0.4
        else chance.choice(_READ["places"]) + chance.choice(_READ["hospitals"])
    )


def aside(chance: random.Random) -> str:
    """A line that is nobody's field."""
    return chance.choice(_READ["asides"]).format(
        other=person(chance),
        more=person(chance),
        short=chance.choice(_READ["surnames"]),
        number=chance.randrange(10**7),
    )
