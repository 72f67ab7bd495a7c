"""What both sides' tables say in the end: when each event was committed, here and there, and what went wrong.

PostgreSQL dates every commit (`track_commit_timestamp`), so the moments are those of the commits themselves, by one
clock.
"""

import asyncio
from dataclasses import dataclass

import asyncpg

from bench.events.ground import GROUP, SOURCE

DEADLINE_S = 300.0
_POLL_S = 0.02
_COUNT = f"SELECT count(*) FROM {GROUP}.bench_effects WHERE starts_with(aggregate_id, $1)"
_COMMITTED = (
    "SELECT min(at), max(at), count(*) FROM (SELECT pg_xact_commit_timestamp(xmin) AS at FROM {schema}.bench_effects"
    " WHERE starts_with(aggregate_id, $1))"
)
_DELAYS = (
    "SELECT extract(epoch FROM pg_xact_commit_timestamp(h.xmin) - pg_xact_commit_timestamp(c.xmin))::float"
    f" FROM {SOURCE}.bench_effects c JOIN {GROUP}.bench_effects h USING (aggregate_id, version)"
    " WHERE starts_with(aggregate_id, $1)"
)
_FAULTS = (
    f"WITH c AS (SELECT * FROM {SOURCE}.bench_effects WHERE starts_with(aggregate_id, $1)),"
    f" h AS (SELECT * FROM {GROUP}.bench_effects WHERE starts_with(aggregate_id, $1))"
    " SELECT (SELECT count(*) FROM c LEFT JOIN h USING (aggregate_id, version) WHERE h.number IS NULL),"
    " (SELECT count(*) - count(DISTINCT (aggregate_id, version)) FROM h),"
    " (SELECT count(*) FROM (SELECT version - lag(version) OVER (PARTITION BY aggregate_id ORDER BY number) AS step"
    "  FROM h) WHERE step <= 0)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """Events without an effect, with more than one, and behind a newer one of their aggregate."""

    lost: int
    twice: int
    disordered: int

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.lost or self.twice or self.disordered)


async def heard(connection: asyncpg.Connection, part: str, count: int) -> None:
    """Return once so many events of a part had their effect."""
    async with asyncio.timeout(DEADLINE_S):
        while await connection.fetchval(_COUNT, f"{part}-") < count:
            await asyncio.sleep(_POLL_S)


async def per_second(connection: asyncpg.Connection, schema: str, part: str) -> float:
    """Commits of one side, from its first to its last."""
    first, last, count = await connection.fetchrow(_COMMITTED.format(schema=schema), f"{part}-")
    return float((count - 1) / (last - first).total_seconds())


async def delays_s(connection: asyncpg.Connection, part: str) -> list[float]:
    """From each event's commit to that of its effect."""
    return sorted(row[0] for row in await connection.fetch(_DELAYS, f"{part}-"))


async def faults(connection: asyncpg.Connection, part: str) -> Faults:
    """Counted in the tables."""
    lost, twice, disordered = await connection.fetchrow(_FAULTS, f"{part}-")
    return Faults(lost=lost, twice=twice, disordered=disordered)
