"""Pages of a document as pictures to measure on: the scan's own JPEG at half size where a page is one, else drawn.

All are made about as large as a sheet of A4 at 150 dots an inch: what is out of focus at that size is hard to read.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
import simplejpeg
from PIL import Image, ImageOps

from services.catalogue.sniff import MediaType
from services.pdfcheck.tools import jpeg
from services.pdfcheck.tools.paper import Pixels
from services.pdfcheck.tools.picture import MAX_PIXELS, TooManyPixelsError, page_size_pt

#: The longer side of what is measured on, in pixels: A4 at 150 dots an inch.
LONG_PX = 1754
_POINTS_PER_INCH = 72.0
#: A picture that covers this share of its page is what the page shows: its resolution is the page's.
_COVERS = 0.5
#: One that covers this share, alone and straight, may be measured on instead of the page.
_FILLS = 0.9
#: A page is not looked at beyond so many objects.
_MOST_OBJECTS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class PagePicture:
    """`rgb` is rows × columns × 3, upright as the page is shown; `dpi` is None where no picture makes the page.

    `text` is what the page's text layer says, in lines.
    """

    rgb: Pixels
    dpi: float | None = None
    text: str = ""


def of_document(source: BinaryIO, first: int, last: int) -> Iterator[PagePicture]:
    """Pages `first` to `last` (from 1, inclusive) of a PDF. Raises what pdfium raises."""
    document = pdfium.PdfDocument(source)
    try:
        document.init_forms()
        for number in range(first, min(last, len(document)) + 1):
            page = document[number - 1]
            yield _of_page(page)
            page.close()
    finally:
        document.close()


def pages_of(source: BinaryIO) -> int:
    """How many pages a PDF has."""
    document = pdfium.PdfDocument(source)
    try:
        return len(document)
    finally:
        document.close()


def of_picture(content: bytes, kind: MediaType) -> PagePicture:
    """A JPEG or PNG file, as the page that it becomes. Raises `ValueError` and what Pillow raises for a broken one."""
    if kind is MediaType.JPEG:
        told = jpeg.read(content)
        rgb = _smaller_jpeg(told.data)
        if rgb is not None:
            upright = _turned(rgb, told.orientation)
            sides = (told.width_px, told.height_px) if told.orientation < 5 else (told.height_px, told.width_px)
            return PagePicture(rgb=_reduced(upright), dpi=_dpi(sides, told.density_dpi))
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            raise TooManyPixelsError
        density = opened.info.get("dpi")
        shown = ImageOps.exif_transpose(opened)
    if shown.mode in ("RGBA", "LA", "PA", "P"):
        clear = shown.convert("RGBA")
        shown = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    stated = float(density[0]) if isinstance(density, tuple) else None
    return PagePicture(rgb=_reduced(np.asarray(shown.convert("RGB"))), dpi=_dpi(shown.size, stated))


def _dpi(sides_px: tuple[int, int], stated: float | None) -> float:
    """Of a picture on the page that it becomes."""
    width_pt, _ = page_size_pt(sides_px[0], sides_px[1], stated)
    return sides_px[0] / (width_pt / _POINTS_PER_INCH)


def _turned(rgb: Pixels, orientation: int) -> Pixels:
    """By EXIF's orientation."""
    flipped = rgb[:, ::-1] if orientation in (2, 4, 5, 7) else rgb
    return np.ascontiguousarray(np.rot90(flipped, {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)))


def _of_page(page: Any) -> PagePicture:
    images, others = _drawn(page)
    dpi = max((each.dpi for each in images if each.covers >= _COVERS), default=None)
    text = _text(page)
    alone = images[0] if len(images) == 1 and not others else None
    rgb = None if alone is None else _own_pixels(alone, page)
    return PagePicture(rgb=_rendered(page) if rgb is None else rgb, dpi=dpi, text=text)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawn:
    """A picture on a page: how dense it lies, how much of the page it covers, and whether it stands straight."""

    image: Any
    dpi: float
    covers: float
    straight: bool


def _drawn(page: Any) -> tuple[list[_Drawn], bool]:
    """The pictures on a page, and whether anything else is visible on it."""
    width, height = page.get_size()
    images: list[_Drawn] = []
    others = False
    for number, each in enumerate(page.get_objects()):
        if number >= _MOST_OBJECTS:
            return images, True
        if each.type == raw.FPDF_PAGEOBJ_IMAGE:
            images.append(_placed(each, width * height))
        elif each.type == raw.FPDF_PAGEOBJ_TEXT:
            shown = raw.FPDFTextObj_GetTextRenderMode(each.raw) != raw.FPDF_TEXTRENDERMODE_INVISIBLE
            others = others or shown
        elif each.type != raw.FPDF_PAGEOBJ_FORM:
            others = True
    return images, others


def _placed(image: Any, page_area: float) -> _Drawn:
    left, bottom, right, top = image.get_bounds()
    a, b, c, d, _, _ = image.get_matrix().get()
    wide, high = image.get_px_size()
    across, along = np.hypot(a, b), np.hypot(c, d)
    dpi = min(wide / across, high / along) * _POINTS_PER_INCH if across > 0 and along > 0 else 0.0
    covers = max(0.0, right - left) * max(0.0, top - bottom) / page_area if page_area else 0.0
    straight = image.level == 0 and a > 0 and d > 0 and abs(b) < 0.01 * a and abs(c) < 0.01 * d
    return _Drawn(image=image, dpi=float(dpi), covers=covers, straight=straight)


def _own_pixels(drawn: _Drawn, page: Any) -> Pixels | None:
    """The one JPEG that a page is, at the smallest size that is large enough; None where it must be drawn."""
    if not drawn.straight or drawn.covers < _FILLS or drawn.image.get_filters() != ["DCTDecode"]:
        return None
    rgb = _smaller_jpeg(bytes(drawn.image.get_data(decode_simple=False)))
    return None if rgb is None else _reduced(np.ascontiguousarray(np.rot90(rgb, -page.get_rotation() // 90)))


def _smaller_jpeg(data: bytes) -> Pixels | None:
    """A JPEG decoded at the smallest size that is large enough; None for one that must be decoded otherwise.

    Raises `TooManyPixelsError`.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
        if height * width > MAX_PIXELS:
            raise TooManyPixelsError
        if colours in ("CMYK", "YCCK"):
            return None
        factor = max(1.0, max(height, width) / LONG_PX)
        decoded = simplejpeg.decode_jpeg(
            data, fastdct=True, fastupsample=True, min_factor=1.0, min_height=int(height / factor),
            min_width=int(width / factor), strict=False,
        )  # fmt: skip
    except ValueError:
        return None
    return np.asarray(decoded, np.uint8)


def _reduced(rgb: Pixels) -> Pixels:
    """No longer than `LONG_PX`, averaged."""
    longest = max(rgb.shape[:2])
    if longest <= LONG_PX:
        return rgb
    height, width = (max(1, round(side * LONG_PX / longest)) for side in rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _rendered(page: Any) -> Pixels:
    scale = LONG_PX / max(page.get_size())
    return np.ascontiguousarray(page.render(scale=scale, rev_byteorder=True).to_numpy()[:, :, :3])


def _text(page: Any) -> str:
    words = page.get_textpage()
    try:
        return str(words.get_text_bounded(errors="ignore"))[:4000]
    finally:
        words.close()
