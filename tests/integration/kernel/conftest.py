"""A service's database with the kernel's tables and one table for effects, and a log beside it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.engine import Database
from services.kernel.db.roles import OWNER, role_of
from services.kernel.events.embedded import EmbeddedLog
from tests.cluster import Cluster

#: Any service's schema does: the tables of events and jobs are the same in each.
SERVICE = "upload"


@pytest.fixture
def database_url(cluster: Cluster, database_name: str) -> str:
    """The URL of a service's restricted role on a fresh database."""
    return cluster.url(role_of(SERVICE), database_name)


@pytest.fixture
async def database(cluster: Cluster, database_name: str, database_url: str) -> AsyncIterator[Database]:
    """As a service has it, with the table `effects(number, note)`."""
    owner = create_async_engine(cluster.url(OWNER, database_name))
    async with owner.begin() as connection:
        await connection.execute(
            text(f"CREATE TABLE {SERVICE}.effects (number bigint GENERATED ALWAYS AS IDENTITY, note text UNIQUE)")
        )
    await owner.dispose()
    opened = Database(database_url, schema=SERVICE)
    yield opened
    await opened.close()


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EmbeddedLog]:
    """The embedded log in the same database."""
    opened = EmbeddedLog(database_url)
    yield opened
    await opened.close()
