"""How clear a sheet is: whether anything stands on it, in focus, without motion, in colour."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from services.pdfcheck.tools.paper import Pixels, Sheet

#: Darker than the paper around by this, and by so many times its grain, is ink.
_INK, _GRAINS = 0.10, 5.0
#: Fewer pixels than this together are dust.
_SPECK_PX = 6
#: Edges that are looked at: the strongest so many of a hundred.
_STRONGEST = 4.0
_FEWEST_EDGES = 400
#: A step of brightness below this is no edge, of 1.
_FAINTEST = 0.025
_DIRECTIONS = 8
#: Colour is looked at in squares of so many pixels: grain has colours, too, but they cancel.
_SQUARE = 6
#: This share of the sheet may have any colour: dust, a coloured dot.
_COLOURED_SHARE = 0.001
#: A chroma below which it is worth looking for a seal that has lost its colour.
COLOURLESS = 12.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Clarity:
    """`ink`: share of the sheet. `focus`: how much of the edges is left when blurred once more, near 1 for what is
    blurred already, None where nothing can tell. `motion`: the same along the direction in which edges are softest,
    beside the one in which they are sharpest. `chroma`: of the most colourful 0.1 % of the sheet, in CIE Lab.
    """

    ink: float
    focus: float | None
    motion: float | None
    chroma: float


def clarity_of(rgb: Pixels, sheet: Sheet, marks: NDArray[Any]) -> Clarity:
    """Measure a sheet; `marks` is what is `written` on it."""
    ink = float(cv2.countNonZero(marks)) / max(1, sheet.area_px)
    focus, motion = _edges(sheet)
    return Clarity(ink=ink, focus=focus, motion=motion, chroma=_chroma(rgb, sheet))


def written(sheet: Sheet) -> NDArray[Any]:
    """Where something is written: 1 there, 0 elsewhere, dust left out."""
    soft = cv2.GaussianBlur(sheet.flat, (3, 3), 0.8)
    dark = (soft < 1 - max(_INK, _GRAINS * sheet.grain)).astype(np.uint8) & sheet.inside.view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    keep = (stats[:, cv2.CC_STAT_AREA] >= _SPECK_PX).astype(np.uint8)
    keep[0] = 0
    keep[labels[sheet.edge]] = 0  # what reaches over the edge lies under the sheet, or is its shadow
    return np.asarray(keep[labels]) if count > 1 else dark


def _edges(sheet: Sheet) -> tuple[float | None, float | None]:
    """Focus and motion from how edges stand a second blurring."""
    flat = cv2.GaussianBlur(sheet.flat, (3, 3), 0.6)
    again = cv2.GaussianBlur(flat, (9, 9), 1.5)
    across, down = _gradients(flat)
    across_again, down_again = _gradients(again)
    strength = cv2.magnitude(across_again, down_again)
    cv2.multiply(strength, sheet.inside.astype(np.float32), strength)
    some = strength[::3, ::3].ravel()
    strongest = float(
        np.partition(some, -max(1, int(some.size * _STRONGEST / 100)))[-max(1, int(some.size * _STRONGEST / 100))]
    )
    edge = strength >= max(strongest, _FAINTEST, 0.8 * sheet.grain)
    if int(cv2.countNonZero(edge.view(np.uint8))) < _FEWEST_EDGES:
        return None, None
    # An edge is thinner before it is blurred: its steepest place stands beside where it is afterwards.
    before = cv2.dilate(cv2.magnitude(across, down), np.ones((3, 3), np.uint8))[edge]
    focus = float(strength[edge].mean() / max(float(before.mean()), 1e-6))
    return focus, _motion(across[edge], down[edge], across_again[edge], down_again[edge])


def _gradients(flat: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return (
        np.asarray(cv2.Sobel(flat, cv2.CV_32F, 1, 0, ksize=3, scale=0.125), np.float32),
        np.asarray(cv2.Sobel(flat, cv2.CV_32F, 0, 1, ksize=3, scale=0.125), np.float32),
    )


def _motion(
    across: NDArray[Any], down: NDArray[Any], across_again: NDArray[Any],
    down_again: NDArray[Any],
) -> float | None:  # fmt: skip
    """Energy of edges in the direction that has most of it, beside the one that has least."""
    before, after = _tensor(across, down), _tensor(across_again, down_again)
    angles = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    energy, left = (np.einsum("ni,ij,nj->n", ways, tensor, ways) for tensor in (before, after))
    weakest, strongest = int(np.argmin(energy)), int(np.argmax(energy))
    if energy[weakest] <= 0:
        return None
    softer = left[weakest] / energy[weakest] / max(left[strongest] / energy[strongest], 1e-12)
    return float(energy[strongest] / energy[weakest] * softer)


def _tensor(across: NDArray[Any], down: NDArray[Any]) -> NDArray[Any]:
    """Mean products of the two: the energy in a direction follows from it."""
    mixed = float(np.dot(across, down))
    return np.array([[float(np.dot(across, across)), mixed], [mixed, float(np.dot(down, down))]]) / across.size


def _chroma(rgb: Pixels, sheet: Sheet) -> float:
    height, width = max(1, rgb.shape[0] // _SQUARE), max(1, rgb.shape[1] // _SQUARE)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    inside = cv2.resize(sheet.inside.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    if not inside.any():
        return 0.0
    ab = lab[inside][:, 1:] - np.median(lab[inside][:, 1:], axis=0)
    return float(np.percentile(np.hypot(ab[:, 0], ab[:, 1]), 100 - 100 * _COLOURED_SHARE))
