"""LISTEN as a hint: wakes a loop early; the loop polls as well, so a lost notification only costs time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
import structlog
from sqlalchemy.engine import make_url

_RETRY_S = 1.0
log = structlog.get_logger()


class Wakeup(Protocol):
    """Something to wait on."""

    async def wait(self, timeout_s: float) -> None:
        """Return when woken or after `timeout_s`."""
        ...


class EventWakeup:
    """A wakeup by an asyncio event."""

    def __init__(self) -> None:
        """Not yet woken."""
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Let the next (or present) wait return."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when woken or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_s)
        self._event.clear()


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[Wakeup]:
    """A wakeup that every NOTIFY on `channel` wakes, over a connection of its own that is renewed when it is lost."""
    wakeup = EventWakeup()
    task = asyncio.create_task(_listen(_dsn(url), channel, wakeup.wake))
    try:
        yield wakeup
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _listen(dsn: str, channel: str, wake: Callable[[], None]) -> None:
    while True:
        try:
            connection = await asyncpg.connect(dsn, server_settings={"application_name": f"shenbao-listen-{channel}"})
        except (OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.sleep(_RETRY_S)
            continue
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection, gone=gone: gone.set())
            await connection.add_listener(channel, lambda *_: wake())
            wake()
            await gone.wait()
        except (OSError, asyncpg.PostgresError) as error:
            log.info("listening again", action="wakeup.lost", channel=channel, error=type(error).__name__)
        finally:
            connection.terminate()
        await asyncio.sleep(_RETRY_S)
