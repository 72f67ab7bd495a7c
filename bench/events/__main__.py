"""`python -m bench.events`: three comparisons in one run on a real broker and a PostgreSQL that syncs every commit.

Draining: 20,000 rows through the relay into Kafka, beside a bare idempotent producer with the same records (`drain`).

Flow: one transaction per event on each side, committed one after the other, as fast as they can be. The peer is
`pgbench -c 1` with the same transaction (`peer`): the ratio is that of the slower of our sides to the client with that
side's transaction, in the same round. Both of our sides run at once, on the same cores as relay and broker, and the
client alone. What two clients make of it, one per side at once, is printed too: there the server syncs for both.

Latency: from an event's commit to the commit of its effect at a steady rate, beside the same over the embedded log.

After each part events that were lost, had their effect twice or out of order are counted; any makes the exit status 1.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.events.drain import drain
from bench.events.effects import Faults
from bench.events.flow import flow, steady
from bench.events.ground import GROUP, SOURCE, Ground, ground
from bench.events.peer import pgbench


def main() -> int:
    """Print the comparisons; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.events")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--aggregates", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pgbench-s", type=int, default=10)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=30)
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, shared by the broker, PostgreSQL and our processes")
    with tempfile.TemporaryDirectory() as name, ground(Path(name)) as found:
        good = [
            uvloop.run(compare_draining(found, chosen.rows, chosen.aggregates, chosen.rounds)),
            uvloop.run(compare_flow(found, Path(name), chosen.events, chosen.rounds, chosen.pgbench_s)),
            uvloop.run(compare_latency(found, chosen.rate, chosen.seconds)),
        ]
    print("nothing lost, nothing twice, nothing out of order" if all(good) else "FAULTS: see above")
    return 0 if all(good) else 1


async def compare_draining(found: Ground, rows: int, aggregates: int, rounds: int) -> bool:
    """Whether every record was there once and in order."""
    drained = await drain(found, rows, aggregates, rounds)
    for each in drained:
        print(f"drain: relay {rows / each.relay_s:.0f}/s, bare producer {rows / each.bare_s:.0f}/s", flush=True)
    relay, bare = statistics.median(e.relay_s for e in drained), statistics.median(e.bare_s for e in drained)
    print(f"{rows} rows, median of {len(drained)}: relay {rows / relay:.0f}/s, bare producer {rows / bare:.0f}/s")
    print(f"ratio relay / bare producer: {bare / relay:.2f} (wanted: at least 0.5)")
    wrong = sum(each.faults for each in drained)
    if wrong:
        print(f"records lost, twice or out of order: {wrong}")
    return not wrong


async def compare_flow(found: Ground, folder: Path, count: int, rounds: int, seconds: int) -> bool:
    """Whether every event had its effect once and in order."""
    sides = (SOURCE, GROUP)
    ours: list[Sequence[float]] = []
    alone: list[Sequence[float]] = []
    wrong: list[Faults] = []
    for number in range(rounds):
        alone.append([await pgbench(found, folder, side, seconds) for side in sides])
        committed, had, faults = await flow(found, found.kafka(f"flow{number}"), f"flow{number}", count)
        ours.append((committed, had))
        wrong.append(faults)
        print(
            f"flow: committed {committed:.0f}/s, had their effect {had:.0f}/s;"
            f" pgbench {alone[-1][0]:.0f}/s and {alone[-1][1]:.0f}/s",
            flush=True,
        )
    both = await asyncio.gather(*(pgbench(found, folder, side, seconds) for side in sides))
    print(f"two pgbench at once: {both[0]:.0f}/s and {both[1]:.0f}/s")
    medians = [[statistics.median(rates) for rates in zip(*told, strict=True)] for told in (ours, alone)]
    slower = min((0, 1), key=lambda side: medians[0][side])
    print(
        f"{count} events, median of {rounds}: {medians[0][slower]:.0f}/s end to end,"
        f" pgbench -c 1 {medians[1][slower]:.0f}/s with the transaction of the slower side"
    )
    print(f"ratio events / pgbench -c 1: {medians[0][slower] / medians[1][slower]:.2f} (wanted: at least 0.5)")
    print(f"ratio events / two pgbench at once: {medians[0][slower] / both[slower]:.2f}")
    return _told(wrong)


async def compare_latency(found: Ground, rate: int, seconds: int) -> bool:
    """Whether every event had its effect once and in order."""
    wrong = []
    shown = {}
    for name, url in (("Kafka", found.kafka("steady")), ("embedded log", found.embedded)):
        delays, faults = await steady(found, url, f"steady{name[0]}", rate=rate, seconds=seconds)
        wrong.append(faults)
        middle, high = (1000 * delays[int(len(delays) * share)] for share in (0.5, 0.99))
        shown[name] = high
        print(f"latency at {rate}/s over {name}: p50 {middle:.1f} ms, p99 {high:.1f} ms", flush=True)
    print(f"p99 over Kafka: {shown['Kafka']:.1f} ms (wanted: at most 100 ms)")
    print(f"ratio p99 Kafka / embedded log: {shown['Kafka'] / shown['embedded log']:.2f}")
    return _told(wrong)


def _told(wrong: Sequence[Faults]) -> bool:
    """Print each fault; whether there are none."""
    for each in wrong:
        if each:
            print(f"lost {each.lost}, twice {each.twice}, out of order {each.disordered}")
    return not any(wrong)


if __name__ == "__main__":
    sys.exit(main())
