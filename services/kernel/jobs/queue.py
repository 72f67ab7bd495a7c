"""Putting jobs into the table, leasing them, and ending them in the transaction of their effect."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.clock import Clock
from services.kernel.db.direct import fetch
from services.kernel.db.engine import Database, Scope
from services.kernel.db.hold import removals_held
from services.kernel.errors import not_found
from services.kernel.ids import Ids
from services.kernel.jobs.tables import jobs
from services.kernel.telemetry import traceparent

LEASE = timedelta(seconds=30)
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(minutes=5)
#: How long a job that removes objects is put off each time, while a backup holds removals.
HOLD = timedelta(seconds=5)


class LeaseLost(Exception):
    """Another worker has the job now, or it was cancelled: whatever was about to be written must not be."""


def channel(service: str) -> str:
    """The NOTIFY channel that wakes a service's workers."""
    return f"shenbao_{service}_jobs"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """What to do. `dedup_key` makes a second identical request change nothing; `argument` is an id or a hash."""

    stage: str
    dedup_key: str
    organisation_path: str
    dossier_id: str
    #: The file or material it is about.
    subject_id: str
    argument: str = ""
    #: Smaller runs first.
    priority: int = 100
    max_attempts: int = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A row of the table."""

    job_id: str
    stage: str
    organisation_path: str
    dossier_id: str
    subject_id: str
    argument: str
    state: str
    attempts: int
    max_attempts: int
    progress: float
    last_error: str
    created_at: datetime
    updated_at: datetime
    run_after: datetime
    lease_token: str = ""
    #: The trace in which it was asked for; "" when there was none.
    traceparent: str = ""

    @property
    def scope(self) -> Scope:
        """The scope in which the job's effect is written."""
        return Scope(organisation_path=self.organisation_path, dossier_id=self.dossier_id)


def _job(row: Any) -> Job:
    names = ("job_id", "stage", "organisation_path", "dossier_id", "subject_id", "argument", "state", "attempts")
    more = ("max_attempts", "progress", "last_error", "created_at", "updated_at", "run_after", "traceparent")
    return Job(**{name: row[name] for name in (*names, *more)}, lease_token=row["lease_token"] or "")


_NEW = insert(jobs)
#: Put together once: most facts that a service hears ask for a job.
_ENQUEUE = _NEW.on_conflict_do_update(
    index_elements=["dedup_key"],
    set_={
        "state": "queued", "attempts": 0, "cancel_requested": False, "run_after": func.now(), "progress": 0,
        "traceparent": _NEW.excluded.traceparent,
    },
    where=jobs.c.state.in_(("dead", "cancelled")),
)  # fmt: skip


async def enqueue(connection: AsyncConnection, service: str, ids: Ids, new: NewJob) -> None:
    """Add the job in the caller's transaction; one with the same key that is not dead or cancelled is kept.

    It continues the trace that is going on.
    """
    values = {
        "job_id": ids.new(),
        "stage": new.stage,
        "dedup_key": new.dedup_key,
        "organisation_path": new.organisation_path,
        "dossier_id": new.dossier_id,
        "subject_id": new.subject_id,
        "argument": new.argument,
        "priority": new.priority,
        "max_attempts": new.max_attempts,
        "traceparent": traceparent(),
    }
    await connection.execute(_ENQUEUE, values)
    await _wake(connection, service)


async def _wake(connection: AsyncConnection, service: str) -> None:
    await fetch(connection, "SELECT pg_notify($1, '')", channel(service))


async def finish(connection: AsyncConnection, job: Job) -> None:
    """End the job in the transaction of its effect. Raises `LeaseLost`: the caller's transaction must then fail."""
    done = (
        update(jobs)
        .where(jobs.c.job_id == job.job_id, jobs.c.lease_token == job.lease_token, ~jobs.c.cancel_requested)
        .values(state="done", lease_token=None, progress=1, last_error="", updated_at=func.now())
    )
    if (await connection.execute(done)).rowcount != 1:
        raise LeaseLost(job.job_id)


async def cancel_of(connection: AsyncConnection, subject_id: str, *, stages: Sequence[str] = ()) -> None:
    """Cancel every job about a subject, or those of some stages, in the caller's transaction; their heartbeat stops
    those that run.
    """
    waiting = jobs.c.subject_id == subject_id
    if stages:
        waiting &= jobs.c.stage.in_(stages)
    await connection.execute(
        update(jobs).where(waiting, jobs.c.state == "queued").values(state="cancelled", updated_at=func.now())
    )
    await connection.execute(update(jobs).where(waiting, jobs.c.state == "leased").values(cancel_requested=True))


