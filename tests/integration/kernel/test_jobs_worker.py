"""A worker runs what it leases, hears of cancellation, writes down every ending and gives back what it drops."""

import asyncio
from collections.abc import Callable, Collection, Mapping

import pytest
from sqlalchemy import text

from services.kernel.clock import SystemClock
from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import Job, Queue
from services.kernel.jobs.worker import Handler, Running, Worker
from services.kernel.storage.port import StoreUnavailable
from tests.integration.kernel.facts import DEADLINE_S, note, notes, run_until
from tests.integration.kernel.test_jobs_queue import STAGE, new, put


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database, SystemClock(), TimeOrderedIds())


def worker(
    database: Database, queue: Queue, handlers: Mapping[str, Handler], *, concurrency: int = 2,
    slow: Collection[str] = (),
) -> Worker:  # fmt: skip
    return Worker(
        database=database,
        queue=queue,
        handlers=handlers,
        clock=SystemClock(),
        concurrency=concurrency,
        heartbeat_s=0.02,
        slow=slow,
    )


async def job_is(queue: Queue, wanted: Callable[[Job], bool]) -> None:
    """Return once the newest job is as wanted."""
    async with asyncio.timeout(DEADLINE_S):
        while not wanted((await queue.page(dossier_id="", state="", after="", size=1))[0]):
            pass


async def all_done(queue: Queue, count: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while len(await queue.page(dossier_id="", state="done", after="", size=200)) < count:
            pass


def ending(database: Database) -> Handler:
    async def handle(running: Running) -> None:
        async with effect(database, running.job) as (connection, _):
            await note(connection, running.job.subject_id)

    return handle


async def test_waiting_jobs_are_run_each_once_by_two_workers(database: Database, queue: Queue) -> None:
    await put(database, *(new(f"{number}") for number in range(30)))
    second = worker(database, queue, {STAGE: ending(database)})

    async def both(stop: asyncio.Event) -> None:
        await asyncio.gather(worker(database, queue, {STAGE: ending(database)}).run(stop), second.run(stop))

    await run_until(both, all_done(queue, 30))
    assert sorted(await notes(database), key=int) == [f"{number}" for number in range(30)]


async def test_a_new_job_wakes_an_idle_worker(database: Database, queue: Queue) -> None:
    async def ask_one_after_the_other() -> None:
        for number in range(1, 6):
            await put(database, new(f"{number}"))
            await all_done(queue, number)

    await run_until(worker(database, queue, {STAGE: ending(database)}).run, ask_one_after_the_other())


async def test_no_more_run_at_once_than_allowed(database: Database, queue: Queue) -> None:
    at_once, most = 0, 0

    async def counting(running: Running) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        async with effect(database, running.job):
            pass
        at_once -= 1

    await put(database, *(new(f"{number}") for number in range(12)))
    await run_until(worker(database, queue, {STAGE: counting}, concurrency=3).run, all_done(queue, 12))
    assert 1 < most <= 3


@pytest.mark.parametrize("concurrency", [2, 3])
async def test_slow_jobs_run_one_at_a_time_and_leave_a_place(
    database: Database, queue: Queue, concurrency: int
) -> None:
    """Quick ones that come later are not kept waiting by slow ones that were there before them."""
    quick_done = asyncio.Event()
    at_once, most = 0, 0

    async def slow(running: Running) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await quick_done.wait()
        async with effect(database, running.job):
            pass
        at_once -= 1

    async def watch() -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not await queue.page(dossier_id="", state="leased", after="", size=1):
                pass
        await put(database, *(new(f"quick-{number}") for number in range(4)))
        await all_done(queue, 4)
        quick_done.set()
        await all_done(queue, 7)

    await put(database, *(new(f"slow-{number}", stage="proxy", priority=1) for number in range(3)))
    handlers = {STAGE: ending(database), "proxy": slow}
    await run_until(worker(database, queue, handlers, concurrency=concurrency, slow={"proxy"}).run, watch())
    assert most == 1


@pytest.mark.parametrize(("handled", "concurrency"), [((STAGE, "proxy"), 1), (("proxy",), 2)])
async def test_where_there_is_one_place_or_nothing_else_slow_jobs_have_it(
    database: Database, queue: Queue, handled: tuple[str, ...], concurrency: int
) -> None:
    await put(database, new("slow", stage="proxy"))
    handlers = {stage: ending(database) for stage in handled}
    await run_until(worker(database, queue, handlers, concurrency=concurrency, slow={"proxy"}).run, all_done(queue, 1))


async def test_progress_is_written_while_it_runs(database: Database, queue: Queue) -> None:
    leave = asyncio.Event()

    async def slow(running: Running) -> None:
        running.at(0.25)
        await leave.wait()
        async with effect(database, running.job):
            pass

    async def watch() -> None:
        await job_is(queue, lambda job: job.progress == 0.25)
        leave.set()
        await all_done(queue, 1)

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: slow}).run, watch())


