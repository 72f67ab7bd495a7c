"""The upload service's use cases on a fresh database, over each adapter of the store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.catalogue import load
from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database
from services.kernel.db.roles import role_of
from services.kernel.ids import TimeOrderedIds
from services.upload.repository import PostgresWork
from services.upload.settings import Settings
from services.upload.usecases.context import Context
from tests.cluster import Cluster
from tests.contract.storages import ADAPTERS, StorageUnderTest


class SetClock:
    """A clock that a test sets; it begins now, as the store's files are of today."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The service, the store behind it, and its clock."""

    context: Context
    storage: StorageUnderTest
    clock: SetClock
    database: Database


@pytest.fixture(params=["localdir", "s3"])
async def service(
    request: pytest.FixtureRequest, cluster: Cluster, database_name: str, tmp_path: Path
) -> AsyncIterator[Service]:
    database = Database(cluster.url(role_of("upload"), database_name), schema="upload", pool_size=4)
    keys = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
    clock = SetClock()
    async with ADAPTERS[request.param](request, tmp_path / "store") as storage:
        await storage.pass_moment(clock.now() - timedelta(seconds=2))  # the store's clock is the service's
        context = Context(
            work=PostgresWork(database, keys, TimeOrderedIds(), SystemClock()),
            storage=storage.store,
            catalogue=load.default(),
            clock=clock,
            ids=TimeOrderedIds(),
            settings=Settings(dossier_quota_bytes=2**20),
        )
        yield Service(context=context, storage=storage, clock=clock, database=database)
    await database.close()
