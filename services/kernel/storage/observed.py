"""Any store, with its calls measured and the ones that matter in the trace."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.kernel import metrics, tracing
from services.kernel.storage.port import (
    Composed,
    Excerpt,
    ObjectInfo,
    PresignedRequest,
    Room,
    Storage,
    StorageError,
    StoredPart,
)
from services.kernel.tracing import Attribute


class ObservedStorage:
    """Hands every call on to `inner`. No key is told of, only the name of the call."""

    def __init__(self, inner: Storage) -> None:
        """`inner` keeps every promise; nothing is changed."""
        self._inner = inner

    async def put(self, key: str, body: AsyncIterator[bytes] | bytes, *, if_absent: bool = True) -> ObjectInfo:
        """See the port."""
        with _traced("put"):
            return await self._inner.put(key, body, if_absent=if_absent)

    async def put_file(self, key: str, path: str, *, if_absent: bool = True) -> ObjectInfo:
        """See the port."""
        with _traced("put_file"):
            return await self._inner.put_file(key, path, if_absent=if_absent)

    async def head(self, key: str) -> ObjectInfo:
        """See the port."""
        with _measured("head"):
            return await self._inner.head(key)

    async def read(self, key: str, offset: int, length: int, *, etag: str | None = None) -> bytes:
        """See the port."""
        with _measured("read"):
            return await self._inner.read(key, offset, length, etag=etag)

    async def descriptor(self, key: str, *, etag: str | None = None) -> int | None:
        """See the port."""
        with _measured("descriptor"):
            return await self._inner.descriptor(key, etag=etag)

    def stream(self, key: str, *, chunk_bytes: int = 2**20) -> AsyncIterator[bytes]:
        """See the port; how long it takes is the reader's affair."""
        return self._inner.stream(key, chunk_bytes=chunk_bytes)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> ObjectInfo:
        """See the port."""
        with _traced("copy"):
            return await self._inner.copy(source, target, etag=etag)

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        """See the port."""
        with _traced("compose"):
            return await self._inner.compose(key, pieces)

    async def delete(self, key: str) -> None:
        """See the port."""
        with _traced("delete"):
            await self._inner.delete(key)

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """See the port."""
        return self._inner.list(prefix)

    async def presign_get(self, key: str, *, expires_s: int, filename: str, media_type: str) -> PresignedRequest:
        """See the port."""
        with _measured("presign_get"):
            return await self._inner.presign_get(key, expires_s=expires_s, filename=filename, media_type=media_type)

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:
        """See the port."""
        with _traced("create_upload"):
            return await self._inner.create_upload(key, part_bytes=part_bytes)

    async def presign_part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """See the port."""
        with _measured("presign_part"):
            return await self._inner.presign_part(
                key, upload_id, number=number, size_bytes=size_bytes, sha256=sha256, expires_s=expires_s
            )

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """See the port."""
        with _traced("list_parts"):
            return await self._inner.list_parts(key, upload_id)

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """See the port."""
        with _traced("complete_upload"):
            info = await self._inner.complete_upload(key, upload_id, parts)
        metrics.UPLOAD_BYTES.inc(info.size_bytes)
        return info

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """See the port."""
        with _traced("abort_upload"):
            await self._inner.abort_upload(key, upload_id)

    def stale_uploads(self, older_than: datetime) -> AsyncIterator[tuple[str, str]]:
        """See the port."""
        return self._inner.stale_uploads(older_than)

    async def room(self) -> Room | None:
        """See the port."""
        return await self._inner.room()

    async def probe(self) -> None:
        """See the port."""
        with _measured("probe"):
            await self._inner.probe()


@contextmanager
def _measured(operation: str) -> Iterator[None]:
    with metrics.timed(metrics.STORAGE_DURATION, operation, outcome="ok") as watch:
        try:
            yield
        except StorageError as error:
            watch.outcome = type(error).__name__
            raise
        except BaseException:
            watch.outcome = "failed"
            raise


@contextmanager
def _traced(operation: str) -> Iterator[None]:
    named = {Attribute.STORAGE_OPERATION: operation}
    with _measured(operation), tracing.span(f"storage {operation}", SpanKind.CLIENT, attributes=named):
        yield
