"""The adapters of the `EventLog` port that the suite runs over; another one joins by one line in `ADAPTERS`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.kernel.db.roles import role_of
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.embedded_member import Member
from services.kernel.events.port import Delivered, EventLog, Subscription
from tests.cluster import Cluster

DEADLINE_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LogUnderTest:
    """A fresh, empty log, and what only a test does to it."""

    log: EventLog
    #: Another client of the same log, as another process would have it; closed with the fixture.
    another: Callable[[], EventLog]
    #: Takes a member's connection away without a word, as the end of its process would.
    crash: Callable[[Subscription], Awaitable[None]]


async def fetched(member: Subscription, count: int) -> Sequence[Delivered]:
    """At least `count` records, however many fetches that takes, none of them committed."""
    found: list[Delivered] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await member.fetch(max_records=100, timeout_s=1)
    return found


@asynccontextmanager
async def embedded(cluster: Cluster) -> AsyncIterator[LogUnderTest]:
    """The log in PostgreSQL, in a database of its own."""
    url = cluster.url(role_of("upload"), await cluster.fresh())
    async with AsyncExitStack() as stack:

        def another() -> EventLog:
            log = EmbeddedLog(url)
            stack.push_async_callback(log.close)
            return log

        async def crash(subscription: Subscription) -> None:
            assert isinstance(subscription, Member)
            subscription.connection().terminate()

        yield LogUnderTest(log=another(), another=another, crash=crash)


ADAPTERS: Mapping[str, Callable[[Cluster], AbstractAsyncContextManager[LogUnderTest]]] = {
    "embedded": embedded,
}
