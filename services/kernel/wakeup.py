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


class Bell:
    """One LISTEN connection for any number that wait in this process; it is there only while somebody waits."""

    def __init__(self, url: str, channel: str) -> None:
        """Nothing connects before the first one waits."""
        self._dsn = _dsn(url)
        self._channel = channel
        self._waiting: set[EventWakeup] = set()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[Wakeup]:
        """A wakeup that every NOTIFY wakes."""
        wakeup = EventWakeup()
        self._waiting.add(wakeup)
        if self._task is None:
            self._task = asyncio.create_task(_listen(self._dsn, self._channel, self._ring))
        try:
            yield wakeup
        finally:
            self._waiting.discard(wakeup)
            if not self._waiting and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _ring(self) -> None:
        for wakeup in self._waiting:
            wakeup.wake()


@asynccontextmanager
async def listening(url: str, channel: str) -> AsyncIterator[Wakeup]:
    """A wakeup that every NOTIFY on `channel` wakes, over a connection of its own that is renewed when it is lost."""
    async with Bell(url, channel).heard() as wakeup:
        yield wakeup


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
