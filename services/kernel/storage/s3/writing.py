"""Putting whole objects: at once where one part holds them, in parts otherwise; unseen until the last byte is there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace

from services.kernel.clock import Clock
from services.kernel.ids import Ids
from services.kernel.storage.port import (
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    StorageError,
    StoredPart,
)
from services.kernel.storage.s3.errors import OtherWriter
from services.kernel.storage.s3.multipart import Multipart
from services.kernel.storage.s3.steps import Steps, info
from services.kernel.storage.threads import Threads

#: Noted beside an object: which write it came from. An answer may be lost and the call repeated; the second one then
#: finds the key taken, and tells by this that it was taken by itself.
WRITE = "shenbao-write"
_TRIES = 5
_PAUSE_S = 0.05


class Writer:
    """Writes objects into a bucket."""

    def __init__(
        self, threads: Threads, steps: Steps, multipart: Multipart, clock: Clock, ids: Ids, part_bytes: int
    ) -> None:
        """A body above `part_bytes` is sent in parts of that size; two of them are in memory."""
        self._threads = threads
        self._steps = steps
        self._multipart = multipart
        self._clock = clock
        self._ids = ids
        self._part_bytes = part_bytes

    async def put(self, key: str, body: AsyncIterator[bytes], *, if_absent: bool) -> ObjectInfo:
        """As the port; what `body` raises goes through."""
        notes = {WRITE: self._ids.new()}
        async with aclosing(_parts(body, self._part_bytes)) as parts:
            first = await anext(parts, b"")
            second = await anext(parts, None)
            if second is not None:
                return await self._put_parts(key, _chained(first, second, parts), notes, if_absent=if_absent)
        return await self._info(key, len(first), await self.put_small(key, first, notes, if_absent=if_absent))

    async def put_small(self, key: str, data: bytes, notes: Mapping[str, str], *, if_absent: bool) -> str:
        """Store `data` in one call, again where others write under the key at the same time; its etag."""
        for tried in range(_TRIES):
            storing = self._threads.run(self._steps.put, key, data, notes, if_absent=if_absent)
            try:
                return await self.known(key, notes[WRITE], storing)
            except OtherWriter:
                await asyncio.sleep(_PAUSE_S * 2**tried)
        raise OtherWriter(key)

    async def _put_parts(
        self, key: str, parts: AsyncIterator[bytes], notes: Mapping[str, str], *, if_absent: bool
    ) -> ObjectInfo:
        """Whatever breaks it off, the parts are thrown away."""
        upload_id = await self._threads.run(self._multipart.open, key, notes)
        sent: list[StoredPart] = []
        try:
            async for data in parts:
                sent.append(await self._threads.run(self._multipart.send, key, upload_id, len(sent) + 1, data))
            joining = self._threads.run(self._multipart.join, key, upload_id, sent, if_absent=if_absent)
            etag = await self.known(key, notes[WRITE], joining)
        except BaseException:
            await self.give_up(key, upload_id)
            raise
        return await self._info(key, sum(part.size_bytes for part in sent), etag)

    async def give_up(self, key: str, upload_id: str) -> None:
        """Throw the parts away; where that fails the sweeper will."""
        with suppress(StorageError):
            await self._threads.run(self._multipart.abort, key, upload_id)

    async def known(self, key: str, write: str, storing: Coroutine[None, None, str]) -> str:
        """The etag from `storing`, or from an earlier attempt of the same call whose answer was lost."""
        try:
            return await storing
        except (ObjectExists, ObjectMissing) as error:
            try:
                found = await self._threads.run(self._steps.head, key)
            except ObjectMissing:
                raise error from None
            if found.notes.get(WRITE) != write:
                raise
            return found.info.etag

    async def _info(self, key: str, size_bytes: int, etag: str) -> ObjectInfo:
        """What was written, as `head` tells it; it may be replaced or gone again."""
        try:
            found = (await self._threads.run(self._steps.head, key)).info
        except ObjectMissing:
            return info(key, size_bytes, etag, self._clock.now())
        return replace(found, size_bytes=size_bytes, etag=etag)


async def _parts(body: AsyncIterator[bytes], part_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body in pieces of `part_bytes`, the last one shorter."""
    gathered = bytearray()
    async for chunk in body:
        gathered += chunk
        while len(gathered) >= part_bytes:
            yield bytes(gathered[:part_bytes])
            del gathered[:part_bytes]
    if gathered:
        yield bytes(gathered)


async def _chained(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for part in rest:
        yield part
