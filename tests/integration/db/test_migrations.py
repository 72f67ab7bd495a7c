"""Every revision goes down and up again, on tables with and without rows; what the lower one can hold survives."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.migrate import found_revisions, head, migrate, revisions
from services.kernel.db.owner import connected
from services.kernel.db.roles import OWNER, SCHEMAS, role_of
from services.kernel.errors import AppError
from tests.cluster import Cluster

#: Each revision with the one below it.
STEPS = [(s, below, at) for s in SCHEMAS for below, at in zip(["base", *revisions(s)], revisions(s), strict=False)]
#: By the type's name in Python; a row of these is one that every constraint takes.
_VALUES: Mapping[type, object] = {
    str: "one", int: 1, bool: False, bytes: b"one", float: 0.5, dict: {}, datetime: datetime(2023, 6, 1, tzinfo=UTC),
}  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]


async def at_revision(cluster: Cluster, database: str, schema: str) -> str:
    async with connected(cluster.url(OWNER, database)) as connection:
        return (await found_revisions(connection, [schema]))[schema]


def _value(column: sa.Column[Any]) -> object:
    """What a service would write; a state that the jobs' constraint knows."""
    if column.name == "state":
        return "queued"
    return _VALUES.get(column.type.python_type, {})


def _seed(connection: sa.Connection, schema: str) -> None:
    known = sa.MetaData(schema=schema)
    known.reflect(connection)
    for table in known.sorted_tables:
        if table.name != "alembic_version":
            given = [each for each in table.columns if each.identity is None and each.computed is None]
            values = {column.name: _value(column) for column in given}
            connection.execute(sa.insert(table).values(values))


def _rows(connection: sa.Connection, schema: str) -> Rows:
    known = sa.MetaData(schema=schema)
    known.reflect(connection)
    return {
        table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
        for table in known.sorted_tables
        if table.name != "alembic_version"
    }


async def as_superuser(cluster: Cluster, database: str, what: Any, schema: str) -> Any:
    engine = create_async_engine(cluster.superuser_url(database))
    async with engine.begin() as connection:
        found = await connection.run_sync(what, schema)
    await engine.dispose()
    return found


def shared(rows: Rows, other: Rows) -> Rows:
    """Of `rows`, the tables and columns that `other` has as well."""
    return {
        name: [{key: row[key] for key in row if key in _columns(other[name])} for row in found]
        for name, found in rows.items()
        if name in other
    }


def _columns(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    return set(rows[0]) if rows else set()


@pytest.mark.parametrize(("schema", "below", "at"), STEPS)
async def test_each_step_without_rows(cluster: Cluster, database_name: str, schema: str, below: str, at: str) -> None:
    url = cluster.url(OWNER, database_name)
    await migrate(url, [schema], target=at)
    assert await at_revision(cluster, database_name, schema) == at
    await migrate(url, [schema], target=below)
    assert await at_revision(cluster, database_name, schema) == ("" if below == "base" else below)
    await migrate(url, [schema])
    assert await at_revision(cluster, database_name, schema) == head(schema)


@pytest.mark.parametrize(("schema", "below", "at"), STEPS)
async def test_each_step_keeps_the_rows_that_both_can_hold(
    cluster: Cluster, database_name: str, schema: str, below: str, at: str
) -> None:
    url = cluster.url(OWNER, database_name)
    await migrate(url, [schema], target=at)
    await as_superuser(cluster, database_name, _seed, schema)
    above: Rows = await as_superuser(cluster, database_name, _rows, schema)
    assert all(len(found) == 1 for found in above.values())
    await migrate(url, [schema], target=below)
    lower: Rows = await as_superuser(cluster, database_name, _rows, schema)
    assert lower == shared(above, lower)
    assert (lower == {}) == (below == "base")
    await migrate(url, [schema], target=at)
    again: Rows = await as_superuser(cluster, database_name, _rows, schema)
    assert shared(again, lower) == lower


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_down_to_nothing_and_up_again_leaves_it_usable(cluster: Cluster, database_name: str, schema: str) -> None:
    """The service's role may use the tables that were made again."""
    url = cluster.url(OWNER, database_name)
    await migrate(url, [schema], target="base")
    await migrate(url, [schema])
    role = "review" if schema == "events" else schema
    async with connected(cluster.url(role_of(role), database_name)) as connection:
        for table in await as_superuser(cluster, database_name, _rows, schema):
            await connection.execute(sa.text(f'SELECT 1 FROM {schema}."{table}"'))
            await connection.execute(sa.text(f'DELETE FROM {schema}."{table}"'))


async def test_a_revision_of_another_version_is_refused(cluster: Cluster, database_name: str) -> None:
    url = cluster.url(OWNER, database_name)
    with pytest.raises(AppError, match=r"database\.unknown-revision.*nowhere"):
        await migrate(url, ["video"], target="nowhere")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE video.alembic_version SET version_num = 'video_9999'"))
    await engine.dispose()
    with pytest.raises(AppError, match=r"database\.unknown-revision.*video_9999"):
        await migrate(url, ["video"])
