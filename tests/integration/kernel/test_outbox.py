"""Events are committed with their effect, and become visible in the order of their numbers."""

import asyncio

import pytest
from sqlalchemy import text

from services.kernel.db.engine import Database
from services.kernel.events.outbox import Outbox
from services.kernel.telemetry import correlated
from tests.integration.kernel.facts import commit, event, note, notes

_VISIBLE = text("SELECT seq, event_id FROM outbox WHERE seq > :last ORDER BY seq")
_BLOCKED = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


async def sent_after(database: Database, last: int) -> list[tuple[int, str]]:
    async with database.transaction() as connection:
        return [(row[0], row[1]) for row in await connection.execute(_VISIBLE, {"last": last})]


async def test_an_event_exists_only_with_its_effect(database: Database) -> None:
    class Failed(Exception):
        pass

    async def fail_after_flush() -> None:
        outbox = Outbox(database.schema)
        async with database.transaction() as connection:
            await note(connection, "effect")
            outbox.add(event(1))
            await outbox.flush(connection)
            raise Failed

    with pytest.raises(Failed):
        await fail_after_flush()
    assert not await notes(database)
    assert not await sent_after(database, 0)


async def test_flush_writes_what_was_added_once_and_in_order(database: Database) -> None:
    outbox = Outbox(database.schema)
    async with database.transaction() as connection:
        for number in (3, 1, 2):
            outbox.add(event(number))
        await outbox.flush(connection)
        await outbox.flush(connection)
    assert [each for _, each in await sent_after(database, 0)] == ["aggregate-3", "aggregate-1", "aggregate-2"]
    assert not outbox.events


async def test_an_event_carries_the_trace_in_which_it_happened(database: Database) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with correlated(traceparent=trace):
        await commit(database, event(1))
    async with database.transaction() as connection:
        headers = (await connection.execute(text("SELECT headers FROM outbox"))).scalar_one()
    assert headers["ce_traceparent"] == trace


async def test_a_later_transaction_waits_for_an_earlier_one(database: Database) -> None:
    """Else the later, higher number would be seen first, and a reader by number would pass the earlier one over."""
    async with database.transaction() as connection:
        outbox = Outbox(database.schema)
        outbox.add(event(1))
        await outbox.flush(connection)
        later = asyncio.create_task(commit(database, event(2)))
        async with database.transaction() as looking, asyncio.timeout(60):
            while not (await looking.execute(_BLOCKED)).scalar_one():
                assert not later.done()
        assert not await sent_after(database, 0)
    await later
    assert [each for _, each in await sent_after(database, 0)] == ["aggregate-1", "aggregate-2"]


async def test_a_reader_by_number_misses_none_of_many_concurrent_commits(database: Database) -> None:
    """As measured without the lock: 413 of 3,200 lost."""
    writers, each_writes = 8, 100

    async def write(key: str) -> None:
        for number in range(each_writes):
            async with database.transaction() as connection:
                outbox = Outbox(database.schema)
                outbox.add(event(number, key=key))
                await note(connection, f"{key}-{number}")
                await outbox.flush(connection)

    found: list[str] = []

    async def read() -> None:
        last = 0
        while len(found) < writers * each_writes:
            for seq, event_id in await sent_after(database, last):
                last = seq
                found.append(event_id)

    keys = [f"writer{number}" for number in range(writers)]
    async with asyncio.timeout(100):
        await asyncio.gather(read(), *(write(key) for key in keys))
    assert len(set(found)) == writers * each_writes
    for key in keys:
        mine = [int(each.rpartition("-")[2]) for each in found if each.startswith(f"{key}-")]
        assert mine == list(range(each_writes))
