"""Tells what stands in the service's database and in the event log, read every so often and never at a scrape."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog

from services.kernel import metrics
from services.kernel.events.deadletters import DeadLetters
from services.kernel.events.tables import outbox
from services.kernel.health import pause
from services.kernel.platform import Platform

EVERY_S = 15.0
#: Dead letters are found by reading their topics.
LETTERS_EVERY_S = 60.0
TOLD_STATES = ("queued", "leased", "dead")
_UNSENT = sa.select(sa.func.count(), sa.func.min(outbox.c.added_at))
log = structlog.get_logger()


class StateMetrics:
    """One service's; run it where its relay runs, so that more workers ask nothing more."""

    def __init__(self, platform: Platform, stages: Sequence[str]) -> None:
        """`stages` are all of the service's."""
        self._platform = platform
        self._stages = tuple(stages)
        self._letters = DeadLetters(platform.events, platform.clock)
        self._seen: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Read again and again until `stop`; what cannot be read, for whatever reason, keeps its last value, and its
        time stays behind (there is an alert on that).
        """
        rounds = 0
        while not stop.is_set():
            letters = rounds % round(LETTERS_EVERY_S / EVERY_S) == 0
            for read in (self.database, self.lag, self.storage, *([self.letters] if letters else [])):
                try:
                    async with asyncio.timeout(EVERY_S):
                        await read()
                except Exception as error:  # noqa: BLE001 - a service works on without being told of
                    log.warning(
                        "not read just now", action="metrics.unread", source=read.__name__, error=type(error).__name__
                    )
            rounds += 1
            await pause(stop, EVERY_S)

    async def database(self) -> None:
        """Jobs per stage and state, the outbox. Raises SQLAlchemy's errors."""
        async with self._platform.database.transaction() as connection:
            count, oldest = (await connection.execute(_UNSENT)).one()
        found = {(stage, state): (jobs, since) for stage, state, jobs, since in await self._platform.queue.counts()}
        metrics.OUTBOX_EVENTS.set(count)
        metrics.OUTBOX_OLDEST.set(self._age_s(oldest))
        for stage in {*self._stages, *(stage for stage, _ in found)}:
            for state in TOLD_STATES:
                metrics.JOBS.labels(stage=stage, state=state).set(found.get((stage, state), (0, None))[0])
            _, since = found.get((stage, "queued"), (0, None))
            metrics.JOBS_OLDEST_WAITING.labels(stage=stage).set(self._age_s(since))
        self._read("database")

    async def lag(self) -> None:
        """How far the service's group is behind. Raises `EventLogUnavailable`."""
        behind: dict[str, int] = defaultdict(int)
        for lag in await self._platform.events.lag():
            if lag.group == self._platform.service:
                behind[lag.topic] += lag.records
        for topic, records in behind.items():
            metrics.CONSUMER_LAG.labels(topic=topic).set(records)
        self._read("lag")

    async def letters(self) -> None:
        """The group's dead letters that wait. Raises `EventLogUnavailable`."""
        waiting: dict[str, int] = dict.fromkeys(self._seen, 0)
        for letter in await self._letters.waiting():
            if letter.group == self._platform.service:
                waiting[letter.topic] = waiting.get(letter.topic, 0) + 1
        self._seen.update(waiting)
        for topic, letters in waiting.items():
            metrics.DEAD_LETTERS.labels(topic=topic).set(letters)
        self._read("letters")

    async def storage(self) -> None:
        """How full the disk is, where the store has one. Raises `StorageError`."""
        room = await self._platform.storage.room()
        if room is not None:
            metrics.STORAGE_BYTES.labels(state="free").set(room.free_bytes)
            metrics.STORAGE_BYTES.labels(state="total").set(room.total_bytes)
        self._read("storage")

    def _age_s(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self._platform.clock.now() - since).total_seconds())

    def _read(self, source: str) -> None:
        metrics.STATE_REFRESHED.labels(source=source).set(self._platform.clock.now().timestamp())
