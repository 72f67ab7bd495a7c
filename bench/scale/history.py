"""What became of each job and when, by PostgreSQL's clock: a trigger notes every change of a job's state or lease."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

DEADLINE_S = 180.0
_POLL_S = 0.01
_INSTALL = """
CREATE TABLE video.bench_history (
  number bigint GENERATED ALWAYS AS IDENTITY, job text, priority int, state text, began timestamptz, at timestamptz
);
CREATE FUNCTION video.bench_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO video.bench_history (job, priority, state, began, at)
    VALUES (NEW.dedup_key, NEW.priority, NEW.state, transaction_timestamp(), clock_timestamp());
  RETURN NULL;
END $$;
CREATE TRIGGER bench_made AFTER INSERT ON video.jobs FOR EACH ROW EXECUTE FUNCTION video.bench_note();
CREATE TRIGGER bench_changed AFTER UPDATE ON video.jobs FOR EACH ROW
  WHEN ((OLD.state, OLD.lease_token) IS DISTINCT FROM (NEW.state, NEW.lease_token))
  EXECUTE FUNCTION video.bench_note();
"""
_READ = "SELECT job, priority, state, began, at FROM video.bench_history WHERE starts_with(job, $1) ORDER BY at, number"
_COUNT = "SELECT count(*) FROM video.bench_history WHERE starts_with(job, $1) AND state = $2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A job came into a state."""

    job: str
    priority: int
    state: str
    #: Of the transaction.
    began: datetime
    #: The end of the statement.
    at: datetime


class History:
    """Jobs are told apart by the beginning of their key."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """A superuser's connection."""
        self._connection = connection

    async def install(self) -> None:
        """Begin to take notes."""
        await self._connection.execute(_INSTALL)

    async def of(self, part: str) -> Sequence[Change]:
        """Every change of the part's jobs, oldest first."""
        return [Change(**dict(row)) for row in await self._connection.fetch(_READ, f"{part}:")]

    async def wait(self, part: str, state: str, count: int) -> None:
        """Return once jobs of a part came so many times into a state."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._connection.fetchval(_COUNT, f"{part}:", state) < count:
                await asyncio.sleep(_POLL_S)


def leases(changes: Sequence[Change]) -> Sequence[Change]:
    """Those by which a worker took a job; it starts it at once."""
    return [change for change in changes if change.state == "leased"]


def not_once(changes: Sequence[Change], jobs: int) -> int:
    """Jobs that were not made, leased and done exactly once each."""
    seen: dict[str, list[str]] = {}
    for change in changes:
        seen.setdefault(change.job, []).append(change.state)
    return jobs - sum(states == ["queued", "leased", "done"] for states in seen.values())


def overtaken(changes: Sequence[Change]) -> int:
    """Jobs that were leased while a more urgent one waited.

    A worker leases as many as it has room for in one statement, and passes over what another's statement has locked. So
    a job may be noted as leased a moment before a more urgent one, but never before the transaction that leases the
    more urgent one has begun: that is what counts here.
    """
    taken = leases(changes)
    return sum(any(urgent.priority < each.priority and urgent.began > each.at for urgent in taken) for each in taken)
