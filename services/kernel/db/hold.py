"""Holds removals of objects off while a backup is made, in each database whose workers remove them.

A backup first holds, then waits for removals that are under way, then takes its snapshot: whatever the snapshot names
is then there until the backup has copied it. A holder that freezes loses the hold as any leader does, and says so.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.locking import Leadership, lead, lock_key
from services.kernel.errors import AppError, Kind

_OWNER, _PURPOSE = "storage", "removals"
_TRIES, _PAUSE_S = 200, 0.05
_UNDER_WAY = (
    "SELECT count(*) FROM {schema}.jobs WHERE state = 'leased' AND leased_until > now() AND stage = ANY(:stages)"
)


async def removals_held(connection: AsyncConnection) -> bool:
    """Whether they are; if not, they cannot become so before the connection's transaction has ended."""
    key = {"key": lock_key(_OWNER, _PURPOSE)}
    got = (await connection.execute(text("SELECT pg_try_advisory_xact_lock_shared(:key)"), key)).scalar_one()
    return not got


class Hold:
    """Held in every database that was named."""

    def __init__(self, leaderships: Sequence[Leadership]) -> None:
        """Made by `hold_removals` only."""
        self._leaderships = leaderships

    async def check(self) -> None:
        """Raises `AppError` backup.hold-lost: what was copied since may lack what the snapshot names."""
        if not all([await leadership.check() for leadership in self._leaderships]):
            raise AppError("backup.hold-lost", Kind.UNAVAILABLE, retryable=True)


@asynccontextmanager
async def hold_removals(urls: Sequence[str]) -> AsyncIterator[Hold]:
    """Hold in the databases of `urls` until the block ends. Raises `AppError` backup.running."""
    async with AsyncExitStack() as stack:
        yield Hold([await _held(stack, url) for url in urls])


async def _held(stack: AsyncExitStack, url: str) -> Leadership:
    """Workers that lease just now have the lock for a moment, so it is tried for a while."""
    for _ in range(_TRIES):
        async with AsyncExitStack() as one:
            leadership = await one.enter_async_context(lead(url, _OWNER, _PURPOSE))
            if leadership is not None:
                stack.push_async_exit(one.pop_all())
                return leadership
        await asyncio.sleep(_PAUSE_S)
    raise AppError("backup.running", Kind.CONFLICT)


async def await_removals(connection: AsyncConnection, stages: Mapping[str, Collection[str]]) -> None:
    """Return once no job of the stages (by schema) is being done; none begins while they are held."""
    for schema, names in stages.items():
        query = text(_UNDER_WAY.format(schema=schema))
        while (await connection.execute(query, {"stages": list(names)})).scalar_one():
            await connection.rollback()
            await asyncio.sleep(_PAUSE_S)
        await connection.rollback()
