"""Sessions and files in PostgreSQL; names encrypted; events and jobs in the same transaction."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gen.events.v1 import events_pb2
from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.batches import delete_in_batches
from services.kernel.db.engine import EVERYTHING, Database
from services.kernel.db.engine import Scope as RowScope
from services.kernel.db.hold import removals_held
from services.kernel.db.locking import lock_in_transaction
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.ids import Ids
from services.kernel.jobs.queue import NewJob, cancel_of, enqueue
from services.upload.domain.records import (
    Area,
    ExpectedPart,
    File,
    FileState,
    Place,
    Upload,
    UploadState,
    file_id_of,
)
from services.upload.ports import Scope, StoreUpload, Unit

SERVICE = "upload"
_NAME_CONTEXT = "upload.file_name"
#: A session that has been completing for this long was abandoned by its sender; the sweeper completes it.
_STUCK = timedelta(minutes=2)
metadata = sa.MetaData()
_PLACE = ("dossier_id", "organisation_path", "material_id", "item_id", "component_id")


def _columns(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("upload_id", sa.Text, primary_key=True),
    sa.Column("file_id", sa.Text, nullable=False, unique=True),
    *_columns(*_PLACE, "declared_sha256", "object_key", "store_upload_id", "state"),
    sa.Column("file_name", sa.LargeBinary, nullable=False),
    sa.Column("file_name_lookup", sa.LargeBinary, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("part_size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expected_parts", pg.JSONB, nullable=False),
    sa.Index("uploads_dossier", "dossier_id", "material_id", "state"),
)
files = sa.Table(
    "files",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *_columns(*_PLACE, "media_type", "sha256", "declared_sha256", "object_key", "etag", "area", "state"),
    sa.Column("file_name", sa.LargeBinary, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("rejection_code", sa.Text, nullable=False),
    sa.Column("replaces", sa.Text, nullable=False, server_default=""),
    sa.Index("files_dossier", "dossier_id"),
)


_UNFINISHED = uploads.c.state.in_([UploadState.OPEN, UploadState.COMPLETING])


def _place(row: Any) -> Place:
    return Place(**{name: row[name] for name in _PLACE})


def _place_values(place: Place) -> dict[str, str]:
    return {name: getattr(place, name) for name in _PLACE}


class PostgresUnit:
    """One transaction; see the port."""

    def __init__(self, connection: AsyncConnection, keys: KeyRing, ids: Ids, clock: Clock) -> None:
        """Made by `PostgresWork.begin`."""
        self._connection = connection
        self._keys = keys
        self._ids = ids
        self._clock = clock
        self.outbox = Outbox(SERVICE)

    def _lookup(self, file_name: str) -> bytes:
        return self._keys.lookup(file_name, _NAME_CONTEXT)

    def _upload(self, row: Any) -> Upload:
        return Upload(
            upload_id=row["upload_id"],
            file_id=row["file_id"],
            place=_place(row),
            file_name=self._keys.open(row["file_name"], _NAME_CONTEXT),
            size_bytes=row["size_bytes"],
            declared_sha256=row["declared_sha256"],
            object_key=row["object_key"],
            store_upload_id=row["store_upload_id"],
            part_size_bytes=row["part_size_bytes"],
            state=UploadState(row["state"]),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            expected_parts=tuple(ExpectedPart(**part) for part in row["expected_parts"]),
        )

    def _file(self, row: Any) -> File:
        plain = ("file_id", "size_bytes", "media_type", "sha256", "declared_sha256", "object_key", "etag", "stored_at")
        return File(
            **{name: row[name] for name in (*plain, "version", "rejection_code", "replaces")},
            place=_place(row),
            file_name=self._keys.open(row["file_name"], _NAME_CONTEXT),
            area=Area(row["area"]),
            state=FileState(row["state"]),
        )

    async def upload(self, upload_id: str) -> Upload | None:
        """See the port."""
        query = sa.select(uploads).where(uploads.c.upload_id == upload_id).with_for_update()
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else self._upload(row)

    async def resumable(self, place: Place, file_name: str, size_bytes: int, declared_sha256: str) -> Upload | None:
        """See the port."""
        query = (
            sa.select(uploads)
            .where(
                *(uploads.c[name] == value for name, value in _place_values(place).items()),
                uploads.c.file_name_lookup == self._lookup(file_name),
                uploads.c.size_bytes == size_bytes,
                uploads.c.state == UploadState.OPEN,
            )
            .order_by(uploads.c.created_at.desc())
        )
        if declared_sha256:
            query = query.where(uploads.c.declared_sha256.in_(["", declared_sha256]))
        row = (await self._connection.execute(query.limit(1))).mappings().first()
        return None if row is None else self._upload(row)

    async def save_upload(self, upload: Upload) -> None:
        """See the port."""
        parts = [{"number": p.number, "size_bytes": p.size_bytes, "sha256": p.sha256} for p in upload.expected_parts]
        values = {
            "upload_id": upload.upload_id,
            "file_id": upload.file_id,
            **_place_values(upload.place),
            "file_name": self._keys.seal(upload.file_name, _NAME_CONTEXT),
            "file_name_lookup": self._lookup(upload.file_name),
            "size_bytes": upload.size_bytes,
            "declared_sha256": upload.declared_sha256,
            "object_key": upload.object_key,
            "store_upload_id": upload.store_upload_id,
            "part_size_bytes": upload.part_size_bytes,
            "state": upload.state,
            "created_at": upload.created_at,
            "expires_at": upload.expires_at,
            "expected_parts": parts,
        }
        changing = {name: values[name] for name in ("state", "declared_sha256", "expected_parts")}
        statement = pg.insert(uploads).values(values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["upload_id"], set_=changing))

    async def file(self, file_id: str) -> File | None:
        """See the port."""
        query = sa.select(files).where(files.c.file_id == file_id).with_for_update()
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else self._file(row)

    async def files(self, dossier_id: str) -> Sequence[File]:
        """See the port."""
        query = (
            sa.select(files)
            .where(files.c.dossier_id == dossier_id, files.c.state.not_in([FileState.DELETED, FileState.REPLACED]))
            .order_by(files.c.stored_at, files.c.file_id)
        )
        return [self._file(row) for row in (await self._connection.execute(query)).mappings()]

    async def held_bytes(self, dossier_id: str) -> int:
        """See the port."""
        await lock_in_transaction(self._connection, SERVICE, f"quota/{dossier_id}")
        stored = sa.select(sa.func.coalesce(sa.func.sum(files.c.size_bytes), 0)).where(
            files.c.dossier_id == dossier_id, files.c.state != FileState.DELETED
        )
        coming = sa.select(sa.func.coalesce(sa.func.sum(uploads.c.size_bytes), 0)).where(
            uploads.c.dossier_id == dossier_id, _UNFINISHED
        )
        total = sa.select(stored.scalar_subquery() + coming.scalar_subquery())
        return int((await self._connection.execute(total)).scalar_one())

    async def save_file(self, file: File) -> None:
        """See the port."""
        plain = ("file_id", "size_bytes", "media_type", "sha256", "declared_sha256", "object_key", "etag", "stored_at")
        values = {
            **{
                name: getattr(file, name) for name in (*plain, "version", "rejection_code", "area", "state", "replaces")
            },
            **_place_values(file.place),
            "file_name": self._keys.seal(file.file_name, _NAME_CONTEXT),
        }
        changing = ("file_name", "sha256", "object_key", "etag", "area", "state", "version", "rejection_code")
        statement = pg.insert(files).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["file_id"], set_={name: values[name] for name in changing})
        )

    async def announce_stored(self, file: File, *, instead_of: str = "") -> None:
        """See the port."""
        body = events_pb2.FileStored(
            file=_reference(file),
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            object_key=file.object_key,
            etag=file.etag,
            sha256=file.sha256,
            stored_at=_timestamp(file.stored_at),
            replaces_file_id=instead_of or file.replaces,
        )
        self._announce("file-stored", file, body)

    async def announce_judged(self, file: File) -> None:
        """See the port."""
        if file.state is FileState.VERIFIED:
            now = _timestamp(self._clock.now())
            body = events_pb2.FileVerified(
                file=_reference(file), sha256=file.sha256, size_bytes=file.size_bytes, verified_at=now
            )
            self._announce("file-verified", file, body)
        else:
            self._announce(
                "file-rejected", file, events_pb2.FileRejected(file=_reference(file), code=file.rejection_code)
            )

    async def announce_renamed(self, file: File) -> None:
        """See the port."""
        body = events_pb2.FileRenamed(file=_reference(file), file_version=file.version)
        self._announce("file-renamed", file, body)

    async def announce_deleted(self, file: File, *, restored: str = "") -> None:
        """See the port."""
        await cancel_of(self._connection, file.file_id)
        body = events_pb2.FileDeleted(file=_reference(file), restored_file_id=restored)
        self._announce("file-deleted", file, body)

    def _announce(self, fact: str, file: File, body: Message) -> None:
        self.outbox.add(
            Event(
                id=self._ids.new(),
                type=f"shenbao.upload.{fact}.v1",
                source=SERVICE,
                aggregate_id=file.file_id,
                aggregate_version=file.version,
                time=self._clock.now(),
                payload=body.SerializeToString(deterministic=True),
            )
        )

    async def enqueue(self, stage: str, place: Place, file_id: str, *, key: str) -> None:
        """See the port."""
        job = NewJob(
            stage=stage,
            dedup_key=key,
            organisation_path=place.organisation_path,
            dossier_id=place.dossier_id,
            subject_id=file_id,
        )
        await enqueue(self._connection, SERVICE, self._ids, job)


class PostgresWork:
    """Opens transactions; see the port."""

    def __init__(self, database: Database, keys: KeyRing, ids: Ids, clock: Clock) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys
        self._ids = ids
        self._clock = clock

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[Unit]:
        """See the port."""
        rows = RowScope(organisation_path=scope.organisation_path, dossier_id=scope.dossier_id)
        async with self._database.transaction(rows) as connection:
            unit = PostgresUnit(connection, self._keys, self._ids, self._clock)
            yield unit
            await unit.outbox.flush(connection)

    def within(self, connection: AsyncConnection) -> PostgresUnit:
        """A unit over a transaction that somebody else commits (a job's effect)."""
        return PostgresUnit(connection, self._keys, self._ids, self._clock)

    async def overdue(self, now: datetime, limit: int) -> Sequence[tuple[Scope, str]]:
        """See the port."""
        expired = (uploads.c.state == UploadState.OPEN) & (uploads.c.expires_at < now)
        stuck = (uploads.c.state == UploadState.COMPLETING) & (uploads.c.created_at < now - _STUCK)
        query = (
            sa.select(uploads.c.organisation_path, uploads.c.dossier_id, uploads.c.upload_id)
            .where(expired | stuck)
            .limit(limit)
        )
        async with self._database.transaction(EVERYTHING) as connection:
            rows = (await connection.execute(query)).all()
        return [(Scope(organisation_path=row[0], dossier_id=row[1]), row[2]) for row in rows]

    async def named(self, keys: Sequence[str]) -> Collection[str]:
        """See the port. Keys end in the file's id, by which rows are found."""
        ids = [file_id_of(key) for key in keys]
        by_files = sa.select(files.c.object_key).where(files.c.file_id.in_(ids))
        by_sessions = sa.select(uploads.c.object_key).where(uploads.c.file_id.in_(ids), _UNFINISHED)
        async with self._database.transaction(EVERYTHING) as connection:
            found = set((await connection.execute(by_files.union(by_sessions))).scalars())
        return found.intersection(keys)

    @asynccontextmanager
    async def removal(self) -> AsyncIterator[bool]:
        """See the port."""
        async with self._database.transaction() as connection:
            yield not await removals_held(connection)

    async def awaited(self, store_uploads: Sequence[StoreUpload]) -> Collection[StoreUpload]:
        """See the port."""
        ids = [file_id_of(key) for key, _ in store_uploads]
        query = sa.select(uploads.c.object_key, uploads.c.store_upload_id).where(
            uploads.c.file_id.in_(ids), _UNFINISHED
        )
        async with self._database.transaction(EVERYTHING) as connection:
            found = {(row[0], row[1]) for row in (await connection.execute(query)).all()}
        return found.intersection(store_uploads)

    async def prune(self, before: datetime, size: int) -> int:
        """See the port."""
        ended = uploads.c.state.in_([UploadState.COMPLETED, UploadState.ABORTED]) & (uploads.c.expires_at < before)
        return await delete_in_batches(self._database, uploads, ended, size, EVERYTHING)


def _reference(file: File) -> events_pb2.FileRef:
    return events_pb2.FileRef(file_id=file.file_id, **_place_values(file.place))


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
