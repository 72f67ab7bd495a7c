"""Advisory locks: keys that include the service, and a leadership that a frozen holder loses."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db import direct
from services.kernel.db.engine import dedicated_connection
from services.kernel.db.outage import is_outage

#: A holder that says nothing for this long is cut off by the server, and with it goes the lock.
_SILENCE_MS = "5000"
HEARTBEAT_S = 1.0
_ALIVE = "SELECT 1"
_TRY = "SELECT pg_try_advisory_lock($1::bigint)"


@cache
def lock_key(service: str, purpose: str) -> int:
    """A signed 64-bit key for a purpose of a service; equal on every machine and Python."""
    digest = hashlib.sha256(f"{service}\x00{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def lock_in_transaction(connection: AsyncConnection, service: str, purpose: str) -> None:
    """Hold the lock until the transaction ends, waiting for whoever has it."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(service, purpose)})


class LeadershipLost(Exception):
    """The connection that held the lock is gone, and the lock with it."""


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
        try:
            await self.fetch(_ALIVE)
        except LeadershipLost:
            return False
        return True

    async def fetch(self, statement: str, *values: object) -> Sequence[Any]:
        """The rows of a statement that only a leader may send, asked as `check` asks and committed at once. A crash of
        the server may undo what it wrote last: the next leader does it again.

        Raises `LeadershipLost`.
        """
        async with self._turn:
            if self._lost:
                raise LeadershipLost
            try:
                return await direct.fetch(self._connection, statement, *values)
            except (DBAPIError, OSError) as error:
                self._lost = True
                if is_outage(error):
                    raise LeadershipLost from error
                raise


@asynccontextmanager
async def lead(
    url: str, service: str, purpose: str, *, rehearsal: Sequence[tuple[str, object]] = ()
) -> AsyncIterator[Leadership | None]:
    """Try once to become leader; yields None when another one is. Leadership ends with the block, or earlier when
    the process freezes or loses its connection.

    `rehearsal` are the statements that the leader will send, each with a value for which it changes nothing. They are
    sent before the lock is taken: asyncpg asks twice for a statement that is new to it, and the server waits for the
    second message without end, so a leader that froze between them would never be cut off.
    """
    async with dedicated_connection(
        url,
        application_name=f"shenbao-{service}-leader",
        search_path=service,
        synchronous_commit="off",
        idle_session_timeout=_SILENCE_MS,
        idle_in_transaction_session_timeout=_SILENCE_MS,
    ) as connection:
        await direct.fetch(connection, _ALIVE)
        for statement, harmless in rehearsal:
            await direct.fetch(connection, statement, harmless)
        if not (await direct.fetch(connection, _TRY, lock_key(service, purpose)))[0][0]:
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
