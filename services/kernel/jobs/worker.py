"""Runs jobs: leases, keeps the lease, cancels, retries, drains."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy.exc import DBAPIError

from services.kernel import metrics, tracing
from services.kernel.clock import Clock
from services.kernel.db.engine import Database
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError
from services.kernel.health import Tick, unwatched
from services.kernel.jobs.queue import Job, LeaseLost, Queue, channel
from services.kernel.metrics import JobOutcome
from services.kernel.storage.port import StorageError
from services.kernel.tracing import Attribute, Attributes
from services.kernel.wakeup import Wakeup, listening

POLL_S = 1.0
#: Also how soon a job that runs hears that it is cancelled.
HEARTBEAT_S = 2.0
log = structlog.get_logger()


class Running:
    """A job while it runs; the handler says how far it is."""

    def __init__(self, job: Job) -> None:
        """Nothing is done yet."""
        self.job = job
        self.progress = 0.0

    def at(self, fraction: float) -> None:
        """0 to 1; written with the next heartbeat."""
        self.progress = min(1.0, max(0.0, fraction))


#: A handler writes its effect and `finish(connection, job)` in one transaction. It raises `AppError` (retryable or
#: not), `StorageError`, a database error (retried) or anything else (a bug: retried, then dead).
Handler = Callable[[Running], Awaitable[None]]


class Worker:
    """Runs up to `concurrency` jobs of its handlers' stages at once."""

    def __init__(
        self,
        *,
        database: Database,
        queue: Queue,
        handlers: Mapping[str, Handler],
        clock: Clock,
        concurrency: int,
        heartbeat_s: float = HEARTBEAT_S,
        tick: Tick = unwatched,
        removing: Collection[str] = (),
        slow: Collection[str] = (),
    ) -> None:
        """`handlers` maps a stage to its handler: the visible table of this service's work. `tick` is called in every
        round. Stages in `removing` remove objects, and wait while a backup is made. Those in `slow` take minutes: they
        run one at a time, and the last free place is left for the others, where there is more than one.
        """
        self._database = database
        self._queue = queue
        self._handlers = handlers
        self._clock = clock
        self._concurrency = concurrency
        self._heartbeat_s = heartbeat_s
        self._tick = tick
        self._removing = removing
        self._slow = frozenset(slow) & frozenset(handlers)
        self._running: dict[asyncio.Task[None], str] = {}
        self._broken: BaseException | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` (or until cancelled), then give back what runs."""
        if not self._handlers:
            await stop.wait()
            return
        try:
            await self._work(stop)
        finally:
            await self._drain()

    async def _work(self, stop: asyncio.Event) -> None:
        async with listening(self._database.url, channel(self._database.schema)) as wakeup:
            while not stop.is_set():
                self._tick()
                if self._broken is not None:
                    raise self._broken
                try:
                    await self._round(wakeup, stop)
                except Exception as error:
                    if not is_outage(error):
                        raise
                    log.warning("worker waits", action="worker.waiting", error=type(error).__name__)
                    await wakeup.wait(POLL_S)

    async def _round(self, wakeup: Wakeup, stop: asyncio.Event) -> None:
        free = self._concurrency - len(self._running)
        quick = [stage for stage in self._handlers if stage not in self._slow]
        leased = list(await self._queue.lease(quick, free, removing=self._removing)) if free and quick else []
        if self._slow_too(free - len(leased)):
            leased += await self._queue.lease(sorted(self._slow), 1, removing=self._removing)
        for job in leased:
            task = asyncio.create_task(self._do(job), name=f"job-{job.stage}")
            self._running[task] = job.stage
            task.add_done_callback(self._ended)
        if leased and len(leased) == free and self._concurrency > len(self._running):
            return
        await self._wait(wakeup, stop)

    def _slow_too(self, free: int) -> bool:
        """Whether a slow job may begin when so many places are free."""
        left_for_others = 1 if self._concurrency > 1 and len(self._slow) < len(self._handlers) else 0
        return bool(self._slow) and free > left_for_others and self._slow.isdisjoint(self._running.values())

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error

    async def _wait(self, wakeup: Wakeup, stop: asyncio.Event) -> None:
        """Until something may have changed: a notification, a job ending, a retry falling due, or the poll."""
        woken = asyncio.create_task(wakeup.wait(await self._patience_s()))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({woken, stopped, *self._running}, return_when=asyncio.FIRST_COMPLETED)
        for task in (woken, stopped):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _patience_s(self) -> float:
        free = self._concurrency - len(self._running)
        stages = [stage for stage in self._handlers if stage not in self._slow or self._slow_too(free)]
        due = await self._queue.next_due(stages) if free else None
        if due is None:
            return POLL_S
        return min(POLL_S, max(0.01, (due - self._clock.now()).total_seconds()))

    async def _do(self, job: Job) -> None:
        """Run it, continuing the trace in which it was asked for; each run is counted with how it ended."""
        named: Attributes = {
            Attribute.JOB_ID: job.job_id, Attribute.JOB_STAGE: job.stage, Attribute.JOB_ATTEMPT: job.attempts,
            Attribute.DOSSIER_ID: job.dossier_id, Attribute.SUBJECT_ID: job.subject_id,
        }  # fmt: skip
        name = f"job {self._database.schema} {job.stage}"
        with tracing.span(name, SpanKind.CONSUMER, parent=job.traceparent, attributes=named) as span:
            with metrics.JOB_DURATION.labels(stage=job.stage).time():
                outcome = await self._attempt(job)
            span.set_attribute(Attribute.JOB_OUTCOME, outcome)
        metrics.JOBS_FINISHED.labels(stage=job.stage, outcome=outcome).inc()

    async def _attempt(self, job: Job) -> JobOutcome:
        running = Running(job)
        work = asyncio.ensure_future(self._handlers[job.stage](running))
        heartbeat = asyncio.create_task(self._beat(running, work))
        try:
            return await self._see_through(job, work, heartbeat)
        except Exception as error:
            if not is_outage(error):
                raise
            # How it ended could not be written down: the lease runs out, and the job runs again.
            log.warning("worker waits", action="worker.waiting", error=type(error).__name__)
            return JobOutcome.LOST
        finally:
            heartbeat.cancel()

    async def _see_through(self, job: Job, work: "asyncio.Future[None]", heartbeat: "asyncio.Task[None]") -> JobOutcome:
        """Wait for the work and write down how it ended, unless it did so itself by `finish`."""
        try:
            await work
        except asyncio.CancelledError:
            return await self._interrupted(job, heartbeat)
        except LeaseLost:
            await self._queue.cancelled(job)
            return JobOutcome.LOST
        except AppError as error:
            return await self._fail(job, error.code, retry=error.retryable)
        except Exception as error:
            code = type(error).__name__
            if not (is_outage(error) or isinstance(error, StorageError)):
                code = f"bug:{code}"
                trace = None if isinstance(error, DBAPIError) else error  # a constraint's text may quote a value
                log.error("job failed", action="job.bug", stage=job.stage, job_id=job.job_id, exc_info=trace)
            return await self._fail(job, code, retry=True)
        unfinished = await self._fail(job, "bug:unfinished", retry=True)
        return JobOutcome.DONE if unfinished is JobOutcome.LOST else unfinished

    async def _interrupted(self, job: Job, heartbeat: "asyncio.Task[None]") -> JobOutcome:
        """The work was cancelled: by its heartbeat, by the worker's stop, or by a bug of its own."""
        if heartbeat.done():
            await self._queue.cancelled(job)
            return JobOutcome.CANCELLED
        if _asked_to_stop():
            await self._queue.release(job)
            return JobOutcome.RELEASED
        return await self._fail(job, "bug:CancelledError", retry=True)

    async def _fail(self, job: Job, code: str, *, retry: bool) -> JobOutcome:
        """Write down that the job did not succeed, if it is still ours and not finished; `LOST` when it is not."""
        if not await self._queue.failed(job, code, retry=retry):
            return JobOutcome.LOST
        log.warning(
            "job did not succeed", action="job.failed", stage=job.stage, job_id=job.job_id, code=code, retry=retry
        )
        return JobOutcome.RETRIED if retry and job.attempts < job.max_attempts else JobOutcome.DEAD

    async def _beat(self, running: Running, work: "asyncio.Future[None]") -> None:
        """Renew the lease and write the progress; cancel the work when the lease was lost or the job is to stop."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                if await self._queue.renew(running.job, running.progress):
                    continue
            except Exception as error:
                if not is_outage(error):
                    raise
                continue
            if not work.done():
                work.cancel()
                return

    async def _drain(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _asked_to_stop() -> bool:
    """Whether the task that runs this was itself cancelled, not only what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
