"""A member of a consumer group of the embedded log.

It owns partition *n* of every topic of its group by an advisory lock on a connection of its own: when the member dies,
the lock is free at once; when it freezes, the server cuts the silent connection off, and the lock is free then. The
members share the partitions evenly, each counting the others by the shared lock that each of them holds.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import asyncpg

from services.kernel.db.locking import lock_key
from services.kernel.events.embedded_rows import CHANNEL, delivered, outages_translated
from services.kernel.events.port import Delivered, EventLogUnavailable
from services.kernel.wakeup import EventWakeup

_BALANCE_EVERY_S = 1.0
#: A member fetches or commits far more often than this unless it is frozen, or waits in place; then it joins again.
_SILENCE_MS = "10000"
_MEMBERS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ShareLock'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid = $1::bigint::oid AND objid = $2::bigint::oid"
)
#: The group's place is on record from the beginning: what it has not read is lag, and is not pruned.
_ENTER = (
    "INSERT INTO events.positions (consumer_group, topic, partition, next_offset)"
    " SELECT $1, topic, partition, 0 FROM events.ends WHERE topic = ANY($2) ON CONFLICT DO NOTHING"
)
_STANDS = (
    "SELECT topic, next_offset FROM events.positions WHERE consumer_group = $1 AND partition = $2 AND topic = ANY($3)"
)
_FETCH = (
    "SELECT r.topic, r.partition, r.log_offset, r.key, r.headers, r.payload, r.appended_at"
    " FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w (topic, partition, after) CROSS JOIN LATERAL ("
    "SELECT * FROM events.records r WHERE r.topic = w.topic AND r.partition = w.partition AND r.log_offset >= w.after"
    " ORDER BY r.log_offset LIMIT $4) r ORDER BY r.log_position LIMIT $4"
)
_COMMIT = (
    "UPDATE events.positions SET next_offset = $4 WHERE consumer_group = $1 AND topic = $2 AND partition = $3"
    " AND next_offset < $4"
)


class Member:
    """One member of a group; made by `EmbeddedLog.subscribe`."""

    def __init__(self, dsn: str, group: str, topics: Mapping[str, int]) -> None:
        """`topics` maps each topic to its number of partitions. Owns nothing before `join`."""
        self._dsn = dsn
        self._group = group
        self._topics = dict(topics)
        self._width = max(self._topics.values(), default=0)
        self._connection: asyncpg.Connection | None = None
        self._wakeup = EventWakeup()
        self._next: dict[tuple[str, int], int] = {}
        self._owned: set[int] = set()
        self._balance_at = 0.0

    async def join(self) -> None:
        """Open the connection that holds the locks, and take a share. Raises `EventLogUnavailable`."""
        settings = {"application_name": f"shenbao-events-{self._group}", "idle_session_timeout": _SILENCE_MS}
        try:
            with outages_translated():
                self._connection = await asyncpg.connect(self._dsn, server_settings=settings)
                await self._connection.add_listener(CHANNEL, lambda *_: self._wakeup.wake())
                await self._connection.execute(_ENTER, self._group, list(self._topics))
                await self._connection.execute("SELECT pg_advisory_lock_shared($1)", self._group_key)
                await self._balance()
        except BaseException:
            await self.close()
            raise

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
        connection = self.connection()
        high, low = (self._group_key >> 32) & 0xFFFFFFFF, self._group_key & 0xFFFFFFFF
        members = await connection.fetchval(_MEMBERS, high, low)
        share = -(-self._width // max(1, members))
        for partition in sorted(self._owned, reverse=True)[: max(0, len(self._owned) - share)]:
            self._forget(partition)
            await connection.execute("SELECT pg_advisory_unlock($1)", self._partition_key(partition))
        for partition in range(self._width):
            if len(self._owned) >= share:
                break
            if partition not in self._owned:
                got = await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._partition_key(partition))
                if got:
                    await self._begin(partition)
        self._balance_at = asyncio.get_running_loop().time() + _BALANCE_EVERY_S

    def _forget(self, partition: int) -> None:
        self._owned.discard(partition)
        for topic in self._topics:
            self._next.pop((topic, partition), None)

    async def _begin(self, partition: int) -> None:
        rows = await self.connection().fetch(_STANDS, self._group, partition, list(self._topics))
        self._owned.add(partition)
        self._next.update({(row[0], partition): row[1] for row in rows})

    def connection(self) -> asyncpg.Connection:
        """The connection that holds the locks. Raises `EventLogUnavailable` when it is gone."""
        if self._connection is None or self._connection.is_closed():
            raise EventLogUnavailable("the member's connection is gone")
        return self._connection

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        """See the port."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            with outages_translated():
                if self._connection is None or self._connection.is_closed():
                    await self._rejoin()
                if loop.time() >= self._balance_at:
                    await self._balance()
                found = await self._read(max_records)
            left = deadline - loop.time()
            if found or left <= 0:
                return found
            await self._wakeup.wait(min(left, _BALANCE_EVERY_S))

    async def _rejoin(self) -> None:
        self._owned.clear()
        self._next.clear()
        await self.join()

    async def _read(self, max_records: int) -> Sequence[Delivered]:
        wanted = sorted(self._next.items())
        topics = [topic for (topic, _), _ in wanted]
        partitions = [partition for (_, partition), _ in wanted]
        offsets = [after for _, after in wanted]
        rows = await self.connection().fetch(_FETCH, topics, partitions, offsets, max_records)
        found = [delivered(row) for row in rows]
        for record in found:
            self._next[record.topic, record.partition] = record.offset + 1
        return found

    async def commit(self, *records: Delivered) -> None:
        """See the port."""
        places: dict[tuple[str, int], int] = {}
        for record in records:
            if record.partition in self._owned:
                place = record.topic, record.partition
                places[place] = max(places.get(place, 0), record.offset + 1)
        if places:
            rows = [(self._group, topic, partition, place) for (topic, partition), place in places.items()]
            with outages_translated():
                await self.connection().executemany(_COMMIT, rows)

    async def stay(self) -> None:
        """See the port: a session that says something is not cut off for its silence."""
        with outages_translated():
            await self.connection().execute("SELECT 1")

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        """See the port."""
        return frozenset(self._next)

    async def close(self) -> None:
        """See the port."""
        connection, self._connection = self._connection, None
        self._owned.clear()
        self._next.clear()
        if connection is not None and not connection.is_closed():
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=2)
