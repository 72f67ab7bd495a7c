"""Drops what every service's tables of work hold no longer than they must. The leader does it, in bounded batches.

- `outbox`: a row goes when it is sent, by the relay.
- The embedded log: what every group has read and is older than `log`. Dead letters stay.
- `inbox`: which events had their effect, by id. Needed for as long as an event can come a second time out of the log.
- `jobs` that are done or cancelled: their keys keep a fact that is told twice from becoming work twice, so they outlive
  the inbox. Dead ones stay until an operator has seen to them.
- `inbox_versions` is never pruned. It is one row for each aggregate that a group has heard of, as many as there are
  files, materials and dossiers, whose own rows stay as well. It is what makes it safe to forget the rest: an event
  that comes back after any time (a dead letter sent again, a log read from an earlier offset after a restore) is not
  newer than what is noted here, and has no effect.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.kernel.clock import Clock
from services.kernel.config import ServiceSettings
from services.kernel.db.batches import delete_in_batches
from services.kernel.db.engine import Database
from services.kernel.events.port import EventLog, Prunable
from services.kernel.events.tables import inbox
from services.kernel.jobs.tables import jobs

_ENDED = ("done", "cancelled")
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ages:
    """How long each is kept; what is exactly that old is still there."""

    log: timedelta
    inbox: timedelta
    jobs: timedelta

    @classmethod
    def of(cls, settings: ServiceSettings) -> "Ages":
        """As set."""
        return cls(
            log=timedelta(days=settings.keep_log_days),
            inbox=timedelta(days=settings.keep_inbox_days),
            jobs=timedelta(days=settings.keep_jobs_days),
        )


class Pruning:
    """Of one service's tables of work."""

    def __init__(self, database: Database, events: EventLog, clock: Clock, ages: Ages, *, batch: int) -> None:
        """`batch` is how many rows one transaction deletes at most."""
        self._database = database
        self._events = events
        self._clock = clock
        self._ages = ages
        self._batch = batch

    async def run(self) -> None:
        """Once. Raises `EventLogUnavailable` and the database's errors; the next time goes on."""
        now = self._clock.now()
        seen = inbox.c.received_at < now - self._ages.inbox
        ended = jobs.c.state.in_(_ENDED) & (jobs.c.updated_at < now - self._ages.jobs)
        events = await delete_in_batches(self._database, inbox, seen, self._batch)
        done = await delete_in_batches(self._database, jobs, ended, self._batch)
        if isinstance(self._events, Prunable):
            await self._events.prune(self._ages.log)
        if events or done:
            log.info("pruned", action="pruning.done", inbox=events, jobs=done)
