"""How a page looks before and after: drawn small, compared, and cut out at full size where it differs most."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from PIL import Image

from services.pdfcheck.tools.similar import ssim, ssim_map

Pixels = NDArray[np.uint8]
#: Pixels across a page as it is compared and shown.
WIDTH_PX = 1200
_TALLEST = 4
#: What is cut out, in pixels of the screen, at one pixel of the page each.
CROP_PX = (640, 420)
_POINTS_PER_INCH = 72.0
_DPI = (72.0, 600.0)
_COMPARED_DPI = 145.0
_WINDOW_STEP_PX = 4
_QUALITY, _CROP_QUALITY = 85, 97


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The middle of the place that differs most, as fractions of the page's width and height from above."""

    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A drawn page, and how wide it is on paper, in points."""

    pixels: Pixels
    width_pt: float


def draw(document: bytes) -> Look:
    """The first page, `WIDTH_PX` wide, in colour. Raises `pdfium.PdfiumError`."""
    opened = pdfium.PdfDocument(document)
    try:
        page = opened[0]
        wide, high = page.get_size()
        scale = min(WIDTH_PX / wide, _TALLEST * WIDTH_PX / high)
        drawn: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
        return Look(pixels=np.asarray(drawn), width_pt=wide)
    finally:
        opened.close()


def alike(before: Look, after: Look) -> float:
    """SSIM of two drawn pages, 0 where they do not even have one size.

    A page that is drawn finer than `_COMPARED_DPI` is compared as coarse: of grain that is finer nothing need stay.
    """
    if before.pixels.shape != after.pixels.shape:
        return 0.0
    fewer = min(1.0, before.width_pt / _POINTS_PER_INCH * _COMPARED_DPI / before.pixels.shape[1])
    return ssim(_coarser(before.pixels, fewer), _coarser(after.pixels, fewer))


def _coarser(pixels: Pixels, fewer: float) -> Pixels:
    if fewer >= 1:
        return pixels
    height, width = (max(1, round(side * fewer)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))


def worst_place(before: Look, after: Look) -> Place:
    """Where a reader would look first: the place that differs most of those on which something stands. The grain of
    bare paper always differs most, and shows nothing.
    """
    found = ssim_map(before.pixels, after.pixels)
    side = max(1, 120 // _WINDOW_STEP_PX)
    rows, columns = max(1, found.shape[0] // side), max(1, found.shape[1] // side)
    likeness = _blocks(found, rows, columns, side).mean(axis=(1, 3))
    brightness = before.pixels.mean(axis=2, dtype=np.float32)
    contrast = _blocks(brightness, rows, columns, side * _WINDOW_STEP_PX).std(axis=(1, 3))
    likeness[contrast < contrast.max() / 2] = np.inf
    row, column = np.unravel_index(int(likeness.argmin()), likeness.shape)
    high, wide = before.pixels.shape[:2]
    middle = [(float(at) + 0.5) * side * _WINDOW_STEP_PX for at in (column, row)]
    return Place(x=min(1.0, middle[0] / wide), y=min(1.0, middle[1] / high))


def _blocks(plane: NDArray[np.float32], rows: int, columns: int, side: int) -> NDArray[np.float32]:
    """Shape (rows, height of a block, columns, width of a block); what is left over at the edges is left out."""
    cut = plane[: rows * side, : columns * side]
    return cut.reshape(rows, cut.shape[0] // rows, columns, cut.shape[1] // columns)


def save_page(look: Look, target: Path) -> None:
    """A JPEG for the screen."""
    Image.fromarray(look.pixels).save(target, "JPEG", quality=_QUALITY)


def save_crop(document: bytes, place: Place, dpi: float, target: Path) -> None:
    """`CROP_PX` around `place`, one pixel of the page to one of the screen at `dpi`. Raises `pdfium.PdfiumError`."""
    opened = pdfium.PdfDocument(io.BytesIO(document))
    try:
        page = opened[0]
        scale = min(max(dpi, _DPI[0]), _DPI[1]) / _POINTS_PER_INCH
        wide, high = page.get_size()
        width, height = min(CROP_PX[0] / scale, wide), min(CROP_PX[1] / scale, high)
        left = min(max(0.0, place.x * wide - width / 2), wide - width)
        above = min(max(0.0, place.y * high - height / 2), high - height)
        crop = (left, high - above - height, wide - left - width, above)
        drawn: Image.Image = page.render(scale=scale, crop=crop, rev_byteorder=True).to_pil()
        drawn.convert("RGB").save(target, "JPEG", quality=_CROP_QUALITY, subsampling=0)
    finally:
        opened.close()
