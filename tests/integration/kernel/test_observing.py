"""What jobs, relay and consumer tell: their trace, how things ended, and that their loops tick."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.kernel import wiring
from services.kernel.clock import SystemClock
from services.kernel.config import ServiceSettings
from services.kernel.db.engine import Database
from services.kernel.db.migrate import migrate
from services.kernel.db.roles import OWNER, role_of
from services.kernel.errors import AppError, Kind
from services.kernel.events.consumer import Consumer, InvariantBroken
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import EventLog
from services.kernel.events.relay import Relay
from services.kernel.ids import TimeOrderedIds
from services.kernel.jobs.queue import Queue
from services.kernel.jobs.worker import Handler, Running, Worker
from services.kernel.platform import Platform
from services.kernel.state_metrics import StateMetrics
from services.kernel.telemetry import correlated, traceparent
from services.kernel.tracing import Attribute
from tests.cluster import Cluster
from tests.integration.kernel.facts import TOPIC, TYPE, Watched, commit, event, publish, run_until
from tests.integration.kernel.test_jobs_queue import STAGE, new, put
from tests.integration.kernel.test_jobs_worker import ending, job_is, raising, worker
from tests.integration.kernel.test_relay import arrive
from tests.samples import sample
from tests.spans import Recorded, recorded, trace_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database, SystemClock(), TimeOrderedIds())


@pytest.fixture
def kept() -> Iterator[Recorded]:
    with recorded() as found:
        yield found


def traced_in(kept: Recorded, name: str) -> str:
    """The trace of the only span of that name."""
    return f"{trace_of(kept.named(name)):032x}"


async def kept_span(kept: Recorded) -> None:
    """Return once a job's span has ended, which it does a moment after its row."""
    while not any(span.name.startswith("job ") for span in kept.spans):
        await asyncio.sleep(0)


async def test_a_job_runs_in_the_trace_in_which_it_was_asked_for(
    database: Database, queue: Queue, kept: Recorded
) -> None:
    seen: list[str] = []

    async def looking(running: Running) -> None:
        seen.append(traceparent())
        await ending(database)(running)

    with correlated(traceparent=TRACE):
        await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: looking}).run, kept_span(kept))
    span = kept.named(f"job upload {STAGE}")
    assert traced_in(kept, span.name) == seen[0].split("-")[1] == TRACE_ID
    assert (span.attributes or {})[Attribute.JOB_OUTCOME] == "done"


async def test_a_job_that_is_asked_for_again_belongs_to_who_asked_last(database: Database, queue: Queue) -> None:
    with correlated(traceparent=TRACE):
        await put(database, new("a"))
        await put(database, new("a"))
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert job.traceparent == TRACE
    await queue.cancel(job.job_id)
    later = TRACE.replace(TRACE_ID, "1" * 32)
    with correlated(traceparent=later):
        await put(database, new("a"))
    (job,) = await queue.page(dossier_id="", state="", after="", size=1)
    assert (job.state, job.traceparent) == ("queued", later)


async def test_a_job_that_nobody_traced_begins_a_trace(database: Database, queue: Queue, kept: Recorded) -> None:
    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: ending(database)}).run, kept_span(kept))
    assert kept.named(f"job upload {STAGE}").parent is None


@pytest.mark.parametrize(
    ("handler", "attempts", "state", "outcome"),
    [
        (ending, 8, "done", "done"),
        (lambda _: raising(AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True)), 8, "queued", "retried"),
        (lambda _: raising(AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True)), 1, "dead", "dead"),
        (lambda _: raising(AppError("request.invalid", Kind.INVALID)), 8, "dead", "dead"),
    ],
)
async def test_each_run_is_counted_with_how_it_ended(
    database: Database,
    queue: Queue,
    handler: Callable[[Database], Handler],
    attempts: int,
    state: str,
    outcome: str,
) -> None:
    before = sample("shenbao_jobs_finished_total", stage=STAGE, outcome=outcome)
    timed = sample("shenbao_job_duration_seconds_count", stage=STAGE)
    await put(database, new("a", max_attempts=attempts))

    async def over() -> None:
        await job_is(queue, lambda job: job.state == state and job.attempts > 0)
        while sample("shenbao_jobs_finished_total", stage=STAGE, outcome=outcome) == before:
            await asyncio.sleep(0)  # its run ends a moment after its row

    await run_until(worker(database, queue, {STAGE: handler(database)}).run, over())
    assert sample("shenbao_jobs_finished_total", stage=STAGE, outcome=outcome) == before + 1
    assert sample("shenbao_job_duration_seconds_count", stage=STAGE) == timed + 1


