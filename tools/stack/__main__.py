"""`python -m tools.stack up|down|run`: what `make stack` and `make stack-down` call."""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.catalogue.error_texts import explain
from services.cli.embedded.folder import DataFolder, FolderInUse, write_private
from services.cli.embedded.platform import Address, StartFailed
from services.cli.embedded.seed import Seed
from services.kernel.db.embedded import PostgresFailed
from services.kernel.errors import AppError
from services.kernel.events.port import EventLogUnavailable
from services.kernel.storage.port import StorageError
from services.kernel.supervisor import ProgramBroke
from tools.stack.bucket import ObjectsFailed
from tools.stack.kafka import KafkaFailed
from tools.stack.platform import running
from tools.stack.servers import Unprepared

START_DEADLINE_S = 180.0
STOP_DEADLINE_S = 90.0
_POLL_S = 0.1
FAILURES = (
    FolderInUse, StartFailed, ProgramBroke, PostgresFailed, KafkaFailed, ObjectsFailed, Unprepared, EventLogUnavailable,
    StorageError, AppError,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed and said why."""
    parser = argparse.ArgumentParser(prog="python -m tools.stack")
    parser.add_argument("action", choices=["up", "down", "run"])
    parser.add_argument("--data", type=Path, default=Path("var-stack"), help="data folder of servers and accounts")
    parser.add_argument("--port", type=int, default=8080, help="port of the pages")
    told = parser.parse_args(arguments)
    folder = DataFolder(told.data.absolute())
    folder.make()
    if told.action == "run":
        return run(folder, told.port)
    return up(folder, told.port) if told.action == "up" else down(folder)


def run(folder: DataFolder, port: int) -> int:
    """Run in the foreground until SIGTERM or Ctrl-C."""
    try:
        asyncio.run(_run(folder, Address(port=port)))
    except FAILURES as error:
        print(f"stack: {_cause(error)}", file=sys.stderr)
        return 1
    finally:
        _state(folder).unlink(missing_ok=True)
    return 0


def _cause(error: Exception) -> str:
    """What happened, what was found and what to do."""
    if not isinstance(error, AppError):
        return str(error)
    text = explain(error.code, error.params, "en")
    return f"{text.title}: {text.detail} {text.fix}  ({error.code})"


async def _run(folder: DataFolder, address: Address) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(folder, address) as platform:
        _tell(platform.seed, folder)
        write_private(_state(folder), json.dumps({"pid": os.getpid(), "url": address.url}))
        await platform.supervisor.watch(stop)


def up(folder: DataFolder, port: int) -> int:
    """Start it in the background, and return when it is ready."""
    if _is_held(folder):
        known = _known(folder)
        print(f"stack: runs already at {known.get('url', 'another address')}; stop it with `make stack-down`")
        return 0
    began = time.monotonic()
    folder.logs.mkdir(parents=True, exist_ok=True)
    log = folder.logs / "stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.stack", "run", "--data", str(folder.root), "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    while time.monotonic() < began + START_DEADLINE_S:
        if process.poll() is not None:
            print(log.read_text(errors="replace").strip(), file=sys.stderr)
            return 1
        if _known(folder).get("pid") == process.pid:
            print(log.read_text(errors="replace").strip())
            print(f"stack: ready after {time.monotonic() - began:.1f} s; stop it with `make stack-down`")
            return 0
        time.sleep(_POLL_S)
    process.terminate()
    print(f"stack: not ready after {START_DEADLINE_S:.0f} s; see {log}", file=sys.stderr)
    return 1


def down(folder: DataFolder) -> int:
    """Stop what `up` started here, and nothing else."""
    known = _known(folder)
    if not _is_held(folder) or "pid" not in known:
        print(f"stack: nothing runs on {folder.root}")
        return 0
    os.kill(int(known["pid"]), signal.SIGTERM)
    until = time.monotonic() + STOP_DEADLINE_S
    while time.monotonic() < until:
        if not _is_held(folder):
            print("stack: stopped")
            return 0
        time.sleep(_POLL_S)
    print(f"stack: process {known['pid']} does not end; see {folder.logs / 'stack.log'}", file=sys.stderr)
    return 1


def _tell(planted: Seed, folder: DataFolder) -> None:
    print(f"申报平台（独立服务器）/ Shenbao on real servers: {planted.url}")
    for account in planted.accounts:
        print(f"  {account.login:<20}{account.password:<16}{account.name}")
    print(f"accounts: {folder.accounts}", flush=True)


def _state(folder: DataFolder) -> Path:
    return folder.root / "stack.json"


def _known(folder: DataFolder) -> dict[str, Any]:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return dict(json.loads(_state(folder).read_text()))
    return {}


def _is_held(folder: DataFolder) -> bool:
    """Whether a process serves the folder now; its lock goes with it, however it ends."""
    with (folder.root / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


if __name__ == "__main__":
    sys.exit(main())
