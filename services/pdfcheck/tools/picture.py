"""A photograph or scan (JPEG, PNG) as a PDF of one page, the right way up.

JPEG data is embedded untouched but for what :mod:`~services.pdfcheck.tools.jpeg` leaves out. A PNG with transparency
is put on white, because PDF viewers disagree on what lies under it.
"""

import io
import warnings
import zlib
from dataclasses import dataclass, replace

import img2pdf
import pikepdf
from PIL import Image

from services.catalogue.sniff import MediaType
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.domain.facts import DocumentFacts, Health, PageSize
from services.pdfcheck.tools import jpeg, pages

#: Most pixels that are decoded: a scan of A3 at 600 dpi has 70 million.
MAX_PIXELS = 100_000_000
#: Most bytes of one picture that are taken in at once.
MAX_BYTES = 160 * 2**20
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_POINTS_PER_INCH = 72.0
_A4 = (595.276, 841.89)
#: The sides that a PDF page may have.
_PAGE_SIDES = (3.0, 14400.0)
#: Stated densities outside of this say nothing about paper: cameras write 72.
_DPI_OF_SCANS = (100.0, 1200.0)
#: The unit square to the page for each EXIF orientation: a b c d e f of a PDF matrix, times width and height.
_TURNS: dict[int, tuple[int, int, int, int, int, int]] = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}


class TooManyPixelsError(Exception):
    """The picture unpacks to more than any scan of a page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PicturePage:
    """`pdf` is a file of one page; the pixels are counted upright."""

    pdf: bytes
    width_px: int
    height_px: int


def facts_of(content: bytes, media_type: MediaType) -> DocumentFacts:
    """The facts of a picture, judged as the page that it becomes (G-07)."""
    blank = DocumentFacts(size_bytes=len(content), media_type=media_type, health=Health.DAMAGED)
    try:
        page = page_of(content, media_type)
    except jpeg.DamagedError:
        return blank
    except TooManyPixelsError:
        return replace(blank, health=Health.TOO_COMPLEX, excess=Excess(limit=Limit.PIXELS, allowed=MAX_PIXELS))
    with pikepdf.open(io.BytesIO(page.pdf)) as pdf:
        size = pages.alone_bytes(pdf.pages[0])
    return DocumentFacts(
        size_bytes=len(content),
        media_type=media_type,
        health=Health.SOUND,
        pages=(PageSize(size_bytes=size),),
        images_only=True,
        width_px=page.width_px,
        height_px=page.height_px,
    )


def page_of(content: bytes, media_type: MediaType) -> PicturePage:
    """The one-page PDF of a picture.

    Raises `jpeg.DamagedError` for a picture that does not decode to its end, and :class:`TooManyPixelsError`.
    """
    return _jpeg_page(content) if media_type is MediaType.JPEG else _png_page(content)


def page_size_pt(width_px: int, height_px: int, dpi: float | None) -> tuple[float, float]:
    """The page of an upright picture in points: by its density where a scanner stated one, else within A4."""
    if dpi is not None and _DPI_OF_SCANS[0] <= dpi <= _DPI_OF_SCANS[1]:
        scale = _POINTS_PER_INCH / dpi
    else:
        short, long = _A4
        box = (short, long) if height_px >= width_px else (long, short)
        scale = min(box[0] / width_px, box[1] / height_px)
    smallest, largest = _PAGE_SIDES
    return min(max(width_px * scale, smallest), largest), min(max(height_px * scale, smallest), largest)


def _decode(content: bytes, *, fraction: int = 1) -> Image.Image:
    """Decode to the end, at 1/`fraction` of the size where the format can. Raises as `page_of` does."""
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        if image.width * image.height > MAX_PIXELS:
            raise TooManyPixelsError
        if fraction > 1:
            image.draft(image.mode, (max(1, image.width // fraction), max(1, image.height // fraction)))
        image.load()
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError from error
    except (OSError, SyntaxError, ValueError) as error:
        # What Pillow says of data that ends early or makes no sense; the data is in memory, so nothing was read.
        raise jpeg.DamagedError("does not decode") from error
    return image


def _jpeg_page(content: bytes) -> PicturePage:
    picture = jpeg.read(content)
    _decode(picture.data, fraction=8)
    turn = _TURNS[picture.orientation]
    upright = (picture.width_px, picture.height_px)
    width_px, height_px = upright if turn[0] else upright[::-1]
    size = page_size_pt(width_px, height_px, picture.density_dpi)
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=size)
        page = pdf.pages[0].obj
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=_embedded(pdf, picture)))
        page.Contents = pdf.make_stream(f"q {_matrix(turn, size)} cm /Im0 Do Q".encode())
        written = io.BytesIO()
        pdf.save(written, compress_streams=False, deterministic_id=True)
    return PicturePage(pdf=written.getvalue(), width_px=width_px, height_px=height_px)


def _matrix(turn: tuple[int, int, int, int, int, int], size: tuple[float, float]) -> str:
    width, height = size
    return " ".join(f"{part * (width, height)[place % 2]:.4f}" for place, part in enumerate(turn))


def _embedded(pdf: pikepdf.Pdf, picture: jpeg.Jpeg) -> pikepdf.Stream:
    spaces = {1: pikepdf.Name.DeviceGray, 3: pikepdf.Name.DeviceRGB, 4: pikepdf.Name.DeviceCMYK}
    image = pdf.make_stream(picture.data)
    image.Type = pikepdf.Name.XObject
    image.Subtype = pikepdf.Name.Image
    image.Width = picture.width_px
    image.Height = picture.height_px
    image.ColorSpace = spaces[picture.components]
    image.BitsPerComponent = 8
    image.Filter = pikepdf.Name.DCTDecode
    if picture.inverted:
        image.Decode = pikepdf.Array([1, 0] * 4)
    return image


def _png_page(content: bytes) -> PicturePage:
    content = _whole_chunks(content)
    image = _decode(content)
    if "A" in image.getbands() or "transparency" in image.info:
        content = _flattened(image)
    density = image.info.get("dpi")
    dpi = float(density[0]) if isinstance(density, tuple) else None
    size = page_size_pt(image.width, image.height, dpi)
    try:
        written: object = img2pdf.convert(content, layout_fun=img2pdf.get_layout_fun(size), nodate=True, producer="")
    except MemoryError:
        raise
    except Exception as error:  # img2pdf has no type of its own for most of what it finds wrong
        raise jpeg.DamagedError("does not become a page") from error
    if not isinstance(written, bytes):
        raise TypeError("img2pdf returned no bytes")
    return PicturePage(pdf=written, width_px=image.width, height_px=image.height)


def _whole_chunks(content: bytes) -> bytes:
    """The picture without what stands behind its end, every chunk of it whole and with a right checksum.

    Pillow and img2pdf each overlook some faults, and img2pdf takes what stands behind the end for chunks.
    """
    at = len(_PNG_SIGNATURE)
    while True:
        length = int.from_bytes(content[at : at + 4], "big")
        kind, end = content[at + 4 : at + 8], at + 12 + length
        stated = content[end - 4 : end]
        if len(stated) < 4 or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(stated, "big"):
            raise jpeg.DamagedError("a chunk is cut off or altered")
        if kind == b"IEND":
            return content[:end]
        at = end


def _flattened(image: Image.Image) -> bytes:
    """The picture on white, as PNG."""
    front = image.convert("RGBA")
    white = Image.new("RGBA", front.size, "white")
    white.alpha_composite(front)
    written = io.BytesIO()
    white.convert("RGB").save(written, "PNG")
    return written.getvalue()
