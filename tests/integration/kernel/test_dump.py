"""A dump comes back whole or not at all, also when it is cut in the middle or meets what is there."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.dump import SEE_EVERYTHING, dump, restore
from services.kernel.db.owner import connected
from services.kernel.db.roles import OWNER, SCHEMAS, bootstrap, role_of
from services.kernel.errors import AppError
from tests.cluster import Cluster

ROWS = 2000
#: Two rows that somebody who is bound to row-level security would not see without the scope.
_FILL = (
    f"INSERT INTO review.persons (person_id, name) SELECT n::text, repeat('x', 200) FROM generate_series(1, {ROWS}) n",
    "INSERT INTO review.changes (dossier_id, organisation_path, material_id, kind) VALUES ('d', '/sc/', '', 'a')",
    "INSERT INTO review.changes (dossier_id, organisation_path, material_id, kind) VALUES ('d', '/', '', 'b')",
)
_LEFT = "SELECT count(*) FROM pg_tables WHERE schemaname = ANY(:schemas)"


@pytest.fixture
async def dumped(cluster: Cluster, database_name: str, tmp_path: Path) -> Path:
    """A database with rows, dumped as its owner; a row that is written afterwards is not in it."""
    engine = create_async_engine(cluster.superuser_url(database_name))
    url = cluster.url(OWNER, database_name)
    async with connected(url, **SEE_EVERYTHING) as connection:
        async with engine.begin() as superuser:
            for statement in _FILL:
                await superuser.execute(sa.text(statement))
        await connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot = (await connection.execute(sa.text("SELECT pg_export_snapshot()"))).scalar_one()
        async with engine.begin() as superuser:
            await superuser.execute(sa.text("INSERT INTO review.persons (person_id, name) VALUES ('later', 'y')"))
        await dump(url, SCHEMAS, snapshot, tmp_path / "dump")
    await engine.dispose()
    return tmp_path / "dump"


@pytest.fixture
async def target(cluster: Cluster, database_name: str) -> str:
    """An empty database with its schemas; the owner's URL."""
    name = f"{database_name}_target"
    passwords = dict.fromkeys((OWNER, *(role_of(s) for s in SCHEMAS if s != "events")), "for-tests-only")
    await bootstrap(cluster.superuser_url("postgres"), cluster.superuser_url(name), name, passwords)
    return cluster.url(OWNER, name)


async def one(url: str, statement: str) -> int:
    async with connected(url, **SEE_EVERYTHING) as connection:
        parameters = {"schemas": list(SCHEMAS)} if ":schemas" in statement else {}
        return int((await connection.execute(sa.text(statement), parameters)).scalar_one())


async def test_exactly_the_snapshot_comes_back(dumped: Path, target: str) -> None:
    await restore(target, dumped, SCHEMAS)
    assert await one(target, "SELECT count(*) FROM review.persons") == ROWS
    assert await one(target, "SELECT count(*) FROM review.changes") == 2
    engine = create_async_engine(target, connect_args={"server_settings": SEE_EVERYTHING})
    async with engine.begin() as connection:  # numbers go on where they were
        added = (
            "INSERT INTO review.changes (dossier_id, organisation_path, material_id, kind) VALUES ('d', '/', '', 'c')"
        )
        number = (await connection.execute(sa.text(f"{added} RETURNING seq"))).scalar_one()
    await engine.dispose()
    assert number == 3


async def test_only_the_schemas_that_are_asked_for(dumped: Path, target: str) -> None:
    await restore(target, dumped, ["review"])
    assert await one(target, "SELECT count(DISTINCT schemaname) FROM pg_tables WHERE schemaname = ANY(:schemas)") == 1


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
async def test_a_dump_that_was_cut_changes_nothing(dumped: Path, target: str, part: float) -> None:
    os.truncate(dumped, int(os.stat(dumped).st_size * part))  # noqa: PTH116
    with pytest.raises(AppError, match=r"backup\.restore-failed.*pg_restore"):
        await restore(target, dumped, SCHEMAS)
    assert await one(target, _LEFT) == 0
    assert [each for each in os.listdir(dumped.parent) if each.endswith(".list")] == []  # noqa: PTH208


async def test_what_is_there_stays_and_nothing_is_added(dumped: Path, target: str) -> None:
    engine = create_async_engine(target)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE review.persons (mine int)"))
    await engine.dispose()
    with pytest.raises(AppError, match=r"backup\.restore-failed.*psql.*already exists"):
        await restore(target, dumped, SCHEMAS)
    assert await one(target, _LEFT) == 1


async def test_a_server_that_does_not_answer_is_told(dumped: Path, target: str) -> None:
    with pytest.raises(AppError, match=r"backup\.restore-failed"):
        await restore(target.replace("shenbao_owner", "nobody_known", 1), dumped, SCHEMAS)
