"""Stretches in which the picture jerks, told from how long samples last (M15-2c); nothing is decoded.

A recorder or an export that cannot keep up leaves frames out, and the one before them stands for longer. Once is a cut;
several times in a row is seen as stutter. Frames that stand for seconds are slides or stills and another matter; and a
writer that repeats frames instead of leaving them out hides them from this.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from services.video.domain.bmff.still import Stretch
from services.video.domain.bmff.tables import Column, Schedule, Timing

#: A frame drags that stands for so many times the average, in seconds at least, and less than at most.
TIMES, SHORTEST_S, LONGEST_S = 4, 0.2, 2.0
#: Of a video with fewer frames a second on average nothing is fluent, and nothing can be told.
SLOWEST_FPS = 8
#: So many dragging frames with less than so many seconds between them are a stretch.
FRAMES, APART_S = 3, 2.0
#: The first stretches; whoever has more of them has seen enough.
MOST = 100


def stuttering(schedule: Schedule, timing: Timing, timescale: int) -> tuple[Stretch, ...]:
    """In order, by decode time. The last frame, which writers let last as they like, is left out."""
    if timing.decode_end * SLOWEST_FPS > timing.sample_count * timescale:
        return ()
    shortest = max(SHORTEST_S * timescale, TIMES * timing.decode_end / max(1, timing.sample_count))
    found: list[Stretch] = []
    for stretch, frames in _groups(schedule.runs_lasting(shortest, LONGEST_S * timescale), APART_S * timescale):
        found += [stretch] if frames >= FRAMES else []
        if len(found) == MOST:
            break
    return tuple(found)


def _groups(
    blocks: Iterable[tuple[Column, Column, Column]], apart: float
) -> Iterator[tuple[Stretch, int]]:  # fmt: skip
    """Runs with less than `apart` between them, and how many frames they have together."""
    start = end = frames = 0
    for starts, ends, counts in blocks:
        firsts = np.concatenate(([0], np.flatnonzero(starts[1:] - ends[:-1] >= apart) + 1))
        lasts = np.append(firsts[1:], len(starts)) - 1
        for first, last, count in zip(firsts, lasts, np.add.reduceat(counts, firsts), strict=True):
            if frames and starts[first] - end >= apart:
                yield Stretch(start=start, end=end), frames
                frames = 0
            start = start if frames else int(starts[first])
            end, frames = int(ends[last]), frames + int(count)
    if frames:
        yield Stretch(start=start, end=end), frames
