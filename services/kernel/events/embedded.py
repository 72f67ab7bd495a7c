"""The event log in PostgreSQL: what Kafka promises, on a laptop.

A record's offset is drawn from a row per (topic, partition) that stays locked until the commit, so offsets become
visible in order. A member owns partition *n* of every topic of its group by an advisory lock on its own
connection; when it dies, the lock is free at once. Members share the partitions evenly.
"""

import asyncio
import contextlib
import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

import asyncpg
from sqlalchemy.engine import make_url

from services.kernel.db.locking import lock_key
from services.kernel.events.port import PARTITIONS, Delivered, EventLogUnavailable, Lag, Record
from services.kernel.wakeup import EventWakeup

_CHANNEL = "shenbao_events"
_BALANCE_EVERY_S = 1.0
_LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, TimeoutError)
_CREATE_TOPIC = "INSERT INTO events.topics (topic, partitions) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1"
_CREATE_ENDS = "INSERT INTO events.ends (topic, partition) SELECT $1, generate_series(0, $2 - 1)"
_DRAW = (
    "UPDATE events.ends SET next_offset = next_offset + $3 WHERE topic = $1 AND partition = $2 RETURNING next_offset"
)
_APPEND = (
    "INSERT INTO events.records (topic, partition, log_offset, key, headers, payload)"
    " VALUES ($1, $2, $3, $4, $5::jsonb, $6)"
)
_FETCH = (
    "SELECT r.topic, r.partition, r.log_offset, r.key, r.headers, r.payload, r.appended_at"
    " FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w (topic, partition, after)"
    " JOIN events.records r ON r.topic = w.topic AND r.partition = w.partition AND r.log_offset >= w.after"
    " ORDER BY r.topic, r.partition, r.log_offset LIMIT $4"
)
_COMMIT = (
    "INSERT INTO events.positions (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = excluded.next_offset"
)
_LAG = (
    "SELECT p.consumer_group, e.topic, e.partition, p.next_offset, e.next_offset FROM events.ends e"
    " JOIN events.positions p ON p.topic = e.topic AND p.partition = e.partition WHERE e.next_offset > 0"
    " ORDER BY 1, 2, 3"
)
_PRUNE = (
    "DELETE FROM events.records r USING events.positions p WHERE r.topic = p.topic AND r.partition = p.partition"
    " AND r.appended_at < now() - make_interval(secs => $1) AND r.topic NOT LIKE '%.dlq'"
    " AND r.log_offset < (SELECT min(q.next_offset) FROM events.positions q"
    " WHERE q.topic = r.topic AND q.partition = r.partition)"
)


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: stable for ever, on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % partitions


def _delivered(row: asyncpg.Record) -> Delivered:
    return Delivered(
        topic=row[0],
        partition=row[1],
        offset=row[2],
        key=row[3],
        headers=json.loads(row[4]),
        payload=row[5],
        appended_at=row[6],
    )


