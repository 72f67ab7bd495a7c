"""Backup and restore over real servers: one point in time whatever is removed meanwhile, all or nothing, resumable."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.cli.backup import restoring
from services.cli.backup.manifest import Manifest
from services.cli.backup.restoring import Target, restore
from services.cli.backup.taking import REMOVING, Source, take
from services.cli.backup.verifying import verified
from services.cli.backup.writing import writer_for
from services.cli.databases import OwnedDatabase
from services.kernel.clock import SystemClock
from services.kernel.db.engine import EVERYTHING, Database
from services.kernel.db.roles import OWNER, SCHEMAS, bootstrap, role_of
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import NewJob, Queue, enqueue
from services.kernel.jobs.worker import Running, Worker
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.port import ObjectInfo
from services.kernel.storage.presign import PresignKey, Signer
from services.upload.repository import files
from tests.cluster import Cluster
from tests.unit.cli.backup.made import KEYS

KEY = "staging/cycles/2023/dossiers/d1/education/f1"
AT = datetime(2023, 6, 1, tzinfo=UTC)


def quiet(_step: str, _count: int, _bytes: int) -> None:
    """Says nothing."""


def store(folder: Path) -> LocalDir:
    signer = Signer([PresignKey(key_id="a", secret="s" * 32)], SystemClock())
    return LocalDir(folder, signer, "http://127.0.0.1", SystemClock(), TimeOrderedIds())


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[LocalDir]:
    opened = store(tmp_path / "store")
    yield opened
    opened.close()


def owned(cluster: Cluster, name: str) -> OwnedDatabase:
    return OwnedDatabase(url=cluster.url(OWNER, name), schemas=SCHEMAS)


@pytest.fixture
async def upload(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    """The upload service's own database, with one stored file."""
    opened = Database(cluster.url(role_of("upload"), database_name), schema="upload")
    values: dict[str, Any] = dict.fromkeys(
        ("material_id", "item_id", "component_id", "media_type", "sha256", "declared_sha256", "etag", "rejection_code"),
        "x",
    )
    row = {
        **values, "file_id": "f1", "dossier_id": "d1", "organisation_path": "/sc/", "object_key": KEY,
        "area": "staging", "state": "stored", "file_name": b"x", "size_bytes": 3, "stored_at": AT, "version": 1,
    }  # fmt: skip
    async with opened.transaction(EVERYTHING) as connection:
        await connection.execute(sa.insert(files).values(row))
    yield opened
    await opened.close()


async def taken(cluster: Cluster, name: str, storage: Any, target: Path) -> Manifest:
    source = Source(databases=[owned(cluster, name)], storage=storage, keys=KEYS, extra={})
    writer = writer_for(target)
    try:
        return await take(source, writer, at=AT, with_secrets=False, say=quiet)
    finally:
        writer.discard()


async def empty(cluster: Cluster) -> str:
    """A database as `migrate --bootstrap` makes it, before any migration."""
    name = f"{await cluster.fresh()}_empty"
    passwords = dict.fromkeys((OWNER, *(role_of(s) for s in SCHEMAS if s != "events")), "for-tests-only")
    await bootstrap(cluster.superuser_url("postgres"), cluster.superuser_url(name), name, passwords)
    return name


def target_of(cluster: Cluster, name: str, storage: LocalDir, *, resume: bool = False) -> Target:
    review = cluster.url(role_of("review"), name)
    return Target(databases=[owned(cluster, name)], storage=storage, review_url=review, resume=resume)


async def contents(storage: LocalDir) -> Mapping[str, bytes]:
    return {info.key: await storage.read(info.key, 0, info.size_bytes) async for info in storage.list("")}


class RemovedMeanwhile:
    """A store that is asked for its list only after a file was deleted and its removal had every chance to run."""

    def __init__(self, storage: LocalDir, delete: Any) -> None:
        self._storage = storage
        self._delete = delete
        self.stream = storage.stream

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        await self._delete()
        async for info in self._storage.list(prefix):
            yield info


@asynccontextmanager
async def removing(database: Database, storage: LocalDir) -> AsyncIterator[asyncio.Event]:
    """Upload's worker, as far as removals go; the event is set once the bytes are gone."""
    stop, gone = asyncio.Event(), asyncio.Event()
    queue = Queue(database, SystemClock(), TimeOrderedIds())

    async def purge(running: Running) -> None:
        await storage.delete(KEY)
        async with effect(database, running.job):
            pass
        gone.set()

    worker = Worker(
        database=database, queue=queue, handlers={"purge": purge}, clock=SystemClock(), concurrency=1,
        removing=REMOVING["upload"],
    )  # fmt: skip
    working = asyncio.create_task(worker.run(stop))
    yield gone
    stop.set()
    await working


async def test_a_file_deleted_after_the_snapshot_is_in_the_backup(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path
) -> None:
    await storage.put(KEY, b"one")

    async def delete() -> None:
        async with upload.transaction(EVERYTHING) as connection:
            await connection.execute(sa.update(files).values(state="deleted"))
            job = NewJob(stage="purge", dedup_key="p", organisation_path="/sc/", dossier_id="d1", subject_id="f1")
            await enqueue(connection, "upload", TimeOrderedIds(), job)
        put_off = sa.text("SELECT count(*) FROM jobs WHERE run_after > now() + interval '1 second'")
        async with asyncio.timeout(30):
            while True:  # until the worker has seen the job and put it off
                async with upload.transaction() as connection:
                    if (await connection.execute(put_off)).scalar_one():
                        return

    async with removing(upload, storage) as gone:
        manifest = await taken(cluster, database_name, RemovedMeanwhile(storage, delete), tmp_path / "b")
        assert (manifest.object_count, manifest.missing) == (1, ())
        assert not gone.is_set()
        async with upload.transaction() as connection:
            await connection.execute(sa.text("UPDATE jobs SET run_after = now()"))
        async with asyncio.timeout(30):
            await gone.wait()
    assert await contents(storage) == {}
    other, name = store(tmp_path / "other"), await empty(cluster)
    with verified(tmp_path / "b", lambda _: None) as backup:
        await restore(backup, KEYS, target_of(cluster, name, other), quiet)
    assert await contents(other) == {KEY: b"one"}
    other.close()


