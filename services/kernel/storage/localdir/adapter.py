"""`LocalDir`: the whole `Storage` port, and the gateway's endpoint, over one directory.

Layout: `objects/<key>%/<version>-<etag>`, `uploads/<id>/…`, `tmp/<process>/…`. Several processes may use one
directory at once. A process killed at any moment leaves the old or the new state and at most files in `tmp`, which
the next one to start removes.
"""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from services.kernel.clock import Clock
from services.kernel.ids import Ids
from services.kernel.storage.download import content_headers, wanted_range
from services.kernel.storage.endpoint import Served
from services.kernel.storage.localdir.disk import translated
from services.kernel.storage.localdir.laid import Region
from services.kernel.storage.localdir.objects import Objects
from services.kernel.storage.localdir.uploads import Uploads
from services.kernel.storage.localdir.workspace import Draft, Workspace
from services.kernel.storage.port import (
    Composed,
    Excerpt,
    ObjectInfo,
    PartDamaged,
    PresignedRequest,
    Room,
    StoredPart,
    StoreFull,
    StoreUnavailable,
)
from services.kernel.storage.presign import FileClaim, PartClaim, Signer
from services.kernel.storage.threads import Threads

#: Small chunks are gathered up to this many bytes before a thread is asked to write them.
_WRITE_BYTES = 2**20


