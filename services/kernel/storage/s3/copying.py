"""Copying inside the store, always by parts: joining them is the one step that every server can do write-once."""

from collections.abc import Mapping

from services.kernel.ids import Ids
from services.kernel.storage.port import Excerpt, ObjectChanged, ObjectExists, ObjectInfo, ObjectMissing, StoredPart
from services.kernel.storage.s3.multipart import Multipart
from services.kernel.storage.s3.reading import Reader
from services.kernel.storage.s3.steps import Head, Steps
from services.kernel.storage.s3.writing import WRITE, Writer
from services.kernel.storage.threads import Threads

#: Noted beside a copy: the etag of what it was made from. A copy's own etag differs, as it is made of other parts.
ORIGIN = "shenbao-origin"
_COMPARE_BYTES = 8 * 2**20


class Copier:
    """Copies objects of a bucket."""

    def __init__(
        self, threads: Threads, steps: Steps, multipart: Multipart, reader: Reader, writer: Writer, ids: Ids,
        part_bytes: int,
    ) -> None:  # fmt: skip
        """The server copies at most `part_bytes` (S3: 5 GiB) in one call."""
        self._threads = threads
        self._steps = steps
        self._multipart = multipart
        self._reader = reader
        self._writer = writer
        self._ids = ids
        self._part_bytes = part_bytes

    async def copy(self, source: str, target: str, etag: str | None) -> ObjectInfo:
        """As the port."""
        found = await self._threads.run(self._steps.head, source)
        if etag is not None and found.info.etag != etag:
            raise ObjectChanged(source)
        if source == target:
            return found.info
        try:
            there = await self._threads.run(self._steps.head, target)
        except ObjectMissing:
            try:
                return await self._made(found, target)
            except ObjectExists:  # another call was quicker
                there = await self._threads.run(self._steps.head, target)
        if not await self._equal(found, there):
            raise ObjectExists(target)
        return there.info

    async def _made(self, source: Head, target: str) -> ObjectInfo:
        notes = {WRITE: self._ids.new(), ORIGIN: _origin(source)}
        if source.info.size_bytes == 0:
            await self._writer.put_small(target, b"", notes, if_absent=True)
        else:
            await self._writer.known(target, notes[WRITE], self._by_parts(source.info, target, notes))
        return (await self._threads.run(self._steps.head, target)).info

    async def _by_parts(self, source: ObjectInfo, target: str, notes: Mapping[str, str]) -> str:
        upload_id = await self._threads.run(self._multipart.open_copy, target, notes)
        parts: list[StoredPart] = []
        try:
            for number, first in enumerate(range(0, source.size_bytes, self._part_bytes), start=1):
                size_bytes = min(self._part_bytes, source.size_bytes - first)
                piece = Excerpt(key=source.key, etag=source.etag, offset=first, length=size_bytes)
                parts.append(await self._threads.run(self._multipart.copy, target, upload_id, number, piece))
            return await self._threads.run(self._multipart.join, target, upload_id, parts, if_absent=True)
        except BaseException:
            await self._writer.give_up(target, upload_id)
            raise

    async def _equal(self, one: Head, other: Head) -> bool:
        """Whether both hold the same bytes; they are read only where nothing that was noted tells."""
        if one.info.size_bytes != other.info.size_bytes:
            return False
        if _origin(one) == _origin(other):
            return True
        for offset in range(0, one.info.size_bytes, _COMPARE_BYTES):
            pieces = [
                await self._reader.read(each.info.key, offset, _COMPARE_BYTES, each.info.etag) for each in (one, other)
            ]
            if pieces[0] != pieces[1]:
                return False
        return True


def _origin(head: Head) -> str:
    return head.notes.get(ORIGIN, head.info.etag)
