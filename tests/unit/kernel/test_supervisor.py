"""Real processes are started, broken and stopped."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.supervisor import Program, ProgramBroke, Supervisor
from tests.unit.kernel.supervising import program

ROOT = Path(__file__).parents[3]
DEADLINE_S = 30
GRACE_S = 20


def notes(folder: Path) -> list[list[str]]:
    path = folder / "notes"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def pids(folder: Path) -> list[int]:
    return [int(note[1]) for note in notes(folder) if note[0] != "stopped"]


async def started(folder: Path, count: int) -> list[int]:
    """The ids of the first `count` processes, once so many have said that they run."""
    async with asyncio.timeout(DEADLINE_S):
        while len(pids(folder)) < count:
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.02)
    return pids(folder)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    kept = Supervisor(tmp_path / "logs", backoff_s=0.01)
    yield kept
    kept.stop(0)


async def test_all_are_asked_to_end(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("first", tmp_path), program("second", tmp_path)])
    running = await started(tmp_path, 2)
    assert set(running) == set(supervisor.pids.values())
    supervisor.stop(GRACE_S)
    stopped = [note[1:] for note in notes(tmp_path) if note[0] == "stopped"]
    assert sorted(stopped) == [[str(int(signal.SIGTERM)), "first"], [str(int(signal.SIGTERM)), "second"]]
    assert not supervisor.pids
    supervisor.stop(GRACE_S)  # a second time there is nothing to do


async def test_none_is_started_again_while_they_are_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    """Whoever stops while it still starts has a watch that nobody ended: the first to go must not come back."""
    supervisor.start([program("stubborn", tmp_path), program("polite", tmp_path)])
    await started(tmp_path, 2)
    watching = asyncio.create_task(supervisor.watch(asyncio.Event()))
    await asyncio.to_thread(supervisor.stop, 0.5)
    await asyncio.wait_for(watching, DEADLINE_S)
    assert len(pids(tmp_path)) == 2


async def test_one_that_does_not_end_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("stubborn", tmp_path), program("polite", tmp_path)])
    running = await started(tmp_path, 2)
    supervisor.stop(0.5)
    for pid in running:
        with pytest.raises(ProcessLookupError):  # and reaped
            os.kill(pid, 0)


async def test_one_that_is_stopped_by_a_signal_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("polite", tmp_path)])
    [pid] = await started(tmp_path, 1)
    os.kill(pid, signal.SIGSTOP)
    supervisor.stop(0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_one_that_breaks_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("once", tmp_path)])
    stop = asyncio.Event()
    watching = asyncio.create_task(supervisor.watch(stop))
    first, second = await started(tmp_path, 2)
    assert supervisor.pids == {"once": second}
    assert first != second
    stop.set()
    await watching


async def test_one_that_breaks_again_and_again_is_named_with_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("first", tmp_path), program("ends-1", tmp_path)])
    with pytest.raises(ProgramBroke, match=r"ends-1 ended with status 1; see the end of .*ends-1\.log"):
        async with asyncio.timeout(DEADLINE_S):
            await supervisor.watch(asyncio.Event())
    assert (tmp_path / "logs" / "ends-1.log").read_text() == "why it ended\n" * 6


async def test_wrong_settings_are_not_tried_again(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([program("ends-2", tmp_path)])
    with pytest.raises(ProgramBroke, match="status 2"):
        async with asyncio.timeout(DEADLINE_S):
            await supervisor.watch(asyncio.Event())
    assert len(pids(tmp_path)) == 1


async def test_a_program_that_is_not_there_is_refused_and_the_others_stop(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    missing = Program(name="missing", arguments=(str(tmp_path / "missing"),), environment={})
    with pytest.raises(FileNotFoundError):
        supervisor.start([program("first", tmp_path), missing])
    assert list(supervisor.pids) == ["first"]
    supervisor.stop(GRACE_S)


async def test_stopping_while_a_restart_is_due(supervisor: Supervisor, tmp_path: Path) -> None:
    patient = Supervisor(tmp_path / "logs", backoff_s=3600)
    patient.start([program("ends-1", tmp_path)])
    stop = asyncio.Event()
    watching = asyncio.create_task(patient.watch(stop))
    await started(tmp_path, 1)
    stop.set()
    await watching
    patient.stop(GRACE_S)
    assert len(pids(tmp_path)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="process descriptors are Linux's")
async def test_nobody_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.kernel.supervising", str(tmp_path), "polite", "stubborn", "wrapped"]
    with subprocess.Popen(command, cwd=ROOT) as supervising:  # noqa: ASYNC220 - it starts in no time
        # The wrapped one starts another stubborn one, below a wrapper.
        handles = [os.pidfd_open(pid) for pid in await started(tmp_path, 4)]
        supervising.kill()
        try:
            assert all(select.select([handle], [], [], DEADLINE_S)[0] for handle in handles)
        finally:
            for handle in handles:
                os.close(handle)


async def test_the_terminals_interrupt_reaches_the_supervisor_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.kernel.supervising", str(tmp_path), "first", "second"]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as supervising:  # noqa: ASYNC220 - as above
        await started(tmp_path, 2)
        os.killpg(supervising.pid, signal.SIGINT)  # as Ctrl-C does, to everyone in the foreground
        supervising.wait(DEADLINE_S)
    assert supervising.returncode == 0
    stopped = [note[1] for note in notes(tmp_path) if note[0] == "stopped"]
    assert stopped == [str(int(signal.SIGTERM))] * 2
