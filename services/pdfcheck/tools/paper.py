"""The sheet in a picture: where it lies, how evenly it is lit, and what is written on it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
Mask = NDArray[np.bool_]
_SMALL_PX = 220
#: A margin of the sheet that is not looked at: shadows of edges, punched holes, the black rim of a scanner.
_MARGIN = 0.025
#: How much of the picture a sheet must take to be told from the table under it.
_LEAST_SHEET = 0.25
#: How much brighter than the table, of 255.
_BRIGHTER = 38
#: A sheet is so bright in its shadows, beside where it is bright.
_SHADED = 0.68
#: How much of the rectangle around it a sheet fills, seen from an angle.
_FILLING = 0.86


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """`gray` 0–255; `flat` is the brightness beside that of the paper around, 1.0 for bare paper; `inside` is the sheet
    without its rim; `grain` the spread of bare paper's brightness in `flat`.
    """

    gray: Pixels
    flat: NDArray[np.float32]
    inside: Mask
    #: The outermost of what is inside.
    edge: Mask
    grain: float

    @property
    def area_px(self) -> int:
        """How much of the picture is sheet."""
        return int(self.inside.sum())


def sheet_of(rgb: Pixels) -> Sheet:
    """Find the sheet and even out its light."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    scale = _SMALL_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    light = _light(small)
    inside = cv2.resize(_lying(light).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    around = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    flat = np.minimum(gray / np.maximum(around.astype(np.float32), 24.0), 1.15).astype(np.float32)
    deeper = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    return Sheet(gray=gray, flat=flat, inside=inside, edge=inside & ~deeper, grain=_grain(flat, inside))


def _light(small: Pixels) -> Pixels:
    """The paper's brightness everywhere: what is written is closed over."""
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), 4), np.uint8)


def _lying(light: Pixels) -> Mask:
    """Where the sheet lies: the largest bright thing where there is a darker table, else everything."""
    level, _ = cv2.threshold(light, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    above, below = light[light > level], light[light <= level]
    sheet = np.ones(light.shape, np.bool_)
    if above.size and below.size and float(np.median(above)) - float(np.median(below)) > _BRIGHTER:
        for least in (level, min(level, _SHADED * float(np.median(above)))):
            hull, like_a_sheet = _largest(light > least)
            if hull.mean() > _LEAST_SHEET:
                sheet = hull
            if like_a_sheet:
                break
    rim = max(2, round(_MARGIN * max(light.shape)))
    framed = cv2.copyMakeBorder(sheet.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(framed, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    return np.asarray(eroded[1:-1, 1:-1] > 0)


def _largest(bright: Mask) -> tuple[Mask, bool]:
    """The hull of the largest thing, and whether it has four corners as a sheet has: one in shadow lacks some."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    hull = np.zeros(bright.shape, np.uint8)
    if count < 2:
        return hull > 0, False
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    corners = cv2.convexHull(cv2.findNonZero((labels == largest).astype(np.uint8)))
    cv2.fillConvexPoly(hull, corners, 1)
    _, (wide, high), _ = cv2.minAreaRect(corners)
    return hull > 0, cv2.contourArea(corners) > _FILLING * wide * high


def _grain(flat: NDArray[np.float32], inside: Mask) -> float:
    """A robust spread of neighbouring differences: what is written is the smaller part of a sheet."""
    difference = np.abs(np.diff(flat, axis=1))[:, ::2][inside[:, 1::2]] if flat.shape[1] > 2 else np.zeros(1)
    return float(np.median(difference)) * 1.4826 / 1.4142 if difference.size else 0.0
