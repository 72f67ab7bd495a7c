"""Expired sessions and remembered answers go, exactly at their age, in batches."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from services.gateway.repository import Repository, answers, sessions
from services.kernel.db.engine import Database
from services.kernel.db.roles import role_of
from tests.cluster import Cluster

NOW = datetime(2023, 6, 1, 8, tzinfo=UTC)
LONGEST = timedelta(hours=24)
BIT = timedelta(microseconds=1)


async def test_what_is_older_goes_and_what_is_exactly_that_old_stays(cluster: Cluster, database_name: str) -> None:
    database = Database(cluster.url(role_of("gateway"), database_name), schema="gateway")
    repository = Repository(database)
    await repository.create_account("a", "login", "hash", must_change=False)
    moments = {"exactly": NOW - LONGEST, "older": NOW - LONGEST - BIT, "much-older": NOW - 9 * LONGEST}
    async with database.transaction() as connection:
        for name, at in moments.items():
            row = {"token_sha256": name.encode(), "account_id": "a", "csrf": "c", "created_at": at, "seen_at": at}
            await connection.execute(sa.insert(sessions).values(row))
    for name, at in moments.items():
        await repository.remember("a", name, b"f", at)
    await repository.prune(NOW, LONGEST, 1)
    async with database.transaction() as connection:
        assert (await connection.execute(sa.select(sessions.c.token_sha256))).scalars().all() == [b"exactly"]
        assert (await connection.execute(sa.select(answers.c.key))).scalars().all() == ["exactly"]
    await database.close()
