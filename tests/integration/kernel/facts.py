"""Events, effects and waiting, for the tests of what happens between services."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.events.envelope import Event, to_record
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import AppliedTopic, Delivered, EventLog, Lag, Record, Subscription, Topic

TYPE = "shenbao.test.happened.v1"
TOPIC = "shenbao.test"
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


async def everything(member: Subscription, count: int) -> Sequence[Delivered]:
    """At least `count` records."""
    found: list[Delivered] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await member.fetch(max_records=500, timeout_s=1)
    return found


async def run_until(
    run: Callable[[asyncio.Event], Coroutine[None, None, None]], done: Coroutine[None, None, None]
) -> None:
    """Run something until `done` returns, then stop it; its error is raised here, also when it ends early."""
    stop = asyncio.Event()
    task, waiting = asyncio.create_task(run(stop)), asyncio.create_task(done)
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await task
        await waiting


class Watched:
    """A log that counts the commits of its members, for a test to wait on."""

    def __init__(self, log: EventLog) -> None:
        """Passes everything on."""
        self._log = log
        self._commits = 0
        self._changed = asyncio.Condition()

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """See the port."""
        return _WatchedMember(await self._log.subscribe(group, topics), self._count)

    async def _count(self, records: int) -> None:
        async with self._changed:
            self._commits += records
            self._changed.notify_all()

    async def commits(self, count: int) -> None:
        """Return once `count` records were committed."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._commits >= count)

    async def append(self, records: Sequence[Record]) -> None:
        """See the port."""
        await self._log.append(records)

    async def lag(self) -> Sequence[Lag]:
        """See the port."""
        return await self._log.lag()

    def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        """See the port."""
        return self._log.scan(topic, after=after)

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        """See the port."""
        return await self._log.apply_topics(topics)

    async def topics(self) -> Sequence[str]:
        """See the port."""
        return await self._log.topics()

    async def close(self) -> None:
        """See the port."""
        await self._log.close()


class _WatchedMember:
    def __init__(self, member: Subscription, count: Callable[[int], Coroutine[None, None, None]]) -> None:
        self._member = member
        self._count = count
        self._fetched: list[Delivered] = []

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        found = await self._member.fetch(max_records=max_records, timeout_s=timeout_s)
        self._fetched += found
        return found

    async def commit(self, *records: Delivered) -> None:
        """A record is committed with all that were fetched before it from its partition."""
        await self._member.commit(*records)
        upto = {(record.topic, record.partition): record.offset for record in records}
        left = [one for one in self._fetched if one.offset > upto.get((one.topic, one.partition), -1)]
        committed, self._fetched = len(self._fetched) - len(left), left
        await self._count(committed)

    async def stay(self) -> None:
        await self._member.stay()

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        return self._member.assigned

    async def close(self) -> None:
        await self._member.close()


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
