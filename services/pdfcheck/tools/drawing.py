"""A document whose pages are drawn: opened once, a page at a time, upright and as wide as is asked for."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol, cast

import pikepdf
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageOps

from services.catalogue.sniff import CONVERTED, DOCUMENT_PARTS, EMBEDDED, HEAD_BYTES, MediaType, media_type
from services.pdfcheck.tools import converted, direct, fonts, picture

QUALITY = 82
_BUFFER_BYTES = 256 * 1024
#: A page that is much higher than wide is made no higher than so many times its width.
_TALLEST = 4


class NoSuchPage(ValueError):
    """The document has fewer pages."""


class Drawable(Protocol):
    """What has pages."""

    def draw(self, number: int, width_px: int) -> Image.Image:
        """Page `number` (from 1). Raises `NoSuchPage`, and whatever the libraries raise on a broken file."""
        ...


@contextmanager
def opened(source: io.RawIOBase) -> Iterator[Drawable]:
    """A PDF or picture. Raises `NoSuchPage` for anything else, and what converting a TIFF or HEIC raises."""
    # A raw source is buffered; the reader is a binary file in all that is used of it.
    buffered = cast("BinaryIO", io.BufferedReader(source, _BUFFER_BYTES))
    kind = media_type(buffered.read(HEAD_BYTES))
    buffered.seek(0)
    if kind in EMBEDDED or kind not in DOCUMENT_PARTS:
        yield Photograph(buffered, kind)
        return
    converted_too = kind in CONVERTED  # as the pages that a merge makes of it
    document = Pdf(io.BytesIO(converted.document_of(buffered.read(), kind)) if converted_too else buffered)
    try:
        yield document
    finally:
        document.close()


class Pdf:
    """Pages that are one JPEG are decoded from their data; pdfium draws the others."""

    def __init__(self, source: BinaryIO, *, direct_too: bool = True) -> None:
        """Raises what pdfium raises on a file that it cannot open."""
        fonts.install()
        self._source = source
        self._document = pdfium.PdfDocument(source)
        self._document.init_forms()
        self._direct_too = direct_too
        self._structure: pikepdf.Pdf | None = None

    def draw(self, number: int, width_px: int) -> Image.Image:
        """See the protocol."""
        if not 1 <= number <= len(self._document):
            raise NoSuchPage(f"of {len(self._document)}")
        page = self._document[number - 1]
        try:
            wide, high = page.get_size()
            scale = min(width_px / wide, _TALLEST * width_px / high)
            if self._direct_too and _is_one_picture(page):
                size = max(1, round(wide * scale)), max(1, round(high * scale))
                found = self._decoded(number, size)
                if found is not None:
                    return found
            drawn: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil()
            return drawn
        finally:
            page.close()

    def _decoded(self, number: int, size: tuple[int, int]) -> Image.Image | None:
        """Without pdfium, None where that is not the same."""
        try:
            if self._structure is None:
                self._structure = pikepdf.open(
                    self._source, suppress_warnings=True, access_mode=pikepdf.AccessMode.stream
                )
            scan = direct.scan_of(self._structure, number)
        except (pikepdf.PdfError, ValueError, TypeError):  # what it thinks of a file that pdfium opens
            self._direct_too = False
            return None
        return None if scan is None else direct.decoded(scan, *size)

    def close(self) -> None:
        """Give everything back."""
        if self._structure is not None:
            self._structure.close()
        self._document.close()


def _is_one_picture(page: pdfium.PdfPage) -> bool:
    """Whether pdfium, too, sees nothing but one picture on it."""
    if pdfium_c.FPDFPage_CountObjects(page) != 1 or pdfium_c.FPDFPage_GetAnnotCount(page):
        return False
    shown = pdfium_c.FPDFPage_GetObject(page, 0)
    is_image = pdfium_c.FPDFPageObj_GetType(shown) == pdfium_c.FPDF_PAGEOBJ_IMAGE
    return is_image and not pdfium_c.FPDFPage_HasTransparency(page)


class Photograph:
    """A picture is a document of one page."""

    def __init__(self, source: BinaryIO, kind: MediaType) -> None:
        """Nothing is read yet."""
        self._source = source
        self._kind = kind

    def draw(self, number: int, width_px: int) -> Image.Image:
        """See the protocol; transparency is white."""
        if self._kind not in EMBEDDED or number != 1:
            raise NoSuchPage("of 1")
        self._source.seek(0)
        with Image.open(self._source) as opened_here:
            if opened_here.width * opened_here.height > picture.MAX_PIXELS:
                raise picture.TooManyPixelsError
            opened_here.draft("RGB", (2 * width_px, 2 * width_px))
            upright = ImageOps.exif_transpose(opened_here)
        upright.thumbnail((width_px, _TALLEST * width_px))
        if upright.mode in ("RGBA", "LA", "PA"):
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(white, upright)
        return upright


def smaller(image: Image.Image, width_px: int) -> Image.Image:
    """The same at a fraction of its size, so wide or up to `direct.WIDER` wider; never larger."""
    reduced = image.reduce(max(1, image.width // width_px))
    if reduced.width <= width_px * (1 + direct.WIDER):
        return reduced
    size = (width_px, max(1, round(image.height * width_px / image.width)))
    return reduced.resize(size, Image.Resampling.BILINEAR)


def jpeg(image: Image.Image) -> bytes:
    """As it is kept."""
    written = io.BytesIO()
    (image if image.mode in ("L", "RGB") else image.convert("RGB")).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()
