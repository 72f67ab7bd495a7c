"""Makes a backup while the platform runs; docs/adr/0013-backup.md says why it is right."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.manifest import DumpedDatabase, Manifest, Part, StoredObject, line_of
from services.cli.backup.members import MANIFEST, OBJECTS, SECRETS, object_name
from services.cli.backup.writing import Writer, WrongSize
from services.cli.databases import OwnedDatabase
from services.kernel.db.dump import SEE_EVERYTHING, dump
from services.kernel.db.hold import Hold, await_removals, hold_removals
from services.kernel.db.migrate import found_revisions
from services.kernel.db.owner import check_owner, connected
from services.kernel.errors import AppError, Kind
from services.kernel.storage.port import ObjectInfo, ObjectMissing, Storage
from services.pdfcheck import repository as pdfcheck
from services.pdfcheck import worker as pdfcheck_work
from services.upload import repository as upload
from services.upload import worker as upload_work
from services.upload.domain.records import Area, FileState
from services.video import worker as video_work
from services.video.repository import tables as video

#: Schema → the stages of its workers that remove objects.
REMOVING = {"upload": upload_work.REMOVING, "video": video_work.REMOVING, "pdfcheck": pdfcheck_work.REMOVING}
_KEPT = sa.or_(upload.files.c.state != FileState.DELETED, upload.files.c.area == Area.EVIDENCE)
#: Schema → the keys that its rows name and that must therefore be in the store.
NAMED: Mapping[str, sa.Select[tuple[str]]] = {
    "upload": sa.select(upload.files.c.object_key).where(_KEPT),
    "video": sa.select(video.discs.c.object_key),
    "pdfcheck": sa.select(pdfcheck.merged_files.c.object_key).where(pdfcheck.merged_files.c.object_key != ""),
}
_TABLES = sa.text(
    "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(:schemas) ORDER BY schemaname, tablename"
)
_TRIES = 3
_CHECK_EVERY = 100
#: What has been done, in words and numbers that are the same for the same platform: (step, count, bytes).
Say = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What is to be backed up. `extra` goes with the secrets: files of the data folder that hold passwords."""

    databases: Sequence[OwnedDatabase]
    storage: Storage
    keys: KeyMaterial
    extra: Mapping[str, str]


async def take(source: Source, writer: Writer, *, at: datetime, with_secrets: bool, say: Say) -> Manifest:
    """Write everything at one consistent point, and the manifest last.

    Raises `AppError` backup.* and database.*; `StorageError`; `OSError` (the disk is full, say).
    """
    for database in source.databases:
        await check_owner(database.url, database.schemas)
    async with hold_removals([database.url for database in source.databases]) as hold:
        dumped, named = await _dump_all(source.databases, writer, say)
        objects, count, total, copied = await _copy_objects(source.storage, writer, hold, say)
        await hold.check()
    secrets = await asyncio.to_thread(_write_secrets, source, writer) if with_secrets else None
    manifest = Manifest(
        made_at=at.isoformat(),
        databases=tuple(dumped),
        objects=objects,
        object_count=count,
        object_bytes=total,
        missing=tuple(sorted(named - copied)),
        checks=source.keys.checks(),
        secrets=secrets,
    ).signed(source.keys)
    await asyncio.to_thread(_write_text, writer, MANIFEST, manifest.text())
    await asyncio.to_thread(writer.finish)
    return manifest


async def _dump_all(
    databases: Sequence[OwnedDatabase], writer: Writer, say: Say
) -> tuple[Sequence[DumpedDatabase], set[str]]:
    """Each database at a snapshot that is taken once no removal is under way, and the keys that its rows name."""
    dumped: list[DumpedDatabase] = []
    named: set[str] = set()
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connected(d.url, **SEE_EVERYTHING)) for d in databases]
        for database, connection in zip(databases, connections, strict=True):
            stages = {schema: REMOVING[schema] for schema in database.schemas if schema in REMOVING}
            await await_removals(connection, stages)
        snapshots = [await _snapshot(connection) for connection in connections]
        for number, (database, connection) in enumerate(zip(databases, connections, strict=True), start=1):
            part = await _dump(database, snapshots[number - 1], writer, f"database-{number}.dump")
            dumped.append(await _described(connection, database, part))
            named |= await _named(connection, database.schemas)
            say("database", sum(dumped[-1].rows.values()), part.size_bytes)
    return dumped, named


