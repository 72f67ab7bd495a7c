"""The stack of real servers and separate processes, as `make stack` runs it, in a folder of a test's own."""

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


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Stack]:
    """`python -m tools.stack run`; it must end without an error."""
    for program in ("kafka", "versitygw"):
        needed(program)
    [port] = free_ports(1)
    command = [sys.executable, "-m", "tools.stack", "run", "--data", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("accounts: "):
                break
        else:
            raise AssertionError(f"the stack ended with {process.wait()}")
        yield Stack(url=f"http://127.0.0.1:{port}", accounts=folder / "accounts.json", pid=process.pid)
    finally:
        process.terminate()
        assert process.wait(STOP_DEADLINE_S) == 0
        process.stdout.close()
