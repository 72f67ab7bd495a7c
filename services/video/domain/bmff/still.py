"""Stretches in which the picture stands still, told from what its samples weigh (M15-2c); nothing is decoded.

A second of frames that repeat the one before them weighs next to nothing; a moving one weighs many times as much. Key
frames are whole pictures however little moves, so they are left out. Where every frame is one, and where a recorder
pads its frames to a constant rate, sizes tell nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.video.domain.bmff.boxes import at_most_one
from services.video.domain.bmff.sample_entry import SampleEntry
from services.video.domain.bmff.tables import Children, Column, Schedule, Sizes, entry_count, numbers

#: A stretch of fewer seconds is a pause, not worth a remark.
SHORTEST_S = 5
#: The first ones; whoever has more of them has seen enough.
MOST = 100
#: Bytes of a frame's headers, and bits per block of 16 × 16 that frames have on average which stand still for certain
#: (x264 at 1080p: 38 to 195 bytes), or when all of the video's weigh `_TIMES` as much (at 480p: 160 and 9,000 bytes).
_HEADER_BYTES, _CERTAIN, _LIKELY, _TIMES = 64, 0.3, 1.0, 8
_KEYS_AT_ONCE = 2**16


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """From one decode time to another, in units of the media's timescale."""

    start: int
    end: int


def still_stretches(
    stbl: Children, sizes: Sizes, schedule: Schedule, entry: SampleEntry, timescale: int
) -> tuple[Stretch, ...]:
    """In order, to about a second. Raises `Damaged` for a list of key frames that its box does not hold."""
    stss = at_most_one(stbl, b"stss")
    [lasting] = schedule.end_of(np.array([sizes.count]))
    if stss is None or sizes.table is None or not lasting:
        return ()
    seconds = np.arange(0, sizes.count, max(1, round(sizes.count * timescale / int(lasting))))
    weights = _weights(sizes, seconds, numbers(stss, 8, entry_count(stss), "I"))
    if weights is None:
        return ()
    times = schedule.end_of(np.append(seconds, sizes.count))
    bounds = np.flatnonzero(np.diff(_standing(*weights, entry), prepend=False, append=False))
    runs = times[bounds].reshape(-1, 2)
    long = runs[runs[:, 1] - runs[:, 0] >= SHORTEST_S * timescale]
    return tuple(Stretch(start=int(start), end=int(end)) for start, end in long[:MOST])


def _weights(sizes: Sizes, seconds: Column, keys: Column) -> tuple[Column, Column] | None:
    """Bytes, and number, of the frames of each second that are no key frames; None for a list that is none."""
    each = sizes.part(0, sizes.count)
    weights = np.add.reduceat(each, seconds, dtype=np.int64)
    frames = np.diff(seconds, append=sizes.count)
    before = 0
    for at in range(0, len(keys), _KEYS_AT_ONCE):
        part = keys[at : at + _KEYS_AT_ONCE].astype(np.int64)
        if (np.diff(part, prepend=before) <= 0).any() or part[-1] > sizes.count:
            return None
        before, second = part[-1], np.searchsorted(seconds, part - 1, side="right") - 1
        np.subtract.at(weights, second, each[part - 1])
        np.subtract.at(frames, second, 1)
    return weights, frames


def _standing(weights: Column, frames: Column, entry: SampleEntry) -> NDArray[np.bool_]:
    """Whether the picture stands still, second by second."""
    blocks = -(-entry.width // 16) * -(-entry.height // 16)
    certain, likely = (_HEADER_BYTES + blocks * bits / 8 for bits in (_CERTAIN, _LIKELY))
    limit = max(certain, min(likely, weights.sum() / max(1, frames.sum()) / _TIMES))
    standing: NDArray[np.bool_] = (frames > 0) & (weights <= limit * frames)
    return standing
