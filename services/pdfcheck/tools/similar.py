"""How alike two pictures are: SSIM (Wang et al. 2004), counted as ffmpeg's `ssim` filter counts it.

Windows of 8 × 8 pixels, one every 4 pixels. Brightness counts at full resolution and both colour differences at a
quarter of it, where the noise of a scanner is gone and a seal is not; the worst of the three is the result, so that a
red seal that fades cannot hide behind black print that stayed. scikit-image would bring SciPy along for the same.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
#: Single precision: what it loses is far below the constants.
Plane = NDArray[np.float32]
Weights = tuple[float, float, float]
_CELL = 4
_WINDOW_PX = (2 * _CELL) ** 2
#: Constants that keep flat windows from dividing by nothing: (0.01 · 255)² and (0.03 · 255)², for sums over a window.
_C1 = float(int(0.01 * 0.01 * 255 * 255 * _WINDOW_PX + 0.5))
_C2 = float(int(0.03 * 0.03 * 255 * 255 * _WINDOW_PX * (_WINDOW_PX - 1) + 0.5))
#: Rows that are looked at together, a multiple of the cell: what bounds the memory.
_STRIP_PX = 512
#: Brightness and the two colour differences of red, green and blue, as JPEG has them.
_BRIGHTNESS: Weights = (0.299, 0.587, 0.114)
_DIFFERENCES: tuple[Weights, Weights] = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def ssim(one: Pixels, other: Pixels) -> float:
    """1 for the same pixels. Both of shape (height, width) or (height, width, colours), with 1, 3 or 4 (CMYK) colours.

    Raises `ValueError` for pictures of two shapes.
    """
    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} cannot be compared")
    worst = _brightness(one, other)
    if one.ndim == 3 and one.shape[2] >= 3:
        coarse = (_coarse(one), _coarse(other))
        for weights in _DIFFERENCES:
            planes = (_large(_weighted(each, weights)) for each in coarse)
            worst = min(worst, float(_windows(*planes).mean(dtype=np.float64)))
    return worst


def ssim_map(one: Pixels, other: Pixels) -> Plane:
    """Of the brightness in each window: shape (height // 4 - 1, width // 4 - 1)."""
    return _windows(_large(_plane(one, _BRIGHTNESS)), _large(_plane(other, _BRIGHTNESS)))


def _brightness(one: Pixels, other: Pixels) -> float:
    """Strip by strip, for pages of 70 million pixels."""
    total, count = 0.0, 0
    for top, bottom in _strips(one.shape[0]):
        parts = (_large(_plane(each[top:bottom], _BRIGHTNESS)) for each in (one, other))
        found = _windows(*parts)
        total, count = total + float(found.sum(dtype=np.float64)), count + found.size
    return total / count


def _strips(height: int) -> Iterator[tuple[int, int]]:
    """(first row, row behind the last): a window reaches into the cell below its own."""
    for top in range(0, height, _STRIP_PX):
        bottom = min(height, top + _STRIP_PX + _CELL)
        if not top or bottom - top >= 2 * _CELL:
            yield top, bottom


def _plane(pixels: Pixels, weights: Weights) -> Plane:
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return pixels.reshape(pixels.shape[:2]).astype(np.float32)
    return _weighted(pixels, weights)


def _weighted(colours: Pixels | Plane, weights: Weights) -> Plane:
    """One plane of several; of CMYK what is left of white behind the inks."""
    ink = colours[:, :, 3].astype(np.float32) / 255 if colours.shape[2] == 4 else None
    plane: Plane = np.zeros(colours.shape[:2], np.float32)
    for place, weight in enumerate(weights):
        plane += colours[:, :, place] * np.float32(weight)
    if ink is not None:
        plane *= ink
    return plane


def _coarse(pixels: Pixels) -> Plane:
    """A quarter as wide and high, each colour by itself: means of cells."""
    strips = range(0, max(1, pixels.shape[0] - _CELL + 1), _STRIP_PX)
    colours = [
        np.concatenate([_cells(_large(pixels[top : top + _STRIP_PX, :, place].astype(np.float32))) for top in strips])
        for place in range(pixels.shape[2])
    ]
    means: Plane = np.stack(colours, axis=2)
    means /= np.float32(_CELL**2)
    return means


def _large(plane: Plane) -> Plane:
    """At least one window wide and high."""
    missing = [(0, max(0, 2 * _CELL - side)) for side in plane.shape]
    return np.pad(plane, missing, mode="edge") if any(after for _, after in missing) else plane


def _windows(one: Plane, other: Plane) -> Plane:
    sum_a, sum_b, squares, products = (_sums(each) for each in (one, other, one * one + other * other, one * other))
    variances = squares * _WINDOW_PX - sum_a * sum_a - sum_b * sum_b
    covariance = products * _WINDOW_PX - sum_a * sum_b
    alike = (2 * sum_a * sum_b + _C1) * (2 * covariance + _C2)
    alike /= (sum_a * sum_a + sum_b * sum_b + _C1) * (variances + _C2)
    return alike.astype(np.float32, copy=False)


def _cells(plane: Plane) -> Plane:
    rows, columns = (side - side % _CELL for side in plane.shape)
    cut = plane[:rows, :columns]
    high = cut[0::4] + cut[1::4] + cut[2::4] + cut[3::4]
    sums: Plane = high[:, 0::4] + high[:, 1::4] + high[:, 2::4] + high[:, 3::4]
    return sums


def _sums(plane: Plane) -> Plane:
    """Of every window: two by two cells."""
    cells = _cells(plane)
    windows: Plane = cells[:-1, :-1] + cells[:-1, 1:] + cells[1:, :-1] + cells[1:, 1:]
    return windows
