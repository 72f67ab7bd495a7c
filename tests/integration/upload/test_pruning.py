"""Sessions that ended go when they are old enough, under row-level security; those that did not end stay."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import sqlalchemy as sa

from services.catalogue import load
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import EVERYTHING, Database
from services.kernel.db.roles import role_of
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import Storage
from services.upload.domain.records import UploadState
from services.upload.repository import PostgresWork, uploads
from services.upload.settings import Settings
from services.upload.usecases.context import Context
from services.upload.usecases.pruning import prune_sessions
from tests.cluster import Cluster
from tests.integration.kernel.facts import SetClock

BIT = timedelta(microseconds=1)


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    opened = Database(cluster.url(role_of("upload"), database_name), schema="upload")
    yield opened
    await opened.close()


def context(database: Database, clock: SetClock) -> Context:
    keys = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
    ids = TimeOrderedIds()
    work = PostgresWork(database, keys, ids, clock)
    settings = Settings(keep_sessions_days=30, prune_batch=2)
    return Context(
        work=work, storage=cast("Storage", None), catalogue=load.default(), clock=clock, ids=ids, settings=settings
    )


async def session(database: Database, name: str, state: UploadState, expires_at: datetime, path: str = "/sc/") -> None:
    texts = ("dossier_id", "material_id", "item_id", "component_id", "declared_sha256", "object_key", "store_upload_id")
    values = {
        **dict.fromkeys(texts, "x"), "upload_id": name, "file_id": name, "organisation_path": path, "state": state,
        "file_name": b"", "file_name_lookup": b"", "size_bytes": 1, "part_size_bytes": 1, "expires_at": expires_at,
        "created_at": datetime(2023, 6, 1, tzinfo=UTC), "expected_parts": [],
    }  # fmt: skip
    async with database.transaction(EVERYTHING) as connection:
        await connection.execute(sa.insert(uploads).values(values))


async def left(database: Database) -> set[str]:
    async with database.transaction(EVERYTHING) as connection:
        return set((await connection.execute(sa.select(uploads.c.upload_id))).scalars())


async def test_ended_sessions_stay_exactly_that_long(database: Database) -> None:
    clock = SetClock()
    edge = clock.now() - timedelta(days=30)
    for state in (UploadState.COMPLETED, UploadState.ABORTED):
        await session(database, f"{state}-exactly", state, edge)
        await session(database, f"{state}-older", state, edge - BIT, "/sc/cd/")
    for state in (UploadState.OPEN, UploadState.COMPLETING):
        await session(database, f"{state}", state, edge - timedelta(days=999))
    assert await prune_sessions(context(database, clock)) == 2
    assert await left(database) == {"completed-exactly", "aborted-exactly", "open", "completing"}


async def test_any_number_goes(database: Database) -> None:
    clock = SetClock()
    for number in range(5):
        await session(database, f"s{number}", UploadState.ABORTED, clock.now() - timedelta(days=31))
    assert await prune_sessions(context(database, clock)) == 5
    assert await left(database) == set()
