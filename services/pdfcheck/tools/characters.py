"""How many characters stand on each page of a PDF, as the sandbox calls it: `services.pdfcheck.tools.characters:count`.

What counts is what a reader would count by hand: every character but spaces (M15-2h, M15-10). A page that is a picture
has none that could be counted, whatever a scanning program wrote on its edge.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, cast

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.lengths import NOT_COUNTABLE, counted

_BUFFER_BYTES = 256 * 1024
#: A page of which pictures cover so much, with fewer characters than this, is a scan with a mark on it.
_COVERED, _FEW = 0.5, 100
#: As pdfium tells of a hyphen at the end of a line.
_PARTING = "\ufffe"
#: More pages than any text of some thousand characters has.
_MOST_PAGES = 500
#: Objects of a page that are looked at for pictures.
_MOST_OBJECTS = 5000


def count(
    sources: Sequence[io.RawIOBase], _arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> dict[str, Json]:
    """`pages`: characters of each page of `sources[0]`, `NOT_COUNTABLE` for a page that is a picture. A picture file is
    one such page. Raises what pdfium raises on a file that it cannot open.
    """
    source = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    kind = media_type(source.read(HEAD_BYTES))
    source.seek(0)
    if kind is not MediaType.PDF:
        return {"pages": [NOT_COUNTABLE]}
    document = pdfium.PdfDocument(source)
    try:
        pages: list[Json] = []
        for number in range(len(document)):
            pages.append(_of(document[number]) if number < _MOST_PAGES else NOT_COUNTABLE)
            progress((number + 1) / len(document))
        return {"pages": pages}
    finally:
        document.close()


def _of(page: pdfium.PdfPage) -> int:
    text = page.get_textpage().get_text_range(errors="ignore")
    found = counted(text.replace(_PARTING, "-"))
    return NOT_COUNTABLE if not found or (found < _FEW and _covered(page) >= _COVERED) else found


def _covered(page: pdfium.PdfPage) -> float:
    """The share of the page that its largest picture covers."""
    width, height = page.get_size()
    largest = 0.0
    for seen, drawn in enumerate(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE])):
        left, bottom, right, top = drawn.get_bounds()
        largest = max(largest, (min(right, width) - max(left, 0)) * (min(top, height) - max(bottom, 0)))
        if seen >= _MOST_OBJECTS:
            break
    return largest / (width * height) if width * height else 0.0
