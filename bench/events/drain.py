"""An outbox that is full is drained into Kafka by the relay; beside it a bare producer sends the same records.

The bare producer has the records in memory, knows no outbox and sends by aiokafka alone: idempotent, acks=all, linger
5 ms. The relay reads each batch from PostgreSQL, sends it under leadership and deletes it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from bench.events.ground import SOURCE, Ground, events, opened
from services.kernel.db.engine import Database
from services.kernel.db.locking import lead
from services.kernel.events.envelope import Event, to_record
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import EventLog, Record
from services.kernel.events.relay import Relay

_FILL_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Drained:
    """Seconds of one round; `faults` are records lost, repeated or out of order."""

    relay_s: float
    bare_s: float
    faults: int


async def drain(ground: Ground, rows: int, aggregates: int, rounds: int) -> list[Drained]:
    """Both in turn. A first round of each warms up: a broker is slow to lead partitions that it has just made."""
    found = []
    async with (
        ground.database(SOURCE) as database,
        opened(ground.kafka("relay")) as log,
        opened(ground.kafka("bare")) as other,
        producing(ground) as producer,
    ):
        for number in range(rounds + 1):
            told = events(rows, aggregates, f"drain-{number}")
            await fill(database, told)
            relay_s = await by_relay(database, log)
            bare_s = await by_producer(producer, "bare.", [to_record(each) for each in told])
            faults = await faults_of(log, told) + await faults_of(other, told)
            found.append(Drained(relay_s=relay_s, bare_s=bare_s, faults=faults))
    return found[1:] if rounds else found


async def fill(database: Database, told: Sequence[Event]) -> None:
    """Commit the events to the outbox."""
    for at in range(0, len(told), _FILL_AT_ONCE):
        async with database.transaction() as connection:
            outbox = Outbox(database.schema)
            for each in told[at : at + _FILL_AT_ONCE]:
                outbox.add(each)
            await outbox.flush(connection)


async def by_relay(database: Database, log: EventLog) -> float:
    """Seconds until the outbox is empty."""
    async with lead(database.url, database.schema, "relay") as leadership:
        assert leadership is not None
        relay = Relay(database, log)
        began = time.perf_counter()
        while await relay.send_batch(leadership):
            pass
        return time.perf_counter() - began


@asynccontextmanager
async def producing(ground: Ground) -> AsyncIterator[AIOKafkaProducer]:
    """The bare producer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=ground.broker.address, enable_idempotence=True, acks="all", linger_ms=5
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def by_producer(producer: AIOKafkaProducer, prefix: str, records: Sequence[Record]) -> float:
    """Seconds until the broker has acknowledged everything."""
    began = time.perf_counter()
    sent = [
        await producer.send(
            prefix + record.topic,
            record.payload,
            record.key.encode(),
            headers=[(name, value.encode()) for name, value in record.headers.items()],
        )
        for record in records
    ]
    await asyncio.gather(*sent)
    return time.perf_counter() - began


async def faults_of(log: EventLog, told: Sequence[Event]) -> int:
    """Records that are missing, there twice, or behind a newer one of their aggregate."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for each in told:
        wanted[each.aggregate_id].append(each.id)
    found: dict[str, list[str]] = defaultdict(list)
    async for record in log.scan(told[0].topic):
        if record.key in wanted:
            found[record.key].append(record.headers["ce_id"])
    differing = [key for key in wanted if wanted[key] != found[key]]
    return sum(max(1, abs(len(wanted[key]) - len(found[key]))) for key in differing)
