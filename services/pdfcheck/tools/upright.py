"""Whether a page stands on its head, told without reading: full stops and commas lie low in a line.

Chinese full stops, commas and enumeration commas sit in the lower left of their square, Latin ones on the base line.
What has too few of them stays undecided.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_FEWEST = 10
#: Heights of characters in pixels at 150 dots an inch.
_SMALLEST_PX, _LARGEST_PX = 12, 60
#: A mark is this much smaller than the characters of its line, and stands off its middle by this much of their height.
_MARK, _OFF = 0.45, 0.22


def uprightness(marks: NDArray[Any]) -> float:
    """Of what is `written` on a sheet: 1 for upright, -1 for upside down, between them for what is undecided; 0 where
    nothing tells.
    """
    low = high = 0
    for line in _lines(marks):
        below, above = _marks(line)
        low, high = low + below, high + above
    total = low + high
    if total < _FEWEST:
        return 0.0
    return (low - high) / total * min(1.0, total / (2 * _FEWEST))


def _lines(marks: NDArray[Any]) -> list[NDArray[Any]]:
    """Parts of each line of writing: x, y, width, height, area."""
    joined = cv2.morphologyEx(marks, cv2.MORPH_CLOSE, np.ones((1, 31), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((5, 25), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    _, _, piece_stats, centres = cv2.connectedComponentsWithStats(marks)
    lines = []
    middle = np.clip(centres.round().astype(int), 0, np.array([marks.shape[1] - 1, marks.shape[0] - 1]))
    of_line = labels[middle[:, 1], middle[:, 0]]
    for number in range(1, len(stats)):
        high = stats[number, cv2.CC_STAT_HEIGHT]
        if _SMALLEST_PX <= high <= 2 * _LARGEST_PX and stats[number, cv2.CC_STAT_WIDTH] > 4 * high:
            inside = piece_stats[(of_line == number) & (np.arange(len(of_line)) > 0)]
            if len(inside) >= 4:
                lines.append(inside)
    return lines


def _marks(line: NDArray[Any]) -> tuple[int, int]:
    """How many small marks of a line stand low, and how many high, beside the characters next to them."""
    x, y, wide, high = line[:, 0], line[:, 1], line[:, 2], line[:, 3]
    tall = np.sort(high)[len(high) // 2 :]
    character = float(np.median(tall))
    if not _SMALLEST_PX <= character <= _LARGEST_PX:
        return 0, 0
    large = high > 0.7 * character
    small = (high < _MARK * character) & (wide < _MARK * character) & (high >= 2)
    if not large.any():
        return 0, 0
    low = up = 0
    centre_x, centre_y = x + wide / 2, y + high / 2
    for place in np.flatnonzero(small):
        near = large & (np.abs(centre_x - centre_x[place]) < 3 * character)
        alone = not (large & (x < centre_x[place]) & (centre_x[place] < x + wide)).any()
        if not near.any() or not alone:
            continue
        off = (centre_y[place] - float(np.median(centre_y[near]))) / character
        low, up = low + (off > _OFF), up + (off < -_OFF)
    return low, up
