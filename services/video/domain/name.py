"""The file name `<name><18-character ID number>.mp4` (M15-2f): what it says, what is wrong with it, how it should be.

Differences of form alone are accepted and made normal: full-width digits and letters, decomposed characters, every
writing of the `·` in a name, x for X, .MP4. Everything else is named with its place.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.catalogue import id_number as ids
from services.catalogue import names
from services.catalogue.findings import Finding
from services.video.domain.disc import MAX_NAME_UNITS, units

EXTENSION = ".mp4"
_EXTENSION = re.compile(r"[.．](?P<extension>[^.．]*)$")
_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
#: What computers append to the name of a copy.
_COPY_MARK = re.compile(r"[\s_-]*(?:[(（]\d+[)）]|副本|copy)$", re.IGNORECASE)
#: Planes 2 and 3 hold nothing but ideographs, those to come included.
_IDEOGRAPHIC = range(0x20000, 0x3FFFE)
#: Private use and unassigned: how fonts of old wrote rare characters.
_UNKNOWN = frozenset({"Co", "Cn"})
_DIGITS = frozenset("0123456789")


class NameReason(StrEnum):
    """What is wrong with a name; `messages/video.yaml` words each."""

    EXTENSION = "extension"
    CHARACTER = "character"
    NO_NAME = "no-name"
    NO_ID_NUMBER = "no-id-number"
    ID_LENGTH = "id-length"
    TOO_LONG = "too-long"


@dataclass(frozen=True, kw_only=True, slots=True)
class NameProblem:
    """The first thing that is wrong: `position` counts characters from 1 (0 for the whole), `found` stands there."""

    reason: NameReason
    position: int = 0
    found: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedName:
    """What a file name says. `suggested` is the name as it should be written, empty when it cannot be told.

    `name` and `id_number` are empty when the name has a problem.
    """

    name: str
    id_number: str
    suggested: str
    problem: NameProblem | None


def parse_name(file_name: str) -> ParsedName:
    """Parse a file name without folders."""
    composed = unicodedata.normalize("NFC", file_name)
    stem, problem = _without_extension(composed)
    characters = "".join(_normal(character) for character in stem)
    split = _name_length(characters)
    problem = problem or _problem_of(characters, split)
    if problem is not None:
        return ParsedName(name="", id_number="", suggested=_suggest(characters), problem=problem)
    name, id_number = characters[:split], characters[split:].upper()
    suggested = f"{name}{id_number}{EXTENSION}"
    if units(suggested) > MAX_NAME_UNITS:
        return ParsedName(name="", id_number="", suggested="", problem=NameProblem(reason=NameReason.TOO_LONG))
    return ParsedName(name=name, id_number=id_number, suggested=suggested, problem=None)


def judge_name(file_name: str, today: date) -> tuple[Finding, ...]:
    """The findings on a file name: its form (M15-2f) and its ID number (GB 11643). They quote no name or number."""
    parsed = parse_name(file_name)
    if parsed.problem is not None:
        problem = parsed.problem
        params = {"reason": problem.reason.value, "position": problem.position, "found": problem.found}
        return (Finding(code="video.name-format", rule_id="M15-2f", params=params),)
    wrong = ids.check_id_number(parsed.id_number, today)
    if wrong is None:
        return ()
    params = {"reason": wrong.reason, "position": wrong.position}
    return (Finding(code="video.id-number-invalid", rule_id="C-23", params=params),)


def _normal(character: str) -> str:
    """One character in its plain form; the count of characters stays, so that positions hold."""
    if character in names.SEPARATORS:
        return names.SEPARATOR
    return chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character


def _without_extension(file_name: str) -> tuple[str, NameProblem | None]:
    match = _EXTENSION.search(file_name)
    extension = ids.normalise(match["extension"]).lower() if match else ""
    if match and extension == "mp4":
        return file_name[: match.start()], None
    return file_name, NameProblem(reason=NameReason.EXTENSION, found=extension[:10] or "–")


def _is_name_character(character: str) -> bool:
    """Letters of any script with their marks, 〇, and the dot between the parts of a name; ideographs also where
    Python's tables are older than the character (extensions H and later).
    """
    category = unicodedata.category(character)
    return character == names.SEPARATOR or category[0] in "LM" or category == "Nl" or ord(character) in _IDEOGRAPHIC


def _name_length(characters: str) -> int:
    for position, character in enumerate(characters):
        if not _is_name_character(character):
            return position
    return len(characters)


def _problem_of(characters: str, split: int) -> NameProblem | None:
    if split == len(characters):
        return NameProblem(reason=NameReason.NO_ID_NUMBER if characters else NameReason.NO_NAME)
    if characters[split] not in _DIGITS:
        return _wrong_character(characters, split)
    if split == 0:
        return NameProblem(reason=NameReason.NO_NAME, position=1)
    for edge in (0, split - 1):
        if characters[edge] == names.SEPARATOR:
            return _wrong_character(characters, edge)
    return _problem_of_id(characters, split)


def _problem_of_id(characters: str, start: int) -> NameProblem | None:
    end = start
    while end < len(characters) and characters[end] in _DIGITS:
        end += 1
    if end < len(characters) and characters[end] in "Xx" and end - start < ids.LENGTH:
        end += 1
    length = end - start
    if end < len(characters):
        return _wrong_character(characters, end)
    return (
        None
        if length == ids.LENGTH
        else NameProblem(reason=NameReason.ID_LENGTH, position=start + 1, found=str(length))
    )


def _wrong_character(characters: str, position: int) -> NameProblem:
    found = characters[position]
    shown = found if found.isprintable() and not found.isspace() else f"U+{ord(found):04X}"
    return NameProblem(reason=NameReason.CHARACTER, position=position + 1, found=shown)


def _suggest(characters: str) -> str:
    """The normal name when one name and one ID number can be told from the wreck."""
    unmarked = _COPY_MARK.sub("", characters.removesuffix("·mp4").strip())
    if any(unicodedata.category(c) in _UNKNOWN and not _is_name_character(c) for c in unmarked):
        return ""  # it may be part of the name, and dropping it would suggest another one
    kept = "".join(c for c in unmarked if c in _DIGITS or _is_name_character(c))
    match = _ID.search(kept)
    if match is None:
        return ""
    name = (kept[: match.start()] or kept[match.end() :]).strip(names.SEPARATOR)
    if not name or any(character in _DIGITS for character in name):
        return ""
    suggested = f"{name}{match[0].upper()}{EXTENSION}"
    return suggested if units(suggested) <= MAX_NAME_UNITS else ""
