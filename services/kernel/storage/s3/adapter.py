"""`S3Store`: the whole `Storage` port over the bucket of an S3 server.

Browsers speak to the server themselves, by presigned requests. What keeps an answer harmless and S3 cannot be told to
send (`nosniff`, a sandboxing policy) is missing from downloads: the server must have an origin of its own.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from services.kernel.clock import Clock
from services.kernel.ids import Ids
from services.kernel.storage.keys import check_key, check_order, check_prefix
from services.kernel.storage.port import (
    MIN_PART_BYTES,
    Composed,
    Excerpt,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    PartDamaged,
    PresignedRequest,
    Room,
    StoredPart,
    StoreFull,
    StoreUnavailable,
)
from services.kernel.storage.s3.address import Address
from services.kernel.storage.s3.client import Credentials, account, connect
from services.kernel.storage.s3.composing import Composer
from services.kernel.storage.s3.copying import Copier
from services.kernel.storage.s3.multipart import Multipart, joined_sha256
from services.kernel.storage.s3.presigning import Presigner
from services.kernel.storage.s3.probing import Capabilities, Prober
from services.kernel.storage.s3.reading import Reader
from services.kernel.storage.s3.room import Measure
from services.kernel.storage.s3.steps import Steps
from services.kernel.storage.s3.writing import WRITE, Writer
from services.kernel.storage.threads import Threads

_READ_BYTES = 2**20
#: Below S3's 5 GiB for one call, so that each ends within the client's patience.
COPY_PART_BYTES = 512 * 2**20
PUT_PART_BYTES = 16 * 2**20


class S3Store:
    """The object store in the bucket at `address`."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None,
        clock: Clock,
        ids: Ids,
        *,
        threads: int = 8,
        put_part_bytes: int = PUT_PART_BYTES,
        copy_part_bytes: int = COPY_PART_BYTES,
    ) -> None:
        """Asks the server nothing yet. `threads` calls run at once, each over a connection that is kept."""
        if min(put_part_bytes, copy_part_bytes) < MIN_PART_BYTES:
            raise ValueError(f"a part has at least {MIN_PART_BYTES} bytes")
        self.address = address
        self._ids = ids
        session = account(credentials)
        self._client = connect(session, address, connections=threads)
        self._public = connect(session, address, connections=1, public=True)
        self._threads = Threads(threads, "s3", nullcontext)
        self._steps = Steps(self._client, address.bucket)
        self._multipart = Multipart(self._client, address.bucket)
        self._presigner = Presigner(self._public, address.bucket)
        self._reader = Reader(self._threads, self._steps)
        self._writer = Writer(self._threads, self._steps, self._multipart, clock, ids, put_part_bytes)
        self._copier = Copier(
            self._threads, self._steps, self._multipart, self._reader, self._writer, ids, copy_part_bytes
        )
        self._composer = Composer(
            self._threads, self._steps, self._multipart, self._reader, self._writer, ids, copy_part_bytes
        )
        self._prober = Prober(self._client, address.bucket, self._steps, self._multipart)
        self._measure = Measure(self._steps, address.quota_bytes, clock)

    def close(self) -> None:
        """Stop the threads and close the connections; what is going on is finished first."""
        self._threads.close()
        self._client.close()
        self._public.close()

    async def capabilities(self) -> Capabilities:
        """What the bucket and its server can do; see `Prober`. Raises `StoreUnavailable`."""
        return await self._threads.run(self._prober.capabilities)

    async def probe(self) -> None:
        """Store, list and throw away a small part; no object and no version comes of it."""
        try:
            await self._threads.run(self._prober.probe)
        except StoreFull as error:
            raise StoreUnavailable("full") from error

    async def room(self) -> Room | None:
        """As the port: what is left of the quota in the address, None without one. Raises `StoreUnavailable`."""
        return await self._threads.ask(self._measure.room)

    async def put(self, key: str, body: AsyncIterator[bytes] | bytes, *, if_absent: bool = True) -> ObjectInfo:
        """As the port."""
        pieces = _once(body) if isinstance(body, bytes) else body
        return await self._writer.put(check_key(key), pieces, if_absent=if_absent)

    async def put_file(self, key: str, path: str, *, if_absent: bool = True) -> ObjectInfo:
        """As the port; what `open` raises for `path` goes through."""
        with Path(path).open("rb") as file:  # noqa: ASYNC230 - opening a local file does not wait

            async def pieces() -> AsyncIterator[bytes]:
                while chunk := await self._threads.run(file.read, _READ_BYTES):
                    yield chunk

            return await self._writer.put(check_key(key), pieces(), if_absent=if_absent)

    async def head(self, key: str) -> ObjectInfo:
        """As the port."""
        return (await self._threads.ask(self._steps.head, check_key(key))).info

    async def read(self, key: str, offset: int, length: int, *, etag: str | None = None) -> bytes:
        """As the port; a connection that breaks is made anew and the rest asked for, a few times."""
        return await self._reader.read(check_key(key), offset, length, etag)

    async def descriptor(self, key: str, *, etag: str | None = None) -> int | None:  # noqa: ARG002 - the port's
        """As the port: a bucket has no files."""
        return None

    async def stream(self, key: str, *, chunk_bytes: int = 2**20) -> AsyncGenerator[bytes, None]:
        """As the port. Close it when you leave it early."""
        async for chunk in self._reader.stream(check_key(key), chunk_bytes):
            yield chunk

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> ObjectInfo:
        """As the port."""
        return await self._copier.copy(check_key(source), check_key(target), etag)

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        """As the port."""
        for piece in pieces:
            if isinstance(piece, Excerpt):
                check_key(piece.key)
        return await self._composer.compose(check_key(key), pieces)

    async def delete(self, key: str) -> None:
        """As the port; in a bucket with versions what was there stays, marked as deleted."""
        await self._threads.run(self._steps.delete, check_key(key))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """As the port."""
        async for info in self._threads.batches(self._steps.pages(check_prefix(prefix))):
            yield info

    async def presign_get(self, key: str, *, expires_s: int, filename: str, media_type: str) -> PresignedRequest:
        """As the port, without `nosniff`: no S3 server can be told to send it."""
        return self._presigner.get(check_key(key), filename=filename, media_type=media_type, expires_s=expires_s)

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:  # noqa: ARG002 - S3 joins by itself
        """As the port."""
        return await self._threads.run(self._multipart.open, check_key(key), {WRITE: self._ids.new()})

    async def presign_part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """As the port."""
        return self._presigner.part(
            check_key(key), upload_id, number=number, size_bytes=size_bytes, sha256=sha256, expires_s=expires_s
        )

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """As the port."""
        return await self._threads.ask(self._multipart.parts, check_key(key), upload_id)

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """As the port. An equal object under the key, made of the same parts, ends the upload as well."""
        return await self._threads.run(self._complete, check_key(key), upload_id, parts)

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """As the port."""
        await self._threads.run(self._multipart.abort, check_key(key), upload_id)

    async def stale_uploads(self, older_than: datetime) -> AsyncIterator[tuple[str, str]]:
        """As the port."""
        async for found in self._threads.batches(self._multipart.stale(older_than)):
            yield found

    def _complete(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        there = {part.number: part for part in self._multipart.parts(key, upload_id)}
        check_order(parts)
        for part in parts:
            if there.get(part.number) != part:
                raise PartDamaged(f"part {part.number} is missing or another one")
        try:
            self._multipart.join(key, upload_id, parts, if_absent=True)
        except (ObjectExists, ObjectMissing):  # also of an own attempt whose answer was lost
            found = self._steps.head(key)
            if found.sha256 != joined_sha256(parts):
                raise
            self._multipart.abort(key, upload_id)
            return found.info
        return self._steps.head(key).info


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
