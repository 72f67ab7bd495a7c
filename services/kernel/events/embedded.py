"""The event log in PostgreSQL: what Kafka promises, on a laptop.

A record's offset is drawn from a row per (topic, partition) that stays locked until the commit, so offsets become
visible in order. Beside its offset a record has a number in the whole log, and a member gets its records by that: a
fact caused by another one was appended later, so it comes later also when it is in another topic. Members and their
shares: `embedded_member`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import asyncpg

from services.kernel.events.embedded_member import Member
from services.kernel.events.embedded_rows import CHANNEL, delivered, dsn_of, outages_translated
from services.kernel.events.port import AppliedTopic, Delivered, Lag, Record, Topic
from services.kernel.events.topics import applied_topic
from services.kernel.events.topics import topic as topic_named

_CREATE_TOPIC = "INSERT INTO events.topics (topic, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
_CREATE_ENDS = "INSERT INTO events.ends (topic, partition) SELECT $1, generate_series(0, $2 - 1)"
_PARTITIONS = "SELECT partitions FROM events.topics WHERE topic = $1"
_DRAW = (
    "UPDATE events.ends SET next_offset = next_offset + $3 WHERE topic = $1 AND partition = $2 RETURNING next_offset"
)
_APPEND = (
    "INSERT INTO events.records (topic, partition, log_offset, key, headers, payload)"
    " VALUES ($1, $2, $3, $4, $5::jsonb, $6)"
)
_SCAN = (
    "SELECT topic, partition, log_offset, key, headers, payload, appended_at FROM events.records"
    " WHERE topic = $1 AND partition = $2 AND log_offset > $3 ORDER BY log_offset LIMIT 500"
)
_LAG = (
    "SELECT p.consumer_group, e.topic, e.partition, p.next_offset, e.next_offset FROM events.ends e"
    " JOIN events.positions p ON p.topic = e.topic AND p.partition = e.partition WHERE e.next_offset > 0"
    " ORDER BY 1, 2, 3"
)
_PRUNE = (
    "DELETE FROM events.records WHERE (topic, partition, log_offset) IN (SELECT r.topic, r.partition, r.log_offset"
    " FROM events.records r JOIN (SELECT topic, partition, min(next_offset) AS slowest FROM events.positions"
    " GROUP BY topic, partition) p ON r.topic = p.topic AND r.partition = p.partition"
    " WHERE r.log_offset < p.slowest AND r.appended_at < now() - $1::interval AND r.topic NOT LIKE '%.dlq' LIMIT $2)"
)
#: Records that one statement drops at most.
PRUNE_BATCH = 1000


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: stable for ever, on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % partitions


class EmbeddedLog:
    """The `EventLog` over the schema `events`; also `Prunable`."""

    def __init__(self, url: str) -> None:
        """`url` is `postgresql+asyncpg://…` of a role that may use the schema."""
        self._dsn = dsn_of(url)
        self._pool: asyncpg.Pool | None = None
        self._partitions: dict[str, int] = {}

    async def pool(self) -> asyncpg.Pool:
        """The connections; opened on first use. Raises `EventLogUnavailable`."""
        if self._pool is None:
            # A frozen appender would hold its partitions' rows for ever.
            settings = {"application_name": "shenbao-events", "idle_in_transaction_session_timeout": "5000"}
            with outages_translated():
                self._pool = await asyncpg.create_pool(self._dsn, min_size=0, max_size=3, server_settings=settings)
        return self._pool

    async def append(self, records: Sequence[Record]) -> None:
        """See the port."""
        groups: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            groups[record.topic, partition_of(record.key, await self._partitions_of(record.topic))].append(record)
        pool = await self.pool()
        with outages_translated():
            async with pool.acquire() as connection, connection.transaction():
                for (topic, partition), members in sorted(groups.items()):
                    end = await connection.fetchval(_DRAW, topic, partition, len(members))
                    first = end - len(members)
                    rows = [
                        (topic, partition, first + index, r.key, json.dumps(dict(r.headers)), r.payload)
                        for index, r in enumerate(members)
                    ]
                    await connection.executemany(_APPEND, rows)
                await connection.execute("SELECT pg_notify($1, '')", CHANNEL)

    async def _partitions_of(self, topic: str) -> int:
        if topic not in self._partitions:
            await self.apply_topics([topic_named(topic)])
        return self._partitions[topic]

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        """See the port. How long records stay is told with `prune`; a topic is also made when it is first used."""
        pool = await self.pool()
        applied = []
        with outages_translated():
            async with pool.acquire() as connection:
                for topic in topics:
                    async with connection.transaction():
                        created = await connection.fetchval(_CREATE_TOPIC, topic.name, topic.partitions)
                        if created:
                            await connection.execute(_CREATE_ENDS, topic.name, topic.partitions)
                    found = int(await connection.fetchval(_PARTITIONS, topic.name))
                    self._partitions[topic.name] = found
                    applied.append(applied_topic(topic, found, created=bool(created)))
        return applied

    async def subscribe(self, group: str, topics: Sequence[str]) -> Member:
        """See the port."""
        member = Member(self._dsn, group, {topic: await self._partitions_of(topic) for topic in topics})
        await member.join()
        return member

    async def lag(self) -> Sequence[Lag]:
        """See the port."""
        pool = await self.pool()
        with outages_translated():
            rows = await pool.fetch(_LAG)
        return [Lag(group=r[0], topic=r[1], partition=r[2], committed=r[3], end=r[4]) for r in rows]

    async def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        """See the port."""
        pool = await self.pool()
        with outages_translated():
            partitions = await pool.fetchval(_PARTITIONS, topic)
        for partition in range(partitions or 0):
            last = (after or {}).get(partition, -1)
            while True:
                with outages_translated():
                    rows = await pool.fetch(_SCAN, topic, partition, last)
                if not rows:
                    break
                for row in rows:
                    yield delivered(row)
                last = rows[-1][2]

    async def topics(self) -> Sequence[str]:
        """See the port."""
        pool = await self.pool()
        with outages_translated():
            return [row[0] for row in await pool.fetch("SELECT topic FROM events.topics ORDER BY topic")]

    async def prune(self, older_than: timedelta) -> None:
        """See `Prunable`; dead letters stay."""
        pool = await self.pool()
        with outages_translated():
            while int((await pool.execute(_PRUNE, older_than, PRUNE_BATCH)).split()[-1]) == PRUNE_BATCH:
                continue

    async def close(self) -> None:
        """See the port."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