async def test_a_cancelled_job_is_stopped_while_it_runs(database: Database, queue: Queue) -> None:
    entered, stopped = asyncio.Event(), asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def cancel() -> None:
        await entered.wait()
        (job,) = await queue.page(dossier_id="", state="leased", after="", size=1)
        await queue.cancel(job.job_id)
        await stopped.wait()
        await job_is(queue, lambda job: job.state == "cancelled")

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: endless}).run, cancel())


async def test_a_worker_whose_lease_was_taken_stops_its_work(database: Database, queue: Queue) -> None:
    """As after a freeze longer than the lease: the other's row stays as it is."""
    entered, stopped = asyncio.Event(), asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def take() -> None:
        await entered.wait()
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE jobs SET lease_token = 'another'"))
        await stopped.wait()

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: endless}).run, take())
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert (job.state, job.lease_token, job.attempts) == ("leased", "another", 1)


async def test_stopping_gives_back_what_runs(database: Database, queue: Queue) -> None:
    entered = asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def begun() -> None:
        await entered.wait()

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: endless}).run, begun())
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert (job.state, job.attempts, job.lease_token) == ("queued", 0, "")


async def test_a_cancelled_worker_gives_back_what_runs_as_well(database: Database, queue: Queue) -> None:
    entered = asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        await asyncio.Event().wait()

    await put(database, new("a"))
    task = asyncio.create_task(worker(database, queue, {STAGE: endless}).run(asyncio.Event()))
    await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert job.state == "queued"


def raising(error: BaseException) -> Handler:
    async def handle(_running: Running) -> None:
        raise error

    return handle


def unfinished() -> Handler:
    async def handle(_running: Running) -> None:
        return

    return handle


def dividing(database: Database) -> Handler:
    async def handle(_running: Running) -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1 / 0"))

    return handle


@pytest.mark.parametrize(
    ("handler", "state", "code"),
    [
        (lambda _: raising(AppError("disc.too-large", Kind.TOO_LARGE)), "dead", "disc.too-large"),
        (lambda _: raising(AppError("disc.behind", Kind.UNAVAILABLE, retryable=True)), "queued", "disc.behind"),
        (lambda _: raising(StoreUnavailable("away")), "queued", "StoreUnavailable"),
        (lambda _: raising(ConnectionResetError()), "queued", "ConnectionResetError"),
        (lambda _: raising(KeyError("张三")), "queued", "bug:KeyError"),
        (lambda _: raising(asyncio.CancelledError()), "queued", "bug:CancelledError"),
        (lambda _: unfinished(), "queued", "bug:unfinished"),
        (dividing, "queued", "bug:DBAPIError"),
    ],
)  # fmt: skip
async def test_every_ending_is_written_down(
    database: Database, queue: Queue, handler: Callable[[Database], Handler], state: str, code: str
) -> None:
    await put(database, new("a"))
    ended = job_is(queue, lambda job: job.last_error == code)
    await run_until(worker(database, queue, {STAGE: handler(database)}).run, ended)
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert job.state == state


async def test_a_failed_job_is_tried_again_and_ends_well(database: Database, queue: Queue) -> None:
    attempts: list[int] = []

    async def second_time(running: Running) -> None:
        attempts.append(running.job.attempts)
        if len(attempts) == 1:
            raise StoreUnavailable("away")
        await ending(database)(running)

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: second_time}).run, all_done(queue, 1))
    assert attempts == [1, 2]


async def test_a_worker_outlives_its_database_connections(database: Database, queue: Queue) -> None:
    async def one_then_cut_then_another() -> None:
        await put(database, new("1"))
        await all_done(queue, 1)
        watching = Database(database.url, schema=database.schema)
        async with database.transaction() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
                )
            )
        await put(watching, new("2"))
        await all_done(Queue(watching, SystemClock(), TimeOrderedIds()), 2)
        await watching.close()

    await run_until(worker(database, queue, {STAGE: ending(database)}).run, one_then_cut_then_another())
    assert set(await notes(database)) == {"1", "2"}
