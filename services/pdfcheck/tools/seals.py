"""Red seals on a page: round, oval or square rims in red ink, told from red headings, borders and pictures."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from services.pdfcheck.tools.paper import Pixels, Sheet

#: Seals are looked for at this size: a seal of 40 mm on A4 is 120 pixels wide then.
_WORK_PX = 880
#: On a page without colour everything written is a candidate: it is looked at smaller.
_GREY_PX = 640
#: Redder than the paper around, on CIE Lab's a axis.
_REDDER = 8
#: Hues from violet red to orange red, in degrees from a towards b.
_HUES = (-42.0, 50.0)
#: Sizes of seals, as shares of the longer side: 20 mm to 75 mm on A4.
_SMALLEST, _LARGEST = 0.05, 0.26
_NARROWEST = 0.55
_ANGLES, _RADII, _FURTHEST = 72, 40, 1.3
#: Where a rim is looked for, and the quiet around it, in shares of the seal's own radius.
_RIM, _OUTSIDE, _WITHIN = (0.84, 1.04), (1.10, 1.26), (0.15, 0.80)
_FULLEST = 0.72
#: What is written within a rim takes this share of all directions.
_EMPTIEST = 0.2
#: Rims that are this whole are looked at more closely, the best so many; whole ones need it no more.
_PROMISING, _PLAIN, _LOOKED_AT = 0.4, 0.9, 4
_SQUAREST, _MOST_CIRCLES = 0.8, 8
#: Red things up to this size that stand in a row with their like are characters of a heading.
_LETTER = 0.11
#: A seal may lie so far over the edge of what is taken for the sheet.
_OVER = 0.1
#: Darker than the paper around by this: the ink of a seal on a photocopy.
_DARK = 0.88


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """`score`: 0 to 1, how much of the rim is there; the box in shares of the picture."""

    score: float
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Box:
    """Middle, sides and turn (degrees), in pixels of the picture in which it is looked for."""

    x: float
    y: float
    width: float
    height: float
    turn: float = 0
    square: bool = False


def best_seal(rgb: Pixels, sheet: Sheet) -> Seal | None:
    """What looks most like a red seal; None where nothing red is large enough."""
    size = _work_size(rgb.shape[0], rgb.shape[1])
    red = _red(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    near = cv2.resize(sheet.inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    over = 2 * round(_OVER * max(size)) + 1
    return _best_rim(red * cv2.dilate(near, np.ones((over, over), np.uint8)), squares=True)


def best_grey_seal(sheet: Sheet) -> Seal | None:
    """The round rim of a seal on a page that has lost its colour; square ones look like cells of a table."""
    height, width = sheet.flat.shape
    size = _work_size(height, width, most=_GREY_PX)
    flat = cv2.resize(sheet.flat, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(sheet.inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return _best_rim((flat < _DARK).astype(np.uint8) * inside, squares=False)


def _work_size(height: int, width: int, most: int = _WORK_PX) -> tuple[int, int]:
    scale = min(1.0, most / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _red(rgb: Pixels) -> NDArray[Any]:
    """Redder than what is around: a reddish light or a pink form is no ink."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    a = cv2.GaussianBlur(lab[:, :, 1], (0, 0), 0.8).astype(np.int16)
    b = cv2.GaussianBlur(lab[:, :, 2], (0, 0), 0.8).astype(np.int16)
    a, b = a - int(np.median(a[::4, ::4])), b - int(np.median(b[::4, ::4]))
    low, high = (np.tan(np.radians(hue)) for hue in _HUES)
    return np.asarray((a > _REDDER) & (b > low * a) & (b < high * a), np.uint8)


def _best_rim(mask: NDArray[Any], *, squares: bool) -> Seal | None:
    """The best of all candidates, the most promising ones looked at more closely."""
    ink = mask.astype(np.float32)
    scored = sorted(
        ((_score(_unrolled(ink, box)), number, box) for number, box in enumerate(_candidates(mask, squares=squares))),
        reverse=True,
    )
    if not scored:
        return None
    best, _, box = scored[0]
    for score, _, near in scored[:_LOOKED_AT]:
        if _PROMISING <= score < _PLAIN:
            better, moved = max(
                ((_score(_unrolled(ink, each)), each) for each in _moved(near)), key=lambda found: found[0]
            )
            best, box = (better, moved) if better > best else (best, box)
    height, width = mask.shape
    wide, high = (box.height, box.width) if 45 < box.turn % 180 < 135 else (box.width, box.height)
    return Seal(
        score=round(best, 3),
        left=_share(box.x - wide / 2, width),
        top=_share(box.y - high / 2, height),
        width=_share(wide, width),
        height=_share(high, height),
    )


def _share(value: float, of: int) -> float:
    return round(min(1.0, max(0.0, value / of)), 4)


