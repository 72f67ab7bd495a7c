"""Makes database and objects from a verified backup. Nothing of what was there is replaced, ever."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import sqlalchemy as sa

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.manifest import DumpedDatabase, Manifest, schemas_of
from services.cli.backup.members import SECRETS
from services.cli.backup.taking import Say, count_rows
from services.cli.backup.verifying import Backup
from services.cli.databases import OwnedDatabase
from services.kernel.clock import SystemClock
from services.kernel.db.dump import SEE_EVERYTHING
from services.kernel.db.dump import restore as restore_dump
from services.kernel.db.engine import Database
from services.kernel.db.migrate import revisions
from services.kernel.db.owner import check_owner, connected, place_of
from services.kernel.errors import AppError, Kind
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import ObjectExists, Storage
from services.review.repository.work import PostgresWork
from services.review.usecases.auditing import Verified, verify_chains

_READ_BYTES = 2**20
_TABLES = sa.text("SELECT count(*) FROM pg_tables WHERE schemaname = ANY(:schemas)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where it is to be made; `review_url` is the restricted role's, for verifying the audit chains."""

    databases: Sequence[OwnedDatabase]
    storage: Storage
    review_url: str
    #: Go on with a restore that was cut off: what is there already must be of this backup.
    resume: bool = False


def keys_for(backup: Backup, given: KeyMaterial | None) -> KeyMaterial:
    """The keys that open the backup: those given, else its own.

    Raises `AppError` backup.no-secrets, backup.wrong-secrets, backup.forged (the manifest is not ours: a dump is a
    program that runs as the owner).
    """
    keys = given
    if keys is None:
        if backup.manifest.secrets is None:
            raise AppError("backup.no-secrets", Kind.PRECONDITION)
        with backup.reader.reading(SECRETS) as file:
            keys = KeyMaterial.parse(file.read().decode("utf-8", "replace"))
    if not keys.fit(backup.manifest.checks):
        raise AppError("backup.wrong-secrets", Kind.PRECONDITION)
    if not backup.manifest.written_by(keys):
        raise AppError("backup.forged", Kind.FORBIDDEN)
    return keys


def check_version(manifest: Manifest) -> None:
    """Raises `AppError` backup.newer: this version could not go on with its tables."""
    for schema, revision in schemas_of(manifest.databases).items():
        if revision not in ("", *revisions(schema)):
            raise AppError("backup.newer", Kind.UNSUPPORTED, schema=schema, measured=revision)


async def restore(backup: Backup, keys: KeyMaterial, target: Target, say: Say) -> Verified:
    """Objects first, then each database in one transaction, then every audit chain is verified.

    Cut off in between it leaves objects and no rows; `resume` goes on from there. Raises `AppError` backup.*,
    database.*; `StorageError`.
    """
    check_version(backup.manifest)
    for database in target.databases:
        await check_owner(database.url, database.schemas)
    todo = [database for database in target.databases if not await _is_there(database, backup.manifest, target)]
    await _check_store(target)
    await _put_objects(backup, target, say)
    for database in todo:
        await _restore_rows(backup, database)
        say("database", await _check_rows(database, backup.manifest), 0)
    verified = await _verify_audit(keys, target.review_url)
    say("audit", verified.entries, 0)
    return verified


async def _is_there(database: OwnedDatabase, manifest: Manifest, target: Target) -> bool:
    """Whether a cut-off restore has made this database already. Raises `AppError` backup.target-not-empty."""
    async with connected(database.url, **SEE_EVERYTHING) as connection:
        tables = (await connection.execute(_TABLES, {"schemas": list(database.schemas)})).scalar_one()
        if not tables:
            return False
        if target.resume and await count_rows(connection, database.schemas) == _rows_of(database, manifest):
            return True
    raise AppError("backup.target-not-empty", Kind.CONFLICT, place=place_of(database.url))


def _rows_of(database: OwnedDatabase, manifest: Manifest) -> dict[str, int]:
    """What the database must hold."""
    return {
        table: rows
        for dumped in manifest.databases
        for table, rows in dumped.rows.items()
        if table.partition(".")[0] in database.schemas
    }


async def _check_store(target: Target) -> None:
    if target.resume:
        return
    async for info in target.storage.list(""):
        raise AppError("backup.target-not-empty", Kind.CONFLICT, place=info.key)


async def _put_objects(backup: Backup, target: Target, say: Say) -> None:
    count = total = 0
    for name, stored in backup.objects():
        with backup.reader.reading(name) as file:
            try:
                await target.storage.put(stored.key, _chunks(file))
            except ObjectExists as error:
                if await _sha256(target.storage, stored.key) != stored.sha256:
                    raise AppError("backup.target-not-empty", Kind.CONFLICT, place=stored.key) from error
        count, total = count + 1, total + stored.size_bytes
    say("objects", count, total)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _READ_BYTES):
        yield chunk


async def _sha256(storage: Storage, key: str) -> str:
    digest = hashlib.sha256()
    async for chunk in storage.stream(key):
        await asyncio.to_thread(digest.update, chunk)
    return digest.hexdigest()


async def _restore_rows(backup: Backup, database: OwnedDatabase) -> None:
    with TemporaryDirectory(prefix="shenbao-restore-") as folder:
        for dumped in backup.manifest.databases:
            shared = [schema for schema in database.schemas if schema in dumped.revisions]
            if shared:
                path = Path(folder) / dumped.part.name
                await asyncio.to_thread(_unpack, backup, dumped, path)
                await restore_dump(database.url, path, shared)


def _unpack(backup: Backup, dumped: DumpedDatabase, path: Path) -> None:
    with backup.reader.reading(dumped.part.name) as file, path.open("xb") as out:
        shutil.copyfileobj(file, out, _READ_BYTES)


async def _check_rows(database: OwnedDatabase, manifest: Manifest) -> int:
    """How many rows there are now. Raises `AppError` backup.rows-differ."""
    async with connected(database.url, **SEE_EVERYTHING) as connection:
        found = await count_rows(connection, database.schemas)
    expected = _rows_of(database, manifest)
    for table in sorted({*found, *expected}):
        if found.get(table) != expected.get(table):
            raise AppError(
                "backup.rows-differ", Kind.INTERNAL, place=table, measured=found.get(table), allowed=expected.get(table)
            )
    return sum(found.values())


async def _verify_audit(keys: KeyMaterial, url: str) -> Verified:
    database = Database(url, schema="review", pool_size=1)
    audit_key = keys.audit_key.encode()
    try:
        work = PostgresWork(database, keys.ring(), audit_key, SystemClock(), TimeOrderedIds())
        return await verify_chains(work, audit_key)
    finally:
        await database.close()