async def test_what_the_store_lost_is_told(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path
) -> None:
    await storage.put("anchors/2023/06/01.json", b"{}")
    manifest = await taken(cluster, database_name, storage, tmp_path / "b.tar")
    assert manifest.missing == (KEY,)
    with verified(tmp_path / "b.tar", lambda _: None) as backup:
        assert backup.manifest.missing == (KEY,)


async def test_every_table_comes_back_row_by_row(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path
) -> None:
    await storage.put(KEY, b"one")
    await taken(cluster, database_name, storage, tmp_path / "b.tar")
    other, name = store(tmp_path / "other"), await empty(cluster)
    with verified(tmp_path / "b.tar", lambda _: None) as backup:
        await restore(backup, KEYS, target_of(cluster, name, other), quiet)
    other.close()
    assert await everything(cluster, name) == await everything(cluster, database_name)
    restored = Database(cluster.url(role_of("upload"), name), schema="upload")
    await restored.refuse_privileged_role()
    async with restored.transaction() as connection:  # without a scope: row-level security came along
        assert (await connection.execute(sa.select(sa.func.count()).select_from(files))).scalar_one() == 0
    async with restored.transaction(EVERYTHING) as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(files))).scalar_one() == 1
    await restored.close()


async def everything(cluster: Cluster, name: str) -> Mapping[str, Any]:
    """What a superuser sees: rows, and who may do what with each table."""

    def read(connection: sa.Connection) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for schema in SCHEMAS:
            known = sa.MetaData(schema=schema)
            known.reflect(connection)
            for table in known.sorted_tables:
                found[f"{schema}.{table.name}"] = [tuple(row) for row in connection.execute(sa.select(table))]
        rights = sa.text(
            "SELECT n.nspname || '.' || relname, relacl::text, relrowsecurity, relforcerowsecurity,"
            " pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE n.nspname = ANY(:s) AND relkind IN ('r', 'S') ORDER BY 1"
        )
        found["rights"] = [tuple(row) for row in connection.execute(rights, {"s": list(SCHEMAS)})]
        return found

    engine = create_async_engine(cluster.superuser_url(name))
    async with engine.connect() as connection:
        found = await connection.run_sync(read)
    await engine.dispose()
    return found


async def test_a_restore_onto_what_holds_something_is_refused(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path
) -> None:
    await taken(cluster, database_name, storage, tmp_path / "b")
    other, name = store(tmp_path / "other"), await empty(cluster)
    with verified(tmp_path / "b", lambda _: None) as backup:
        with pytest.raises(AppError, match=r"backup\.target-not-empty"):
            await restore(backup, KEYS, target_of(cluster, database_name, other), quiet)
        await other.put("stray", b"x")
        with pytest.raises(AppError, match=r"backup\.target-not-empty.*stray"):
            await restore(backup, KEYS, target_of(cluster, name, other), quiet)
    assert await contents(other) == {"stray": b"x"}
    other.close()


async def test_one_that_was_cut_off_goes_on_when_told_to(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await storage.put(KEY, b"one")
    await taken(cluster, database_name, storage, tmp_path / "b")
    other, name = store(tmp_path / "other"), await empty(cluster)

    async def cut_off(*_arguments: Any) -> None:
        raise ConnectionResetError

    with verified(tmp_path / "b", lambda _: None) as backup:
        monkeypatch.setattr(restoring, "restore_dump", cut_off)
        with pytest.raises(ConnectionResetError):
            await restore(backup, KEYS, target_of(cluster, name, other), quiet)
        monkeypatch.undo()
        with pytest.raises(AppError, match=r"backup\.target-not-empty"):
            await restore(backup, KEYS, target_of(cluster, name, other), quiet)
        for _ in range(2):  # the second time everything is there
            await restore(backup, KEYS, target_of(cluster, name, other, resume=True), quiet)
        assert await everything(cluster, name) == await everything(cluster, database_name)
        await other.put(KEY, b"two", if_absent=False)
        with pytest.raises(AppError, match=r"backup\.target-not-empty"):
            await restore(backup, KEYS, target_of(cluster, name, other, resume=True), quiet)
    other.close()


async def test_a_backup_of_a_newer_version_is_refused(
    cluster: Cluster, database_name: str, upload: Database, storage: LocalDir, tmp_path: Path
) -> None:
    engine = create_async_engine(cluster.url(OWNER, database_name))
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE upload.alembic_version SET version_num = 'upload_9999'"))
    await engine.dispose()
    await taken(cluster, database_name, storage, tmp_path / "b")
    with verified(tmp_path / "b", lambda _: None) as backup, pytest.raises(AppError, match=r"backup\.newer"):
        await restore(backup, KEYS, target_of(cluster, await empty(cluster), storage), quiet)


async def test_a_database_that_went_away_leaves_no_backup(cluster: Cluster, storage: LocalDir, tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"database\.refused"):
        await taken(cluster, "no_such_database", storage, tmp_path / "b")
    assert os.listdir(tmp_path) == ["store"]  # noqa: PTH208 - a path would block the loop
