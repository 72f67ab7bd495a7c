"""`python -m bench.pdf.hostile`: honest documents a second, alone and with one hostile file always in flight.

As in the service there are as many places as a worker has: alone, all of them work on honest scans; beside a hostile
file, one place is always busy with it (measured, and if that is passed looked through, then the next copy of it). The
scans are of 20 pages; a pass is the structural one. Rounds alternate; ratios are of the medians.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.pdf import files
from services.kernel.config import ServiceSettings
from services.kernel.sandbox.apart import Apart
from services.kernel.sandbox.port import Sandbox
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.pdfcheck.settings import Settings
from services.pdfcheck.usecases.measure import measure
from services.pdfcheck.usecases.pixels import check_pixels
from tests.assets.hostile import KINDS

PAGE_LIMIT = 5 * 2**20
PLACES: int = ServiceSettings.model_fields["concurrency"].default
WANTED = 0.4
#: The worst of the set, each in its own way.
WORST = (
    "JPEG of 5,000 scans",
    "tiles of a thousandth of a point",
    "shading by a long calculation",
    "nested forms, 10^10 drawings",
    "object stream with a string of 900 MB",
    "2,000 pages that reach 2,000 objects",
    "200,000 annotations",
    "deflated picture of 2.7 GB",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """On one sandbox, as a service has it."""

    sandbox: Sandbox
    scan: Path
    seconds: float

    async def honest(self, places: int) -> float:
        """Scans a second in `places`."""
        ends = time.perf_counter() + self.seconds
        began, done = time.perf_counter(), 0

        async def work() -> None:
            nonlocal done
            while time.perf_counter() < ends:
                source = FileSource(self.scan)
                try:
                    facts = await measure(self.sandbox, source, PAGE_LIMIT)
                finally:
                    source.close()
                assert facts.usable
                done += 1

        await asyncio.gather(*(work() for _ in range(places)))
        return done / (time.perf_counter() - began)

    async def beside(self, hostile: Path) -> float:
        """The same with one place always busy with `hostile`."""

        async def attack() -> None:
            while True:
                source = FileSource(hostile)
                try:
                    facts = await measure(self.sandbox, source, PAGE_LIMIT)
                    if facts.usable:
                        await check_pixels(self.sandbox, source)
                finally:
                    source.close()

        attacking = asyncio.create_task(attack())
        try:
            return await self.honest(PLACES - 1)
        finally:
            attacking.cancel()
            await asyncio.wait([attacking])


async def compare(bench: Bench, names: Sequence[str], folder: Path, rounds: int) -> None:
    """Print each ratio, and whether all are what they should be."""
    good = True
    print(f"{PLACES} places on {os.cpu_count()} cores; scans of {bench.scan.stat().st_size / 10**6:.0f} MB")
    print(f"{'scans a second':<44}{'alone':>8}{'beside':>8}{'ratio':>8}")
    await bench.honest(PLACES)
    for number, name in enumerate(names):
        hostile = folder / f"hostile-{number}"
        await asyncio.to_thread(hostile.write_bytes, KINDS[name].make())
        alone, beside = [], []
        for _ in range(rounds):
            alone.append(await bench.honest(PLACES))
            beside.append(await bench.beside(hostile))
        ratio = statistics.median(beside) / statistics.median(alone)
        good = good and ratio >= WANTED
        print(f"{name:<44}{statistics.median(alone):>8.1f}{statistics.median(beside):>8.1f}{ratio:>8.2f}", flush=True)
    print(f"lowest ratio wanted: {WANTED}; {'kept' if good else 'NOT KEPT'}")


async def run(folder: Path, names: Sequence[str], seconds: float, rounds: int, scale: float) -> None:
    """See `compare`."""
    apart, preload = (Settings.model_fields[name].default for name in ("sandbox_apart", "sandbox_preload"))
    sandbox = Apart(apart, ForkingSandbox(apart, short=True), ForkingSandbox(preload))
    scan = files.scan(folder / "20 pages.pdf", 20, int(17 * 10**6 * scale) // 20)
    try:
        await compare(Bench(sandbox=sandbox, scan=scan, seconds=seconds), names, folder, rounds)
    finally:
        await sandbox.close()


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.pdf.hostile")
    parser.add_argument("--seconds", type=float, default=12.0, help="for each figure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", type=int, default=len(WORST), help="how many of the worst")
    parser.add_argument("--scale", type=float, default=1.0, help="of the honest scan's bytes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        asyncio.run(run(Path(name), WORST[: chosen.kinds], chosen.seconds, chosen.rounds, chosen.scale))
    return 0


if __name__ == "__main__":
    sys.exit(main())
