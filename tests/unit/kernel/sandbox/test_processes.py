"""The sandbox of a service that is killed, and of a service without root."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.kernel.sandbox import confine

ROOT = Path(__file__).parents[4]
DRIVER = (sys.executable, "-m", "tests.unit.kernel.sandbox.driver")
AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
DEADLINE_S = 30


def other_users_work() -> bool:
    if shutil.which(AS_USER[0]) is None:
        return False
    return subprocess.run([*AS_USER, "true"], check=False, capture_output=True).returncode == 0


def ended(handles: list[int]) -> bool:
    """Whether all these processes end within the deadline."""
    return all(select.select([handle], [], [], DEADLINE_S)[0] for handle in handles)


@pytest.mark.skipif(sys.platform != "linux", reason="process descriptors are Linux's")
@pytest.mark.parametrize("kind", [(), ("short",)], ids=["ordinary", "short"])
@pytest.mark.parametrize("whose", ["service", "zygote"])
def test_nobody_outlives_a_killed_parent(tmp_path: Path, whose: str, kind: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [*DRIVER, "wait", str(tmp_path), *kind], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as service:
        assert service.stdout is not None
        lines = (json.loads(line) for line in service.stdout if line.startswith(b"["))
        zygote, *children = next(lines)  # the one with the task, and one that waits for the next
        assert children
        handles = [os.pidfd_open(pid) for pid in (zygote, *children)]
        os.kill(service.pid if whose == "service" else zygote, signal.SIGKILL)
        try:
            assert ended(handles)
        finally:
            for handle in handles:
                os.close(handle)
        service.communicate(timeout=DEADLINE_S)
        assert service.returncode != 0


@pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
@pytest.mark.parametrize("prefix", [(), AS_USER], ids=["as-we-are", "as-a-user"])
def test_no_root_is_needed(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    if prefix and not other_users_work():
        pytest.skip("this machine has no user namespaces")
    done = subprocess.run(
        [*prefix, *DRIVER, "try", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S,
        check=True,
    )  # fmt: skip
    became = json.loads(done.stderr.splitlines()[-1])
    layers = confine.probe()
    assert became["write_scratch"] == 3
    if layers.seccomp:
        assert {became[name] for name in ("open_socket", "fork", "signal_by_descriptor")} == {"PermissionError"}
    if layers.landlock_version:
        assert became["open_path"] == "PermissionError"
