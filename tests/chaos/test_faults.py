"""Faults of servers and processes while several journeys are under way on the stack of real servers.

After each, everything is counted (`counting`): nothing lost, nothing applied twice, nothing older over something newer.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import Address, free_ports
from services.kernel.events.port import Record
from services.kernel.events.topics import HEARS, PREFIX
from services.kernel.supervisor import Supervisor
from tests.chaos import counting
from tests.chaos.crowd import APPLICANTS, Done, journey
from tests.e2e.conftest import WITHOUT_BACKGROUND
from tests.fault_proxy import Fault, proxying, random_plan
from tests.servers import needed
from tools.stack.platform import Running, running
from tools.stack.processes import Process, processes, program

pytestmark = [pytest.mark.xdist_group("kafka"), pytest.mark.timeout(600)]
#: Longer than a job's lease of 30 s, and than a leader's silence of 5 s.
PAST_THE_LEASE_S = 40.0
PAST_THE_SILENCE_S = 8.0
KAFKA_AWAY_S = 60.0

Trouble = Callable[[Running], Awaitable[None]]


@pytest.fixture(autouse=True)
def _servers() -> None:
    for name in ("kafka", "versitygw"):
        needed(name)


async def crowd(folder: Path, url: str, number: int) -> Sequence[Done]:
    """Journeys of the first applicants, at once."""
    accounts = json.loads((folder / "data" / "accounts.json").read_text("utf-8"))["accounts"]
    passwords = {account["login"]: account["password"] for account in accounts}
    ways = [asyncio.to_thread(journey, url, passwords, each, folder) for each in APPLICANTS[:number]]
    return await asyncio.gather(*ways)


@asynccontextmanager
async def stack(
    folder: Path, wanted: Sequence[Process] | None = None, objects: str = "", objects_port: int | None = None,
    extra: Mapping[str, str] | None = None,
) -> AsyncIterator[Running]:  # fmt: skip
    """The stack in this process, watched: what dies is started again."""
    [port] = free_ports(1)
    async with running(
        DataFolder(folder / "data"), Address(port=port), wanted=wanted, objects_endpoint=objects,
        objects_port=objects_port, extra=extra,
    ) as started:  # fmt: skip
        stop = asyncio.Event()
        watching = asyncio.create_task(started.supervisor.watch(stop))
        try:
            yield started
        finally:
            stop.set()
            await watching


async def in_trouble(folder: Path, started: Running, trouble: Trouble, journeys: int) -> None:
    """Journeys and trouble at once; then everything is counted."""
    done, _ = await asyncio.gather(crowd(folder, started.address.url, journeys), trouble(started))
    await counting.count(started, done)


async def something_is_checked(started: Running) -> None:
    """Return once a document was checked: everything is under way then."""
    log = counting.log_of(started)
    try:
        async with asyncio.timeout(counting.QUIET_DEADLINE_S):
            while not [record async for record in log.scan(f"{PREFIX}pdfcheck")]:
                await asyncio.sleep(0.2)
    finally:
        await log.close()


async def test_a_poison_event_and_a_killed_process_of_each_kind(tmp_path: Path) -> None:
    """The short one: every kind of process is killed once, with a record in every topic that nobody can read."""

    async def trouble(started: Running) -> None:
        await poison(started)
        await killed(started, ["upload", "pdfcheck-worker-1", "review", "gateway"])

    settings = {**WITHOUT_BACKGROUND, "SHENBAO_JOB_LEASE_S": "10"}  # the shortest: one job waits for that
    async with stack(tmp_path, processes(1, 1), extra=settings) as started:
        await in_trouble(tmp_path, started, trouble, 2)
        await assert_poison_lies_apart(started, tmp_path / "data" / "accounts.json")


async def poison(started: Running) -> None:
    """A record without an event's attributes, into every topic."""
    log = counting.log_of(started)
    topics = [f"{PREFIX}{source}" for source in HEARS]
    await log.append([Record(topic=topic, key="poison", payload=b"\xff") for topic in topics])
    await log.close()


