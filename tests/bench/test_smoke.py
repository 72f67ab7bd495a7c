"""The benchmarks run to their end; what they measured is not judged here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        ("bench.upload", ["--mb", "40", "--rounds", "1", "--memory-mb", "40"], "ratio of speeds page / nginx"),
        ("bench.pages", ["--pages", "2", "--items", "2"], "ratio key / fresh page"),
        ("bench.live", ["--rounds", "1"], "ratio page / asking every second"),
    ],
)
def test_it_runs(module: str, options: list[str], said: str) -> None:
    command = [sys.executable, "-m", module, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout
