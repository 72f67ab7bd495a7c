"""A transaction is committed whole or not at all, in its scope, whatever happens to its connection."""

import asyncio

import pytest
from sqlalchemy import exc, text

from services.kernel.db.direct import fetch
from services.kernel.db.engine import EVERYTHING, Database, Scope
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError

NOTE = text("INSERT INTO effects (note) VALUES (:note)")
CUT = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
)
SCOPE = "SELECT current_setting('shenbao.scope', true), current_setting('shenbao.dossier', true)"


async def notes(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list((await connection.execute(text("SELECT note FROM effects ORDER BY note"))).scalars())


async def cut_all_others(database: Database) -> int:
    other = Database(database.url, schema=database.schema)
    async with other.transaction() as connection:
        cut = (await connection.execute(CUT)).scalar_one()
    await other.close()
    return int(cut)


async def open_at_once(database: Database, count: int) -> None:
    """Leave so many connections idle in the pool."""
    begun = asyncio.Barrier(count)

    async def one() -> None:
        async with database.transaction():
            await begun.wait()

    await asyncio.gather(*(one() for _ in range(count)))


async def test_an_error_undoes_everything(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(NOTE, {"note": "undone"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await notes(database) == []
    assert database.connections_used == 0


async def test_a_failed_statement_that_was_passed_over_is_told_at_the_end(database: Database) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK, and calls that no error."""

    async def pass_over() -> None:
        async with database.transaction() as connection:
            await connection.execute(NOTE, {"note": "undone"})
            with pytest.raises(exc.DBAPIError):
                await connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(exc.InternalError, match="ROLLBACK"):
        await pass_over()
    assert await notes(database) == []


async def test_a_cancelled_one_is_undone_and_its_connection_serves_on(database: Database) -> None:
    async def endless() -> None:
        async with database.transaction() as connection:
            await connection.execute(NOTE, {"note": "undone"})
            sleeping.set()
            await connection.execute(text("SELECT pg_sleep(600)"))

    sleeping = asyncio.Event()
    task = asyncio.create_task(endless())
    await sleeping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert database.connections_used == 0
    assert await notes(database) == []


async def test_connections_that_were_cut_off_while_idle_are_replaced_unnoticed(database: Database) -> None:
    await open_at_once(database, 4)
    assert await cut_all_others(database) == 4
    for number in range(5):
        async with database.transaction() as connection:
            await connection.execute(NOTE, {"note": str(number)})
    assert await notes(database) == list("01234")


@pytest.mark.parametrize("ends", [True, False])
async def test_one_that_is_cut_off_on_the_way_is_an_outage(database: Database, *, ends: bool) -> None:
    """Noticed by its next statement, or by its COMMIT."""

    async def go_on() -> None:
        async with database.transaction() as connection:
            await connection.execute(NOTE, {"note": "undone"})
            await cut_all_others(database)
            if not ends:
                await connection.execute(NOTE, {"note": "undone"})

    with pytest.raises((exc.DBAPIError, OSError)) as caught:
        await go_on()
    assert is_outage(caught.value)
    assert database.connections_used == 0
    assert await notes(database) == []


HOSTILE = ("'", "''", "\\", "\\'", "'; DROP TABLE effects; --", "$1", "%s{path}{0}", "卓玛·次仁", "𠮷", "\n", "")


@pytest.mark.parametrize("given", HOSTILE)
async def test_the_scope_is_what_was_given(database: Database, given: str) -> None:
    scope = Scope(organisation_path=f"/{given}/", dossier_id=given)
    async with database.transaction(scope) as connection:
        row = (await connection.execute(text(SCOPE))).one()
        assert await fetch(connection, SCOPE) == [row]
    assert tuple(row) == (f"/{given}/", given)


@pytest.mark.parametrize("given", ["\0", "d1\0'", "\ud800"])
async def test_a_scope_that_no_text_can_be_is_refused_by_name(database: Database, given: str) -> None:
    with pytest.raises(AppError, match=r"request\.unreadable-text"):
        async with database.transaction(Scope(organisation_path="/", dossier_id=given)):
            pass
    assert database.connections_used == 0


async def test_a_scope_ends_with_its_transaction(database: Database) -> None:
    """Also on the same connection."""
    async with database.session() as session:
        async with session.transaction(EVERYTHING) as connection:
            assert tuple((await fetch(connection, SCOPE))[0]) == ("/", "")
        async with session.transaction() as connection:
            assert tuple((await fetch(connection, SCOPE))[0]) == ("", "")


async def test_a_session_keeps_its_connection_and_replaces_one_that_was_cut_off(database: Database) -> None:
    async def server() -> int:
        async with session.transaction() as connection:
            return int((await fetch(connection, "SELECT pg_backend_pid()"))[0][0])

    async with database.session() as session:
        assert database.connections_used == 0
        first = await server()
        assert await server() == first
        assert database.connections_used == 1
        await cut_all_others(database)
        assert await server() != first
    assert database.connections_used == 0


@pytest.mark.parametrize(
    ("statement", "values", "kind"),
    [
        ("INSERT INTO effects (note) SELECT $1 FROM generate_series(1, 2)", ("twice",), exc.IntegrityError),
        ("SELECT 1 / $1::int", (0,), exc.DBAPIError),
        ("SELECT $1::int", ("not a number",), exc.DBAPIError),
        ("SELECT nothing", (), exc.DBAPIError),
    ],
)
async def test_what_the_driver_refuses_is_told_as_sqlalchemy_does(
    database: Database, statement: str, values: tuple[object, ...], kind: type[exc.DBAPIError]
) -> None:
    with pytest.raises(kind) as caught:
        async with database.transaction() as connection:
            await fetch(connection, statement, *values)
    assert not is_outage(caught.value)


async def test_a_connection_that_is_not_open_has_no_driver(database: Database) -> None:
    async with database.transaction() as connection:
        pass
    with pytest.raises(exc.SQLAlchemyError):
        await fetch(connection, "SELECT 1")
