"""Advisory locks: keys that include the service, and a leadership that a frozen holder loses."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import dedicated_connection

#: A holder that says nothing for this long is cut off by the server, and with it goes the lock.
_SILENCE_MS = "5000"
HEARTBEAT_S = 1.0


def lock_key(service: str, purpose: str) -> int:
    """A signed 64-bit key for a purpose of a service; equal on every machine and Python."""
    digest = hashlib.sha256(f"{service}\x00{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def lock_in_transaction(connection: AsyncConnection, service: str, purpose: str) -> None:
    """Hold the lock until the transaction ends, waiting for whoever has it."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(service, purpose)})


class Leadership:
    """Held on a dedicated connection; `check` says whether it still is."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by :func:`lead` only."""
        self._connection = connection
        self._turn = asyncio.Lock()
        self._lost = False

    async def check(self) -> bool:
        """Ask the server on the very connection that holds the lock: False once it was cut off, and for ever after (a
        new connection would answer, but not hold the lock).
        """
        async with self._turn:
            try:
                if not self._lost:
                    await self._connection.execute(text("SELECT 1"))
            except (DBAPIError, OSError):
                self._lost = True
            return not self._lost


@asynccontextmanager
async def lead(url: str, service: str, purpose: str) -> AsyncIterator[Leadership | None]:
    """Try once to become leader; yields None when another one is. Leadership ends with the block, or earlier when
    the process freezes or loses its connection.
    """
    async with dedicated_connection(
        url,
        application_name=f"shenbao-{service}-leader",
        idle_session_timeout=_SILENCE_MS,
        idle_in_transaction_session_timeout=_SILENCE_MS,
    ) as connection:
        key = {"key": lock_key(service, purpose)}
        got = (await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key)).scalar_one()
        if not got:
            yield None
            return
        leadership = Leadership(connection)
        heartbeat = asyncio.create_task(_beat(leadership))
        try:
            yield leadership
        finally:
            heartbeat.cancel()


async def _beat(leadership: Leadership) -> None:
    while await leadership.check():
        await asyncio.sleep(HEARTBEAT_S)
