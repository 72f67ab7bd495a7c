"""How a text that was typed stands on its pages: lines as Chinese is set, on A4. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: Of A4, in points.
WIDTH, HEIGHT, MARGIN = 595.276, 841.89, 72.0
SIZE, LEADING = 12.0, 21.0
_MEASURE = WIDTH - 2 * MARGIN
_INDENT = 2 * SIZE
#: How far the characters of a full line may be drawn apart, all of them together.
_MOST_SLACK = 2 * SIZE
_NEVER_FIRST = frozenset("，。、；：！？）」』】》〉〕〗”’…—·～％‰℃°!),.:;?]}%·・ー々")
#: A minus at a line's end would be read as the sign that parts a word.
_NEVER_LAST = frozenset("（「『【《〈〔〖“‘([{-\u2010$￥¥#@")
#: Width of a character in points at `SIZE`.
WidthOf = Callable[[str], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`text` begins at `left`; `apart` is what stands between its characters beside their widths; all in points."""

    text: str
    left: float
    apart: float = 0.0


def pages(text: str, width_of: WidthOf, *, head_lines: int = 0) -> Iterator[Sequence[Line | None]]:
    """The lines of each page, None for an empty one; the first page keeps `head_lines` free."""
    most = int((HEIGHT - 2 * MARGIN) / LEADING)
    held: list[Line | None] = [None] * head_lines
    for line in _lines(text, width_of):
        if len(held) == most:
            yield held
            held = []
        if line is not None or held:  # no page begins with an empty line
            held.append(line)
    if any(held):
        yield held


def _lines(text: str, width_of: WidthOf) -> Iterator[Line | None]:
    for paragraph in text.split("\n"):
        if not paragraph:
            yield None
        indent, rest = _INDENT, paragraph
        while rest:
            room = _MEASURE - indent
            length = _fitting(rest, room, width_of)
            piece, rest = rest[:length].rstrip(" "), rest[length:].lstrip(" ")
            slack = room - sum(map(width_of, piece))
            full = bool(rest) and 0 < slack <= _MOST_SLACK and len(piece) > 1
            yield Line(text=piece, left=MARGIN + indent, apart=slack / (len(piece) - 1) if full else 0.0)
            indent = 0.0


def _fitting(text: str, room: float, width_of: WidthOf) -> int:
    """How many characters stand on a line, at least one: up to the last place where it may end."""
    used, best, most = 0.0, 0, 0
    for at, character in enumerate(text):
        if at and _may_break(text[at - 1], character):
            best = at
        used += width_of(character)
        if used > room and character != " ":
            return best or max(most, 1)
        most = at + 1
    return len(text)


def _may_break(before: str, behind: str) -> bool:
    if behind == " " or behind in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return before == " " or not (_of_word(before) and _of_word(behind))


def _of_word(character: str) -> bool:
    """Of writing whose words stay together."""
    return character < "\u2e80"
