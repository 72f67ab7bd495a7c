"""Sends what the outbox holds, in its order, by one leader per service."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import delete, func, select

from services.kernel import metrics
from services.kernel.db.engine import Database
from services.kernel.db.locking import Leadership, lead
from services.kernel.db.outage import is_outage
from services.kernel.events.observing import publishing
from services.kernel.events.outbox import channel
from services.kernel.events.port import EventLog, EventLogUnavailable, Record
from services.kernel.events.tables import outbox
from services.kernel.health import Tick, unwatched
from services.kernel.wakeup import Wakeup, listening

BATCH = 500
POLL_S = 1.0
_BACKOFF_S = 0.5
log = structlog.get_logger()


class Relay:
    """Moves rows from one service's outbox to the event log.

    A batch is appended, then deleted: a crash in between sends it again, and the inboxes absorb the repeat. A
    leader that froze finds on waking that it is none any more (`Leadership.check` before each batch).
    """

    def __init__(self, database: Database, events: EventLog, *, tick: Tick = unwatched) -> None:
        """`database` is the service's own; `tick` is called in every round."""
        self._database = database
        self._log = events
        self._tick = tick

    async def run(self, stop: asyncio.Event) -> None:
        """Lead, or wait to lead, until `stop`."""
        async with listening(self._database.url, channel(self._database.schema)) as wakeup:
            while not stop.is_set():
                self._tick()
                try:
                    await self._term(stop, wakeup)
                except Exception as error:
                    if not (isinstance(error, EventLogUnavailable) or is_outage(error)):
                        raise
                    log.warning("relay waits", action="relay.waiting", error=type(error).__name__)
                await _pause(stop, _BACKOFF_S)

    async def _term(self, stop: asyncio.Event, wakeup: Wakeup) -> None:
        async with lead(self._database.url, self._database.schema, "relay") as leadership:
            if leadership is None:
                return
            with metrics.RELAY_LEADER.track_inprogress():
                await self._lead(leadership, stop, wakeup)

    async def _lead(self, leadership: Leadership, stop: asyncio.Event, wakeup: Wakeup) -> None:
        while not stop.is_set() and await self.send_batch(leadership) is not None:
            self._tick()
            if not await self.waiting():
                await wakeup.wait(POLL_S)

    async def send_batch(self, leadership: Leadership) -> int | None:
        """Send one batch; how many events, or None when leadership was lost.

        Raises `EventLogUnavailable`: nothing was deleted then.
        """
        if not await leadership.check():
            return None
        async with self._database.transaction() as connection:
            rows = (await connection.execute(select(outbox).order_by(outbox.c.seq).limit(BATCH))).mappings().all()
        if not rows:
            return 0
        records = [_record(row) for row in rows]
        with publishing(records):
            await self._log.append(records)
        await self._forget([row["seq"] for row in rows])
        return len(rows)

    async def _forget(self, sequence_numbers: Sequence[int]) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(delete(outbox).where(outbox.c.seq.in_(sequence_numbers)))

    async def waiting(self) -> int:
        """Events committed and not yet sent: the relay's lag."""
        async with self._database.transaction() as connection:
            return int((await connection.execute(select(func.count()).select_from(outbox))).scalar_one())


def _record(row: Any) -> Record:
    return Record(topic=row["topic"], key=row["key"], payload=bytes(row["payload"]), headers=dict(row["headers"]))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
