"""Whether this process lives and whether it is ready: two questions.

It lives while its event loop and each of its long-running loops tick, whatever the broker or the database says: a
process that waits for a database which is away must not be killed for it. A loop that has not ticked for `stall_s` is
frozen; only a restart mends that. Database and event log are readiness.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from services.kernel import metrics

BEAT_S = 1.0
PROBE_EVERY_S = 5.0
PROBE_TIMEOUT_S = 3.0
READY = "ready"
Tick = Callable[[], None]
Now = Callable[[], float]
log = structlog.get_logger()


def unwatched() -> None:
    """The tick of a loop that nobody watches."""


class Liveness:
    """When each loop last ticked. Read by other threads."""

    def __init__(self, stall_s: float, now: Now = time.monotonic) -> None:
        """`now` is a monotonic clock in seconds."""
        self._stall_s = stall_s
        self._now = now
        self._ticked: dict[str, float] = {}

    def loop(self, name: str) -> Tick:
        """Watch a loop from now on; it calls what is returned at least once per round."""

        def tick() -> None:
            self._ticked[name] = self._now()

        tick()
        metrics.LOOP_AGE.labels(loop=name).set_function(lambda: self.ages()[name])
        return tick

    def ages(self) -> Mapping[str, float]:
        """Loop → seconds since its last tick."""
        now = self._now()
        return {name: now - at for name, at in dict(self._ticked).items()}

    def stalled(self) -> tuple[str, ...]:
        """The loops that are frozen; empty while the process lives."""
        return tuple(name for name, age in self.ages().items() if age > self._stall_s)


class Readiness:
    """What each part last said: "ready", or what is wrong with it. Read by other threads."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self._parts: dict[str, str] = {}
        self.say("started", "starting")

    def say(self, part: str, state: str) -> None:
        """`state` is "ready" or a code or class of what is wrong."""
        self._parts[part] = state
        metrics.READY.labels(part=part).set(state == READY)

    @property
    def parts(self) -> Mapping[str, str]:
        """As last said."""
        return dict(self._parts)

    @property
    def ready(self) -> bool:
        """Whether every part is."""
        return all(state == READY for state in self.parts.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Both questions of one process."""

    liveness: Liveness
    readiness: Readiness


async def beat(liveness: Liveness) -> None:
    """Tick for the event loop itself, and measure how late its timers are; until cancelled."""
    tick = liveness.loop("event-loop")
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + BEAT_S
        await asyncio.sleep(BEAT_S)
        metrics.EVENT_LOOP_LAG.observe(max(0.0, loop.time() - due))
        tick()


async def watch(
    liveness: Liveness, say_stalled: Callable[[Sequence[str]], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Say at every beat which loops are frozen, and log when that changes; until `stop`."""
    before: tuple[str, ...] = ()
    while not stop.is_set():
        stalled = liveness.stalled()
        if stalled and not before:
            log.error("loops are frozen", action="health.stalled", loops=",".join(stalled))
        if before and not stalled:
            log.warning("loops tick again", action="health.recovered", loops=",".join(before))
        before = stalled
        await say_stalled(stalled)
        await pause(stop, BEAT_S)


async def probe(readiness: Readiness, part: str, ask: Callable[[], Awaitable[object]]) -> None:
    """Ask a part once and keep what it says; whatever it raises is an answer."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await ask()
    except Exception as error:  # noqa: BLE001 - the question is whether it works, and every failure says no
        readiness.say(part, type(error).__name__)
    else:
        readiness.say(part, READY)


async def keep_probing(
    readiness: Readiness, asks: Mapping[str, Callable[[], Awaitable[object]]], stop: asyncio.Event
) -> None:
    """Ask every part in turn, until `stop`."""
    while not stop.is_set():
        for part, ask in asks.items():
            await probe(readiness, part, ask)
        await pause(stop, PROBE_EVERY_S)


@asynccontextmanager
async def ticking(tick: Tick) -> AsyncIterator[None]:
    """Tick for a loop that waits in the block for something long which ends by itself."""

    async def keep() -> None:
        while True:
            tick()
            await asyncio.sleep(BEAT_S)

    keeping = asyncio.create_task(keep(), name="ticking")
    try:
        yield
    finally:
        keeping.cancel()


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until `stop`."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