class LocalDir:
    """The object store in the directory `root`; presigned URLs lead to `base_url`, where the gateway answers."""

    def __init__(self, root: Path, signer: Signer, base_url: str, clock: Clock, ids: Ids, *, threads: int = 8) -> None:
        """Make the directory if need be; sweep what killed processes left. Raises `StoreUnavailable`, `StoreFull`."""
        self._signer = signer
        self._base_url = base_url
        with translated():
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            root = root.resolve()
            self._root = root
            self._workspace = Workspace(root / "tmp", f"{os.getpid()}-{ids.new()}")
            self._objects = Objects(root / "objects", self._workspace)
            self._uploads = Uploads(root / "uploads", self._workspace, self._objects, clock, ids)
        self._threads = Threads(threads, "localdir", translated)

    def close(self) -> None:
        """Stop the threads and give up this process's folder; what is going on is finished first."""
        self._threads.close()
        self._workspace.close()

    async def probe(self) -> None:
        """Write, sync and remove a small file."""
        try:
            await self._threads.run(self._probe)
        except StoreFull as error:
            raise StoreUnavailable("full") from error

    async def room(self) -> Room:
        """As the port."""
        usage = await self._threads.run(shutil.disk_usage, self._root)
        return Room(free_bytes=usage.free, total_bytes=usage.total)

    async def put(self, key: str, body: AsyncIterator[bytes] | bytes, *, if_absent: bool = True) -> ObjectInfo:
        """As the port."""
        draft = self._objects.draft()
        try:
            await self._threads.run(draft.open)
            _, sha256 = await self._fill(draft, _once(body) if isinstance(body, bytes) else body)
            return await self._threads.run(self._objects.publish, draft, key, sha256, if_absent=if_absent)
        finally:
            await self._threads.run(draft.close)

    async def put_file(self, key: str, path: str, *, if_absent: bool = True) -> ObjectInfo:
        """As the port; what `open` raises for `path` goes through."""
        with Path(path).open("rb") as file:  # noqa: ASYNC230 - opening a local file does not wait
            return await self._threads.run(self._put_handle, key, file.fileno(), if_absent=if_absent)

    async def head(self, key: str) -> ObjectInfo:
        """As the port."""
        return await self._threads.run(self._objects.head, key)

    async def read(self, key: str, offset: int, length: int, *, etag: str | None = None) -> bytes:
        """As the port."""
        return await self._threads.run(self._objects.read, key, offset, length, etag)

    async def descriptor(self, key: str, *, etag: str | None = None) -> int | None:
        """As the port."""
        handles: deque[int] = deque()
        try:
            await self._threads.run(lambda: handles.append(self._objects.open(key, etag)[0]))
        except BaseException:
            for handle in handles:
                os.close(handle)
            raise
        return handles.pop()

    async def stream(self, key: str, *, chunk_bytes: int = 2**20) -> AsyncGenerator[bytes, None]:
        """As the port; a replacement meanwhile does not disturb it. Close it when you leave it early."""
        handles: deque[int] = deque()
        try:
            await self._threads.run(lambda: handles.append(self._objects.open(key)[0]))
            while chunk := await self._threads.run(os.read, handles[0], chunk_bytes):
                yield chunk
        finally:
            for handle in handles:
                os.close(handle)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> ObjectInfo:
        """As the port."""
        return await self._threads.run(self._objects.copy, source, target, etag)

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        """As the port; a disk vouches for nothing."""
        info = await self._threads.run(self._objects.compose, key, pieces)
        return Composed(info=info, pinned_bytes=0)

    async def delete(self, key: str) -> None:
        """As the port."""
        await self._threads.run(self._objects.delete, key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """As the port."""
        found = await self._threads.run(self._objects.list, prefix)
        async for info in self._threads.batches(found):
            yield info

    async def presign_get(self, key: str, *, expires_s: int, filename: str, media_type: str) -> PresignedRequest:
        """As the port."""
        return self._signer.sign_file(
            self._base_url, key, filename=filename, media_type=media_type, expires_s=expires_s
        )

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:
        """As the port."""
        return await self._threads.run(self._uploads.create, key, part_bytes)

    async def presign_part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """As the port."""
        return self._signer.sign_part(
            self._base_url, key, upload_id, number=number, size_bytes=size_bytes, sha256=sha256, expires_s=expires_s
        )

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """As the port."""
        return await self._threads.run(self._uploads.parts, key, upload_id)

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """As the port."""
        return await self._threads.run(self._uploads.complete, key, upload_id, parts)

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """As the port."""
        await self._threads.run(self._uploads.abort, key, upload_id)

    async def stale_uploads(self, older_than: datetime) -> AsyncIterator[tuple[str, str]]:
        """As the port."""
        async for found in self._threads.batches(self._uploads.stale(older_than)):
            yield found

    async def receive_part(self, claim: PartClaim, body: AsyncIterator[bytes]) -> StoredPart:
        """As `PresignedEndpoint`."""
        draft = await self._threads.run(self._uploads.draft_for, claim)
        try:
            await self._threads.run(draft.open)
            size_bytes, sha256 = await self._fill(draft, body, limit_bytes=claim.size_bytes)
            if (size_bytes, sha256) != (claim.size_bytes, claim.sha256):
                raise PartDamaged(
                    f"part {claim.number}: got {size_bytes} bytes, expected {claim.size_bytes}, as signed"
                )
            return await self._threads.run(self._uploads.receive, claim, draft)
        finally:
            await self._threads.run(draft.close)

    async def serve(self, claim: FileClaim, *, byte_range: str | None = None, if_range: str | None = None) -> Served:
        """As `PresignedEndpoint`."""
        info = await self.head(claim.key)
        headers = content_headers(info, filename=claim.filename, media_type=claim.media_type)
        whole = if_range is not None and if_range.strip() != f'"{info.etag}"'
        try:
            wanted = None if whole else wanted_range(byte_range, info.size_bytes)
        except ValueError:
            refused = ("content-range", f"bytes */{info.size_bytes}"), ("content-length", "0")
            return Served(status=416, headers=(*headers, *refused), body=_once(b""))
        offset, length = wanted or (0, info.size_bytes)
        headers = (*headers, ("content-length", str(length)))
        if wanted is not None:
            headers = (*headers, ("content-range", f"bytes {offset}-{offset + length - 1}/{info.size_bytes}"))
        return Served(status=206 if wanted else 200, headers=headers, body=self._range(info, offset, length))

    async def _range(self, info: ObjectInfo, offset: int, length: int) -> AsyncIterator[bytes]:
        end = offset + length
        while offset < end:
            chunk = await self.read(info.key, offset, min(_WRITE_BYTES, end - offset), etag=info.etag)
            offset += len(chunk)
            yield chunk

    async def _fill(
        self, draft: Draft | Region, body: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> tuple[int, str]:
        """Write `body` as it comes; returns bytes and hexadecimal SHA-256. Beyond the limit it stops reading."""
        digest = hashlib.sha256()
        size_bytes = waiting_bytes = 0
        gathered: list[bytes] = []

        def flush(pieces: Sequence[bytes]) -> None:
            for piece in pieces:
                digest.update(piece)
                draft.write(piece)

        async for chunk in body:
            size_bytes += len(chunk)
            if limit_bytes is not None and size_bytes > limit_bytes:
                raise PartDamaged(f"more than the {limit_bytes} bytes that were signed")
            gathered.append(chunk)
            waiting_bytes += len(chunk)
            if waiting_bytes >= _WRITE_BYTES:
                await self._threads.run(flush, gathered)
                gathered, waiting_bytes = [], 0
        if gathered:
            await self._threads.run(flush, gathered)
        return size_bytes, digest.hexdigest()

    def _put_handle(self, key: str, handle: int, *, if_absent: bool) -> ObjectInfo:
        draft = self._objects.draft()
        digest = hashlib.sha256()
        try:
            draft.open()
            while chunk := os.read(handle, _WRITE_BYTES):
                digest.update(chunk)
                draft.write(chunk)
            return self._objects.publish(draft, key, digest.hexdigest(), if_absent=if_absent)
        finally:
            draft.close()

    def _probe(self) -> None:
        draft = self._objects.draft()
        try:
            draft.open().write(b"probe")
            draft.seal("probe")
        finally:
            draft.close()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    if data:
        yield data
