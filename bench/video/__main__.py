"""`python -m bench.video`: what it costs to learn from an object store what a film is.

A film of 20 minutes (770 MB, its index behind the frames) lies in a real S3 server. Everybody reads it through the same
endpoint, which counts what it sends. Ours is a worker that has done one verdict before: the index is read by ranges of
one version of the object and parsed in a fresh sandboxed child. The peers get a presigned address and tell duration,
codec and picture: ffprobe and MediaInfo as processes, for that is how they come, and PyAV as a process and warm in this
one. Rounds alternate; the ratios are of the medians. All must tell the same duration, or the exit status is 1.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.video import peers
from bench.video.ground import Ground, ground
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.video.usecases.measure import PRELOAD, measure

OURS = "ours, warm"
PEERS: Mapping[str, peers.Tool] = {
    "ffprobe": peers.ffprobe,
    "MediaInfo": peers.mediainfo,
    "PyAV process": peers.pyav_process,
    "PyAV, warm": peers.pyav,
}
#: They tell what the container says; rounding and the last frame's length are theirs.
TOLERANCE_S = 0.1


@dataclass(frozen=True, slots=True)
class Reading:
    """What one of them did once."""

    seconds: float
    told_s: float
    bytes_sent: int
    requests: int


async def read_once(found: Ground, act: Callable[[], Awaitable[tuple[float, float]]]) -> Reading:
    """`act` gives (seconds it took, seconds of the film)."""
    found.counter.take()
    seconds, told_s = await act()
    counted = found.counter.take()
    return Reading(seconds, told_s, counted.bytes_sent, counted.requests)


async def compare(found: Ground, sandbox: ForkingSandbox, rounds: int) -> Mapping[str, Sequence[Reading]]:
    """Everybody's readings."""
    tools = peers.found(PEERS)
    for name in PEERS.keys() - tools.keys():
        print(f"{name} is not here: run `make bench-tools`")

    async def ours() -> tuple[float, float]:
        began = time.perf_counter()
        probe = await measure(sandbox, found.source)
        took = time.perf_counter() - began
        assert probe.facts is not None
        return took, float(probe.facts.duration_s)

    async def theirs(tool: peers.Tool) -> tuple[float, float]:
        return await asyncio.to_thread(peers.timed, tool, found.address)

    readings: dict[str, list[Reading]] = defaultdict(list)
    started, _ = await ours()
    print(f"ours, the first time (zygote and modules): {1000 * started:.0f} ms")
    if "PyAV, warm" in tools:
        await theirs(tools["PyAV, warm"])
    for _ in range(rounds):
        readings[OURS].append(await read_once(found, ours))
        for name, tool in tools.items():
            readings[name].append(await read_once(found, lambda tool=tool: theirs(tool)))  # type: ignore[misc]
    return readings


def tell(readings: Mapping[str, Sequence[Reading]], size_bytes: int) -> bool:
    """Print the table and the ratios; whether all tell the same duration."""
    middle = {
        name: [statistics.median(values) for values in zip(*((r.seconds, r.bytes_sent) for r in each), strict=True)]
        for name, each in readings.items()
    }
    print(f"\n{'':<14}{'wall':>10}{'bytes':>14}{'of film':>10}{'requests':>10}{'duration':>12}")
    for name, each in readings.items():
        wall, sent = middle[name]
        print(
            f"{name:<14}{1000 * wall:>7.0f} ms{sent:>14,.0f}{100 * sent / size_bytes:>9.3f}%"
            f"{statistics.median(r.requests for r in each):>10.0f}{each[0].told_s:>10.2f} s"
        )
    (wall, sent), others = middle[OURS], {name: pair for name, pair in middle.items() if name != OURS}
    print(f"\nbytes of the film that ours reads: {100 * sent / size_bytes:.3f} % (wanted: at most 0.15 %)")
    if others:
        print(f"ratio bytes, the best of them / ours: {min(b for _, b in others.values()) / sent:.2f} (wanted: 2.5)")
        fastest = min(others, key=lambda name: others[name][0])
        print(f"ratio wall, the fastest of them ({fastest}) / ours: {others[fastest][0] / wall:.2f} (wanted: above 1)")
    told = [reading.told_s for each in readings.values() for reading in each]
    return max(told) - min(told) <= TOLERANCE_S


async def run(seconds: int, rounds: int) -> bool:
    """Whether all told the same."""
    sandbox = ForkingSandbox(preload=PRELOAD)
    try:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
            async with ground(Path(name), seconds) as found:
                print(f"film: {found.source.size_bytes / 1e6:.0f} MB, {os.cpu_count()} cores")
                same = tell(await compare(found, sandbox, rounds), found.source.size_bytes)
    finally:
        await sandbox.close()
    if not same:
        print("FAULT: they do not tell the same duration")
    return same


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.video")
    parser.add_argument("--seconds", type=int, default=1200, help="of the film")
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    return 0 if asyncio.run(run(chosen.seconds, chosen.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
