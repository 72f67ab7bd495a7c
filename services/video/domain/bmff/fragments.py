"""Movie fragments (`moof`): samples that the index in `moov` does not list, as live recorders and browsers write."""

from dataclasses import dataclass, field, replace

import numpy as np

from services.video.domain.bmff.boxes import Box, BoxBudget, at_most_one, exactly_one, index_children
from services.video.domain.bmff.errors import Damaged, Reason
from services.video.domain.bmff.tables import MAX_ENTRIES, Column, Steps, Timing, numbers

# Flags of `tfhd`.
_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _SAMPLE_FLAGS, _FROM_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20, 0x20000
# Flags of `trun`.
_RUN_OFFSET, _FIRST_FLAGS, _RUN_DURATION, _RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT = (
    0x1,
    0x4,
    0x100,
    0x200,
    0x400,
    0x800,
)
_PER_SAMPLE = (_RUN_DURATION, _RUN_SIZE, _RUN_SAMPLE_FLAGS, _RUN_SHIFT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """What a sample has unless its fragment says otherwise (`trex`, then `tfhd`)."""

    duration: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class Progress:
    """How far one track has come; grows with each fragment."""

    timing: Timing = field(default_factory=Timing)
    data_end: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fragment:
    """Where one track's part of a fragment begins: `decode` in media units, `data` as offset in the file."""

    defaults: Defaults
    decode: int
    data: int
    base: int


class FragmentReader:
    """Adds fragments to the tracks' progress. `progress` starts with what `moov` itself lists, by track id."""

    def __init__(self, moov_mvex: Box | None, progress: dict[int, Progress], budget: BoxBudget) -> None:
        """Reads the defaults of every track from `mvex`."""
        self._budget = budget
        self.progress = progress
        self._defaults: dict[int, Defaults] = {}
        if moov_mvex is not None:
            for trex in index_children(moov_mvex, budget).get(b"trex", []):
                self._defaults[trex.u32(4)] = Defaults(duration=trex.u32(12), size_bytes=trex.u32(16))

    def add(self, moof: Box, moof_offset: int) -> None:
        """Account for one `moof`; `moof_offset` is where its header begins. Raises `Damaged`."""
        data = moof_offset
        for traf in index_children(moof, self._budget).get(b"traf", []):
            data = self._add_track(traf, moof_offset, data)

    def _add_track(self, traf: Box, moof_offset: int, previous_end: int) -> int:
        parts = index_children(traf, self._budget)
        tfhd = exactly_one(parts, b"tfhd", traf)
        track = self.progress.get(tfhd.u32(4))
        tfdt = at_most_one(parts, b"tfdt")
        fragment = self._fragment(tfhd, moof_offset, previous_end)
        if tfdt is not None:
            fragment = replace(fragment, decode=tfdt.u64(4) if tfdt.version() == 1 else tfdt.u32(4))
        elif track is not None:
            fragment = replace(fragment, decode=track.timing.decode_end)
        for trun in parts.get(b"trun", []):
            timing, end = _run(trun, fragment)
            if track is not None:
                track.timing = _joined(track.timing, timing)
                track.data_end = max(track.data_end, end)
            fragment = replace(fragment, decode=timing.decode_end, data=end)
        return fragment.data

    def _fragment(self, tfhd: Box, moof_offset: int, previous_end: int) -> _Fragment:
        flags, position = tfhd.flags(), 8
        base = moof_offset if flags & _FROM_MOOF else previous_end
        defaults = self._defaults.get(tfhd.u32(4), Defaults())
        if flags & _BASE_OFFSET:
            base, position = tfhd.u64(position), position + 8
        if flags & _DESCRIPTION:
            position += 4
        if flags & _DURATION:
            defaults, position = replace(defaults, duration=tfhd.u32(position)), position + 4
        if flags & _SIZE:
            defaults, position = replace(defaults, size_bytes=tfhd.u32(position)), position + 4
        return _Fragment(defaults=defaults, decode=0, data=base, base=base)


def _run(trun: Box, fragment: _Fragment) -> tuple[Timing, int]:
    """Timing of one run of samples, and the offset behind its last byte."""
    flags, count, position = trun.flags(), trun.u32(4), 8
    start = fragment.data
    if flags & _RUN_OFFSET:
        start, position = fragment.base + trun.i32(position), position + 4
    if start < 0:
        raise Damaged(Reason.BAD_VALUE, offset=trun.offset, found="trun")
    if flags & _FIRST_FLAGS:
        position += 4
    durations, sizes, shifts = _columns(trun, position, count)
    if durations is None and shifts is None:
        decode = fragment.decode + count * fragment.defaults.duration
        steps = Steps.of(np.array([count]), np.array([fragment.defaults.duration]))
        timing = Timing(sample_count=count, decode_end=decode, composition_end=decode if count else 0, steps=steps)
    else:
        timing = _sample_by_sample(fragment, count, durations, shifts)
    return timing, start + (count * fragment.defaults.size_bytes if sizes is None else int(sizes.sum(dtype=np.int64)))


def _columns(trun: Box, position: int, count: int) -> tuple[Column | None, Column | None, Column | None]:
    """(durations, sizes, composition shifts) of the samples, each None when the run does not list it."""
    present = [flag for flag in _PER_SAMPLE if trun.flags() & flag]
    if not present:
        return None, None, None
    if count > MAX_ENTRIES:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=trun.offset, found="trun")
    rows = numbers(trun, position, count * len(present), "I").reshape(count, len(present))
    columns = {flag: rows[:, index] for index, flag in enumerate(present)}
    shifts = columns.get(_RUN_SHIFT)
    return columns.get(_RUN_DURATION), columns.get(_RUN_SIZE), None if shifts is None else shifts.view(">i4")


def _sample_by_sample(fragment: _Fragment, count: int, durations: Column | None, shifts: Column | None) -> Timing:
    if durations is None:
        durations = np.full(count, fragment.defaults.duration, np.int64)
    ends = np.cumsum(durations, dtype=np.int64)
    shown = ends if shifts is None else ends + shifts
    return Timing(
        sample_count=count,
        decode_end=fragment.decode + int(ends[-1] if count else 0),
        composition_end=max(0, fragment.decode + int(shown.max())) if count else 0,
        steps=Steps.of(np.ones(count, np.int64), durations),
    )


def _joined(before: Timing, after: Timing) -> Timing:
    return Timing(
        sample_count=before.sample_count + after.sample_count,
        decode_end=max(before.decode_end, after.decode_end),
        composition_end=max(before.composition_end, after.composition_end),
        steps=before.steps.then(after.steps),
    )
