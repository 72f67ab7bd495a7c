"""One page as a picture for the screen, as the sandbox calls it: `services.pdfcheck.tools.render:render`."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pypdfium2 as pdfium
from PIL import Image, ImageOps

from services.catalogue.sniff import HEAD_BYTES, PICTURES, MediaType, media_type
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import picture

#: The one file in the scratch folder.
RESULT = "page.jpg"
_BUFFER_BYTES = 256 * 1024
_QUALITY = 82
#: A page that is much higher than wide is made no higher than so many times its width.
_TALLEST = 4


class NoSuchPage(ValueError):
    """The document has fewer pages."""


def render(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """Writes `scratch / RESULT`: page `page` (from 1) of `sources[0]`, upright, `width_px` wide, as a JPEG.

    Returns its width and height in pixels. Raises `NoSuchPage`, and whatever the libraries raise on a broken file.
    """
    page, width, scratch = arguments["page"], arguments["width_px"], arguments["scratch"]
    if not isinstance(page, int) or not isinstance(width, int) or not isinstance(scratch, str):
        raise TypeError("page and width_px are whole numbers, scratch is a folder")
    # A raw source is buffered; the reader is a binary file in all that is used of it.
    source = cast("BinaryIO", io.BufferedReader(sources[0], _BUFFER_BYTES))
    kind = media_type(source.read(HEAD_BYTES))
    source.seek(0)
    image = _of_pdf(source, page, width) if kind is MediaType.PDF else _of_picture(source, kind, page, width)
    image.convert("RGB").save(Path(scratch) / RESULT, "JPEG", quality=_QUALITY, optimize=False)
    return {"width_px": image.width, "height_px": image.height}


def _of_pdf(source: BinaryIO, number: int, width_px: int) -> Image.Image:
    document = pdfium.PdfDocument(source)
    try:
        document.init_forms()
        if not 1 <= number <= len(document):
            raise NoSuchPage(f"of {len(document)}")
        page = document[number - 1]
        wide, high = page.get_size()
        scale = min(width_px / wide, _TALLEST * width_px / high)
        drawn: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil()
        return drawn
    finally:
        document.close()


def _of_picture(source: BinaryIO, kind: MediaType, number: int, width_px: int) -> Image.Image:
    if kind not in PICTURES or number != 1:
        raise NoSuchPage("of 1")
    with Image.open(source) as opened:
        if opened.width * opened.height > picture.MAX_PIXELS:
            raise picture.TooManyPixelsError
        opened.draft("RGB", (2 * width_px, 2 * width_px))
        upright = ImageOps.exif_transpose(opened)
    upright.thumbnail((width_px, _TALLEST * width_px))
    if upright.mode in ("RGBA", "LA", "PA"):
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        return Image.alpha_composite(white, upright)
    return upright