class EmbeddedLog:
    """The `EventLog` over the schema `events`."""

    def __init__(self, url: str) -> None:
        """`url` is `postgresql+asyncpg://…` of a role that may use the schema."""
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool: asyncpg.Pool | None = None
        self._partitions: dict[str, int] = {}

    async def pool(self) -> asyncpg.Pool:
        """The connections; opened on first use."""
        if self._pool is None:
            try:
                settings = {"application_name": "shenbao-events"}
                self._pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=3, server_settings=settings)
            except _LOST as error:
                raise EventLogUnavailable(type(error).__name__) from error
        return self._pool

    async def append(self, records: Sequence[Record]) -> None:
        """See the port."""
        groups: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            groups[record.topic, partition_of(record.key, await self._partitions_of(record.topic))].append(record)
        try:
            async with (await self.pool()).acquire() as connection, connection.transaction():
                for (topic, partition), members in sorted(groups.items()):
                    end = await connection.fetchval(_DRAW, topic, partition, len(members))
                    first = end - len(members)
                    rows = [
                        (topic, partition, first + index, r.key, json.dumps(dict(r.headers)), r.payload)
                        for index, r in enumerate(members)
                    ]
                    await connection.executemany(_APPEND, rows)
                await connection.execute("SELECT pg_notify($1, '')", _CHANNEL)
        except _LOST as error:
            raise EventLogUnavailable(type(error).__name__) from error

    async def _partitions_of(self, topic: str) -> int:
        if topic not in self._partitions:
            await self.ensure_topics({topic: PARTITIONS})
        return self._partitions[topic]

    async def ensure_topics(self, topics: Mapping[str, int]) -> None:
        """See the port."""
        try:
            async with (await self.pool()).acquire() as connection:
                for topic, partitions in topics.items():
                    if topic in self._partitions:
                        continue
                    async with connection.transaction():
                        if await connection.fetchval(_CREATE_TOPIC, topic, partitions):
                            await connection.execute(_CREATE_ENDS, topic, partitions)
                    there = await connection.fetchval("SELECT partitions FROM events.topics WHERE topic = $1", topic)
                    self._partitions[topic] = int(there)
        except _LOST as error:
            raise EventLogUnavailable(type(error).__name__) from error

    async def subscribe(self, group: str, topics: Sequence[str]) -> "Member":
        """See the port."""
        await self.ensure_topics(dict.fromkeys(topics, PARTITIONS))
        member = Member(self, self._dsn, group, topics)
        await member.join()
        return member

    async def lag(self) -> Sequence[Lag]:
        """See the port."""
        try:
            rows = await (await self.pool()).fetch(_LAG)
        except _LOST as error:
            raise EventLogUnavailable(type(error).__name__) from error
        return [Lag(group=r[0], topic=r[1], partition=r[2], committed=r[3], end=r[4]) for r in rows]

    async def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        """See the port."""
        query = (
            "SELECT topic, partition, log_offset, key, headers, payload, appended_at FROM events.records"
            " WHERE topic = $1 AND partition = $2 AND log_offset > $3 ORDER BY log_offset LIMIT 500"
        )
        for partition in range(await self._partitions_of(topic)):
            last = (after or {}).get(partition, -1)
            while rows := await (await self.pool()).fetch(query, topic, partition, last):
                for row in rows:
                    yield _delivered(row)
                last = rows[-1][2]

    async def prune(self, older_than_s: float) -> None:
        """Drop old records that every group has passed; dead letters stay until an operator settles them."""
        await (await self.pool()).execute(_PRUNE, older_than_s)

    async def close(self) -> None:
        """See the port."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


class Member:
    """One member of a group; made by `EmbeddedLog.subscribe`."""

    def __init__(self, log: EmbeddedLog, dsn: str, group: str, topics: Sequence[str]) -> None:
        """Owns nothing before `join`."""
        self._log = log
        self._dsn = dsn
        self._group = group
        self._topics = tuple(topics)
        self._connection: asyncpg.Connection | None = None
        self._wakeup = EventWakeup()
        self._next: dict[tuple[str, int], int] = {}
        self._owned: set[int] = set()
        self._balance_at = 0.0

    async def join(self) -> None:
        """Open the connection that holds the locks, and take a share. Raises `EventLogUnavailable`."""
        try:
            name = {"application_name": f"shenbao-events-{self._group}"}
            self._connection = await asyncpg.connect(self._dsn, server_settings=name)
            await self._connection.add_listener(_CHANNEL, lambda *_: self._wakeup.wake())
            await self._connection.execute("SELECT pg_advisory_lock_shared($1)", self._group_key)
            await self._balance()
        except _LOST as error:
            await self.close()
            raise EventLogUnavailable(type(error).__name__) from error

    @property
    def _group_key(self) -> int:
        return lock_key("events", f"group/{self._group}")

    def _partition_key(self, partition: int) -> int:
        return lock_key("events", f"group/{self._group}/{partition}")

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions owned now."""
        return frozenset(self._owned)

    async def _balance(self) -> None:
        """Give up what is beyond a fair share; take what is free up to it; begin where the group stands."""
        connection = self._connected()
        high, low = (self._group_key >> 32) & 0xFFFFFFFF, self._group_key & 0xFFFFFFFF
        members = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
            " AND classid = $1::bigint::oid AND objid = $2::bigint::oid AND mode = 'ShareLock'",
            high, low,
        )  # fmt: skip
        share = -(-PARTITIONS // max(1, members))
        for partition in sorted(self._owned, reverse=True)[: max(0, len(self._owned) - share)]:
            self._owned.discard(partition)
            for topic in self._topics:
                self._next.pop((topic, partition), None)
            await connection.execute("SELECT pg_advisory_unlock($1)", self._partition_key(partition))
        for partition in range(PARTITIONS):
            if len(self._owned) >= share:
                break
            if partition not in self._owned:
                got = await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._partition_key(partition))
                if got:
                    await self._begin(partition)
        self._balance_at = asyncio.get_running_loop().time() + _BALANCE_EVERY_S

    async def _begin(self, partition: int) -> None:
        self._owned.add(partition)
        rows = await self._connected().fetch(
            "SELECT topic, next_offset FROM events.positions WHERE consumer_group = $1 AND partition = $2",
            self._group, partition,
        )  # fmt: skip
        stands = {row[0]: row[1] for row in rows}
        for topic in self._topics:
            self._next[topic, partition] = stands.get(topic, 0)

    def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            raise EventLogUnavailable("the member's connection is gone")
        return self._connection

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        """See the port."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._rejoin()
                if loop.time() >= self._balance_at:
                    await self._balance()
                found = await self._read(max_records)
            except _LOST as error:
                raise EventLogUnavailable(type(error).__name__) from error
            left = deadline - loop.time()
            if found or left <= 0:
                return found
            await self._wakeup.wait(left)

    async def _rejoin(self) -> None:
        self._owned.clear()
        self._next.clear()
        await self.join()

    async def _read(self, max_records: int) -> Sequence[Delivered]:
        wanted = sorted(self._next.items())
        topics = [topic for (topic, _), _ in wanted]
        partitions = [partition for (_, partition), _ in wanted]
        offsets = [after for _, after in wanted]
        rows = await self._connected().fetch(_FETCH, topics, partitions, offsets, max_records)
        found = [_delivered(row) for row in rows]
        for record in found:
            self._next[record.topic, record.partition] = record.offset + 1
        return found

    async def commit(self, record: Delivered) -> None:
        """See the port."""
        if record.partition not in self._owned:
            return
        try:
            await self._connected().execute(_COMMIT, self._group, record.topic, record.partition, record.offset + 1)
        except _LOST as error:
            raise EventLogUnavailable(type(error).__name__) from error

    async def close(self) -> None:
        """See the port."""
        connection, self._connection = self._connection, None
        self._owned.clear()
        self._next.clear()
        if connection is not None and not connection.is_closed():
            with contextlib.suppress(*_LOST):
                await connection.close(timeout=2)