def _moved(box: _Box) -> Iterator[_Box]:
    """The same a little larger, smaller and beside."""
    for scale in (0.9, 1.0, 1.1):
        for across in (-0.06, 0.0, 0.06):
            for down in (-0.06, 0.0, 0.06):
                yield replace(
                    box, x=box.x + across * box.width, y=box.y + down * box.height, width=box.width * scale,
                    height=box.height * scale,
                )  # fmt: skip


def _candidates(mask: NDArray[Any], *, squares: bool) -> Iterator[_Box]:
    """Things that hang together, loosely and more loosely, and circles where they hang together with something else."""
    longest = max(mask.shape)
    for gap in (3, 7, 13):
        closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
        for number in range(1, count):
            x, y, wide, high, area = (int(value) for value in stats[number])
            if not _is_seal_sized(wide, high, longest) or area < 0.04 * wide * high:
                continue
            if max(wide, high) < _LETTER * longest and _in_a_row(number, stats):
                continue
            yield _Box(x=x + wide / 2, y=y + high / 2, width=wide, height=high)
            points = cv2.findNonZero((labels[y : y + high, x : x + wide] == number).astype(np.uint8))
            (middle_x, middle_y), (side, other), turn = cv2.minAreaRect(points)
            if _is_seal_sized(side, other, longest):
                turned = _Box(x=x + middle_x, y=y + middle_y, width=side, height=other, turn=turn)
                yield turned
                if squares and min(side, other) > _SQUAREST * max(side, other):
                    yield replace(turned, square=True)
    soft = cv2.GaussianBlur(mask * 255, (0, 0), 1.2)
    circles = cv2.HoughCircles(
        soft, cv2.HOUGH_GRADIENT, dp=2, minDist=longest * _SMALLEST, param1=120, param2=60,
        minRadius=round(longest * _SMALLEST / 2), maxRadius=round(longest * _LARGEST / 2),
    )  # fmt: skip
    for x, y, radius in () if circles is None else circles.reshape(-1, 3)[:_MOST_CIRCLES]:
        yield _Box(x=float(x), y=float(y), width=2 * float(radius), height=2 * float(radius))


def _in_a_row(number: int, stats: NDArray[Any]) -> bool:
    """Whether something about as high stands beside it."""
    x, y, wide, high = (stats[:, column].astype(float) for column in range(4))
    beside = (np.abs(y + high / 2 - y[number] - high[number] / 2) < 0.35 * high[number]) & (
        np.abs(x + wide / 2 - x[number] - wide[number] / 2) < 3.5 * high[number]
    )
    alike = (high > 0.55 * high[number]) & (high < 1.8 * high[number])
    alike[[0, number]] = False
    return bool((beside & alike).any())


def _is_seal_sized(wide: float, high: float, longest: int) -> bool:
    short, long = sorted((wide, high))
    return _SMALLEST * longest <= long <= _LARGEST * longest and short >= _NARROWEST * long


def _grid() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    angles = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    radii = np.linspace(0, _FURTHEST, _RADII)
    round_x, round_y = np.cos(angles), np.sin(angles)
    largest = np.maximum(np.abs(round_x), np.abs(round_y))
    made = (np.outer(each, radii) for each in (round_x, round_y, round_x / largest, round_y / largest))
    one, two, three, four = (each.astype(np.float32) for each in made)
    return one, two, three, four


_ROUND_X, _ROUND_Y, _SQUARE_X, _SQUARE_Y = _grid()


def _unrolled(ink: NDArray[Any], box: _Box) -> NDArray[Any]:
    """Angles × radii: what stands around the middle of a box, with its rim at radius 1."""
    across, down = (_SQUARE_X, _SQUARE_Y) if box.square else (_ROUND_X, _ROUND_Y)
    across, down = across * (box.width / 2), down * (box.height / 2)
    cos, sin = np.cos(np.radians(box.turn)), np.sin(np.radians(box.turn))
    x = (box.x + across * cos - down * sin).astype(np.float32)
    y = (box.y + across * sin + down * cos).astype(np.float32)
    taken = cv2.remap(ink, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(taken, np.float32)


def _between(limits: tuple[float, float]) -> slice:
    low, high = (round(limit / _FURTHEST * (_RADII - 1)) for limit in limits)
    return slice(low, high + 1)


def _score(around: NDArray[Any]) -> float:
    """The share of the rim that is there, less what goes on outside of it; 0 for what is filled, or empty within."""
    rim = around[:, _between(_RIM)].max(axis=1) > 0.35
    outside = around[:, _between(_OUTSIDE)].max(axis=1) > 0.5
    within = around[:, _between(_WITHIN)]
    if float(within.mean()) > _FULLEST or float((within.max(axis=1) > 0.35).mean()) < _EMPTIEST:
        return 0.0
    return float(rim.mean()) * (1 - max(0.0, float(outside.mean()) - 0.25))
