"""The adapters of the `EventLog` port that the suite runs over; another one joins by one line in `ADAPTERS`."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from services.kernel.db.roles import role_of
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.embedded_member import Member
from services.kernel.events.kafka.connection import Security, cluster_of
from services.kernel.events.kafka.log import KafkaLog
from services.kernel.events.kafka.member import KafkaMember
from services.kernel.events.port import Delivered, EventLog, Subscription, Topic
from tests.cluster import Cluster
from tools.stack.kafka import Broker

DEADLINE_S = 60.0
#: What the suite writes to; a log may want to be told beforehand.
TOPICS = ("shenbao.test.happened", "shenbao.test.ended")
_NUMBERS = itertools.count(1)


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


@asynccontextmanager
async def kafka(broker: Broker) -> AsyncIterator[LogUnderTest]:
    """Topics and groups of its own on a real broker, which forgets a dead member after two seconds."""
    url = f"kafka://{broker.address}?prefix=t{next(_NUMBERS)}.&session_timeout_s=2"
    async with AsyncExitStack() as stack:

        def another() -> EventLog:
            log = KafkaLog(cluster_of(url, Security()))
            stack.push_async_callback(log.close)
            return log

        async def crash(subscription: Subscription) -> None:
            assert isinstance(subscription, KafkaMember)
            consumer, subscription._consumer = subscription._consumer, None
            assert consumer is not None
            coordinator = consumer._coordinator
            tasks = [coordinator._coordination_task, coordinator._heartbeat_task, consumer._fetcher._fetch_task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await consumer._client.close()
            consumer._closed = True

        log = another()
        await log.apply_topics([Topic(name=name) for name in TOPICS])
        yield LogUnderTest(log=log, another=another, crash=crash)


#: Adapter → the fixture that is its server, and what opens a log there.
ADAPTERS: Mapping[str, tuple[str, Callable[[Any], AbstractAsyncContextManager[LogUnderTest]]]] = {
    "embedded": ("cluster", embedded),
    "kafka": ("broker", kafka),
}
#: One broker is enough for all: its tests run in one worker process.
PARAMETERS = ["embedded", pytest.param("kafka", marks=pytest.mark.xdist_group("kafka"))]
