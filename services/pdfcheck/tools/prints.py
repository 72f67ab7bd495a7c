"""A page's perceptual hash: 64 bits that stay nearly the same when it is scanned, turned a little or lit otherwise."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE, _KEPT = 32, 8
#: What is looked at to set it straight, its longer side in pixels.
_SMALL_PX = 360
#: Turns that are tried, in degrees.
_TURNS = np.arange(-2.5, 2.6, 0.5)
#: Of what is written, this share may lie outside of what is hashed: dust, a page number.
_OUTSIDE = 0.005


def print_of(marks: NDArray[Any]) -> str:
    """16 hexadecimal digits for what is `written` on a sheet: signs of the lowest 8×8 frequencies beside their median,
    once it stands straight and what is bare around it is cut off.
    """
    scale = _SMALL_PX / max(marks.shape)
    size = max(1, round(marks.shape[1] * scale)), max(1, round(marks.shape[0] * scale))
    small = cv2.resize(marks * np.float32(255), size, interpolation=cv2.INTER_AREA)
    straight = _cut(_straight(small))
    even = cv2.resize(cv2.GaussianBlur(straight, (0, 0), 2), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(np.asarray(even, np.float32))[:_KEPT, :_KEPT].ravel()
    bits = low > np.median(low[1:])
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def _straight(small: NDArray[Any]) -> NDArray[Any]:
    """Turned so that rows are as different from each other as they can be."""
    height, width = small.shape
    turned = [
        cv2.warpAffine(small, cv2.getRotationMatrix2D((width / 2, height / 2), float(turn), 1), (width, height))
        for turn in _TURNS
    ]
    return max(turned, key=lambda each: float(np.square(np.diff(each.sum(axis=1))).sum()))


def _cut(small: NDArray[Any]) -> NDArray[Any]:
    rows, columns = (_extent(small.sum(axis=axis)) for axis in (1, 0))
    return np.ascontiguousarray(small[rows, columns])


def _extent(sums: NDArray[Any]) -> slice:
    """From where to where nearly everything lies."""
    whole = np.cumsum(sums)
    if whole[-1] <= 0:
        return slice(0, len(sums))
    start, end = (int(np.searchsorted(whole, share * whole[-1])) for share in (_OUTSIDE, 1 - _OUTSIDE))
    return slice(start, max(end + 1, start + 2))
