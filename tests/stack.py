"""The stack of real servers and separate processes, as `make stack` runs it, in a folder of a test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli.embedded.platform import free_ports
from tests.servers import needed

STOP_DEADLINE_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """Where it runs."""

    url: str
    accounts: Path
    pid: int


def command(action: str, folder: Path, port: int) -> list[str]:
    """What the Makefile calls."""
    return [sys.executable, "-m", "tools.stack", action, "--data", str(folder), "--port", str(port)]


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Stack]:
    """`python -m tools.stack run`; it must end without an error."""
    _needs()
    [port] = free_ports(1)
    told = {**os.environ, **environment}
    with subprocess.Popen(command("run", folder, port), stdout=subprocess.PIPE, text=True, env=told) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("accounts: "):
                break
        else:
            raise AssertionError(f"the stack ended with {process.wait()}")
        try:
            yield Stack(url=f"http://127.0.0.1:{port}", accounts=folder / "accounts.json", pid=process.pid)
        finally:
            process.terminate()
            ended = process.wait(STOP_DEADLINE_S)
    assert ended == 0


@contextmanager
def in_background(folder: Path, **environment: str) -> Iterator[Stack]:
    """`up`, and `down` at the end: as `make stack` and `make stack-down`. Both may be said twice."""
    _needs()
    [port] = free_ports(1)
    try:
        assert "ready after" in _said("up", folder, port, **environment)
        assert "runs already" in _said("up", folder, port)
        pid = int(json.loads((folder / "stack.json").read_text())["pid"])
        yield Stack(url=f"http://127.0.0.1:{port}", accounts=folder / "accounts.json", pid=pid)
    finally:
        assert "stopped" in _said("down", folder, port)
    assert "nothing runs" in _said("down", folder, port)


def _needs() -> None:
    for program in ("kafka", "versitygw"):
        needed(program)


def _said(action: str, folder: Path, port: int, **environment: str) -> str:
    told = {**os.environ, **environment}
    done = subprocess.run(command(action, folder, port), capture_output=True, text=True, check=False, env=told)
    assert done.returncode == 0, done.stderr
    return done.stdout