async def test_a_worker_ticks_while_it_waits_and_while_it_works(database: Database, queue: Queue) -> None:
    ticked, entered = asyncio.Semaphore(0), asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def ticks() -> None:
        for _ in range(3):
            await ticked.acquire()
        await put(database, new("a"), new("b"))
        await entered.wait()
        while not ticked.locked():
            await ticked.acquire()
        await ticked.acquire()

    watched = Worker(
        database=database, queue=queue, handlers={STAGE: endless}, clock=SystemClock(), concurrency=1,
        tick=ticked.release,
    )  # fmt: skip
    await run_until(watched.run, ticks())


async def test_a_job_that_is_given_back_is_counted_as_such(database: Database, queue: Queue) -> None:
    before = sample("shenbao_jobs_finished_total", stage=STAGE, outcome="released")
    entered = asyncio.Event()

    async def endless(_running: Running) -> None:
        entered.set()
        await asyncio.Event().wait()

    async def begun() -> None:
        await entered.wait()

    await put(database, new("a"))
    await run_until(worker(database, queue, {STAGE: endless}).run, begun())
    assert sample("shenbao_jobs_finished_total", stage=STAGE, outcome="released") == before + 1


async def test_an_event_is_sent_in_its_trace_and_counted(database: Database, log: EmbeddedLog, kept: Recorded) -> None:
    before = sample("shenbao_events_published_total", event=TYPE)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    with correlated(traceparent=TRACE):
        await commit(database, event(1), event(2))
    await run_until(Relay(database, log, tick=tick).run, arrive(log, 2))
    sent = [span for span in kept.spans if span.kind is SpanKind.PRODUCER]
    assert [(span.name, f"{trace_of(span):032x}") for span in sent] == [(f"publish {TYPE}", TRACE_ID)] * 2
    assert [(span.attributes or {})[Attribute.EVENT_ID] for span in sent] == ["aggregate-1", "aggregate-2"]
    assert sample("shenbao_events_published_total", event=TYPE) == before + 2
    assert sample("shenbao_relay_leader") == 0
    assert ticks > 1


async def heard(database: Database, log: EventLog, *, broken: bool = False) -> None:
    """One record is consumed."""

    async def handle(_connection: AsyncConnection, _outbox: Outbox, _event: Event) -> None:
        if broken:
            raise InvariantBroken("for a test")

    watched = Watched(log)
    consumer = Consumer(group="upload", handlers={TYPE: handle}, database=database, events=watched, clock=SystemClock())
    await run_until(consumer.run, watched.commits(1))


async def test_an_event_is_heard_in_its_trace_and_counted(database: Database, log: EmbeddedLog, kept: Recorded) -> None:
    names = ("shenbao_events_consumed_total", "shenbao_event_delivery_seconds_count")
    before = [sample(name, event=TYPE) for name in names]
    await publish(log, replace(event(1), traceparent=TRACE))
    await heard(database, log)
    assert traced_in(kept, f"upload hears {TYPE}") == TRACE_ID
    assert [sample(name, event=TYPE) for name in names] == [value + 1 for value in before]


async def test_a_dead_letter_is_counted(database: Database, log: EmbeddedLog, kept: Recorded) -> None:
    before = sample("shenbao_events_dead_lettered_total", topic=TOPIC)
    consumed = sample("shenbao_events_consumed_total", event=TYPE)
    await publish(log, event(1))
    await heard(database, log, broken=True)
    assert (kept.named(f"upload hears {TYPE}").attributes or {})[Attribute.ERROR_TYPE] == "InvariantBroken"
    assert sample("shenbao_events_dead_lettered_total", topic=TOPIC) == before + 1
    assert sample("shenbao_events_consumed_total", event=TYPE) == consumed


async def test_a_member_tells_how_many_partitions_it_owns(database: Database, log: EmbeddedLog) -> None:
    handlers = {TYPE: lambda *_: asyncio.sleep(0)}
    consumer = Consumer(group="upload", handlers=handlers, database=database, events=log, clock=SystemClock())

    async def told() -> None:
        while sample("shenbao_consumer_partitions") != 24:
            await asyncio.sleep(0)

    await run_until(consumer.run, told())


