"""The other service's process: one consumer as the runtime has it, whose handler writes one row per event."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.events.ground import GROUP, TYPE, Ground, have_effect, opened
from services.kernel import lifeline, telemetry
from services.kernel.clock import SystemClock
from services.kernel.db.engine import Database
from services.kernel.events.consumer import Consumer
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.supervisor import Program, Supervisor

_GRACE_S = 15.0


async def handler(connection: AsyncConnection, _outbox: Outbox, event: Event) -> None:
    """The effect."""
    await have_effect(connection, event)


async def hear(database_url: str, events_url: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = Database(database_url, schema=GROUP)
    try:
        async with opened(events_url) as log:
            consumer = Consumer(
                group=GROUP, handlers={TYPE: handler}, database=database, events=log, clock=SystemClock()
            )
            await consumer.run(stop)
    finally:
        await database.close()


@contextmanager
def hearing(ground: Ground, events_url: str, logs: Path) -> Iterator[None]:
    """The process, beside this one."""
    environment = {"BENCH_DATABASE": ground.database_url(GROUP), "BENCH_EVENTS": events_url}
    arguments = (sys.executable, "-m", "bench.events.hearing")
    supervisor = Supervisor(logs)
    supervisor.start([Program(name="hearing", arguments=arguments, environment=environment)])
    try:
        yield
    finally:
        supervisor.stop(_GRACE_S)


if __name__ == "__main__":
    lifeline.follow_parent()
    telemetry.configure(service=GROUP, level="info")
    uvloop.run(hear(os.environ["BENCH_DATABASE"], os.environ["BENCH_EVENTS"]))
