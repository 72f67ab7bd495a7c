"""While a backup holds removals no job that removes objects begins; everything else goes on."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.kernel.db.engine import Database
from services.kernel.db.hold import await_removals, hold_removals, removals_held
from services.kernel.db.owner import connected
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.queue import HOLD, NewJob, Queue, enqueue
from services.kernel.jobs.tables import jobs
from tests.cluster import Cluster
from tests.integration.kernel.facts import DEADLINE_S, SetClock

REMOVING = frozenset({"purge"})


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def queue(database: Database, clock: SetClock) -> Queue:
    return Queue(database, clock, TimeOrderedIds())


async def put(database: Database, *stages: str) -> None:
    async with database.transaction() as connection:
        for stage in stages:
            job = NewJob(stage=stage, dedup_key=stage, organisation_path="/sc/", dossier_id="d", subject_id="f")
            await enqueue(connection, database.schema, TimeOrderedIds(), job)


async def leased(queue: Queue) -> list[str]:
    return [job.stage for job in await queue.lease(["purge", "verdict"], 10, removing=REMOVING)]


async def test_only_removals_wait_and_they_run_afterwards(database: Database, queue: Queue, clock: SetClock) -> None:
    await put(database, "purge", "verdict")
    async with hold_removals([database.url]) as hold:
        assert await leased(queue) == ["verdict"]
        due = await queue.next_due(["purge", "verdict"])
        assert due == clock.now() + HOLD
        clock.advance(HOLD)
        assert await leased(queue) == []
        await hold.check()
    clock.advance(HOLD)
    (job,) = await queue.lease(["purge"], 10, removing=REMOVING)
    assert job.attempts == 1


async def test_a_removal_whose_worker_fell_silent_is_not_taken_up(
    database: Database, queue: Queue, clock: SetClock
) -> None:
    await put(database, "purge")
    assert await leased(queue) == ["purge"]
    clock.advance(timedelta(minutes=5))
    async with hold_removals([database.url]):
        assert await leased(queue) == []
    assert await leased(queue) == ["purge"]


async def test_a_second_backup_at_the_same_time_is_refused(database: Database) -> None:
    async with hold_removals([database.url]):
        with pytest.raises(AppError, match=r"backup\.running"):
            async with hold_removals([database.url]):
                raise AssertionError
        async with database.transaction() as connection:
            assert await removals_held(connection)
    async with database.transaction() as connection:
        assert not await removals_held(connection)


async def test_it_begins_only_when_removals_under_way_have_ended(database: Database, queue: Queue) -> None:
    await put(database, "purge", "verdict")
    assert sorted(await leased(queue)) == ["purge", "verdict"]
    async with connected(database.url) as connection:
        waiting = asyncio.create_task(await_removals(connection, {database.schema: REMOVING}))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        async with database.transaction() as other:
            await other.execute(sa.update(jobs).where(jobs.c.stage == "purge").values(state="done"))
        async with asyncio.timeout(DEADLINE_S):
            await waiting


async def test_a_holder_that_was_cut_off_says_so(database: Database, cluster: Cluster, database_name: str) -> None:
    async with hold_removals([database.url]) as hold:
        async with connected(cluster.superuser_url(database_name)) as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
            await connection.execute(sa.text(cut), {"name": "shenbao-storage-leader"})
        with pytest.raises(AppError, match=r"backup\.hold-lost"):
            await hold.check()
