"""Turns records into effects, each exactly once, in order per key.

The inbox row, the aggregate's version and the handler's effect share one transaction; the offsets are committed
now and then, and what is read again after a crash has no effect. A transient failure waits in place, so order is kept.
What can never succeed goes to the group's dead letters; too many of those in a window mean a bad deployment, and the
consumer stops instead of emptying the topic. A bug is tried a few times and then stops the consumer: nothing is ever
skipped.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.clock import Clock
from services.kernel.db.direct import fetch
from services.kernel.db.engine import EVERYTHING, Database, Scope, Session
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError
from services.kernel.events.deadletters import bury, is_letter
from services.kernel.events.envelope import Event, Undecodable, from_record
from services.kernel.events.observing import about_dead_letter, about_subscription, handling
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import Delivered, EventLog, EventLogUnavailable, Subscription
from services.kernel.events.topics import dead_letter_topic, topic_of
from services.kernel.health import Tick, unwatched

Handler = Callable[[AsyncConnection, Outbox, Event], Awaitable[None]]
Pause = Callable[[float], Coroutine[None, None, None]]
T = TypeVar("T")

#: A fetch is never cancelled, so this is also how long `stop` may take to be heard.
FETCH_TIMEOUT_S = 0.5
ROUND_RECORDS = 100
#: Offsets are committed at once when this long none were, else together with what is settled until then.
COMMIT_EVERY_S = 0.1
MOST_DEAD_LETTERS = 20
DEAD_LETTER_WINDOW = timedelta(minutes=5)
#: How often a record is tried whose handler fails in a way that waiting does not explain.
MOST_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0
log = structlog.get_logger()

#: A row when the group has not had the event, nor anything newer of its aggregate; the inbox knows it from now on.
_TAKE = (
    "WITH unseen AS (INSERT INTO inbox (consumer_group, event_id) VALUES ($1, $2)"
    " ON CONFLICT DO NOTHING RETURNING consumer_group)"
    " INSERT INTO inbox_versions (consumer_group, stream, aggregate_id, version)"
    " SELECT consumer_group, $3::text, $4::text, $5::bigint FROM unseen"
    " ON CONFLICT (consumer_group, stream, aggregate_id) DO UPDATE SET version = excluded.version"
    " WHERE inbox_versions.version < excluded.version RETURNING 1"
)


class InvariantBroken(Exception):
    """A record that can be read but must not be: it contradicts what is certain. It goes to the dead letters."""


class TooManyDeadLetters(Exception):
    """More dead letters in a short time than single bad records explain; an operator must look."""


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
        tick: Tick = unwatched,
    ) -> None:
        """`handlers` maps an event type to its handler; a type without one is passed over. `tick` is called in every
        round, and while it waits in place.
        """
        self._group = group
        self._handlers = handlers
        self._database = database
        self._log = events
        self._clock = clock
        self._pause = pause
        self._scope = scope
        self._tick = tick
        self._dead: deque[datetime] = deque()
        #: The last record settled on each partition since offsets were committed, and when that was (the loop's time).
        self._settled: dict[tuple[str, int], Delivered] = {}
        self._committed_at = -math.inf

    @property
    def topics(self) -> Sequence[str]:
        """The topics of the handled types."""
        return sorted({topic_of(event_type) for event_type in self._handlers})

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; what is being handled then is finished.

        Raises `TooManyDeadLetters`, and whatever a handler with a bug raises: both want a person.
        """
        subscription = await self._patiently(self._join, stop)
        if subscription is None:
            return
        try:
            try:
                while not stop.is_set():
                    await self._round(subscription, stop)
            finally:
                await self._commit(subscription)
        finally:
            await subscription.close()

    async def _join(self) -> Subscription:
        """Count what was buried lately, also before a restart; then join the group."""
        since = self._clock.now() - DEAD_LETTER_WINDOW
        self._dead.clear()
        for topic in self.topics:
            async for letter in self._log.scan(dead_letter_topic(topic, self._group)):
                if is_letter(letter) and letter.appended_at >= since:
                    self._dead.append(letter.appended_at)
        return await self._log.subscribe(self._group, self.topics)

    async def _round(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Fetch, have each record's effect in order, and commit what was settled when it is time."""

        async def fetch() -> Sequence[Delivered]:
            about_subscription(subscription)
            longest = min(COMMIT_EVERY_S, FETCH_TIMEOUT_S) if self._settled else FETCH_TIMEOUT_S
            return await subscription.fetch(max_records=ROUND_RECORDS, timeout_s=longest)

        records = await self._patiently(fetch, stop) or ()
        async with self._database.session() as session:
            for record in records:
                if stop.is_set() or not await self._settle(record, session, stop, subscription):
                    return
                self._settled[record.topic, record.partition] = record
        if asyncio.get_running_loop().time() >= self._committed_at + COMMIT_EVERY_S:
            await self._commit(subscription)

    async def _commit(self, subscription: Subscription) -> None:
        """What cannot be committed now is committed with the next; should it come again, the inbox knows it."""
        if not self._settled:
            return
        with contextlib.suppress(EventLogUnavailable):
            await subscription.commit(*self._settled.values())
            self._settled.clear()
            self._committed_at = asyncio.get_running_loop().time()

    async def _settle(
        self, record: Delivered, session: Session, stop: asyncio.Event, subscription: Subscription
    ) -> bool:
        """Have the record's effect or make it a dead letter; False when `stop` came while waiting.

        A broken constraint may be a race with another transaction, so it is tried again before it counts as broken.
        """

        async def handle() -> bool:
            await self._handle(record, session)
            return True

        async def bury() -> bool:
            await self._bury(record, reason)
            return True

        attempts = 0
        while True:
            try:
                return bool(await self._patiently(handle, stop, subscription))
            except (Undecodable, InvariantBroken, AppError) as error:
                reason = _reason(error)
                break
            except Exception as error:
                attempts += 1
                log.error(
                    "a handler broke", action="consumer.bug", group=self._group, topic=record.topic,
                    offset=record.offset, attempt=attempts, error=type(error).__name__,
                    exc_info=not isinstance(error, DBAPIError),
                )  # fmt: skip
                if attempts >= MOST_ATTEMPTS:
                    if not isinstance(error, IntegrityError):
                        raise
                    reason = _reason(error)
                    break
                await self._rest(_FIRST_PAUSE_S * 2**attempts, stop)
        self._count_dead()
        return bool(await self._patiently(bury, stop, subscription))

    async def _patiently(
        self,
        attempt: Callable[[], Coroutine[None, None, T]],
        stop: asyncio.Event,
        subscription: Subscription | None = None,
    ) -> T | None:
        """What `attempt` gives, however long its outage lasts; None when `stop` came while waiting.

        With a subscription the member shows its group that it lives meanwhile.
        """
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            self._tick()
            try:
                return await attempt()
            except Exception as error:
                if not _passes(error):
                    raise
                log.warning("waiting", action="consumer.waiting", group=self._group, error=type(error).__name__)
            await self._rest(pause_s, stop)
            if subscription is not None:
                with contextlib.suppress(EventLogUnavailable):
                    await subscription.stay()
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        return None

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        """Pause, but not longer than until `stop`."""
        waits = {asyncio.ensure_future(self._pause(seconds)), asyncio.ensure_future(stop.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _handle(self, record: Delivered, session: Session) -> None:
        event = from_record(record)
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        outbox = Outbox(self._database.schema)
        with handling(event, self._group, self._clock.now()):
            await self._effect(event, handler, outbox, session)

    async def _effect(self, event: Event, handler: Handler, outbox: Outbox, session: Session) -> None:
        async with session.transaction(self._scope) as connection:
            told = (self._group, event.id, event.source, event.aggregate_id, event.aggregate_version)
            if not await fetch(connection, _TAKE, *told):
                return
            await handler(connection, outbox, event)
            await outbox.flush(connection)

    def _count_dead(self) -> None:
        now = self._clock.now()
        while self._dead and self._dead[0] < now - DEAD_LETTER_WINDOW:
            self._dead.popleft()
        if len(self._dead) >= MOST_DEAD_LETTERS:
            raise TooManyDeadLetters(f"{len(self._dead)} in {DEAD_LETTER_WINDOW} by {self._group}")
        self._dead.append(now)

    async def _bury(self, record: Delivered, reason: str) -> None:
        """Append the record to the group's dead letters, with its origin."""
        await bury(self._log, record, group=self._group, reason=reason, at=self._clock.now())
        about_dead_letter(record)
        log.error(
            "dead letter", action="consumer.dead-letter", group=self._group, topic=record.topic, offset=record.offset,
            reason=reason,
        )  # fmt: skip


def _passes(error: Exception) -> bool:
    if isinstance(error, AppError):
        return error.retryable
    return isinstance(error, EventLogUnavailable) or is_outage(error)


def _reason(error: Exception) -> str:
    """What a dead letter says of its cause; a constraint's text may quote a value, so only its type is told."""
    name = type(error).__name__
    return f"{name}: {error}"[:200] if isinstance(error, Undecodable | InvariantBroken | AppError) else name
