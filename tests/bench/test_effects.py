"""What the benchmark of events counts as wrong."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from bench.events.drain import faults_of
from bench.events.effects import Faults, faults
from bench.events.ground import GROUP, SOURCE, TABLE, events
from services.kernel.db.roles import OWNER, role_of
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.embedded_rows import dsn_of
from services.kernel.events.envelope import to_record
from tests.cluster import Cluster

Rows = Sequence[tuple[str, int]]
PART = "part"


@pytest.fixture
async def connection(cluster: Cluster, database_name: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(dsn_of(cluster.url(OWNER, database_name)))
    for schema in (SOURCE, GROUP):
        await opened.execute(TABLE.format(schema=schema))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("heard", "wrong"),
    [
        ([("part-1", 1), ("part-2", 1), ("part-1", 2)], Faults(lost=0, twice=0, disordered=0)),
        ([("part-1", 1), ("part-2", 1)], Faults(lost=1, twice=0, disordered=0)),
        ([("part-1", 1), ("part-2", 1), ("part-2", 1), ("part-1", 2)], Faults(lost=0, twice=1, disordered=1)),
        ([("part-1", 2), ("part-2", 1), ("part-1", 1)], Faults(lost=0, twice=0, disordered=1)),
        ([("part-1", 1), ("part-2", 1), ("part-1", 2), ("other-1", 1)], Faults(lost=0, twice=0, disordered=0)),
    ],
)
async def test_effects_are_compared_with_commits(connection: asyncpg.Connection, heard: Rows, wrong: Faults) -> None:
    insert = "INSERT INTO {schema}.bench_effects (aggregate_id, version) VALUES ($1, $2)"
    await connection.executemany(insert.format(schema=SOURCE), [("part-1", 1), ("part-1", 2), ("part-2", 1)])
    await connection.executemany(insert.format(schema=GROUP), heard)
    assert await faults(connection, PART) == wrong


@pytest.mark.parametrize(
    ("places", "wrong"), [([0, 1, 2, 3], 0), ([0, 1, 3], 1), ([0, 0, 1, 2, 3], 1), ([2, 0, 1, 3], 1)]
)
async def test_records_are_compared_with_events(
    cluster: Cluster, database_name: str, places: Sequence[int], wrong: int
) -> None:
    told = events(4, 2, PART)
    log = EmbeddedLog(cluster.url(role_of(SOURCE), database_name))
    await log.append([to_record(told[place]) for place in places])
    assert await faults_of(log, told) == wrong
    await log.close()
