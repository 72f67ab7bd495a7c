"""The object store as the services see it: write-once blobs under keys, ranged reads, presigned parts.

Shaped by S3; `localdir` keeps the same promises on a disk. Keys are ASCII, relative, without `..`, and hold no
personal data. All calls are asynchronous; an adapter over a blocking library uses a bounded thread pool.
Every call may raise `InvalidKey` (see `keys`) and `StoreUnavailable`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: S3's bounds for a multipart upload; every adapter keeps them.
MIN_PART_BYTES = 5 * 2**20
MAX_PARTS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """What the store knows of one object."""

    key: str
    size_bytes: int
    #: Opaque; changes when the object's bytes change. Used for `If-Match` on copies and reads.
    etag: str
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """A range of an object that is there, as it is under this etag."""

    key: str
    etag: str
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """An object made of others. `pinned_bytes` were copied by the store itself, which vouches that they are those of
    the named etags; for the others nobody does, so that who must be sure reads them.
    """

    info: ObjectInfo
    pinned_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPart:
    """One part of an unfinished upload that is safely in the store."""

    number: int
    size_bytes: int
    #: Hexadecimal SHA-256 of the part's bytes, as verified by the store.
    sha256: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PresignedRequest:
    """A request that anyone holding it may make until `expires_at`, exactly as given and no other."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    expires_at: datetime


class StorageError(Exception):
    """Something the object store refused or could not do."""

    retryable = False


class ObjectMissing(StorageError):
    """No object (or no unfinished upload) under that key."""


class ObjectExists(StorageError):
    """A write-once key is already taken (S3: 412 on `If-None-Match: *`)."""


class ObjectChanged(StorageError):
    """The object is not the one that was asked for by etag (S3: 412 on `If-Match`)."""


class PartDamaged(StorageError):
    """A part's bytes do not have the declared SHA-256 or length; nothing of it was kept."""


class PartTooSmall(StorageError):
    """A part other than the last is below `MIN_PART_BYTES` (S3: EntityTooSmall); the upload stays open."""


class InvalidKey(StorageError, ValueError):
    """A key, prefix or part number that no adapter takes: a mistake of the caller, found before anything is done."""


class PresignRefused(StorageError):
    """A presigned request that is not the one that was signed; `reason` is for the log, never for the sender."""

    def __init__(self, reason: str) -> None:
        """`reason` is one of `presign.Refusal`."""
        super().__init__(reason)
        self.reason = reason


class StoreFull(StorageError):
    """The disk or the quota has no room for what was announced."""


class StoreUnavailable(StorageError):
    """The store did not answer; the same call may succeed later."""

    retryable = True


class ObjectStore(Protocol):
    """Blobs under keys."""

    async def put(self, key: str, body: AsyncIterator[bytes] | bytes, *, if_absent: bool = True) -> ObjectInfo:
        """Store `body` atomically and durably: after return it survives a power loss, before it nobody sees a byte.

        Raises `ObjectExists` when the key is taken and `if_absent`; `StoreFull`; `StoreUnavailable`.
        """
        ...

    async def put_file(self, key: str, path: str, *, if_absent: bool = True) -> ObjectInfo:
        """As `put`, from a local file that the caller keeps."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """What is known of the object. Raises `ObjectMissing`."""
        ...

    async def read(self, key: str, offset: int, length: int, *, etag: str | None = None) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end, b"" at or past it.

        Raises `ObjectMissing`, `ObjectChanged` (when `etag` is given and differs), `StoreUnavailable`.
        """
        ...

    async def descriptor(self, key: str, *, etag: str | None = None) -> int | None:
        """The object open for reading, where it is a file of this machine: the caller's to close, and the same bytes
        whatever happens to the key. None where the store has no files. Raises as `read`.
        """
        ...

    def stream(self, key: str, *, chunk_bytes: int = 2**20) -> AsyncIterator[bytes]:
        """The whole object in order, in chunks of at most `chunk_bytes`. Raises as `read`."""
        ...

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> ObjectInfo:
        """Copy inside the store (no bytes through the caller). Overwrites nothing: an equal target is accepted.

        Raises `ObjectMissing`, `ObjectExists` (another content is there), `ObjectChanged`.
        """
        ...

    async def compose(self, key: str, pieces: Sequence[bytes | Excerpt]) -> Composed:
        """Store the pieces one after the other as one object, replacing what was there; long excerpts do not pass
        through the caller. Atomic and durable as `put`.

        Raises `ObjectMissing`, `ObjectChanged` (a source is not the one of that etag, or ends before the excerpt does),
        `StoreFull`, `StoreUnavailable`.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; removing what is not there is no error."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in key order."""
        ...

    async def presign_get(self, key: str, *, expires_s: int, filename: str, media_type: str) -> PresignedRequest:
        """A download that answers with `Content-Disposition: attachment` under `filename`, `nosniff`, ranges."""
        ...


class PresignedParts(Protocol):
    """Uploads in parts by somebody who has no account at the store."""

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:
        """Open an upload for `key` and return the store's upload id.

        `part_bytes` promises that every part but the last will have this size: a store may then write each to its
        place at once. Parts of other sizes are taken all the same.
        """
        ...

    async def presign_part(
        self, key: str, upload_id: str, *, number: int, size_bytes: int, sha256: str, expires_s: int
    ) -> PresignedRequest:
        """A PUT for part `number` (from 1) whose exact length and SHA-256 (hex) are signed into it.

        The sender sets every header given (a browser sets the length itself). Signing asks the store nothing: whether
        the upload is still open is found out by the PUT. A part sent again replaces the one under its number.
        """
        ...

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """The parts that are there, by number. Raises `ObjectMissing` when the upload ended or never was."""
        ...

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> ObjectInfo:
        """Join `parts` into the object, durably and write-once (`If-None-Match: *`).

        Raises `ObjectMissing` (the upload is gone: it may have been completed by an earlier call whose answer was
        lost, so the caller compares with `head`), `ObjectExists` (another content is there), `PartDamaged` (a part
        is missing or differs from the list, or the list is not in order), `PartTooSmall`, `StoreFull`.
        """
        ...

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Throw the parts away; no error when there are none."""
        ...

    def stale_uploads(self, older_than: datetime) -> AsyncIterator[tuple[str, str]]:
        """(key, upload id) of uploads opened before `older_than` and never ended, for the sweeper."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Bytes of the disk that holds the store."""

    free_bytes: int
    total_bytes: int


class Storage(ObjectStore, PresignedParts, Protocol):
    """What an adapter offers as a whole."""

    async def room(self) -> Room | None:
        """How full the store's disk is; None where the store has no disk of its own. Raises `StoreUnavailable`."""
        ...

    async def probe(self) -> None:
        """Raise `StoreUnavailable` unless the store can be read and written now."""
        ...
