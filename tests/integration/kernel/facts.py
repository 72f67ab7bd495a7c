"""Events, effects and waiting, for the tests of what happens between services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.events.envelope import Event, to_record
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import Delivered, EventLog, Subscription

TYPE = "shenbao.test.happened.v1"
TOPIC = "shenbao.test.happened"
DEADLINE_S = 60.0


def event(number: int, *, key: str = "aggregate", event_id: str = "", event_type: str = TYPE) -> Event:
    """Version `number` of an aggregate."""
    return Event(
        id=event_id or f"{key}-{number}",
        type=event_type,
        source="test",
        aggregate_id=key,
        aggregate_version=number,
        time=datetime(2023, 6, 1, tzinfo=UTC),
        payload=b"",
    )


async def publish(log: EventLog, *events: Event) -> None:
    """Append as a relay would."""
    await log.append([to_record(each) for each in events])


async def commit(database: Database, *events: Event) -> None:
    """One transaction that publishes."""
    async with database.transaction() as connection:
        outbox = Outbox(database.schema)
        for each in events:
            outbox.add(each)
        await outbox.flush(connection)


async def note(connection: AsyncConnection, what: str) -> None:
    """An effect."""
    await connection.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": what})


async def notes(database: Database) -> Sequence[str]:
    """All effects in the order in which they were had."""
    async with database.transaction() as connection:
        return list((await connection.execute(text("SELECT note FROM effects ORDER BY number"))).scalars())


async def eventually(condition: Callable[[], Awaitable[bool]], wakeup: Callable[[], Awaitable[object]]) -> None:
    """Return once `condition` holds; between two looks, wait for `wakeup`."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await wakeup()


async def everything(member: Subscription, count: int) -> Sequence[Delivered]:
    """At least `count` records."""
    found: list[Delivered] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await member.fetch(max_records=500, timeout_s=1)
    return found


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
    """Something that runs until it is told to stop; its error is raised here."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


class SetClock:
    """A clock that a test moves; it starts at the real time, because the database has a clock of its own."""

    def __init__(self) -> None:
        """Now."""
        self.moment = datetime.now(UTC) + timedelta(seconds=1)

    def now(self) -> datetime:
        """What was set."""
        return self.moment

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by
