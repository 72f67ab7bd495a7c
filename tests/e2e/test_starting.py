"""Starting and ending: refused roles, a second server, no child left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.cli.embedded.platform import free_ports
from services.kernel.db.roles import OWNER
from tests.cluster import Cluster
from tests.e2e.conftest import await_accounts

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]


@pytest.mark.parametrize("role", ["superuser", "owner"])
async def test_a_service_refuses_to_start_as_superuser_or_owner(cluster: Cluster, role: str, tmp_path: Path) -> None:
    name = await cluster.fresh()
    url = cluster.superuser_url(name) if role == "superuser" else cluster.url(OWNER, name)
    environment = {
        **os.environ,
        "SHENBAO_UPLOAD_DATABASE": url,
        "SHENBAO_EVENTS": url.replace("postgresql+asyncpg", "embedded+postgresql"),
        "SHENBAO_OBJECTS": tmp_path.as_uri(),
    }
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this loop
        [sys.executable, "-m", "services.upload"], env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "database.privileged-role" in done.stderr
    assert ("superuser" if role == "superuser" else "owner of upload") in done.stderr


def test_development_secrets_are_refused_in_production() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.upload"], env={**os.environ, "SHENBAO_MODE": "production"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    for name in ("SHENBAO_TOKEN_KEYS", "SHENBAO_PRESIGN_KEYS", "SHENBAO_ENCRYPTION_KEYS", "SHENBAO_AUDIT_KEY"):
        assert name in done.stderr


def serve(folder: Path) -> "subprocess.Popen[bytes]":
    [port] = free_ports(1)
    command = [sys.executable, "-m", "services.cli", "serve", "--port", str(port), "--data", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_killing_the_parent_leaves_no_child_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = serve(folder)
    accounts = await_accounts(folder, first)
    children = psutil.Process(first.pid).children(recursive=True)
    assert any("postgres" in " ".join(child.cmdline()) for child in children)
    second = serve(folder)
    _, told = second.communicate(timeout=30)
    assert second.returncode == 2
    assert str(first.pid) in told.decode()
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
    third = serve(folder)
    assert await_accounts(folder, third) == accounts
    children = psutil.Process(third.pid).children(recursive=True)
    third.send_signal(signal.SIGINT)
    third.communicate(timeout=30)
    assert third.returncode == 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
