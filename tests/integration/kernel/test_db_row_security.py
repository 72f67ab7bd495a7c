"""Row-level security: a transaction sees and writes the rows of its scope, and without a scope none."""

from collections.abc import Sequence

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.engine import EVERYTHING, Database, Scope
from services.kernel.db.rls import enable_row_level_security
from services.kernel.db.roles import OWNER, SCHEMAS, SERVICES, role_of
from tests.cluster import Cluster
from tests.integration.kernel.conftest import SERVICE

#: Where dossiers lie; "/sc/cd/" must not match "/sc/cdx/".
ROWS = {"d1": "/sc/cd/", "d2": "/sc/cd/hospital/", "d3": "/sc/cdx/", "d4": "/sc/", "d5": "/yn/"}


def secure(connection: Connection) -> None:
    connection.execute(text(f"CREATE TABLE {SERVICE}.things (dossier_id text, organisation_path text, note text)"))
    with Operations.context(MigrationContext.configure(connection)):
        enable_row_level_security(SERVICE, "things")


@pytest.fixture(autouse=True)
async def things(cluster: Cluster, database_name: str, database: Database) -> None:
    owner = create_async_engine(cluster.url(OWNER, database_name))
    async with owner.begin() as connection:
        await connection.run_sync(secure)
    await owner.dispose()
    for dossier, path in ROWS.items():
        async with database.transaction(Scope(organisation_path=path)) as transaction:
            await transaction.execute(text("INSERT INTO things VALUES (:d, :p)"), {"d": dossier, "p": path})


async def seen(database: Database, scope: Scope | None) -> Sequence[str]:
    async with database.transaction(scope) as transaction:
        return (await transaction.execute(text("SELECT dossier_id FROM things ORDER BY 1"))).scalars().all()


@pytest.mark.parametrize(
    ("path", "dossiers"),
    [
        ("/", ["d1", "d2", "d3", "d4", "d5"]),
        ("/sc/", ["d1", "d2", "d3", "d4"]),
        ("/sc/cd/", ["d1", "d2"]),
        ("/sc/cd/hospital/", ["d2"]),
        ("/sc/c/", []),
        ("/sc/cd/hospital/ward/", []),
    ],
)
async def test_a_scope_sees_what_lies_at_or_below_it(database: Database, path: str, dossiers: list[str]) -> None:
    assert await seen(database, Scope(organisation_path=path)) == dossiers


async def test_a_dossier_narrows_the_scope_and_never_widens_it(database: Database) -> None:
    assert await seen(database, Scope(organisation_path="/sc/", dossier_id="d1")) == ["d1"]
    assert await seen(database, Scope(organisation_path="/sc/cdx/", dossier_id="d1")) == []
    assert await seen(database, Scope(organisation_path="/", dossier_id="nothing")) == []


async def test_a_scope_ends_with_its_transaction(cluster: Cluster, database_name: str) -> None:
    """A setting made for a transaction reads '' afterwards in the same session, which starts every path."""
    single = Database(cluster.url(role_of(SERVICE), database_name), schema=SERVICE, pool_size=1)
    process = text("SELECT pg_backend_pid()")
    async with single.transaction(EVERYTHING) as transaction:
        before = (await transaction.execute(process)).scalar_one()
    async with single.transaction() as transaction:
        assert (await transaction.execute(process)).scalar_one() == before, "the same session"
        assert (await transaction.execute(text("SELECT count(*) FROM things"))).scalar_one() == 0
    with pytest.raises(DBAPIError, match="division"):
        async with single.transaction(EVERYTHING) as transaction:
            await transaction.execute(text("SELECT 1/0"))
    assert await seen(single, None) == []
    await single.close()


async def test_without_a_scope_there_are_no_rows(database: Database) -> None:
    assert await seen(database, None) == []


