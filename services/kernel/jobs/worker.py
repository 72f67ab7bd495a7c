"""Runs jobs: leases, keeps the lease, cancels, retries, drains."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.kernel.clock import Clock
from services.kernel.db.engine import Database
from services.kernel.errors import AppError
from services.kernel.jobs.queue import LEASE, Job, LeaseLost, Queue, channel
from services.kernel.storage.port import StorageError
from services.kernel.wakeup import Wakeup, listening

POLL_S = 1.0
HEARTBEAT_S = LEASE.total_seconds() / 3
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
        self, *, database: Database, queue: Queue, handlers: Mapping[str, Handler], clock: Clock, concurrency: int
    ) -> None:
        """`handlers` maps a stage to its handler: the visible table of this service's work."""
        self._database = database
        self._queue = queue
        self._handlers = handlers
        self._clock = clock
        self._concurrency = concurrency
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then give back what runs."""
        if not self._handlers:
            await stop.wait()
            return
        async with listening(self._database.url, channel(self._database.schema)) as wakeup:
            while not stop.is_set():
                try:
                    await self._round(wakeup, stop)
                except (SQLAlchemyError, OSError) as error:
                    log.warning("worker waits", action="worker.waiting", error=type(error).__name__)
                    await wakeup.wait(POLL_S)
        await self._drain()

    async def _round(self, wakeup: Wakeup, stop: asyncio.Event) -> None:
        free = self._concurrency - len(self._running)
        leased = await self._queue.lease(list(self._handlers), free) if free else ()
        for job in leased:
            task = asyncio.create_task(self._do(job), name=f"job-{job.stage}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if leased and len(leased) == free and self._concurrency > len(self._running):
            return
        await self._wait(wakeup, stop)

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
        due = await self._queue.next_due(list(self._handlers))
        if due is None or len(self._running) >= self._concurrency:
            return POLL_S
        return min(POLL_S, max(0.01, (due - self._clock.now()).total_seconds()))

    async def _do(self, job: Job) -> None:
        running = Running(job)
        work = asyncio.ensure_future(self._handlers[job.stage](running))
        heartbeat = asyncio.create_task(self._beat(running, work))
        try:
            await work
        except asyncio.CancelledError:
            await self._queue.release(job) if heartbeat.cancelled() or not heartbeat.done() else await self._stopped(
                job
            )
        except LeaseLost:
            await self._queue.cancelled(job)
        except AppError as error:
            await self._fail(job, error.code, retry=error.retryable)
        except (StorageError, SQLAlchemyError, OSError, TimeoutError) as error:
            await self._fail(job, type(error).__name__, retry=True)
        except Exception as error:
            log.exception("job failed", action="job.bug", stage=job.stage, job_id=job.job_id)
            await self._fail(job, f"bug:{type(error).__name__}", retry=True)
        finally:
            heartbeat.cancel()

    async def _stopped(self, job: Job) -> None:
        await self._queue.cancelled(job)

    async def _fail(self, job: Job, code: str, *, retry: bool) -> None:
        log.warning(
            "job did not succeed", action="job.failed", stage=job.stage, job_id=job.job_id, code=code, retry=retry
        )
        await self._queue.failed(job, code, retry=retry)

    async def _beat(self, running: Running, work: "asyncio.Future[None]") -> None:
        """Renew the lease; cancel the work when it was lost or is to stop."""
        while True:
            await asyncio.sleep(HEARTBEAT_S if running.progress in (0.0, 1.0) else 1.0)
            with contextlib.suppress(SQLAlchemyError, OSError):
                if not await self._queue.renew(running.job, running.progress):
                    work.cancel()
                    return

    async def _drain(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