async def assert_poison_lies_apart(started: Running, accounts: Path) -> None:
    """One letter for each group and topic, and no other; the operator's commands show and settle them."""

    def operator(*arguments: str) -> Any:
        command = [sys.executable, "-m", "services.cli", *arguments, "--url", started.address.url, "--json"]
        done = subprocess.run([*command, "--accounts", str(accounts)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    letters = (await asyncio.to_thread(operator, "dlq", "list"))["letters"]
    found = sorted((letter["group"], letter["topic"]) for letter in letters)
    assert found == sorted((group, PREFIX + source) for group, sources in HEARS.items() for source in sources)
    await asyncio.to_thread(operator, "dlq", "replay", letters[0]["letter_id"])
    await counting.quiet(started)
    await asyncio.to_thread(operator, "dlq", "dismiss", "--all")
    assert (await asyncio.to_thread(operator, "dlq", "list"))["letters"] == []
    lags = (await asyncio.to_thread(operator, "lag"))["lags"]
    assert {(lag["group"], lag["topic"]) for lag in lags} >= {
        ("review", f"{PREFIX}upload"),
        ("video", f"{PREFIX}review"),
    }
    assert not any(lag["records"] for lag in lags)
    assert (await asyncio.to_thread(operator, "jobs", "list", "--state", "dead"))["jobs"] == []


async def killed(started: Running, names: Sequence[str]) -> None:
    """`kill -9`, one after the other, each once the one before runs again."""
    await something_is_checked(started)
    for name in names:
        pid = started.supervisor.pids[name]
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(counting.QUIET_DEADLINE_S):
            while started.supervisor.pids[name] == pid:
                await asyncio.sleep(0.1)


@pytest.mark.chaos
async def test_every_process_is_killed_once(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        await killed(started, list(started.supervisor.pids))

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_kafka_is_away_for_a_minute(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        await something_is_checked(started)
        broker = started.servers.broker
        assert broker is not None
        await asyncio.to_thread(broker.stop)
        await asyncio.sleep(KAFKA_AWAY_S)
        await asyncio.to_thread(broker.start)

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_kafka_crashes_and_comes_back(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        await something_is_checked(started)
        broker = started.servers.broker
        assert broker is not None
        await asyncio.to_thread(lambda: broker.stop(kill=True))
        await asyncio.to_thread(broker.start)

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_the_database_is_restarted(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        postgres = started.servers.postgres
        assert postgres is not None
        await something_is_checked(started)
        await asyncio.to_thread(postgres.stop)
        await asyncio.sleep(PAST_THE_SILENCE_S)
        await asyncio.to_thread(postgres.start)

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_the_object_store_fails_one_call_in_five(tmp_path: Path) -> None:
    """Errors, resets before and after the effect, and in the middle of an answer, by a seed that is told."""
    shares = {Fault.ERROR: 0.1, Fault.RESET_BEFORE: 0.04, Fault.LOST_ANSWER: 0.03, Fault.RESET_WITHIN: 0.03}
    [port] = free_ports(1)
    async with proxying(f"http://127.0.0.1:{port}") as proxy:

        async def trouble(_: Running) -> None:  # not before: a store is tried out when a service starts
            proxy.plan = random_plan(7, shares)

        async with stack(tmp_path, objects=proxy.url, objects_port=port) as started:
            await in_trouble(tmp_path, started, trouble, 4)
            assert len(proxy.faults) > len(proxy.calls) // 10


async def frozen(started: Running, name: str, seconds: float) -> None:
    """SIGSTOP, and SIGCONT after a while."""
    pid = started.supervisor.pids[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.mark.chaos
async def test_a_worker_is_frozen_past_its_lease_and_thaws(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        await something_is_checked(started)
        await asyncio.gather(
            frozen(started, "pdfcheck-worker-1", PAST_THE_LEASE_S), frozen(started, "review-worker-1", PAST_THE_LEASE_S)
        )

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_each_relay_is_frozen_in_turn_and_the_other_takes_over(tmp_path: Path) -> None:
    """Two relays per service: one of the two that are frozen in turn leads."""
    extra = [
        Process(name=f"{service}-relay-{number}", service=service, roles=("relay",))
        for service in ("upload", "pdfcheck", "review")
        for number in (1, 2)
    ]
    without = [
        Process(name=p.name, service=p.service, roles=tuple(r for r in p.roles if r != "relay"))
        for p in processes(1, 1)
    ]

    async def trouble(started: Running) -> None:
        await something_is_checked(started)
        for number in (1, 2):
            names = [f"{service}-relay-{number}" for service in ("upload", "pdfcheck", "review")]
            await asyncio.gather(*(frozen(started, name, PAST_THE_SILENCE_S) for name in names))

    async with stack(tmp_path, [*without, *extra]) as started:
        await in_trouble(tmp_path, started, trouble, 4)


@pytest.mark.chaos
async def test_a_consumer_joins_and_leaves_in_the_middle(tmp_path: Path) -> None:
    async def trouble(started: Running) -> None:
        await something_is_checked(started)
        second = Supervisor(tmp_path / "second-logs")
        environment = started.environments["review"]
        process = Process(name="review-consumer-2", service="review", roles=("consumer",))
        for _ in range(2):
            second.start([program(process, environment)])
            await asyncio.sleep(PAST_THE_SILENCE_S)
            await asyncio.to_thread(second.stop, 15)

    async with stack(tmp_path) as started:
        await in_trouble(tmp_path, started, trouble, 4)
