"""Leasing, ending, failing, cancelling: each of them by exactly one worker."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from services.kernel.db.engine import Database
from services.kernel.errors import AppError
from services.kernel.events.embedded_rows import dsn_of
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.effect import effect
from services.kernel.jobs.queue import (
    FIRST_RETRY,
    LEASE,
    LONGEST_RETRY,
    Job,
    LeaseLost,
    NewJob,
    Queue,
    cancel_of,
    channel,
    enqueue,
    finish,
)
from tests.integration.kernel.facts import DEADLINE_S, SetClock, event, note, notes

STAGE = "verdict"


def new(key: str, *, priority: int = 100, stage: str = STAGE, subject: str = "", max_attempts: int = 8) -> NewJob:
    return NewJob(
        stage=stage,
        dedup_key=key,
        organisation_path="/sc/",
        dossier_id="d1",
        subject_id=subject or key,
        priority=priority,
        max_attempts=max_attempts,
    )


async def put(database: Database, *jobs: NewJob) -> None:
    async with database.transaction() as connection:
        for job in jobs:
            await enqueue(connection, database.schema, TimeOrderedIds(), job)


async def one(queue: Queue) -> Job:
    (job,) = await queue.lease([STAGE], 1)
    return job


async def state(queue: Queue, job_id: str = "") -> Job:
    """The only job, or the one of that id, as it is now."""
    found = await queue.page(dossier_id="", state="", after="", size=100)
    (job,) = [each for each in found if job_id in ("", each.job_id)]
    return job


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def queue(database: Database, clock: SetClock) -> Queue:
    return Queue(database, clock, TimeOrderedIds())


async def test_a_job_exists_only_with_what_asked_for_it(database: Database, queue: Queue) -> None:
    async def failing() -> None:
        async with database.transaction() as connection:
            await enqueue(connection, database.schema, TimeOrderedIds(), new("a"))
            raise KeyError("rolled back")

    with pytest.raises(KeyError):
        await failing()
    assert not await queue.lease([STAGE], 1)


async def test_the_same_request_twice_is_one_job(database: Database, queue: Queue) -> None:
    await put(database, new("a"), new("a"))
    job = await one(queue)
    await put(database, new("a"))  # also while it runs
    assert not await queue.lease([STAGE], 1)
    async with effect(database, job):
        pass
    await put(database, new("a"))  # and when it is done
    assert not await queue.lease([STAGE], 1)


async def test_the_most_urgent_are_leased_first_and_no_more_than_asked(database: Database, queue: Queue) -> None:
    await put(database, *(new(f"{priority}", priority=priority) for priority in (50, 10, 90, 30, 70)))
    leased = await queue.lease([STAGE], 2)
    assert {job.subject_id for job in leased} == {"10", "30"}
    assert await queue.waiting() == {STAGE: 3}


async def test_only_the_asked_stages_are_leased(database: Database, queue: Queue) -> None:
    await put(database, new("a"), new("b", stage="disc"))
    assert [job.stage for job in await queue.lease(["disc"], 10)] == ["disc"]


async def test_many_workers_never_lease_the_same_job(database: Database, queue: Queue) -> None:
    await put(database, *(new(f"{number}") for number in range(60)))
    taken: list[str] = []

    async def take() -> None:
        while jobs := await queue.lease([STAGE], 3):
            taken.extend(job.job_id for job in jobs)

    await asyncio.gather(*(take() for _ in range(6)))
    assert len(taken) == len(set(taken)) == 60


async def test_effect_end_and_event_are_one(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    async with effect(database, await one(queue)) as (connection, outbox):
        await note(connection, "effect")
        outbox.add(event(1))
    ended = await state(queue)
    assert (ended.state, ended.progress, ended.last_error) == ("done", 1.0, "")
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT event_id FROM outbox"))).scalar_one() == "aggregate-1"


async def test_an_effect_that_fails_leaves_the_job_leased(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    job = await one(queue)

    async def failing() -> None:
        async with effect(database, job) as (connection, _):
            await note(connection, "effect")
            raise KeyError("rolled back")

    with pytest.raises(KeyError):
        await failing()
    assert (await state(queue)).state == "leased"
    assert not await notes(database)


async def test_a_thawed_worker_changes_nothing(database: Database, queue: Queue, clock: SetClock) -> None:
    """Its lease ran out, another one has the job: no effect, no end, no failure, no progress by the first."""
    await put(database, new("a"))
    frozen = await one(queue)
    clock.advance(LEASE)
    assert not await queue.lease([STAGE], 1)  # to the very second it is still its own
    clock.advance(timedelta(microseconds=1))
    other = await one(queue)
    assert (other.job_id, other.attempts) == (frozen.job_id, 2)

    async def late() -> None:
        async with effect(database, frozen) as (connection, _):
            await note(connection, "late")

    with pytest.raises(LeaseLost):
        await late()
    assert not await queue.renew(frozen, 0.9)
    assert not await queue.failed(frozen, "late", retry=True)
    await queue.release(frozen)
    await queue.cancelled(frozen)
    now = await state(queue)
    assert (now.state, now.lease_token, now.progress, now.last_error) == ("leased", other.lease_token, 0.0, "")
    async with effect(database, other) as (connection, _):
        await note(connection, "in time")
    assert await notes(database) == ["in time"]


async def test_a_renewed_lease_is_kept(database: Database, queue: Queue, clock: SetClock) -> None:
    await put(database, new("a"))
    job = await one(queue)
    clock.advance(LEASE)
    assert await queue.renew(job, 0.5)
    clock.advance(LEASE)
    assert not await queue.lease([STAGE], 1)
    assert (await state(queue)).progress == 0.5


async def test_a_lease_is_as_long_as_it_was_set(database: Database, clock: SetClock) -> None:
    """When it is taken and when it is renewed."""
    short = Queue(database, clock, TimeOrderedIds(), timedelta(seconds=10))
    await put(database, new("a"))
    job = await one(short)
    for _ in range(2):
        clock.advance(timedelta(seconds=10))
        assert not await short.lease([STAGE], 1)
        assert await short.renew(job, 0.5)
    clock.advance(timedelta(seconds=10, microseconds=1))
    assert (await one(short)).job_id == job.job_id


async def test_a_retry_waits_longer_each_time(database: Database, queue: Queue, clock: SetClock) -> None:
    await put(database, new("a", max_attempts=12))
    pauses = []
    for _ in range(11):
        assert await queue.failed(await one(queue), "storage.away", retry=True)
        waiting = await state(queue)
        pauses.append(waiting.run_after - clock.now())
        assert (waiting.state, waiting.last_error) == ("queued", "storage.away")
        clock.advance(pauses[-1] - timedelta(microseconds=1))
        assert not await queue.lease([STAGE], 1)
        clock.advance(timedelta(microseconds=1))
    assert pauses[:3] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY]
    assert pauses[-1] == LONGEST_RETRY


async def test_the_last_attempt_ends_it(database: Database, queue: Queue, clock: SetClock) -> None:
    await put(database, new("a", max_attempts=2))
    await queue.failed(await one(queue), "first", retry=True)
    assert (await state(queue)).state == "queued"
    clock.advance(FIRST_RETRY)
    await queue.failed(await one(queue), "second", retry=True)
    dead = await state(queue)
    assert (dead.state, dead.attempts, dead.last_error) == ("dead", 2, "second")


async def test_a_permanent_failure_ends_it_at_once(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    await queue.failed(await one(queue), "file.damaged", retry=False)
    assert (await state(queue)).state == "dead"


async def test_a_job_that_takes_its_workers_with_it_ends(database: Database, queue: Queue, clock: SetClock) -> None:
    await put(database, new("a", max_attempts=2))
    for _ in range(2):
        await one(queue)
        clock.advance(LEASE + timedelta(seconds=1))
    assert not await queue.lease([STAGE], 1)
    dead = await state(queue)
    assert (dead.state, dead.last_error, dead.lease_token) == ("dead", "worker-lost", "")


async def test_a_released_job_wakes_whoever_is_free(database: Database, queue: Queue) -> None:
    await put(database, new("job"))
    leased = await one(queue)
    woken = asyncio.Event()
    listener = await asyncpg.connect(dsn_of(database.url))
    await listener.add_listener(channel(database.schema), lambda *_: woken.set())
    await queue.release(leased)
    async with asyncio.timeout(DEADLINE_S):
        await woken.wait()
    await listener.close()
    assert (await one(queue)).job_id == leased.job_id


async def test_a_released_job_has_its_attempt_back(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    await queue.release(await one(queue))
    assert (await one(queue)).attempts == 1


async def test_cancelling_what_is_about_a_subject(database: Database, queue: Queue) -> None:
    """What waits is cancelled at once; what runs cannot end with an effect any more; others go on."""
    await put(database, new("running", subject="f1", priority=1))
    running = await one(queue)
    await put(database, new("waiting", subject="f1"), new("other", subject="f2"))
    async with database.transaction() as connection:
        await cancel_of(connection, "f1")
    assert not await queue.renew(running, 0.1)

    async def late() -> None:
        async with database.transaction() as connection:
            await note(connection, "late")
            await finish(connection, running)

    with pytest.raises(LeaseLost):
        await late()
    await queue.cancelled(running)
    found = await queue.page(dossier_id="d1", state="", after="", size=10)
    assert {job.subject_id: job.state for job in found} == {"f1": "cancelled", "f2": "queued"}
    assert not await notes(database)


async def test_cancelling_is_part_of_its_transaction(database: Database, queue: Queue) -> None:
    await put(database, new("a", subject="f1"))

    async def failing() -> None:
        async with database.transaction() as connection:
            await cancel_of(connection, "f1")
            raise KeyError("rolled back")

    with pytest.raises(KeyError):
        await failing()
    assert (await state(queue)).state == "queued"


async def test_a_cancelled_job_whose_worker_died_is_not_run_again(
    database: Database, queue: Queue, clock: SetClock
) -> None:
    await put(database, new("a"))
    job = await one(queue)
    await queue.cancel(job.job_id)
    clock.advance(LEASE + timedelta(seconds=1))
    assert not await queue.lease([STAGE], 1)
    assert (await state(queue)).state == "cancelled"


async def test_a_cancelled_job_that_fails_is_not_retried(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    job = await one(queue)
    await queue.cancel(job.job_id)
    await queue.failed(job, "storage.away", retry=True)
    assert (await state(queue)).state == "cancelled"


@pytest.mark.parametrize("ending", ["dead", "cancelled"])
async def test_an_operator_puts_a_job_back(database: Database, queue: Queue, ending: str) -> None:
    await put(database, new("a"))
    job = await one(queue)
    if ending == "cancelled":
        await queue.cancel(job.job_id)
    await queue.failed(job, "file.damaged", retry=False)
    assert (await state(queue)).state == ending
    again = await queue.retry(job.job_id)
    assert (again.state, again.attempts) == ("queued", 0)
    async with effect(database, await one(queue)):
        pass
    assert (await state(queue)).state == "done"


@pytest.mark.parametrize("ending", ["dead", "cancelled"])
async def test_a_new_request_revives_an_ended_job(database: Database, queue: Queue, ending: str) -> None:
    await put(database, new("a"))
    job = await one(queue)
    if ending == "cancelled":
        await queue.cancel(job.job_id)
    await queue.failed(job, "file.damaged", retry=False)
    await put(database, new("a"))
    assert (await one(queue)).attempts == 1


async def test_an_operator_does_not_disturb_what_is_done(database: Database, queue: Queue) -> None:
    await put(database, new("a"))
    job = await one(queue)
    async with effect(database, job):
        pass
    assert (await queue.retry(job.job_id)).state == "done"
    assert (await queue.cancel(job.job_id)).state == "done"


async def test_an_operator_asks_for_a_job_that_is_not_there(queue: Queue) -> None:
    for change in (queue.retry, queue.cancel):
        with pytest.raises(AppError, match=r"request\.not-found"):
            await change("nothing")


async def test_the_last_job_of_each_stage_is_told(database: Database, queue: Queue) -> None:
    await put(database, new("a", subject="f1"), new("b", subject="f1", stage="look"), new("c", subject="f2"))
    await put(database, new("d", subject="f1"))
    found = await queue.latest_of("d1", "f1")
    newest = (await queue.page(dossier_id="d1", state="", after="", size=1))[0]
    assert [job.stage for job in found] == ["look", STAGE]
    assert found[1].job_id == newest.job_id
    assert await queue.latest_of("d2", "f1") == []


async def test_pages_are_newest_first_and_filtered(database: Database, queue: Queue) -> None:
    await put(database, *(new(f"{number}") for number in range(5)))
    await queue.failed(await one(queue), "bad", retry=False)
    first = await queue.page(dossier_id="d1", state="", after="", size=3)
    rest = await queue.page(dossier_id="d1", state="", after=first[-1].job_id, size=3)
    assert [job.subject_id for job in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert [job.state for job in await queue.page(dossier_id="", state="dead", after="", size=9)] == ["dead"]
    assert not await queue.page(dossier_id="d2", state="", after="", size=9)
