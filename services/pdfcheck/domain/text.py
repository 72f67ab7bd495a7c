"""What is written in a document and where, and where in it something is found. Pure.

Places are in ten-thousandths of a page as it is seen, upright, from the upper left. What was read comes from a process
that has just looked at a hostile file: `from_json` checks all of it, and bounds it.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.pdfcheck.domain.facts import Json

#: The side of a page.
SIDE = 10_000
#: Characters of a page and of a document that are kept; a book has a million.
MOST_OF_A_PAGE = 20_000
MOST_OF_ALL = 400_000
#: Places that a search tells; more are counted.
MOST_HITS = 200
LONGEST_QUERY = 100
_AROUND = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`starts` is where each character begins, from the left."""

    text: str
    box: Box
    starts: tuple[int, ...]

    def part(self, begin: int, end: int) -> Box:
        """The box of some of its characters."""
        right = self.starts[end] if end < len(self.starts) else self.box.right
        return Box(
            left=self.starts[begin], top=self.box.top, right=max(right, self.starts[begin]), bottom=self.box.bottom
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentText:
    """The lines of each page; `cut` where there is more than is kept."""

    pages: tuple[tuple[Line, ...], ...]
    cut: bool = False

    @property
    def pages_with_text(self) -> int:
        """How many pages are more than a picture."""
        return sum(1 for lines in self.pages if lines)

    def to_json(self) -> dict[str, Json]:
        """Plain data, as the sandbox hands it back."""
        return {"pages": [[_line_to_json(line) for line in lines] for lines in self.pages], "cut": self.cut}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One place where it is written; a box for each line that it runs over."""

    page: int
    before: str
    text: str
    behind: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The first hits, and how many there are."""

    hits: tuple[Hit, ...]
    count: int


def shown(text: str) -> str:
    """The same without what is not shown or turns the direction of others: controls, formats, halves of pairs."""
    return "".join(each if unicodedata.category(each)[0] != "C" else " " for each in text)


def plain(text: str) -> str:
    """As it is compared: width and case make no difference, spaces and line ends neither."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def from_json(data: Json) -> DocumentText:
    """What the sandbox read. Raises `ValueError` for another shape."""
    match data:
        case {"pages": [*pages], "cut": bool(cut)}:
            read = tuple(tuple(map(_line, _sequence(lines))) for lines in pages)
            if sum(len(line.text) for lines in read for line in lines) > MOST_OF_ALL:
                raise ValueError("more text than was asked for")
            return DocumentText(pages=read, cut=cut)
    raise ValueError("pages of lines were expected")


def search(document: DocumentText, query: str) -> Found:
    """Where `query` stands, over line ends too; overlapping places count once."""
    wanted = plain(query)
    hits: list[Hit] = []
    count = 0
    for number, lines in enumerate(document.pages, start=1):
        for hit in _on_page(number, lines, wanted):
            count += 1
            if len(hits) < MOST_HITS:
                hits.append(hit)
    return Found(hits=tuple(hits), count=count)


def _on_page(number: int, lines: Sequence[Line], wanted: str) -> Iterator[Hit]:
    # Of each compared character: the line and the place in it that it comes from.
    compared: list[str] = []
    places: list[tuple[int, int]] = []
    for row, line in enumerate(lines):
        for column, character in enumerate(line.text):
            for each in plain(character):
                compared.append(each)
                places.append((row, column))
    text, at = "".join(compared), -len(wanted)
    while wanted and (at := text.find(wanted, at + len(wanted))) >= 0:
        yield _hit(number, lines, places[at], places[at + len(wanted) - 1])


def _hit(number: int, lines: Sequence[Line], first: tuple[int, int], last: tuple[int, int]) -> Hit:
    rows = range(first[0], last[0] + 1)
    boxes, words = [], []
    for row in rows:
        begin = first[1] if row == first[0] else 0
        end = last[1] + 1 if row == last[0] else len(lines[row].text)
        boxes.append(lines[row].part(begin, end))
        words.append(lines[row].text[begin:end])
    before = lines[first[0]].text[max(0, first[1] - _AROUND) : first[1]]
    behind = lines[last[0]].text[last[1] + 1 : last[1] + 1 + _AROUND]
    return Hit(page=number, before=before, text="".join(words), behind=behind, boxes=tuple(boxes))


def _line_to_json(line: Line) -> list[Json]:
    box = line.box
    return [line.text, box.left, box.top, box.right, box.bottom, list(line.starts)]


def _line(data: Json) -> Line:
    match data:
        case [str(text), int(left), int(top), int(right), int(bottom), [*starts]] if 0 < len(text) == len(starts):
            places = [_place(each) for each in starts]
            box = Box(left=_place(left), top=_place(top), right=_place(right), bottom=_place(bottom))
            return Line(text=shown(text), box=box, starts=tuple(places))
    raise ValueError("a line of text was expected")


def _place(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= SIDE:
        raise ValueError(f"a place on the page was expected, not {value!r}")
    return value


def _sequence(value: Json) -> Sequence[Json]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise ValueError("a list was expected")
    return value
