"""The upper part of pages, to be read: their text where they have any, else a picture (`…tools.heads:heads`)."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pypdfium2 as pdfium
from PIL import Image

from services.catalogue.sniff import HEAD_BYTES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import drawing, fonts

_BUFFER_BYTES = 256 * 1024
#: So wide a picture is read well, and so much of a page holds its heading.
WIDTH_PX = 1600
SHARE = 0.3
#: A page that is much wider or higher than paper is looked at up to here.
_MOST_HEIGHT_PX = 1000
#: Fewer letters than this are a stamp of a scanning program and no text layer.
_LEAST_LETTERS = 8
_MOST_LINES, _LONGEST_LINE = 40, 200


def heads(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], progress: Callable[[float], None]
) -> list[Json]:
    """Of pages `first` to `last` (from 1, both included) of `sources[0]`: `{"lines": [text, …]}`, or `{"width_px",
    "height_px"}` of a picture in `scratch` under the page's number: rows of red, green and blue bytes.

    Ends early when the document does. Raises what the libraries raise on a broken file.
    """
    first, last, scratch = arguments["first"], arguments["last"], arguments["scratch"]
    if not isinstance(first, int) or not isinstance(last, int) or not isinstance(scratch, str):
        raise TypeError("first and last are whole numbers, scratch is a folder")
    source = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    kind = media_type(source.read(HEAD_BYTES))
    source.seek(0)
    if kind is not MediaType.PDF:
        return list(_of_picture(sources[0], range(first, last + 1), Path(scratch)))
    fonts.install()
    document = pdfium.PdfDocument(source)
    try:
        found: list[Json] = []
        for number in range(first, min(last, len(document)) + 1):
            found.append(_of_page(document[number - 1], Path(scratch) / str(number)))
            progress((number - first + 1) / (last - first + 1))
        return found
    finally:
        document.close()


def _of_page(page: pdfium.PdfPage, target: Path) -> Json:
    width, height = page.get_size()
    text = page.get_textpage().get_text_bounded(bottom=height * (1 - SHARE), errors="ignore")
    if sum(character.isalnum() for character in text) >= _LEAST_LETTERS:
        return {"lines": [line[:_LONGEST_LINE] for line in text.splitlines() if line.strip()][:_MOST_LINES]}
    scale = WIDTH_PX / width
    wanted = min(height * SHARE, _MOST_HEIGHT_PX / scale)
    drawn: Image.Image = page.render(scale=scale, crop=(0, height - wanted, 0, 0), rev_byteorder=True).to_pil()
    return _kept(drawn, target)


def _of_picture(source: io.RawIOBase, numbers: Iterable[int], scratch: Path) -> Iterator[Json]:
    source.seek(0)
    with drawing.opened(source) as document:
        for number in numbers:
            try:
                drawn = document.draw(number, WIDTH_PX)
            except drawing.NoSuchPage:
                return
            height = max(1, min(round(drawn.height * SHARE), _MOST_HEIGHT_PX))
            yield _kept(drawn.crop((0, 0, drawn.width, height)), scratch / str(number))


def _kept(drawn: Image.Image, target: Path) -> Json:
    pixels = drawn.convert("RGB")
    target.write_bytes(pixels.tobytes())
    return {"width_px": pixels.width, "height_px": pixels.height}
