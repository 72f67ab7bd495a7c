"""Whether a first page is made out to somebody else: only a labelled name or a right ID number says so, and only where
the applicant is not named anywhere on it. Lists of people, signatures and authors say nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.catalogue import id_number as ids
from services.catalogue import names
from services.catalogue.pages.model import SeenLine
from services.catalogue.profile import Profile

#: Lines that are read worse are not believed.
_SURE = 0.90
_LABEL = re.compile(r"姓名[:：]?")
_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,8}(?:·[\u4e00-\u9fff]{1,8})+")
_LABELLED = re.compile(
    r"(?<![\u4e00-\u9fff])姓名[:：]?(?P<name>[\u4e00-\u9fff·]{2,20}?)"
    r"(?=$|[^\u4e00-\u9fff·]|性别|出生|年龄|民族|身份证)"
)
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])")
#: What may stand where a name is due, and is none.
_NO_NAMES = frozenset(
    {"性别", "出生", "民族", "单位", "科室", "职称", "职务", "年龄", "籍贯", "照片", "身份证", "签名", "盖章"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """Somebody else: `kind` is "name" or "id-number", `shown` what may be shown of it."""

    kind: str
    shown: str
    line: SeenLine


def stranger(lines: Sequence[SeenLine], profile: Profile) -> Stranger | None:
    """Whom a first page is made out to, where that is certainly not the applicant; else None."""
    plain = [names.normalise(line.text) for line in lines]
    whole = "".join(plain)
    if names.normalise(profile.name) in whole or profile.id_number in ids.normalise(whole):
        return None
    sure = [(text, line) for text, line in zip(plain, lines, strict=True) if line.confidence >= _SURE]
    numbers = {number: line for text, line in sure for number in _numbers(text)}
    if len(numbers) > 1:  # a list of people
        return None
    said = dict(_labelled(sure))
    if len(said) > 1:
        return None
    for number, line in numbers.items():
        return Stranger(kind="id-number", shown=f"{number[:3]}{'*' * 11}{number[-4:]}", line=line)
    for name, line in said.items():
        if not _misread(name, profile.name):
            return Stranger(kind="name", shown=name, line=line)
    return None


def _numbers(text: str) -> Iterator[str]:
    """ID numbers with a right check digit."""
    for found in _ID_NUMBER.findall(ids.normalise(text)):
        if ids.check_id_number(found, date.max) is None:
            yield found


def _labelled(sure: Sequence[tuple[str, SeenLine]]) -> Iterator[tuple[str, SeenLine]]:
    """What stands behind 姓名, in its line or in the one to its right."""
    for text, line in sure:
        within = _LABELLED.search(text)
        if within is not None and _is_name(within["name"]):
            yield within["name"], line
        elif _LABEL.fullmatch(text) and line.width:
            beside = [each for each in sure if each[1] is not line and _is_right_of(each[1], line)]
            if beside:
                value, there = min(beside, key=lambda each: each[1].left)
                if _is_name(value):
                    yield value, there


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not any(text.startswith(word) for word in _NO_NAMES)


def _is_right_of(line: SeenLine, label: SeenLine) -> bool:
    middle = line.top + line.height / 2
    return label.top <= middle <= label.top + label.height and line.left >= label.left + 0.8 * label.width


def _misread(read: str, declared: str) -> bool:
    """Whether one character makes the difference, which a reader may have taken for another."""
    name = names.normalise(declared)
    if len(read) != len(name):
        return False
    different = sum(one != other for one, other in zip(read, name, strict=True))
    return different == 1 and len(name) >= 3