class Queue:
    """One service's jobs, seen by its workers and its operators."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, lease: timedelta = LEASE) -> None:
        """`database` is the service's own. A job whose worker has said nothing for as long as `lease` is others'."""
        self._lease = lease
        self._database = database
        self._clock = clock
        self._ids = ids

    async def lease(self, stages: Sequence[str], most: int, *, removing: Collection[str] = ()) -> Sequence[Job]:
        """Take up to `most` jobs that may run now, most urgent first; also those whose worker fell silent.

        Those of the stages `removing`, which remove objects, are put off while a backup holds removals.

        A silent worker's job that has no attempt left is dead (it may be what kills the workers), and one that was to
        be cancelled is cancelled.
        """
        now = self._clock.now()
        silent = (jobs.c.state == "leased") & (jobs.c.leased_until < now)
        ready = or_((jobs.c.state == "queued") & (jobs.c.run_after <= now), silent)
        held = [stage for stage in stages if stage in removing]
        put_off = update(jobs).where(jobs.c.stage.in_(held), jobs.c.state == "queued", jobs.c.run_after <= now)
        wanted = (
            select(jobs.c.job_id)
            .where(jobs.c.stage.in_(list(stages)), ready)
            .order_by(jobs.c.priority, jobs.c.run_after, jobs.c.job_id)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("wanted")  # as a plain subquery it could be run again for every row, and lease more than asked
        )
        taken = (
            update(jobs)
            .where(jobs.c.job_id == wanted.c.job_id)
            .values(
                state="leased",
                lease_token=self._ids.new(),
                leased_until=now + self._lease,
                attempts=jobs.c.attempts + 1,
                updated_at=now,
            )
            .returning(jobs)
        )
        ended = update(jobs).where(jobs.c.stage.in_(list(stages)), silent).values(lease_token=None, updated_at=now)
        exhausted = jobs.c.attempts >= jobs.c.max_attempts
        async with self._database.transaction() as connection:
            await connection.execute(ended.where(jobs.c.cancel_requested).values(state="cancelled"))
            await connection.execute(ended.where(exhausted).values(state="dead", last_error="worker-lost"))
            if held and await removals_held(connection):
                await connection.execute(put_off.values(run_after=now + HOLD))
                taken = taken.where(jobs.c.stage.not_in(held))
            rows = (await connection.execute(taken)).mappings().all()
        return [_job(row) for row in rows]

    async def renew(self, job: Job, progress: float) -> bool:
        """Keep the lease and say how far it is; False when it was lost or the job is to be cancelled."""
        now = self._clock.now()
        kept = (
            update(jobs)
            .where(jobs.c.job_id == job.job_id, jobs.c.lease_token == job.lease_token, ~jobs.c.cancel_requested)
            .values(leased_until=now + self._lease, progress=progress, updated_at=now)
        )
        async with self._database.transaction() as connection:
            return (await connection.execute(kept)).rowcount == 1

    async def failed(self, job: Job, code: str, *, retry: bool) -> bool:
        """Put the job back for later, or into `dead` when its attempts are used up or a retry is pointless; one that
        was to be cancelled is cancelled. False when the lease is not held any more: nothing changes then.
        """
        now = self._clock.now()
        again = retry and job.attempts < job.max_attempts
        pause = min(FIRST_RETRY * 2 ** max(0, job.attempts - 1), LONGEST_RETRY)
        values = {
            "state": case((jobs.c.cancel_requested, "cancelled"), else_="queued" if again else "dead"),
            "lease_token": None,
            "last_error": code,
            "run_after": now + pause,
            "updated_at": now,
        }
        mine = (jobs.c.job_id == job.job_id) & (jobs.c.lease_token == job.lease_token)
        async with self._database.transaction() as connection:
            return (await connection.execute(update(jobs).where(mine).values(values))).rowcount == 1

    async def cancelled(self, job: Job) -> None:
        """Say that a running job has stopped as asked."""
        mine = (jobs.c.job_id == job.job_id) & (jobs.c.lease_token == job.lease_token)
        values = {"state": "cancelled", "lease_token": None, "updated_at": self._clock.now()}
        async with self._database.transaction() as connection:
            await connection.execute(update(jobs).where(mine, jobs.c.cancel_requested).values(values))

    async def release(self, job: Job) -> None:
        """Give a job back untouched (the worker is stopping), to whoever is free; it does not count as an attempt."""
        mine = (jobs.c.job_id == job.job_id) & (jobs.c.lease_token == job.lease_token)
        values = {"state": "queued", "lease_token": None, "attempts": jobs.c.attempts - 1}
        async with self._database.transaction() as connection:
            await connection.execute(update(jobs).where(mine).values(values))
            await _wake(connection, self._database.schema)

    async def next_due(self, stages: Sequence[str]) -> datetime | None:
        """When the next job of these stages may run; None when none waits."""
        due = select(func.min(jobs.c.run_after)).where(jobs.c.stage.in_(list(stages)), jobs.c.state == "queued")
        async with self._database.transaction() as connection:
            found = (await connection.execute(due)).scalar_one()
        return found if isinstance(found, datetime) else None

    async def waiting(self) -> dict[str, int]:
        """Jobs waiting per stage: what scales the workers."""
        counted = select(jobs.c.stage, func.count()).where(jobs.c.state == "queued").group_by(jobs.c.stage)
        async with self._database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(counted)}

    async def counts(self) -> Sequence[tuple[str, str, int, datetime]]:
        """(stage, state, jobs, since when the oldest is there), by stage and state."""
        query = select(jobs.c.stage, jobs.c.state, func.count(), func.min(jobs.c.created_at))
        async with self._database.transaction() as connection:
            rows = await connection.execute(query.group_by(jobs.c.stage, jobs.c.state).order_by("stage", "state"))
            return [(row[0], row[1], row[2], row[3]) for row in rows]

    async def page(self, *, dossier_id: str, state: str, after: str, size: int, stage: str = "") -> Sequence[Job]:
        """Jobs newest first, filtered by what is not empty, after a job id."""
        query = select(jobs).order_by(jobs.c.job_id.desc()).limit(size)
        if dossier_id:
            query = query.where(jobs.c.dossier_id == dossier_id)
        if state:
            query = query.where(jobs.c.state == state)
        if stage:
            query = query.where(jobs.c.stage == stage)
        if after:
            query = query.where(jobs.c.job_id < after)
        async with self._database.transaction() as connection:
            return [_job(row) for row in (await connection.execute(query)).mappings()]

    async def latest_of(self, dossier_id: str, subject_id: str) -> Sequence[Job]:
        """The last job of each stage about a subject, by stage."""
        mine = (jobs.c.dossier_id == dossier_id) & (jobs.c.subject_id == subject_id)
        query = select(jobs).ext(distinct_on(jobs.c.stage)).where(mine).order_by(jobs.c.stage, jobs.c.job_id.desc())
        async with self._database.transaction() as connection:
            return [_job(row) for row in (await connection.execute(query)).mappings()]

    async def get(self, job_id: str) -> Job:
        """One job. Raises `AppError` request.not-found."""
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(jobs).where(jobs.c.job_id == job_id))).mappings().first()
        if row is None:
            raise not_found("job")
        return _job(row)

    async def retry(self, job_id: str) -> Job:
        """Put a dead or cancelled job back with fresh attempts. Raises `AppError` request.not-found."""
        values = {"state": "queued", "attempts": 0, "cancel_requested": False, "run_after": self._clock.now()}
        return await self._change(job_id, ("dead", "cancelled"), values)

    async def cancel(self, job_id: str) -> Job:
        """Ask a job to stop. Raises `AppError` request.not-found."""
        async with self._database.transaction() as connection:
            mine = (jobs.c.job_id == job_id) & (jobs.c.state == "leased")
            await connection.execute(update(jobs).where(mine).values(cancel_requested=True))
        return await self._change(job_id, ("queued",), {"state": "cancelled"})

    async def _change(self, job_id: str, states: Sequence[str], values: dict[str, Any]) -> Job:
        async with self._database.transaction() as connection:
            await connection.execute(
                update(jobs)
                .where(jobs.c.job_id == job_id, jobs.c.state.in_(states))
                .values(**values, updated_at=self._clock.now())
            )
            row = (await connection.execute(select(jobs).where(jobs.c.job_id == job_id))).mappings().first()
            await _wake(connection, self._database.schema)
        if row is None:
            raise not_found("job")
        return _job(row)
