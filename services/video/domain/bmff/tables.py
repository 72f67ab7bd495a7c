"""The sample tables: how long the samples last (`stts`, `ctts`) and where they lie (`stsz`, `stsc`, `stco`)."""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice, pairwise, repeat
from operator import add, ge, mul, sub
from typing import Literal

from services.video.domain.bmff.boxes import Box, at_most_one, exactly_one, printable
from services.video.domain.bmff.errors import Damaged, Reason

#: Entries of one table; 20 minutes at 240 frames a second have 288,000.
MAX_ENTRIES = 4_000_000
#: Chunks, and samples in them, that are looked at together: all at once would take room, one by one takes time.
_CHUNKS_AT_ONCE, _SUMMED_AT_ONCE = 4096, 2**18
#: Samples that are looked at one by one, in C; an hour at 240 frames a second has 864,000.
_EXPANDED = 2**20
#: A larger step between two samples is a negative one in disguise.
_MAX_DELTA = 2**31 - 1

Children = dict[bytes, list[Box]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """How evenly samples follow each other, in units of the media's timescale: the shortest and the longest duration
    of all of them but the `last` one, which writers round as they like. None where there is none.
    """

    shortest: int | None = None
    longest: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, counts: Sequence[int], durations: Sequence[int]) -> "Steps":
        """Of so many samples of each duration in turn."""
        filled = durations if all(counts) else [d for n, d in zip(counts, durations, strict=True) if n]
        if not filled:
            return cls()
        ends_alone = next(n for n in reversed(counts) if n) == 1
        before_last = filled[:-1] if ends_alone else filled
        return cls(shortest=min(before_last, default=None), longest=max(before_last, default=None), last=filled[-1])

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
    """Bytes of each sample: one `constant` for all, or a `table`."""

    count: int
    constant: int
    table: "array[int] | None"

    def between(self, first: int, bounds: Sequence[int]) -> Iterable[int]:
        """Bytes of the samples from each bound up to the next one; bounds count from the sample `first`."""
        if self.table is None:
            return [self.constant * (after - before) for before, after in pairwise(bounds)]
        part = self.table[first : first + bounds[-1]]
        if len(part) > _SUMMED_AT_ONCE:
            return (sum(part[before:after]) for before, after in pairwise(bounds))
        sums = list(accumulate(part, initial=0))
        until = [sums[bound] for bound in bounds]
        return map(sub, until[1:], until)


def numbers(box: Box, position: int, count: int, code: Literal["B", "H", "I", "i", "Q"]) -> "array[int]":
    """`count` big-endian numbers from `position`.

    Raises `Damaged` when the box does not hold them, or when they are more than the reader will keep.
    """
    if count > MAX_ENTRIES * 3:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=box.offset, found=printable(box.kind))
    values = array(code)
    values.frombytes(box.bytes_at(position, count * values.itemsize))
    if sys.byteorder == "little":
        values.byteswap()
    return values


def entry_count(box: Box, position: int = 4) -> int:
    """The entry count of a full box. Raises `Damaged` above the cap."""
    count = box.u32(position)
    if count > MAX_ENTRIES:
        raise Damaged(Reason.TABLE_TOO_LARGE, offset=box.offset, found=printable(box.kind))
    return count


def timing_of(stbl: Children, parent: Box) -> Timing:
    """Sums `stts` and lays `ctts` over it."""
    stts, ctts = exactly_one(stbl, b"stts", parent), at_most_one(stbl, b"ctts")
    pairs = numbers(stts, 8, 2 * entry_count(stts), "I")
    counts, deltas, shifts = pairs[0::2], pairs[1::2], _shifts(ctts)
    if max(deltas, default=0) > _MAX_DELTA:
        raise Damaged(Reason.BAD_VALUE, offset=stts.offset, found="stts")
    samples, decode = sum(counts), sum(map(mul, counts, deltas))
    if not shifts:
        composition = decode
    elif samples <= _EXPANDED:
        composition = _latest(counts, deltas, shifts)
    else:
        composition = _latest_by_runs(counts, deltas, shifts)
    return Timing(
        sample_count=samples, decode_end=decode, composition_end=max(0, composition), steps=Steps.of(counts, deltas)
    )


def _latest(counts: Iterable[int], deltas: Iterable[int], shifts: "array[int]") -> int:
    """The latest end of any sample, each looked at: with B-frames there is about a run per sample anyhow."""
    ends = accumulate(chain.from_iterable(map(repeat, deltas, counts)))
    moved = chain(chain.from_iterable(map(repeat, shifts[1::2], shifts[0::2])), repeat(0))
    return max(map(add, ends, moved), default=0)


