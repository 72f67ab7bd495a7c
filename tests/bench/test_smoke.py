"""The benchmarks run to their end; what they measured is not judged here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import needed

pytestmark = pytest.mark.timeout(300)
BROWSER, KAFKA = pytest.mark.xdist_group("browser"), pytest.mark.xdist_group("kafka")
EVENTS = [
    "--rows", "1200", "--aggregates", "50", "--events", "60", "--rounds", "1", "--pgbench-s", "1", "--rate", "20",
    "--seconds", "2",
]  # fmt: skip
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("module", "options", "said", "programs"),
    [
        pytest.param(
            "bench.upload", ["--mb", "20", "--rounds", "0", "--memory-mb", "20"], "ratio of speeds page / nginx", (),
            marks=BROWSER,
        ),
        pytest.param("bench.pages", ["--pages", "2", "--items", "2"], "ratio key / fresh page", (), marks=BROWSER),
        pytest.param("bench.live", ["--rounds", "1"], "ratio page / asking every second", (), marks=BROWSER),
        pytest.param(
            "bench.opening", ["--plain", "--cards", "4", "--rounds", "0"], "found with a wrong value", (),
        ),
        pytest.param(
            "bench.pdf", ["--scale", "0.05", "--rounds", "1", "--many", "20"], "ratio merge, ours / qpdf", ("qpdf",),
        ),
        pytest.param("bench.coach", ["--scale", "0.15"], "JPEG page of", ()),
        pytest.param("bench.pdf_quality", ["--plain", "--pages", "4", "--pairs", "0", "--no-reading"], "red seal", ()),
        pytest.param(
            "bench.pdf.hostile", ["--seconds", "0.3", "--rounds", "1", "--kinds", "1", "--scale", "0.05"],
            "lowest ratio wanted", (),
        ),
        pytest.param("bench.events", EVENTS, "ratio p99 Kafka / embedded log", ("kafka",), marks=KAFKA),
        pytest.param(
            "bench.video", ["--seconds", "2", "--rounds", "1"], "ratio wall, the fastest of them", ("versitygw",),
            marks=KAFKA,
        ),
        pytest.param(
            "bench.scale", ["--jobs", "8", "--rounds", "1", "--no-kill"], "every job done once, none overtaken",
            ("kafka", "versitygw"), marks=KAFKA,
        ),
    ],
)  # fmt: skip
def test_it_runs(module: str, options: list[str], said: str, programs: tuple[str, ...]) -> None:
    for program in programs:
        needed(program)
    command = [sys.executable, "-m", module, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout
