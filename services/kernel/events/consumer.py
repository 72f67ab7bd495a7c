"""Turns records into effects, each exactly once, in order per key.

The inbox row, the aggregate's version and the handler's effect share one transaction; the offset is committed
after it. A transient failure waits in place, so order is kept. What can never succeed goes to the group's dead
letters; too many of those in a window mean a bad deployment, and the consumer stops instead of emptying the topic.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.clock import Clock
from services.kernel.db.engine import EVERYTHING, Database, Scope
from services.kernel.errors import AppError
from services.kernel.events.envelope import Event, Undecodable, from_record, topic_of
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import Delivered, EventLog, EventLogUnavailable, Record, Subscription

Handler = Callable[[AsyncConnection, Outbox, Event], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]

FETCH_TIMEOUT_S = 1.0
MOST_DEAD_LETTERS = 20
DEAD_LETTER_WINDOW = timedelta(minutes=5)
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0
log = structlog.get_logger()

_SEEN = text(
    "INSERT INTO inbox (consumer_group, event_id) VALUES (:consumer_group, :event_id) ON CONFLICT DO NOTHING"
    " RETURNING 1"
)
_NEWER = text(
    "INSERT INTO inbox_versions (consumer_group, stream, aggregate_id, version)"
    " VALUES (:consumer_group, :stream, :aggregate_id, :version)"
    " ON CONFLICT (consumer_group, stream, aggregate_id) DO UPDATE SET version = excluded.version"
    " WHERE inbox_versions.version < excluded.version RETURNING 1"
)


class InvariantBroken(Exception):
    """A record that can be read but must not be: it contradicts what is certain. It goes to the dead letters."""


class TooManyDeadLetters(Exception):
    """More dead letters in a short time than single bad records explain; an operator must look."""


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a group puts the records of `topic` that it cannot have an effect from."""
    return f"{topic}.{group}.dlq"


class Consumer:
    """One member of a group, with one visible table of event types and handlers."""

    def __init__(
        self,
        *,
        group: str,
        handlers: Mapping[str, Handler],
        database: Database,
        events: EventLog,
        clock: Clock,
        pause: Pause = asyncio.sleep,
        scope: Scope = EVERYTHING,
    ) -> None:
        """`handlers` maps an event type to its handler; a type without one is passed over."""
        self._group = group
        self._handlers = handlers
        self._database = database
        self._log = events
        self._clock = clock
        self._pause = pause
        self._scope = scope
        self._dead: deque[datetime] = deque()

    @property
    def topics(self) -> Sequence[str]:
        """The topics of the handled types."""
        return sorted({topic_of(event_type) for event_type in self._handlers})

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; what is being handled then is finished. Raises `TooManyDeadLetters`."""
        subscription = await self._log.subscribe(self._group, self.topics)
        try:
            while not stop.is_set():
                await self._round(subscription, stop)
        finally:
            await subscription.close()

    async def _round(self, subscription: Subscription, stop: asyncio.Event) -> None:
        try:
            records = await subscription.fetch(max_records=100, timeout_s=FETCH_TIMEOUT_S)
        except EventLogUnavailable:
            await self._pause(_FIRST_PAUSE_S * 10)
            return
        for record in records:
            if stop.is_set() or not await self._settle(record, stop):
                return
            with contextlib.suppress(EventLogUnavailable):  # the record comes again; the inbox knows it
                await subscription.commit(record)

    async def _settle(self, record: Delivered, stop: asyncio.Event) -> bool:
        """Have the record's effect or make it a dead letter; False when `stop` came while waiting."""
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                await self._handle(record)
            except (Undecodable, InvariantBroken, IntegrityError) as error:
                await self._bury(record, error)
            except AppError as error:
                if error.retryable:
                    await self._pause(pause_s)
                    continue
                await self._bury(record, error)
            except (SQLAlchemyError, OSError, EventLogUnavailable) as error:
                log.warning(
                    "waiting to handle", action="consumer.waiting", group=self._group, topic=record.topic,
                    offset=record.offset, error=type(error).__name__,
                )  # fmt: skip
                await self._pause(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            return True
        return False

    async def _handle(self, record: Delivered) -> None:
        event = from_record(record)
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        outbox = Outbox(self._database.schema)
        async with self._database.transaction(self._scope) as connection:
            seen = {"consumer_group": self._group, "event_id": event.id}
            if (await connection.execute(_SEEN, seen)).first() is None:
                return
            newer = {
                "consumer_group": self._group,
                "stream": event.source,
                "aggregate_id": event.aggregate_id,
                "version": event.aggregate_version,
            }
            if (await connection.execute(_NEWER, newer)).first() is None:
                return
            await handler(connection, outbox, event)
            await outbox.flush(connection)

    async def _bury(self, record: Delivered, error: Exception) -> None:
        now = self._clock.now()
        self._dead.append(now)
        while self._dead and self._dead[0] < now - DEAD_LETTER_WINDOW:
            self._dead.popleft()
        if len(self._dead) > MOST_DEAD_LETTERS:
            raise TooManyDeadLetters(f"{len(self._dead)} in {DEAD_LETTER_WINDOW} by {self._group}")
        told = isinstance(error, Undecodable | InvariantBroken | AppError)  # a constraint's text may quote a value
        reason = f"{type(error).__name__}: {error}" if told else type(error).__name__
        headers = {
            **record.headers,
            "dlq_reason": reason[:500],
            "dlq_group": self._group,
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
            "dlq_at": now.isoformat(),
        }
        topic = dead_letter_topic(record.topic, self._group)
        await self._log.ensure_topics({topic: 1})
        await self._log.append([Record(topic=topic, key=record.key, payload=record.payload, headers=headers)])
        log.error(
            "dead letter", action="consumer.dead-letter", group=self._group, topic=record.topic, offset=record.offset,
            reason=reason[:200],
        )  # fmt: skip
