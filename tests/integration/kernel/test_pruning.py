"""What is exactly as old as it is kept stays, what is older goes, in batches; what must stay for ever stays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.batches import delete_in_batches
from services.kernel.db.engine import Database, Scope
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.tables import inbox, inbox_versions
from services.kernel.jobs.tables import jobs
from services.kernel.pruning import Ages, Pruning
from tests.integration.kernel.facts import TOPIC, SetClock, event, everything, publish

AGES = Ages(log=timedelta(days=7), inbox=timedelta(days=60), jobs=timedelta(days=90))
BIT = timedelta(microseconds=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def pruning(database: Database, log: EmbeddedLog, clock: SetClock, *, batch: int = 1000) -> Pruning:
    return Pruning(database, log, clock, AGES, batch=batch)


async def seen(database: Database, **at: datetime) -> None:
    rows = [{"consumer_group": "g", "event_id": name, "received_at": moment} for name, moment in at.items()]
    async with database.transaction() as connection:
        await connection.execute(insert(inbox), rows)


async def job(database: Database, name: str, state: str, at: datetime) -> None:
    values = {"job_id": name, "dedup_key": name, "stage": "s", "organisation_path": "/", "dossier_id": "d"}
    async with database.transaction() as connection:
        await connection.execute(insert(jobs).values({**values, "subject_id": "f", "state": state, "updated_at": at}))


async def left(database: Database) -> set[str]:
    async with database.transaction() as connection:
        events = (await connection.execute(select(inbox.c.event_id))).scalars().all()
        return {*events, *(await connection.execute(select(jobs.c.job_id))).scalars()}


async def test_ids_of_events_are_remembered_exactly_that_long(
    database: Database, log: EmbeddedLog, clock: SetClock
) -> None:
    edge = clock.now() - AGES.inbox
    await seen(database, exactly=edge, older=edge - BIT, newer=edge + BIT)
    await pruning(database, log, clock).run()
    assert await left(database) == {"exactly", "newer"}


@pytest.mark.parametrize("state", ["done", "cancelled"])
async def test_ended_jobs_stay_exactly_that_long(
    database: Database, log: EmbeddedLog, clock: SetClock, state: str
) -> None:
    edge = clock.now() - AGES.jobs
    await job(database, "exactly", state, edge)
    await job(database, "older", state, edge - BIT)
    await pruning(database, log, clock).run()
    assert await left(database) == {"exactly"}


@pytest.mark.parametrize("state", ["queued", "leased", "dead"])
async def test_jobs_that_wait_for_somebody_stay(
    database: Database, log: EmbeddedLog, clock: SetClock, state: str
) -> None:
    await job(database, "old", state, clock.now() - 10 * AGES.jobs)
    await pruning(database, log, clock).run()
    assert await left(database) == {"old"}


async def test_what_was_newest_of_an_aggregate_is_never_forgotten(
    database: Database, log: EmbeddedLog, clock: SetClock
) -> None:
    row = {"consumer_group": "g", "stream": "test", "aggregate_id": "a", "version": 7}
    async with database.transaction() as connection:
        await connection.execute(insert(inbox_versions).values(row))
    clock.advance(timedelta(days=4000))
    await pruning(database, log, clock).run()
    async with database.transaction() as connection:
        assert (await connection.execute(select(inbox_versions.c.version))).scalars().all() == [7]


@pytest.mark.parametrize("count", [0, 3, 4, 9])
async def test_any_number_goes_in_batches(database: Database, log: EmbeddedLog, clock: SetClock, count: int) -> None:
    """Also when the last batch is full."""
    old = clock.now() - 2 * AGES.inbox
    if count:
        await seen(database, **{f"e{number}": old for number in range(count)})
    await pruning(database, log, clock, batch=2).run()
    assert await left(database) == set()


async def test_a_transaction_deletes_no_more_than_a_batch(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seen(database, **{f"e{number}": clock.now() for number in range(5)})
    left_after: list[int] = []
    begin = database.transaction

    @asynccontextmanager
    async def counted(scope: Scope | None = None) -> AsyncIterator[AsyncConnection]:
        async with begin(scope) as connection:
            yield connection
            counting = select(func.count()).select_from(inbox)
            left_after.append((await connection.execute(counting)).scalar_one())

    monkeypatch.setattr(database, "transaction", counted)
    assert await delete_in_batches(database, inbox, inbox.c.received_at <= clock.now(), 2) == 5
    assert left_after == [3, 1, 0]


async def test_old_records_go_in_batches_too(
    database: Database, log: EmbeddedLog, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kernel.events.embedded.PRUNE_BATCH", 2)
    await publish(log, *(event(number) for number in range(1, 6)))
    member = await log.subscribe("g", [TOPIC])
    await member.commit((await everything(member, 5))[3])
    await member.close()
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE events.records SET appended_at = now() - interval '6 days 23 hours'"))
    await pruning(database, log, clock).run()
    assert len([each async for each in log.scan(TOPIC)]) == 5
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE events.records SET appended_at = now() - interval '7 days 1 second'"))
    await pruning(database, log, clock).run()
    assert [each.headers["ce_id"] async for each in log.scan(TOPIC)] == ["aggregate-5"]
