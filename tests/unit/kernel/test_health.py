"""A frozen loop is found, an outage is not mistaken for one, and both are told on an address of their own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import httpx
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from services.kernel import health, metrics
from services.kernel.clock import SystemClock
from services.kernel.errors import AppError
from services.kernel.events.consumer import Consumer
from services.kernel.events.port import AppliedTopic, Delivered, EventLogUnavailable, Lag, Record, Topic
from services.kernel.grpc_client import open_channel
from services.kernel.grpc_server import ALIVE, GrpcServer
from services.kernel.health import Liveness, Readiness
from services.kernel.metrics_page import MetricsPage
from services.kernel.tokens import TokenKey, Tokens

DEADLINE_S = 20.0


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment


def test_a_loop_lives_up_to_the_limit_and_not_beyond() -> None:
    hand = Hand()
    liveness = Liveness(10, hand)
    tick, other = liveness.loop("relay"), liveness.loop("worker")
    hand.moment += 10
    assert liveness.stalled() == ()
    other()
    hand.moment += 0.5
    assert liveness.stalled() == ("relay",)
    assert liveness.ages() == {"relay": 10.5, "worker": 0.5}
    tick()
    assert liveness.stalled() == ()


def test_nobody_is_ready_before_everything_is() -> None:
    readiness = Readiness()
    said = [readiness.ready]
    readiness.say("started", health.READY)
    said.append(readiness.ready)
    readiness.say("database", "OSError")
    said.append(readiness.ready)
    assert said == [False, True, False]
    assert readiness.parts == {"started": "ready", "database": "OSError"}
    assert metrics.REGISTRY.get_sample_value("shenbao_ready", {"part": "database"}) == 0


async def test_a_part_is_what_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    readiness = Readiness()

    async def well() -> None:
        return

    async def away() -> None:
        raise EventLogUnavailable("gone")

    async def silent() -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.01)
    for part, ask in {"a": well, "b": away, "c": silent}.items():
        await health.probe(readiness, part, ask)
    assert readiness.parts == {"started": "starting", "a": "ready", "b": "EventLogUnavailable", "c": "TimeoutError"}


async def test_every_part_is_asked_until_the_end_which_is_heard_at_once() -> None:
    readiness, stop, asked = Readiness(), asyncio.Event(), 0

    async def ask() -> None:
        nonlocal asked
        asked += 1
        stop.set()

    async with asyncio.timeout(health.PROBE_EVERY_S):
        await health.keep_probing(readiness, {"a": ask}, stop)
    assert asked == 1
    assert readiness.parts["a"] == health.READY


async def test_what_is_waited_for_and_ends_by_itself_freezes_nothing(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BEAT_S", 0.0)
    liveness = Liveness(10, hand)
    tick = liveness.loop("relay")
    async with health.ticking(tick), asyncio.timeout(DEADLINE_S):
        hand.moment += 11
        while liveness.stalled():
            await asyncio.sleep(0)
    hand.moment += 11
    await asyncio.sleep(0)
    assert liveness.stalled() == ("relay",)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def liveness(hand: Hand) -> Liveness:
    return Liveness(10, hand)


@pytest.fixture
def page(liveness: Liveness) -> Iterator[MetricsPage]:
    readiness = Readiness()
    readiness.say("started", health.READY)
    opened = MetricsPage("127.0.0.1:0", CollectorRegistry(), liveness, readiness)
    yield opened
    opened.close()


def ask(page: MetricsPage, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{page.port}{path}", trust_env=False, timeout=DEADLINE_S)


async def until(page: MetricsPage, status: int) -> httpx.Response:
    async with asyncio.timeout(DEADLINE_S):
        while (answer := await asyncio.to_thread(ask, page, "/healthz")).status_code != status:
            pass
    return answer


async def test_a_blocked_event_loop_is_found_while_it_is_blocked(
    hand: Hand, liveness: Liveness, page: MetricsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BEAT_S", 0.01)
    beating = asyncio.create_task(health.beat(liveness))
    await until(page, 200)
    hand.moment += 11
    answer = ask(page, "/healthz")  # from the event loop's own thread: nothing else runs in it meanwhile
    assert answer.status_code == 503
    assert answer.json()["stalled"] == ["event-loop"]
    await until(page, 200)
    assert ask(page, "/readyz").json() == {"ready": True, "parts": {"started": "ready"}}
    beating.cancel()


class Stuck:
    """A log whose broker is away, or whose client hangs for ever: as a subscription, and as the log itself."""

    def __init__(self) -> None:
        self.hangs = False
        self.asked = asyncio.Semaphore(0)

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        self.asked.release()
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        raise EventLogUnavailable("away")

    async def commit(self, *records: Delivered) -> None:
        assert not records

    async def close(self) -> None:
        return

    async def subscribe(self, group: str, topics: Sequence[str]) -> "Stuck":
        return self

    async def append(self, records: Sequence[Record]) -> None:
        raise AssertionError(records)

    async def lag(self) -> Sequence[Lag]:
        return ()

    async def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        none: Sequence[Delivered] = ()
        for record in none:
            yield record

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        raise AssertionError(topics)

    async def stay(self) -> None:
        return

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        return frozenset()

    async def topics(self) -> Sequence[str]:
        return ()


async def test_a_consumer_lives_while_its_broker_is_away_and_not_when_it_hangs(
    hand: Hand, liveness: Liveness, page: MetricsPage
) -> None:
    log = Stuck()

    async def pause(_seconds: float) -> None:
        hand.moment += 6

    consumer = Consumer(
        group="review", handlers={"shenbao.upload.file-stored.v1": None}, database=None,  # type: ignore[arg-type,dict-item]
        events=log, clock=SystemClock(), pause=pause, tick=liveness.loop("consumer"),
    )  # fmt: skip
    running = asyncio.create_task(consumer.run(asyncio.Event()))
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(5):
            await log.asked.acquire()
            assert ask(page, "/healthz").status_code == 200
        log.hangs = True
        while hand.moment < 1000:
            await log.asked.acquire()
            hand.moment += 1000
    assert (await until(page, 503)).json()["stalled"] == ["consumer"]
    running.cancel()


async def test_grpc_says_the_same_under_a_name_of_its_own(
    hand: Hand, liveness: Liveness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "BEAT_S", 0.01)
    tokens = Tokens([TokenKey(key_id="a", secret="s" * 32)], SystemClock())
    server = GrpcServer(address="127.0.0.1:0", audience="review", tokens=tokens, servicers=[])
    await server.start()
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    tick = liveness.loop("relay")
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def said(state: int) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while (await stub.Check(health_pb2.HealthCheckRequest(service=ALIVE))).status != state:
                    pass

        await said(serving)
        stop = asyncio.Event()
        with structlog.testing.capture_logs() as lines:
            watching = asyncio.create_task(health.watch(liveness, server.say_stalled, stop))
            hand.moment += 11
            await said(not_serving)
            tick()
            await said(serving)
            stop.set()
            await watching
        told = [(line["action"], line["loops"]) for line in lines if line["action"].startswith("health.")]
        assert told == [("health.stalled", "relay"), ("health.recovered", "relay")]
    await server.stop(0)


def test_what_is_not_there_is_not_there(page: MetricsPage) -> None:
    assert ask(page, "/").status_code == 404
    assert ask(page, "/healthz?full=1").status_code == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_an_address_of_the_newer_protocol(liveness: Liveness) -> None:
    opened = MetricsPage("[::1]:0", CollectorRegistry(), liveness, Readiness())
    try:
        assert httpx.get(f"http://[::1]:{opened.port}/healthz", trust_env=False).status_code == 200
    finally:
        opened.close()


def test_an_address_that_is_taken(liveness: Liveness, page: MetricsPage) -> None:
    with pytest.raises(AppError) as caught:
        MetricsPage(f"127.0.0.1:{page.port}", CollectorRegistry(), liveness, Readiness())
    assert caught.value.code == "metrics.cannot-listen"
    assert caught.value.params["address"] == f"127.0.0.1:{page.port}"