@pytest.mark.parametrize("wrong", ["", "sc/", "/sc", "/sc/%", "sc"])
def test_a_path_that_could_match_a_sibling_is_none(wrong: str) -> None:
    with pytest.raises(ValueError, match="organisation path"):
        Scope(organisation_path=wrong)


async def test_signs_of_patterns_are_letters_like_any_other(database: Database) -> None:
    assert await seen(database, Scope(organisation_path="/%/")) == []
    assert await seen(database, Scope(organisation_path="/__/")) == []


@pytest.mark.parametrize(
    ("scope", "dossier", "path"),
    [
        (Scope(organisation_path="/sc/cd/"), "d9", "/sc/cdx/"),
        (Scope(organisation_path="/sc/cd/"), "d9", "/sc/"),
        (Scope(organisation_path="/sc/cd/", dossier_id="d1"), "d9", "/sc/cd/"),
        (None, "d9", "/sc/cd/"),
        (EVERYTHING, None, "/sc/cd/"),
        (EVERYTHING, "d9", None),
    ],
)
async def test_no_row_is_written_outside_the_scope(
    database: Database, scope: Scope | None, dossier: str | None, path: str | None
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(scope) as transaction:
            await transaction.execute(text("INSERT INTO things VALUES (:d, :p)"), {"d": dossier, "p": path})
    assert len(await seen(database, EVERYTHING)) == len(ROWS)


async def test_no_row_is_moved_out_of_the_scope_or_changed_beyond_it(database: Database) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(Scope(organisation_path="/sc/cd/")) as transaction:
            await transaction.execute(text("UPDATE things SET organisation_path = '/yn/' WHERE dossier_id = 'd1'"))
    async with database.transaction(Scope(organisation_path="/sc/cd/")) as transaction:
        assert (await transaction.execute(text("UPDATE things SET note = 'x'"))).rowcount == 2
        assert (await transaction.execute(text("DELETE FROM things WHERE dossier_id = 'd3'"))).rowcount == 0
    assert len(await seen(database, EVERYTHING)) == len(ROWS)


async def test_the_owner_of_the_table_is_bound_as_well(cluster: Cluster, database_name: str) -> None:
    owner = Database(cluster.url(OWNER, database_name), schema=SERVICE)
    assert await seen(owner, None) == []
    assert await seen(owner, Scope(organisation_path="/yn/")) == ["d5"]
    await owner.close()


async def test_a_service_cannot_lift_its_own_security(database: Database) -> None:
    for attempt in (
        "ALTER TABLE things DISABLE ROW LEVEL SECURITY",
        "DROP POLICY things_scope ON things",
        "SET ROLE " + OWNER,
        "CREATE TABLE mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "TRUNCATE things",
    ):
        with pytest.raises(DBAPIError, match=r"must be owner|permission denied"):
            async with database.transaction(EVERYTHING) as transaction:
                await transaction.execute(text(attempt))


_UNGUARDED = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(:schemas) AND c.relname NOT IN ('jobs', 'outbox', 'inbox')
AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('organisation_path', 'dossier_id'))
AND NOT (c.relrowsecurity AND c.relforcerowsecurity
         AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'))
"""


async def test_every_table_of_dossiers_is_under_it(database: Database) -> None:
    """Whatever a migration adds: a table with the column of a dossier or its place is guarded."""
    async with database.transaction() as transaction:
        found = await transaction.execute(text(_UNGUARDED), {"schemas": list(SCHEMAS)})
        assert found.scalars().all() == []


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_its_own_schema_and_the_log_only(
    cluster: Cluster, database_name: str, service: str
) -> None:
    opened = Database(cluster.url(role_of(service), database_name), schema=service)
    async with opened.transaction() as transaction:
        visible = await transaction.execute(
            text("SELECT s FROM unnest(CAST(:schemas AS text[])) s WHERE has_schema_privilege(s, 'USAGE') ORDER BY s"),
            {"schemas": list(SCHEMAS)},
        )
        assert set(visible.scalars()) == {service, "events"}
    await opened.close()