def _latest_by_runs(counts: Iterable[int], deltas: Iterable[int], shifts: "array[int]") -> int:
    """The same run by run: the work grows with the entries, not with the samples that they claim."""
    runs = zip(shifts[0::2], shifts[1::2], strict=True)
    run_left, shift, decode, composition = 0, 0, 0, 0
    for count, delta in zip(counts, deltas, strict=True):
        while count > 0:
            if run_left == 0:
                run_left, shift = next(runs, (count, 0))
                continue
            step = min(count, run_left)
            decode += step * delta
            composition = max(composition, decode + shift)
            count, run_left = count - step, run_left - step
    return composition


def _shifts(ctts: Box | None) -> "array[int]":
    """Sample counts and offsets of `ctts` in turn. Version 0 is read as signed too: QuickTime writes it so."""
    if ctts is None:
        return array("i")
    pairs = numbers(ctts, 8, 2 * entry_count(ctts), "i")
    if min(pairs[0::2], default=0) < 0:
        raise Damaged(Reason.BAD_VALUE, offset=ctts.offset, found="ctts")
    return pairs


def sizes_of(stbl: Children, parent: Box) -> Sizes:
    """Sample sizes from `stsz` or `stz2`."""
    stsz = at_most_one(stbl, b"stsz")
    if stsz is not None:
        constant, count = stsz.u32(4), stsz.u32(8)
        return Sizes(count=count, constant=constant, table=None if constant else numbers(stsz, 12, count, "I"))
    stz2 = exactly_one(stbl, b"stz2", parent)
    return Sizes(count=stz2.u32(8), constant=0, table=_compact_sizes(stz2))


def _compact_sizes(stz2: Box) -> "array[int]":
    bits, count = stz2.u32(4) & 0xFF, stz2.u32(8)
    if bits == 8:
        return numbers(stz2, 12, count, "B")
    if bits == 16:
        return numbers(stz2, 12, count, "H")
    if bits != 4:
        raise Damaged(Reason.BAD_VALUE, offset=stz2.offset, found="stz2")
    packed = numbers(stz2, 12, (count + 1) // 2, "B")
    return array("B", (nibble for byte in packed for nibble in (byte >> 4, byte & 15)))[:count]


def data_end(stbl: Children, sizes: Sizes, parent: Box) -> int:
    """Offset in the file just behind the last byte of any sample; 0 when there is no sample.

    Raises `Damaged` when the chunks hold fewer samples than `stsz` announces.
    """
    offsets = _chunk_offsets(stbl, parent)
    per_chunk = _samples_per_chunk(exactly_one(stbl, b"stsc", parent))
    placed, end = 0, 0
    for chunk in range(0, len(offsets), _CHUNKS_AT_ONCE):
        part, left = offsets[chunk : chunk + _CHUNKS_AT_ONCE], sizes.count - placed
        bounds = list(accumulate(islice(per_chunk, len(part)), initial=0))
        if bounds[-1] >= left:  # chunks behind the last sample hold nothing
            bounds = [*bounds[: bisect_left(bounds, left)], left]
        lengths = sizes.between(placed, bounds)
        end = max(end, max(map(add, part, lengths), default=0))
        placed += bounds[-1]
        if placed == sizes.count:
            return end
    raise Damaged(Reason.CONTRADICTION, offset=parent.offset, found="stsz stsc")


def _chunk_offsets(stbl: Children, parent: Box) -> "array[int]":
    co64 = at_most_one(stbl, b"co64")
    if co64 is not None and b"stco" in stbl:
        raise Damaged(Reason.DUPLICATE_BOX, offset=co64.offset, found="co64 stco")
    if co64 is not None:
        return numbers(co64, 8, entry_count(co64), "Q")
    stco = exactly_one(stbl, b"stco", parent)
    return numbers(stco, 8, entry_count(stco), "I")


def _samples_per_chunk(stsc: Box) -> Iterator[int]:
    """Chunk by chunk; what the last entry says goes on without end."""
    triples = numbers(stsc, 8, 3 * entry_count(stsc), "I")
    starts, samples = triples[0::3], triples[1::3]
    if not starts:
        return iter(())
    if starts[0] != 1 or any(map(ge, starts, starts[1:])):
        raise Damaged(Reason.CONTRADICTION, offset=stsc.offset, found="stsc")
    runs = map(repeat, samples, map(sub, starts[1:], starts))
    return chain(chain.from_iterable(runs), repeat(samples[-1]))
