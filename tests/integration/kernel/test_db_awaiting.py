"""A service may start before its schema, its role or the whole server is there."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.engine import Database
from services.kernel.db.migrate import await_revision
from services.kernel.db.roles import OWNER, role_of
from services.kernel.errors import AppError
from tests.cluster import Cluster
from tests.integration.kernel.conftest import SERVICE

DEADLINE_S = 30.0


async def test_it_waits_for_a_password_that_is_not_set_yet(cluster: Cluster, database_name: str) -> None:
    """As for a role that does not exist: the server says the same of both."""
    role = f"late_{database_name}"
    database = Database(cluster.url(role, database_name), schema=SERVICE)
    waiting = asyncio.create_task(await_revision(database, deadline_s=DEADLINE_S))
    superuser = create_async_engine(cluster.superuser_url(database_name), isolation_level="AUTOCOMMIT")
    try:
        with pytest.raises(AppError, match=r"found=.*password authentication failed for user"):
            await await_revision(database, deadline_s=0.5)
        async with superuser.connect() as connection:
            password = cluster.url("x", "y").partition("x:")[2].partition("@")[0]
            await connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE {role_of(SERVICE)}"))
        await waiting
    finally:
        waiting.cancel()
        await database.close()
        async with superuser.connect() as connection:
            await connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
        await superuser.dispose()


async def test_a_schema_of_another_revision_is_not_taken(
    cluster: Cluster, database_name: str, database: Database
) -> None:
    owner = create_async_engine(cluster.url(OWNER, database_name))
    async with owner.begin() as connection:
        await connection.execute(text(f"UPDATE {SERVICE}.alembic_version SET version_num = 'from-the-future'"))
    await owner.dispose()
    with pytest.raises(AppError, match=r"database\.not-migrated .*found='from-the-future'"):
        await await_revision(database, deadline_s=0.2)


async def test_without_a_server_it_says_what_it_heard() -> None:
    database = Database("postgresql+asyncpg://nobody:x@/none?host=/nonexistent", schema=SERVICE)
    with pytest.raises(AppError, match=r"database\.not-migrated .*found=.*No such file or directory"):
        await await_revision(database, deadline_s=0.2)
    await database.close()
