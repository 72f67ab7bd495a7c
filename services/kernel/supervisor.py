"""Starts and stops the processes of the embedded platform.

Each child is a session of its own, so that Ctrl-C reaches only this process, which then stops them in order; each
has a lifeline, so none outlives this process however it ends. A child that breaks is started again, a few times;
then everything stops and says which one and where its log is.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.kernel import lifeline

_RESTARTS = 5
_RESTART_WINDOW_S = 60.0
_POLL_S = 0.2
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One child: `name` names its log file; `environment` is added to this process's own."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


class ProgramBroke(Exception):
    """A child broke again and again."""


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    writing: int
    started: deque[float] = field(default_factory=deque)
    #: When it is started again, on the monotonic clock; None while it runs.
    due: float | None = None


class Supervisor:
    """Keeps the programs running until it is told to stop."""

    def __init__(self, logs: Path, *, backoff_s: float = 0.2) -> None:
        """Each program's output is appended to `logs/<name>.log`. A restart waits `backoff_s`, the next twice that."""
        self._logs = logs
        self._backoff_s = backoff_s
        self._children: list[_Child] = []
        self._stopping = False
        #: `stop` may run in a thread beside `watch`: nothing is started again behind its back.
        self._turn = threading.Lock()

    def start(self, programs: Sequence[Program]) -> None:
        """Start them all, in order. Raises `OSError` when one cannot be started."""
        self._stopping = False
        self._logs.mkdir(parents=True, exist_ok=True)
        for program in programs:
            process, writing = self._spawn(program)
            self._children.append(_Child(program, process, writing, deque([time.monotonic()])))

    def _spawn(self, program: Program) -> tuple[subprocess.Popen[bytes], int]:
        reading, writing = os.pipe()
        environment = {**os.environ, **program.environment, lifeline.ENVIRONMENT: str(reading)}
        try:
            with (self._logs / f"{program.name}.log").open("ab") as output:
                process = subprocess.Popen(
                    program.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
                    pass_fds=(reading,), start_new_session=True,
                )  # fmt: skip
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        return process, writing

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`, or until all are stopped. Raises `ProgramBroke`."""
        while not stop.is_set() and self._looked_after():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _POLL_S)

    def _looked_after(self) -> bool:
        """Start again whatever ended; False once they are to end. Raises `ProgramBroke`."""
        with self._turn:
            for child in () if self._stopping else self._children:
                if child.due is None and child.process.poll() is not None:
                    child.due = self._judge(child)
                if child.due is not None and child.due <= time.monotonic():
                    self._again(child)
            return not self._stopping

    def _judge(self, child: _Child) -> float:
        """When an ended child is to be started again. Raises `ProgramBroke`."""
        now = time.monotonic()
        status = child.process.returncode
        log.error("a service ended", action="supervisor.ended", program=child.program.name, status=status)
        while child.started and child.started[0] < now - _RESTART_WINDOW_S:
            child.started.popleft()
        if len(child.started) > _RESTARTS or status == 2:  # 2: its settings are wrong; no restart mends that
            path = self._logs / f"{child.program.name}.log"
            raise ProgramBroke(f"{child.program.name} ended with status {status}; see the end of {path}")
        recent = max(0, len(child.started) - 1)
        return now + self._backoff_s * 2.0**recent

    def _again(self, child: _Child) -> None:
        ended = child.writing
        child.process, child.writing = self._spawn(child.program)
        os.close(ended)
        child.started.append(time.monotonic())
        child.due = None

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by name."""
        return {child.program.name: child.process.pid for child in self._children}

    def stop(self, grace_s: float) -> None:
        """Ask all to end, last started first; kill what is left after `grace_s`."""
        with self._turn:
            self._stopping = True
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for child in reversed(self._children):
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("killing what does not end", action="supervisor.killed", program=child.program.name)
                child.process.kill()
                child.process.wait()
            os.close(child.writing)
        self._children.clear()
