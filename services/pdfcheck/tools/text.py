"""The text layer of a PDF with its places, as the sandbox calls it: `services.pdfcheck.tools.text:read`."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import byref, c_double, c_int
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.text import MOST_OF_A_PAGE, MOST_OF_ALL, SIDE, Box, DocumentText, Line, shown

_BUFFER_BYTES = 256 * 1024
#: What is handed back must stay below a frame: a character is up to twelve bytes of JSON, a line some more.
_MOST_COST = 5 * 2**20
_COST_OF_CHARACTER, _COST_OF_LINE = 14, 60
#: A gap between two characters of so many of their heights begins a new line.
_GAP = 3


def read(
    sources: Sequence[io.RawIOBase], _arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """The text of `sources[0]` (`domain.text.from_json` reads it); of a picture there is none on its one page.

    Raises what pdfium raises on a file that it cannot open.
    """
    source = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    kind = media_type(source.read(HEAD_BYTES))
    source.seek(0)
    if kind is not MediaType.PDF:
        return DocumentText(pages=((),)).to_json()
    document = pdfium.PdfDocument(source)
    try:
        return _of(document, progress).to_json()
    finally:
        document.close()


def _of(document: pdfium.PdfDocument, progress: Callable[[float], None]) -> DocumentText:
    pages: list[tuple[Line, ...]] = []
    left, cost, cut = MOST_OF_ALL, 0, False
    for number in range(len(document)):
        most = min(MOST_OF_A_PAGE, left) if cost < _MOST_COST else 0
        lines, more = _page(document, number, most) if most else ((), False)
        pages.append(lines)
        left -= sum(len(line.text) for line in lines)
        cost += sum(len(line.text) * _COST_OF_CHARACTER + _COST_OF_LINE for line in lines)
        cut = cut or more or not most
        progress((number + 1) / len(document))
    return DocumentText(pages=tuple(pages), cut=cut)


@dataclass(slots=True)
class _Building:
    """A line while characters are added; places in ten-thousandths of the page."""

    text: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    left: int = SIDE
    top: int = SIDE
    right: int = 0
    bottom: int = 0

    def takes(self, box: Box) -> bool:
        """Whether a character goes on with this line."""
        middle, height = (box.top + box.bottom) // 2, self.bottom - self.top
        return self.top <= middle <= self.bottom and self.starts[-1] <= box.left <= self.right + _GAP * max(height, 1)

    def add(self, character: str, box: Box) -> None:
        """Put it behind the others."""
        self.text.append(character)
        self.starts.append(box.left)
        self.left, self.top = min(self.left, box.left), min(self.top, box.top)
        self.right, self.bottom = max(self.right, box.right), max(self.bottom, box.bottom)

    def line(self) -> Line:
        """What it has become, without spaces at its end."""
        text = shown("".join(self.text)).rstrip()
        box = Box(left=self.left, top=self.top, right=self.right, bottom=self.bottom)
        return Line(text=text, box=box, starts=tuple(self.starts[: len(text)]))


def _page(document: pdfium.PdfDocument, number: int, most: int) -> tuple[tuple[Line, ...], bool]:
    """The lines of a page, up to `most` characters, and whether there are more. A page that pdfium cannot read has
    none.
    """
    try:
        page = document[number]
        text = page.get_textpage()
    except pdfium.PdfiumError:
        return (), False
    try:
        count = text.count_chars()
        place = _Placing(page)
        lines = [line for line in _lines(_characters(text, place, min(count, most))) if line.text.strip()]
        return tuple(lines), count > most
    finally:
        text.close()
        page.close()


def _lines(characters: Iterator[tuple[str, Box | None]]) -> Iterator[Line]:
    building = _Building()
    for character, box in characters:
        ends = character in "\r\n" or (box is not None and building.text and not building.takes(box))
        if ends and building.text:
            yield building.line()
            building = _Building()
        if box is not None:
            building.add(character, box)
        elif building.text and character == " ":
            building.add(" ", Box(left=building.right, top=building.top, right=building.right, bottom=building.bottom))
    if building.text:
        yield building.line()


class _Placing:
    """From the page's own units to places as it is seen: turned and cut as pdfium shows it."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        """Three points tell the rest."""
        zero, across, up = (_seen(page, *point) for point in ((0, 0), (1000, 0), (0, 1000)))
        self._zero = zero
        self._across = ((across[0] - zero[0]) / 1000, (across[1] - zero[1]) / 1000)
        self._up = ((up[0] - zero[0]) / 1000, (up[1] - zero[1]) / 1000)

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Within the page."""
        corners = [self._point(x, y) for x, y in ((left, bottom), (right, top))]
        xs, ys = sorted(x for x, _ in corners), sorted(y for _, y in corners)
        return Box(left=_within(xs[0]), top=_within(ys[0]), right=_within(xs[1]), bottom=_within(ys[1]))

    def _point(self, x: float, y: float) -> tuple[float, float]:
        return (
            self._zero[0] + self._across[0] * x + self._up[0] * y,
            self._zero[1] + self._across[1] * x + self._up[1] * y,
        )


def _seen(page: pdfium.PdfPage, x: float, y: float) -> tuple[int, int]:
    across, down = c_int(), c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, SIDE, SIDE, 0, x, y, byref(across), byref(down))
    return across.value, down.value


def _within(place: float) -> int:
    return max(0, min(SIDE, round(place)))


def _characters(text: pdfium.PdfTextPage, place: _Placing, count: int) -> Iterator[tuple[str, Box | None]]:
    """Each with its box; None for those that pdfium puts between: spaces and line ends."""
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    high = 0
    for index in range(count):
        code = pdfium_c.FPDFText_GetUnicode(text, index)
        if 0xD800 <= code < 0xDC00:  # the first half of a pair
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code, high = (0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0) if high else (0xFFFD, 0)
        character = chr(code) if 0 < code < 0x110000 else "\ufffd"
        if character in "\r\n" or pdfium_c.FPDFText_IsGenerated(text, index) == 1:
            yield character, None
            continue
        # pdfium's "loose" box is as high as the line, not as the character: marks on one line are of one height.
        found = pdfium_c.FS_RECTF()
        if pdfium_c.FPDFText_GetLooseCharBox(text, index, found):
            yield character, place.box(found.left, found.bottom, found.right, found.top)
        elif pdfium_c.FPDFText_GetCharBox(text, index, byref(left), byref(right), byref(bottom), byref(top)):
            yield character, place.box(left.value, bottom.value, right.value, top.value)
