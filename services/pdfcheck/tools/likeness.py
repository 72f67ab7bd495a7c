"""Whether two small pictures show the same page, as the sandbox calls it: `…tools.likeness:likeness`.

One is laid on the other (turned, moved and sheared a little), then they are compared field by field: two forms with
other things written in them are alike but for some fields, so the worst fields decide.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from services.pdfcheck.domain.facts import Json

Floats = NDArray[Any]
_SIZE = (240, 340)
_FIELD = 20
#: A field that varies less has nothing on it.
_PLAIN = 0.03
#: How far off a field may still lie.
_SHIFT = 3
#: The share of fields that decides: the worst, but for a few that a thumb or a shadow covers.
_WORST = 0.12
_STEPS = 40
_MOST_BYTES = 4 * 2**20


def likeness(
    sources: Sequence[io.RawIOBase], _arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> float:
    """0 to 1, of two JPEGs. Raises `ValueError` for what does not decode."""
    cv2.setNumThreads(0)
    one, other = (_even(simplejpeg.decode_jpeg(_all(each), colorspace="GRAY", strict=False)) for each in sources[:2])
    return round(alike(one, other), 4)


def _all(source: io.RawIOBase) -> bytes:
    return source.read(_MOST_BYTES) or b""


def _even(gray: NDArray[Any]) -> Floats:
    """One size, even light, 0 for paper."""
    small = cv2.resize(gray.reshape(gray.shape[:2]), _SIZE, interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)), (0, 0), 5)
    return np.asarray(1 - np.minimum(small / np.maximum(light.astype(np.float32), 24), 1.0), np.float32)


def alike(one: Floats, other: Floats) -> float:
    """How alike the worst fields are, one laid on the other."""
    moved, covered = _laid(one, other)
    one, moved = _fine(one), _fine(moved)
    scores = []
    for top in range(_FIELD // 2, _SIZE[1] - _FIELD, _FIELD):
        for left in range(_FIELD // 2, _SIZE[0] - _FIELD, _FIELD):
            field = one[top : top + _FIELD, left : left + _FIELD]
            rows, columns = (slice(max(0, at - _SHIFT), at + _FIELD + _SHIFT) for at in (top, left))
            around = moved[rows, columns]
            if covered[rows, columns].min() > 0 and max(float(field.std()), float(around.std())) >= _PLAIN:
                scores.append(_field(field, around))
    if not scores:
        return 0.0
    worst = sorted(scores)[: max(1, round(_WORST * len(scores)))]
    return max(0.0, float(np.median(worst)))


def _field(field: Floats, around: Floats) -> float:
    """The best correlation within a few pixels; something beside nothing is unlike."""
    if min(float(field.std()), float(around.std())) < 0.3 * _PLAIN:
        return 0.0
    return float(cv2.matchTemplate(around, field, cv2.TM_CCOEFF_NORMED).max())


def _fine(even: Floats) -> Floats:
    """Without what changes slowly: bars and pictures become their outlines, shadows go."""
    return np.asarray(even - cv2.GaussianBlur(even, (0, 0), 3), np.float32)


def _laid(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """`other`, turned and moved so that it lies on `one` as well as it can, and where it covers it."""
    soft_one, soft_other = (cv2.GaussianBlur(each, (0, 0), 2) for each in (one, other))
    matrix: Any = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _STEPS, 1e-4)
    try:
        _, matrix = cv2.findTransformECC(soft_one, soft_other, matrix, cv2.MOTION_AFFINE, stop)
    except cv2.error:  # they have nothing in common
        return other, np.ones_like(other)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved, covered = (cv2.warpAffine(each, matrix, _SIZE, flags=how) for each in (other, np.ones_like(other)))
    return np.asarray(moved, np.float32), np.asarray(covered, np.float32)
