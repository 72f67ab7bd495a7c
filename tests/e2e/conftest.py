"""One running platform for every end-to-end test, started by the command that people use."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from services.cli.demo.client import Client
from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import DATABASE, free_ports
from services.kernel.db.embedded import EmbeddedPostgres
from tests import stack

#: For platforms whose tests are not about what is seen on pages: nobody reads those or draws them beforehand.
WITHOUT_BACKGROUND = {"SHENBAO_STAGES_HELD": "quality,repeats,twins,previews"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Where it runs and who may sign in."""

    url: str
    folder: DataFolder
    passwords: dict[str, str]
    pid: int
    #: Closed with the platform.
    opened: list[httpx.Client | Client] = field(default_factory=list)

    def client(self, login: str) -> Client:
        """A signed-in person."""
        made = Client(self.url, login, self.passwords[login])
        self.opened.append(made)
        return made

    @property
    def superuser_url(self) -> str:
        """For looking at everything."""
        postgres = EmbeddedPostgres(self.folder.root, self.folder.secrets().superuser)
        return postgres.superuser_url.replace("/postgres?", f"/{DATABASE}?")


def await_accounts(folder: Path, process: "subprocess.Popen[bytes]", deadline_s: float = 60) -> dict[str, str]:
    """The seeded accounts, once the platform has written them; it is ready then."""
    ends = time.monotonic() + deadline_s
    path = folder / "accounts.json"
    line = b""
    while process.stdout is not None and b"unit-province" not in line:
        line = process.stdout.readline()
        assert line, f"serve ended with {process.wait(10)}"
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise AssertionError(f"serve ended with {process.returncode}")
        if path.exists():
            return {a["login"]: a["password"] for a in json.loads(path.read_text("utf-8"))["accounts"]}
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("the platform did not become ready")


def await_ready(url: str, process: "subprocess.Popen[bytes]", deadline_s: float = 60) -> None:
    """Until it says so: the accounts of a folder that was served before are there from the beginning."""
    ends = time.monotonic() + deadline_s
    while time.monotonic() < ends:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"serve ended with {process.wait(0.05)}")
    raise AssertionError("the platform did not become ready")


@contextmanager
def closing_clients(platform: Platform) -> Iterator[None]:
    """Also after a failure: what one test leaves open is told of another."""
    try:
        yield
    finally:
        for client in platform.opened:
            client.close()


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Platform]:
    """`shenbao serve` on a free port, with its data under `folder`; it must end without an error."""
    [port] = free_ports(1)
    command = [sys.executable, "-m", "services.cli", "serve", "--port", str(port), "--data", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    try:
        passwords = await_accounts(folder, process)
        url = f"http://127.0.0.1:{port}"
        await_ready(url, process)
        running = Platform(url=url, folder=DataFolder(folder), passwords=passwords, pid=process.pid)
        with closing_clients(running):
            yield running
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@contextmanager
def on_real_servers(folder: Path, **environment: str) -> Iterator[Platform]:
    """The stack of real servers and separate processes, with its data under `folder`."""
    with stack.started(folder, **environment) as real:
        accounts = json.loads(real.accounts.read_text("utf-8"))["accounts"]
        passwords = {account["login"]: account["password"] for account in accounts}
        running = Platform(url=real.url, folder=DataFolder(folder), passwords=passwords, pid=real.pid)
        with closing_clients(running):
            yield running


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One for every test that leaves the others' dossiers alone."""
    with started(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running
