"""The sample tables: how long the samples last (`stts`, `ctts`) and where they lie (`stsz`, `stsc`, `stco`).

Tables stay as they lie in the file, big-endian; numpy sums them, a block at a time where a copy would take room.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.video.domain.bmff.boxes import Box, at_most_one, exactly_one, printable
from services.video.domain.bmff.errors import Damaged, Reason

#: Entries of one table; 20 minutes at 240 frames a second have 288,000.
MAX_ENTRIES = 4_000_000
#: What is computed at once.
_BLOCK = 2**16
#: A larger step between two samples is a negative one in disguise.
_MAX_DELTA = 2**31 - 1
#: No honest time or place in a file comes near; sums below it fit the numbers that they are made with.
_MAX_SUM = 2**62
Code = Literal["B", "H", "I", "i", "Q"]
_CODES: Mapping[Code, str] = {"B": ">u1", "H": ">u2", "I": ">u4", "i": ">i4", "Q": ">u8"}
_WIDTHS: Mapping[int, Code] = {8: "B", 16: "H", 32: "I"}

Children = dict[bytes, list[Box]]
#: One number per entry, of any width.
Column = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """How evenly samples follow each other, in units of the media's timescale: the shortest and the longest duration
    of all of them but the `last` one, which writers round as they like. None where there is none.
    """

    shortest: int | None = None
    longest: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, counts: Column, durations: Column) -> "Steps":
        """Of so many samples of each duration in turn."""
        there = counts > 0
        filled = durations if there.all() else durations[there]
        if not filled.size:
            return cls()
        ends_alone = counts[len(counts) - 1 - int(np.argmax(there[::-1]))] == 1
        before, last = filled[:-1] if ends_alone else filled, int(filled[-1])
        if not before.size:
            return cls(last=last)
        return cls(shortest=int(before.min()), longest=int(before.max()), last=last)

    def then(self, after: "Steps") -> "Steps":
        """Both, one behind the other."""
        if after.last is None:
            return self
        known = [d for d in (self.shortest, self.longest, self.last, after.shortest, after.longest) if d is not None]
        return Steps(shortest=min(known, default=None), longest=max(known, default=None), last=after.last)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long a run of samples lasts, in units of the media's timescale.

    `decode_end` sums the samples' durations; `composition_end` is the latest end of any sample as shown
    (decode time + composition offset + duration).
    """

    sample_count: int = 0
    decode_end: int = 0
    composition_end: int = 0
    steps: Steps = Steps()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Bytes of each sample: one `constant` for all, or entries of `bits` bits each in `table`."""

    count: int
    constant: int = 0
    table: Box | None = None
    bits: int = 32

    def part(self, first: int, behind: int) -> Column:
        """Bytes of the samples from `first` until before `behind`."""
        if self.table is None:
            return np.full(behind - first, self.constant, np.int64)
        if self.bits == 4:
            packed = numbers(self.table, 12 + first // 2, (behind + 1) // 2 - first // 2, "B")
            return np.column_stack((packed >> 4, packed & 15)).ravel()[first % 2 :][: behind - first]
        width = self.bits // 8
        return numbers(self.table, 12 + first * width, behind - first, _WIDTHS[self.bits])

    def between(self, bounds: Column) -> Column:
        """Bytes of the samples from each bound up to the next one."""
        steps = np.diff(bounds)
        if self.table is None:
            return steps * self.constant
        first, behind = int(bounds[0]), int(bounds[-1])
        filled = int(np.searchsorted(bounds, behind))
        summed = np.zeros(len(steps), np.int64)
        np.add.reduceat(self.part(first, behind), bounds[:filled] - first, dtype=np.int64, out=summed[:filled])
        return np.where(steps > 0, summed, 0)  # of no samples, `reduceat` gives the next one


def numbers(box: Box, position: int, count: int, code: Code) -> Column:
    """`count` numbers from `position`, without a copy.

    Raises `Damaged` when the box does not hold them, or when they are more than the reader will look at.
    """
    if count > MAX_ENTRIES * 3:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=box.offset, found=printable(box.kind))
    kind = np.dtype(_CODES[code])
    return np.frombuffer(box.bytes_at(position, count * kind.itemsize), kind)


def entry_count(box: Box, position: int = 4) -> int:
    """The entry count of a full box. Raises `Damaged` above the cap."""
    count = box.u32(position)
    if count > MAX_ENTRIES:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=box.offset, found=printable(box.kind))
    return count


def timing_of(stbl: Children, parent: Box) -> tuple[Timing, "Schedule"]:
    """Sums `stts` and lays `ctts` over it; and when each sample ends as decoded."""
    stts, ctts = exactly_one(stbl, b"stts", parent), at_most_one(stbl, b"ctts")
    pairs = numbers(stts, 8, 2 * entry_count(stts), "I")
    counts, deltas = pairs[0::2], pairs[1::2]
    samples, longest = int(counts.sum(dtype=np.int64)), int(deltas.max(initial=0))
    if longest > _MAX_DELTA or samples * longest >= _MAX_SUM:
        raise Damaged(Reason.BAD_VALUE, offset=stts.offset, found="stts")
    schedule = Schedule(counts, deltas)
    timing = Timing(
        sample_count=samples,
        decode_end=int(schedule.end_of(np.array([samples]))[0]),
        composition_end=max(0, schedule.latest(*_shifts(ctts))),
        steps=Steps.of(counts, deltas),
    )
    return timing, schedule


class Schedule:
    """When samples end as decoded, told from the runs of `stts`: the work grows with runs, not with samples."""

    def __init__(self, counts: Column, deltas: Column) -> None:
        """So many samples of each duration in turn; together they end below 2 ** 62."""
        self._deltas = deltas
        self._behind = np.cumsum(counts, dtype=np.int64)
        self._ends = np.multiply(counts, deltas, dtype=np.int64)
        np.cumsum(self._ends, out=self._ends)

    def latest(self, counts: Column, shifts: Column) -> int:
        """The latest end of any sample as shown, when so many samples in turn are shifted by so much.

        Within a run of both the last sample ends last, so the ends of all runs are all there is to look at.
        """
        if not self._behind.size or not self._behind[-1]:
            return 0
        until = np.cumsum(counts, dtype=np.int64)
        latest = np.iinfo(np.int64).min
        for at in range(0, len(self._behind), _BLOCK):
            sample, ends = self._behind[at : at + _BLOCK], self._ends[at : at + _BLOCK]
            run = np.searchsorted(until, sample)
            moved = np.where(run < len(until), shifts[np.minimum(run, len(until) - 1)], 0) if len(until) else 0
            latest = max(latest, int((ends + moved)[sample > 0].max(initial=latest)))
        for at in range(0, len(until), _BLOCK):
            known = (counts[at : at + _BLOCK] > 0) & (until[at : at + _BLOCK] <= self._behind[-1])
            sample, moved = until[at : at + _BLOCK][known], shifts[at : at + _BLOCK][known]
            latest = max(latest, int((self.end_of(sample) + moved).max(initial=latest)))
        return latest

    def end_of(self, sample: Column) -> Column:
        """When samples end that are counted from 1; 0 for the sample 0, for the first one begins there."""
        if not self._behind.size:
            return np.zeros(len(sample), np.int64)
        if self._behind.size == 1:  # a constant rate
            return sample * int(self._deltas[0])
        run = np.searchsorted(self._behind, sample)
        left: Column = (self._behind[run] - sample) * self._deltas[run]
        ends: Column = self._ends[run] - left
        return ends

    def runs_lasting(self, shortest: float, below: float) -> Iterator[tuple[Column, Column, Column]]:
        """(start, end, number of samples) of the runs whose samples each last at least `shortest` and less than
        `below`, a block at a time; the last sample of all is not counted.
        """
        samples_of_all = self._behind[-1] if self._behind.size else 0
        for at in range(0, len(self._behind), _BLOCK):
            deltas = self._deltas[at : at + _BLOCK]
            chosen = np.flatnonzero((deltas >= shortest) & (deltas < below))
            deltas, chosen = deltas[chosen].astype(np.int64), chosen + at
            ends, behind = self._ends[chosen], self._behind[chosen]
            samples = behind - np.where(chosen > 0, self._behind[chosen - 1], 0)
            starts = ends - samples * deltas
            counted = samples - (behind == samples_of_all)
            filled = counted > 0
            if filled.any():
                yield starts[filled], (starts + counted * deltas)[filled], counted[filled]


def _shifts(ctts: Box | None) -> tuple[Column, Column]:
    """Sample counts and offsets of `ctts`. Version 0 is read as signed too: QuickTime writes it so."""
    if ctts is None:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    pairs = numbers(ctts, 8, 2 * entry_count(ctts), "i")
    if pairs[0::2].min(initial=0) < 0:
        raise Damaged(Reason.BAD_VALUE, offset=ctts.offset, found="ctts")
    return pairs[0::2], pairs[1::2]


def sizes_of(stbl: Children, parent: Box) -> Sizes:
    """Sample sizes from `stsz` or `stz2`; whether the box holds them all is known without reading them."""
    stsz = at_most_one(stbl, b"stsz")
    if stsz is None:
        stz2 = exactly_one(stbl, b"stz2", parent)
        sizes = Sizes(count=stz2.u32(8), table=stz2, bits=stz2.u32(4) & 0xFF)
        if sizes.bits not in (4, 8, 16):
            raise Damaged(Reason.BAD_VALUE, offset=stz2.offset, found="stz2")
    elif constant := stsz.u32(4):
        sizes = Sizes(count=stsz.u32(8), constant=constant)
    else:
        sizes = Sizes(count=stsz.u32(8), table=stsz)
    _check_sizes(sizes, parent)
    return sizes


def _check_sizes(sizes: Sizes, parent: Box) -> None:
    table = sizes.table
    if table is None:
        if sizes.count * sizes.constant >= _MAX_SUM:
            raise Damaged(Reason.BAD_VALUE, offset=parent.offset, found="stsz")
        return
    if sizes.count > MAX_ENTRIES * 3:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=table.offset, found=printable(table.kind))
    if 12 + (sizes.count * sizes.bits + 7) // 8 > table.length:
        raise Damaged(Reason.TABLE_SHORT, offset=table.offset, found=printable(table.kind))


def data_end(stbl: Children, sizes: Sizes, parent: Box) -> int:
    """Offset in the file just behind the last byte of any sample, wherever its chunk lies; there are samples.

    Raises `Damaged` when the chunks hold fewer samples than `stsz` announces.
    """
    places = _places(stbl, parent)
    chunks = _Chunks(exactly_one(stbl, b"stsc", parent))
    placed, end = 0, 0
    for at in range(0, places.count, _BLOCK):
        offsets = places.part(at, min(places.count, at + _BLOCK))
        bounds = np.minimum(placed + np.concatenate(([0], np.cumsum(chunks.samples(at, len(offsets))))), sizes.count)
        offsets = np.minimum(offsets.astype(np.uint64), np.uint64(_MAX_SUM)).astype(np.int64)
        ends = (offsets + sizes.between(bounds))[np.diff(bounds) > 0]
        placed, end = int(bounds[-1]), max(end, int(ends.max(initial=0)))
        if placed == sizes.count:
            return end
    raise Damaged(Reason.CONTRADICTION, offset=parent.offset, found="stsz stsc")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Places:
    """Where chunks begin."""

    table: Box
    count: int
    code: Code

    def part(self, first: int, behind: int) -> Column:
        return numbers(self.table, 8 + first * np.dtype(_CODES[self.code]).itemsize, behind - first, self.code)


def _places(stbl: Children, parent: Box) -> _Places:
    co64 = at_most_one(stbl, b"co64")
    if co64 is not None and b"stco" in stbl:
        raise Damaged(Reason.DUPLICATE_BOX, offset=co64.offset, found="co64 stco")
    table = co64 or exactly_one(stbl, b"stco", parent)
    return _Places(table=table, count=entry_count(table), code="I" if co64 is None else "Q")


class _Chunks:
    """How many samples each chunk holds; what the last entry of `stsc` says goes on without end."""

    def __init__(self, stsc: Box) -> None:
        triples = numbers(stsc, 8, 3 * entry_count(stsc), "I")
        self._first, self._samples = triples[0::3].astype(np.int64), triples[1::3]
        if self._first.size and (self._first[0] != 1 or (np.diff(self._first) <= 0).any()):
            raise Damaged(Reason.CONTRADICTION, offset=stsc.offset, found="stsc")

    def samples(self, at: int, count: int) -> Column:
        """Of `count` chunks from the chunk `at`, counted from 0."""
        if not self._first.size:
            return np.zeros(count, np.int64)
        run = np.searchsorted(self._first, np.arange(at + 1, at + 1 + count), side="right") - 1
        return self._samples[run].astype(np.int64)