@pytest.fixture
async def platform(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """As the upload service gets it."""
    settings = ServiceSettings(
        database=database_url,
        events=database_url.replace("postgresql+asyncpg://", "embedded+postgresql://", 1),
        objects=(tmp_path / "objects").as_uri(),
    )
    async with wiring.open_platform("upload", settings) as opened:
        yield opened


async def test_what_stands_in_the_database_is_told(platform: Platform) -> None:
    state = StateMetrics(platform, ("idle", STAGE))
    await put(platform.database, new("a"), new("b"))
    await platform.queue.lease([STAGE], 1)
    async with platform.database.transaction() as connection:
        await connection.execute(text("UPDATE jobs SET created_at = created_at - interval '1 hour'"))
    await commit(platform.database, event(1), event(2), event(3))
    await state.database()
    for stage, counts in {STAGE: (1, 1, 0), "idle": (0, 0, 0)}.items():
        told = [sample("shenbao_jobs", stage=stage, state=each) for each in ("queued", "leased", "dead")]
        assert told == list(counts), stage
    assert 3600 <= sample("shenbao_jobs_oldest_waiting_seconds", stage=STAGE) < 3700
    assert sample("shenbao_jobs_oldest_waiting_seconds", stage="idle") == 0
    assert sample("shenbao_outbox_events") == 3
    assert sample("shenbao_outbox_oldest_seconds") >= 0
    now = platform.clock.now().timestamp()
    assert now - 60 < sample("shenbao_state_refreshed_timestamp_seconds", source="database") <= now


async def test_what_stands_in_the_log_is_told_of_the_own_group_only(platform: Platform) -> None:
    state = StateMetrics(platform, ())
    for group in ("upload", "review"):
        await (await platform.events.subscribe(group, [TOPIC])).close()
    await publish(platform.events, *(event(number) for number in range(1, 6)))
    await state.lag()
    assert sample("shenbao_consumer_lag_records", topic=TOPIC) == 5
    await heard(platform.database, platform.events, broken=True)
    await state.letters()
    assert sample("shenbao_dead_letters", topic=TOPIC) >= 1
    letters = StateMetrics(platform, ())._letters
    for letter in await letters.waiting():
        await letters.dismiss(letter.letter_id, by="an-operator")
    await state.letters()
    assert sample("shenbao_dead_letters", topic=TOPIC) == 0


async def test_the_disk_of_the_store_is_told(platform: Platform) -> None:
    await StateMetrics(platform, ()).storage()
    assert 0 < sample("shenbao_storage_bytes", state="free") < sample("shenbao_storage_bytes", state="total")


async def test_a_database_that_is_away_is_told_of_and_asked_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, stop, asked = StateMetrics(platform, ()), asyncio.Event(), 0

    async def away() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            stop.set()
        raise ConnectionRefusedError if asked == 1 else LookupError

    monkeypatch.setattr(state, "database", away)
    monkeypatch.setattr("services.kernel.state_metrics.EVERY_S", 0.01)
    monkeypatch.setattr("services.kernel.state_metrics.LETTERS_EVERY_S", 0.01)
    async with asyncio.timeout(60):
        await state.run(stop)
    assert asked == 2


async def test_the_pool_says_how_many_connections_are_used(database: Database) -> None:
    assert database.connections_used == 0
    async with database.transaction():
        assert database.connections_used == 1
    assert database.connections_used == 0
    assert database.connections_allowed == 8


@pytest.mark.parametrize(
    ("service", "before"),
    [("upload", "upload_0001"), ("video", "video_0001"), ("pdfcheck", "pdfcheck_0001"), ("review", "review_0002")],
)
async def test_jobs_of_before_survive_the_new_column(
    cluster: Cluster, database_name: str, service: str, before: str
) -> None:
    owner = cluster.url(OWNER, database_name)
    await migrate(owner, [service], target="base")
    await migrate(owner, [service], target=before)
    engine = create_async_engine(owner)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                f"INSERT INTO {service}.jobs (job_id, stage, dedup_key, organisation_path, dossier_id, subject_id)"
                " VALUES ('j', 's', 'k', '/sc/', 'd', 'f')"
            )
        )
    await engine.dispose()
    await migrate(owner, [service])
    database = Database(cluster.url(role_of(service), database_name), schema=service)
    queue = Queue(database, SystemClock(), TimeOrderedIds())
    (job,) = await queue.lease(["s"], 1)
    await database.close()
    assert (job.job_id, job.traceparent) == ("j", "")
    assert job.created_at - SystemClock().now() < timedelta(minutes=1)
