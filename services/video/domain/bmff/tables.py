"""The sample tables: how long the samples last (`stts`, `ctts`) and where they lie (`stsz`, `stsc`, `stco`)."""

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from services.video.domain.bmff.boxes import Box, at_most_one, exactly_one, printable
from services.video.domain.bmff.errors import Damaged, Reason

#: Entries of one table; 20 minutes at 240 frames a second have 288,000.
MAX_ENTRIES = 4_000_000
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

    def between(self, first: int, last: int) -> int:
        """Bytes of the samples from `first` up to, not including, `last`."""
        return self.constant * (last - first) if self.table is None else sum(self.table[first:last])


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
    """Sums `stts` and lays `ctts` over it, run by run: the work grows with the entries, not with the samples."""
    stts, ctts = exactly_one(stbl, b"stts", parent), at_most_one(stbl, b"ctts")
    pairs = numbers(stts, 8, 2 * entry_count(stts), "I")
    offsets = _offset_runs(ctts)
    run_left, shift = 0, 0
    samples, decode, composition = 0, 0, 0
    for count, delta in zip(pairs[0::2], pairs[1::2], strict=True):
        if delta > _MAX_DELTA:
            raise Damaged(Reason.BAD_VALUE, offset=stts.offset, found="stts")
        samples += count
        while count > 0:
            if run_left == 0:
                run_left, shift = next(offsets, (count, 0))
                continue
            step = min(count, run_left)
            decode += step * delta
            composition = max(composition, decode + shift)
            count, run_left = count - step, run_left - step
    steps = Steps.of(pairs[0::2], pairs[1::2])
    return Timing(sample_count=samples, decode_end=decode, composition_end=composition, steps=steps)


def _offset_runs(ctts: Box | None) -> Iterator[tuple[int, int]]:
    """(sample count, offset) from `ctts`. Version 0 is read as signed too: QuickTime writes it so."""
    if ctts is None:
        return iter(())
    pairs = numbers(ctts, 8, 2 * entry_count(ctts), "i")
    if min(pairs[0::2], default=0) < 0:
        raise Damaged(Reason.BAD_VALUE, offset=ctts.offset, found="ctts")
    return zip(pairs[0::2], pairs[1::2], strict=True)


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
    placed, end = 0, 0
    for first, last, per_chunk in _chunk_runs(exactly_one(stbl, b"stsc", parent), len(offsets)):
        for chunk in range(first, last):
            if placed >= sizes.count:
                return end
            until = min(placed + per_chunk, sizes.count)
            end = max(end, offsets[chunk] + sizes.between(placed, until))
            placed = until
    if placed < sizes.count:
        raise Damaged(Reason.CONTRADICTION, offset=parent.offset, found="stsz stsc")
    return end


def _chunk_offsets(stbl: Children, parent: Box) -> "array[int]":
    co64 = at_most_one(stbl, b"co64")
    if co64 is not None and b"stco" in stbl:
        raise Damaged(Reason.DUPLICATE_BOX, offset=co64.offset, found="co64 stco")
    if co64 is not None:
        return numbers(co64, 8, entry_count(co64), "Q")
    stco = exactly_one(stbl, b"stco", parent)
    return numbers(stco, 8, entry_count(stco), "I")


def _chunk_runs(stsc: Box, chunks: int) -> Iterator[tuple[int, int, int]]:
    """(first chunk, chunk behind the last, samples per chunk), chunks from 0."""
    triples = numbers(stsc, 8, 3 * entry_count(stsc), "I")
    starts = triples[0::3]
    if not starts:
        return
    if starts[0] != 1 or any(after <= before for before, after in pairwise(starts)):
        raise Damaged(Reason.CONTRADICTION, offset=stsc.offset, found="stsc")
    ends = [*starts[1:], chunks + 1]
    for start, end, per_chunk in zip(starts, ends, triples[1::3], strict=True):
        yield start - 1, min(end - 1, chunks), per_chunk
