"""Objects made of bytes and of ranges of other objects, which the server copies."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.kernel.ids import Ids
from services.kernel.storage.port import MIN_PART_BYTES, Composed, Excerpt, ObjectChanged, ObjectInfo, StoredPart
from services.kernel.storage.s3.multipart import Multipart
from services.kernel.storage.s3.reading import Reader
from services.kernel.storage.s3.steps import Steps
from services.kernel.storage.s3.writing import WRITE, Writer
from services.kernel.storage.threads import Threads

#: Below it everything is read and put: parts would not be worth their calls, if they could be made at all.
_SMALL_BYTES = 2 * MIN_PART_BYTES


@dataclass(frozen=True, slots=True)
class Sent:
    """A part that this process sends, gathered from these pieces."""

    pieces: tuple[bytes | Excerpt, ...]


#: What is sent, and what the server copies.
Plan = Sequence[Sent | Excerpt]


def planned(pieces: Sequence[bytes | Excerpt], copy_bytes: int) -> Plan:
    """Parts of at least `MIN_PART_BYTES` but for the last: what is too small for one takes the beginning of the next
    excerpt with it. An excerpt is copied in ranges of at most `copy_bytes`, none of them too small.
    """
    plan: list[Sent | Excerpt] = []
    waiting: list[bytes | Excerpt] = []
    for number, piece in enumerate(pieces):
        if isinstance(piece, bytes):
            waiting.append(piece)
            continue
        rest = piece
        if waiting:
            lacking = min(max(0, MIN_PART_BYTES - _size(waiting)), rest.length)
            if lacking:
                waiting.append(_cut(rest, 0, lacking))
                rest = _cut(rest, lacking, rest.length - lacking)
            if _size(waiting) < MIN_PART_BYTES or (rest.length < MIN_PART_BYTES and number < len(pieces) - 1):
                waiting.append(rest)
                continue
            plan.append(Sent(tuple(waiting)))
            waiting = []
        if rest.length < MIN_PART_BYTES and number < len(pieces) - 1:
            waiting.append(rest)
        else:
            plan += _ranges(rest, copy_bytes)
    if waiting:
        plan.append(Sent(tuple(waiting)))
    return plan


def _ranges(excerpt: Excerpt, copy_bytes: int) -> Sequence[Excerpt]:
    count = -(-excerpt.length // copy_bytes)
    ends = [excerpt.length * number // count for number in range(count + 1)] if count else []
    return [_cut(excerpt, start, end - start) for start, end in pairwise(ends)]


def _cut(excerpt: Excerpt, start: int, length: int) -> Excerpt:
    return Excerpt(key=excerpt.key, etag=excerpt.etag, offset=excerpt.offset + start, length=length)


def _size(pieces: Sequence[bytes | Excerpt]) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in pieces)


class Composer:
    """Composes objects of a bucket."""

    def __init__(
        self, threads: Threads, steps: Steps, multipart: Multipart, reader: Reader, writer: Writer, ids: Ids,
        part_bytes: int,
    ) -> None:  # fmt: skip
        """The server copies at most `part_bytes` in one call."""
        self._threads = threads
        self._steps = steps
        self._multipart = multipart
        self._reader = reader
        self._writer = writer
        self._ids = ids
        self._part_bytes = part_bytes

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        """As the port."""
        notes = {WRITE: self._ids.new()}
        if _size(pieces) < _SMALL_BYTES:
            data = await self._gathered(pieces)
            await self._writer.put_small(key, data, notes, if_absent=False)
            return Composed(info=await self._info(key), pinned_bytes=0)
        for piece in pieces:
            if isinstance(piece, Excerpt):
                await self._check(piece)
        plan = planned(pieces, self._part_bytes)
        upload_id = await self._threads.run(self._multipart.open_copy, key, notes)
        try:
            parts = [await self._part(key, upload_id, number, each) for number, each in enumerate(plan, start=1)]
            joining = self._threads.run(self._multipart.join, key, upload_id, parts, if_absent=False)
            await self._writer.known(key, notes[WRITE], joining)
        except BaseException:
            await self._writer.give_up(key, upload_id)
            raise
        pinned = sum(each.length for each in plan if isinstance(each, Excerpt))
        return Composed(info=await self._info(key), pinned_bytes=pinned)

    async def _check(self, excerpt: Excerpt) -> None:
        source = (await self._threads.run(self._steps.head, excerpt.key)).info
        if source.etag != excerpt.etag or source.size_bytes < excerpt.offset + excerpt.length:
            raise ObjectChanged(excerpt.key)

    async def _part(self, key: str, upload_id: str, number: int, part: Sent | Excerpt) -> StoredPart:
        if isinstance(part, Sent):
            data = await self._gathered(part.pieces)
            return await self._threads.run(self._multipart.send_plain, key, upload_id, number, data)
        return await self._threads.run(self._multipart.copy, key, upload_id, number, part)

    async def _gathered(self, pieces: Sequence[bytes | Excerpt]) -> bytes:
        return b"".join([piece if isinstance(piece, bytes) else await self._read(piece) for piece in pieces])

    async def _read(self, excerpt: Excerpt) -> bytes:
        data = await self._reader.read(excerpt.key, excerpt.offset, excerpt.length, excerpt.etag)
        if len(data) != excerpt.length:
            raise ObjectChanged(excerpt.key)
        return data

    async def _info(self, key: str) -> ObjectInfo:
        return (await self._threads.run(self._steps.head, key)).info
