"""`python -m bench.scale`: 1, 2 and 4 video workers on 48 real jobs of two priorities, in the stack of processes.

The peer of each number of workers is one worker in the same run; the ratio is the speed-up. A worker leases up to two
jobs at once (`SHENBAO_CONCURRENCY`), parses each file in a sandboxed child and asks `upload` about it, so workers share
the cores with each other, with `upload` and with PostgreSQL: on two cores four of them cannot be four times as fast.

Every job must be leased and done exactly once, and none leased while a more urgent one waited (`history.overtaken` says
what that means between workers that lease at once); else the exit status is 1.

Handing over: from a job's row to its lease by an idle worker; from SIGTERM of the worker that has a job to its lease by
another; the same from SIGKILL, when the lease must run out first (30 s). So that a job lasts, `upload` does not answer
meanwhile.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

from bench.scale.history import leases, not_once, overtaken
from bench.scale.work import Work, tell, working

#: Two workers end by SIGTERM at most and one by SIGKILL; the last one is there to take over.
_MOST = 4
_SINGLES = 20


async def throughput(work: Work, workers: int, jobs: int, part: str) -> tuple[float, int]:
    """(jobs per second, jobs that were not done once or were overtaken)."""
    work.only(work.workers[:workers])
    await work.ask(part, jobs)
    await work.history.wait(part, "done", jobs)
    changes = await work.history.of(part)
    began = min(change.at for change in leases(changes))
    took = (max(change.at for change in changes) - began).total_seconds()
    return jobs / took, not_once(changes, jobs) + overtaken(changes)


async def idle_lease_s(work: Work, number: int) -> float:
    """From the row to the lease while all workers have nothing to do."""
    part = f"single{number}"
    await work.ask(part, 1)
    await work.history.wait(part, "done", 1)
    made, leased, *_ = await work.history.of(part)
    return (leased.at - made.at).total_seconds()


async def handed_over_s(work: Work, leaving: int, taking: int, number: Signals) -> tuple[float, bool]:
    """(from the signal to the other worker's lease, whether the job was done once in the end)."""
    part = f"handed{leaving}"
    work.only([leaving])
    tell(work.upload, SIGSTOP)
    await work.ask(part, 1)
    await work.history.wait(part, "leased", 1)
    tell(taking, SIGCONT)
    at = time.time()
    tell(leaving, number)
    await work.history.wait(part, "leased", 2)
    tell(work.upload, SIGCONT)
    await work.history.wait(part, "done", 1)
    changes = await work.history.of(part)
    return leases(changes)[1].at.timestamp() - at, [change.state for change in changes].count("done") == 1


async def compare_speeds(work: Work, jobs: int, rounds: int) -> int:
    """How many jobs were not as they must be."""
    wrong = 0
    speeds: dict[int, list[float]] = {1: [], 2: [], 4: []}
    await throughput(work, _MOST, 2 * _MOST, "warm-up")
    for number in range(rounds):
        for workers, measured in speeds.items():
            speed, faults = await throughput(work, workers, jobs, f"round{number}-{workers}")
            measured.append(speed)
            wrong += faults
    one = statistics.median(speeds[1])
    for workers, measured in speeds.items():
        speed = statistics.median(measured)
        print(f"{workers} workers: {speed:.1f} jobs/s, ratio to one worker: {speed / one:.2f}", flush=True)
    return wrong


async def hand_over(work: Work, *, kill: bool) -> int:
    """How many jobs were not done once."""
    work.only(work.workers)
    idle = sorted([await idle_lease_s(work, number) for number in range(_SINGLES)])
    middle, most = (1000 * value for value in (statistics.median(idle), idle[-1]))
    print(f"a job to its lease, {_SINGLES} times: median {middle:.0f} ms, at most {most:.0f} ms", flush=True)
    wrong = 0
    ends = [SIGTERM, SIGTERM, SIGKILL] if kill else [SIGTERM, SIGTERM]
    for number, (leaving, taking) in zip(ends, pairwise(work.workers), strict=False):
        took_s, good = await handed_over_s(work, leaving, taking, number)
        wrong += not good
        print(f"{number.name} to the lease by another worker: {took_s:.2f} s", flush=True)
    return wrong


async def compare(folder: Path, jobs: int, rounds: int, *, kill: bool) -> bool:
    """Print everything; whether all was as it must be."""
    async with working(folder, _MOST) as work:
        wrong = await compare_speeds(work, jobs, rounds) + await hand_over(work, kill=kill)
    print("every job done once, none overtaken" if not wrong else f"FAULTS: {wrong} jobs")
    return not wrong


def main() -> int:
    """Print the comparison; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale")
    parser.add_argument("--jobs", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-kill", action="store_true", help="leave out the half minute until a lease runs out")
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, shared by workers, upload, PostgreSQL, Kafka and the object store")
    with tempfile.TemporaryDirectory() as name:
        good = asyncio.run(compare(Path(name), chosen.jobs, chosen.rounds, kill=not chosen.no_kill))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
