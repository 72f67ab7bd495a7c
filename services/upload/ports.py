"""What the use cases need from outside: rows in one transaction with their events and jobs."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.upload.domain.records import File, Place, Upload

#: The store's name for an unfinished upload: key and id.
StoreUpload = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose rows a transaction may see: an organisation path and one dossier."""

    organisation_path: str
    dossier_id: str


class Unit(Protocol):
    """One transaction: rows, events and jobs become visible together or not at all."""

    async def upload(self, upload_id: str) -> Upload | None:
        """The session, locked until the transaction ends; None when it is not there or not in scope."""
        ...

    async def resumable(self, place: Place, file_name: str, size_bytes: int, declared_sha256: str) -> Upload | None:
        """An open session for the same file at the same place that was not begun with another hash."""
        ...

    async def save_upload(self, upload: Upload) -> None:
        """Insert or replace the session."""
        ...

    async def file(self, file_id: str) -> File | None:
        """The file, locked until the transaction ends; None when it is not there or not in scope."""
        ...

    async def files(self, dossier_id: str) -> Sequence[File]:
        """Files of the dossier that are in use, oldest first."""
        ...

    async def held_bytes(self, dossier_id: str) -> int:
        """Bytes of the dossier's files and of its unfinished sessions.

        Whoever asks at the same time waits until this transaction has ended: no two announcements fit into one gap.
        """
        ...

    async def save_file(self, file: File) -> None:
        """Insert or replace the file."""
        ...

    async def announce_stored(self, file: File, *, instead_of: str = "") -> None:
        """Event FileStored, committed with this transaction; it stands in the place of the file `instead_of`, or of the
        one that it was made from.
        """
        ...

    async def announce_judged(self, file: File) -> None:
        """Event FileVerified or FileRejected, by the file's state."""
        ...

    async def announce_renamed(self, file: File) -> None:
        """Event FileRenamed."""
        ...

    async def announce_deleted(self, file: File, *, restored: str = "") -> None:
        """Event FileDeleted; `restored` is the original that stands in its place again."""
        ...

    async def enqueue(self, stage: str, place: Place, file_id: str, *, key: str) -> None:
        """A job of `stage` for the file; a second one with the same key changes nothing."""
        ...


class Work(Protocol):
    """Opens transactions."""

    def begin(self, scope: Scope) -> AbstractAsyncContextManager[Unit]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        ...

    async def overdue(self, now: datetime, limit: int) -> Sequence[tuple[Scope, str]]:
        """(scope, upload id) of sessions that expired, or that began to complete and did not end, for the sweeper."""
        ...

    async def named(self, keys: Sequence[str]) -> Collection[str]:
        """Those of the objects' keys that a file, whatever its state, or an unfinished session names."""
        ...

    def removal(self) -> AbstractAsyncContextManager[bool]:
        """Whether objects may be removed while the block lasts; a backup is being made otherwise, or waits for us."""
        ...

    async def awaited(self, store_uploads: Sequence[StoreUpload]) -> Collection[StoreUpload]:
        """Those of the store's uploads that belong to an unfinished session."""
        ...

    async def prune(self, before: datetime, size: int) -> int:
        """Drop ended sessions that would have expired before then, `size` in each transaction; how many."""
        ...