async def _snapshot(connection: AsyncConnection) -> str:
    await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return str((await connection.execute(sa.text("SELECT pg_export_snapshot()"))).scalar_one())


async def _dump(database: OwnedDatabase, snapshot: str, writer: Writer, name: str) -> Part:
    path = writer.scratch / f".{name}"
    await dump(database.url, database.schemas, snapshot, path)
    return await asyncio.to_thread(_adopt, writer, name, path)


async def _described(connection: AsyncConnection, database: OwnedDatabase, part: Part) -> DumpedDatabase:
    revisions = await found_revisions(connection, database.schemas)
    return DumpedDatabase(part=part, revisions=revisions, rows=await count_rows(connection, database.schemas))


async def count_rows(connection: AsyncConnection, schemas: Sequence[str]) -> dict[str, int]:
    """Rows of each table ("schema.table"), as far as the connection sees them."""
    tables = (await connection.execute(_TABLES, {"schemas": list(schemas)})).all()
    counted: dict[str, int] = {}
    for schema, table in tables:
        counted[f"{schema}.{table}"] = int(
            (await connection.execute(sa.text(f'SELECT count(*) FROM "{schema}"."{table}"'))).scalar_one()
        )
    return counted


async def _named(connection: AsyncConnection, schemas: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for schema in schemas:
        if schema in NAMED:
            await connection.execute(sa.text(f"SET LOCAL search_path = {schema}"))
            found |= {str(key) for key in (await connection.execute(NAMED[schema])).scalars()}
    return found


async def _copy_objects(storage: Storage, writer: Writer, hold: Hold, say: Say) -> tuple[Part, int, int, set[str]]:
    """Every object that there is: the list of them, how many, their bytes, their keys.

    What the snapshot names is there until the end of the hold. What is newer comes along where the listing meets it;
    nothing names it after a restore, or what names it then is a session that goes on with it.
    """
    copied: set[str] = set()
    total, path = 0, writer.scratch / f".{OBJECTS}"
    with path.open("w", encoding="ascii") as lines:
        async for info in storage.list(""):
            stored = await _copy(storage, info, writer, object_name(len(copied)))
            if stored is None:
                continue
            lines.write(line_of(stored))
            copied.add(stored.key)
            total += stored.size_bytes
            if len(copied) % _CHECK_EVERY == 0:
                await hold.check()
                say("objects", len(copied), total)
    say("objects", len(copied), total)
    return await asyncio.to_thread(_adopt, writer, OBJECTS, path), len(copied), total, copied


async def _copy(storage: Storage, info: ObjectInfo, writer: Writer, name: str) -> StoredObject | None:
    """None when it went meanwhile: then nothing in the snapshot names it. Raises `AppError` backup.unsteady."""
    for _ in range(_TRIES):
        digest = hashlib.sha256()
        try:
            with writer.writing(name, info.size_bytes) as sink:
                async for chunk in storage.stream(info.key):
                    await asyncio.to_thread(_write, sink.write, digest.update, chunk)
        except ObjectMissing:
            return None
        except WrongSize:  # replaced between the listing and the reading
            info = await storage.head(info.key)
            continue
        return StoredObject(key=info.key, size_bytes=info.size_bytes, sha256=digest.hexdigest())
    raise AppError("backup.unsteady", Kind.UNAVAILABLE, retryable=True, place=info.key)


def _write(write: Callable[[bytes], object], update: Callable[[bytes], object], chunk: bytes) -> None:
    update(chunk)
    write(chunk)


def _adopt(writer: Writer, name: str, path: Path) -> Part:
    digest = hashlib.sha256()
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(2**20), b""):
            digest.update(chunk)
    writer.adopt(name, path)
    return Part(name=name, size_bytes=size_bytes, sha256=digest.hexdigest())


def _write_text(writer: Writer, name: str, text: str) -> Part:
    path = writer.scratch / f".{name}"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return _adopt(writer, name, path)


def _write_secrets(source: Source, writer: Writer) -> Part:
    return _write_text(writer, SECRETS, json.dumps({**json.loads(source.keys.text()), **source.extra}, indent=1))
