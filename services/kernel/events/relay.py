"""Sends what the outbox holds, in its order, by one leader per service."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import structlog

from services.kernel import metrics
from services.kernel.db.engine import Database
from services.kernel.db.locking import Leadership, LeadershipLost, lead
from services.kernel.db.outage import is_outage
from services.kernel.events.observing import publishing
from services.kernel.events.outbox import channel
from services.kernel.events.port import EventLog, EventLogUnavailable, Record
from services.kernel.health import Tick, unwatched
from services.kernel.wakeup import Wakeup, listening

BATCH = 500
POLL_S = 1.0
#: A batch begins so long after the one before it for each event that this one had: what is committed meanwhile goes
#: together. Few events wait for nothing, and a flood costs at most `1 / LONGEST_PACE_S` batches a second.
PACE_S = 0.005
LONGEST_PACE_S = 0.05
_BACKOFF_S = 0.5
_READ = f"SELECT seq, topic, key, headers::text, payload FROM outbox WHERE seq > $1 ORDER BY seq LIMIT {BATCH}"
_FORGET = "DELETE FROM outbox WHERE seq = ANY($1::bigint[])"
_REHEARSAL: Sequence[tuple[str, object]] = ((_READ, 2**62), (_FORGET, []))
log = structlog.get_logger()


class Relay:
    """Moves rows from one service's outbox to the event log.

    A batch is appended, then deleted: a crash in between sends it again, and the inboxes absorb the repeat. Both are
    asked of the connection that holds the leadership, so a leader that froze finds on waking that it is none any
    more. While a full batch is appended the next one is read; it is sent only under the leadership under which it was
    read.
    """

    def __init__(self, database: Database, events: EventLog, *, tick: Tick = unwatched) -> None:
        """`database` is the service's own; `tick` is called in every round."""
        self._database = database
        self._log = events
        self._tick = tick
        self._ahead: tuple[Leadership | None, Sequence[Any]] = (None, ())

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
        async with lead(self._database.url, self._database.schema, "relay", rehearsal=_REHEARSAL) as leadership:
            if leadership is None:
                return
            with metrics.RELAY_LEADER.track_inprogress():
                await self._lead(leadership, stop, wakeup)

    async def _lead(self, leadership: Leadership, stop: asyncio.Event, wakeup: Wakeup) -> None:
        """What is committed after a batch that was not full has been read wakes us."""
        now = asyncio.get_running_loop().time
        while not stop.is_set():
            began = now()
            sent = await self.send_batch(leadership)
            if sent is None:
                return
            self._tick()
            if sent < BATCH:
                await wakeup.wait(POLL_S)
                await asyncio.sleep(began + min(sent * PACE_S, LONGEST_PACE_S) - now())

    async def send_batch(self, leadership: Leadership) -> int | None:
        """Send one batch; how many events, or None when leadership was lost.

        Raises `EventLogUnavailable`: nothing was deleted then.
        """
        under, rows = self._ahead
        self._ahead = (None, ())  # whatever fails from here on, the next batch is read from the beginning
        try:
            if under is not leadership or not rows:
                rows = await _read(leadership)
            if not rows:
                return 0
            ahead = await self._append(rows, leadership)
            await leadership.fetch(_FORGET, [row["seq"] for row in rows])
        except LeadershipLost:
            return None
        self._ahead = (leadership, ahead)
        return len(rows)

    async def _append(self, rows: Sequence[Any], leadership: Leadership) -> Sequence[Any]:
        """Append them; what follows them, which is read meanwhile when it is likely that there is something."""
        records = [_record(row) for row in rows]
        with publishing(records):
            if len(rows) < BATCH:
                await self._log.append(records)
                return ()
            appending = asyncio.ensure_future(self._log.append(records))
            reading = asyncio.ensure_future(_read(leadership, after=rows[-1]["seq"]))
            await asyncio.gather(appending, reading, return_exceptions=True)
            appending.result()
        return reading.result()


async def _read(leadership: Leadership, *, after: int = 0) -> Sequence[Any]:
    return await leadership.fetch(_READ, after)


def _record(row: Any) -> Record:
    return Record(topic=row["topic"], key=row["key"], payload=row["payload"], headers=json.loads(row["headers"]))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
