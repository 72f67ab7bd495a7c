"""Events from commit to effect, one transaction each on both sides.

This process commits one event after the other, as a use case does, and relays them, as the process of a service that
answers does; another process hears them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from bench.events.effects import Faults, delays_s, faults, heard, per_second
from bench.events.ground import GROUP, SOURCE, Ground, events, have_effect, opened
from bench.events.hearing import hearing
from services.kernel.db.engine import EVERYTHING, Database
from services.kernel.events.envelope import Event
from services.kernel.events.outbox import Outbox
from services.kernel.events.relay import Relay

#: So many aggregates take turns.
AGGREGATES = 200
_WARM_UP = 100


async def commit(database: Database, told: Event) -> None:
    """A use case's transaction."""
    async with database.transaction(EVERYTHING) as connection:
        outbox = Outbox(database.schema)
        await have_effect(connection, told)
        outbox.add(told)
        await outbox.flush(connection)


@asynccontextmanager
async def flowing(ground: Ground, events_url: str, part: str) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    """Relay and consumer run, and have done so for a while."""
    stop = asyncio.Event()
    async with ground.database(SOURCE) as database, ground.everything() as looking, opened(events_url) as log:
        relay = asyncio.create_task(Relay(database, log).run(stop))
        with hearing(ground, events_url, ground.logs):
            for each in events(_WARM_UP, AGGREGATES, f"{part}warm"):
                await commit(database, each)
            await heard(looking, f"{part}warm", _WARM_UP)
            yield database, looking
        stop.set()
        await relay


async def flow(ground: Ground, events_url: str, part: str, count: int) -> tuple[float, float, Faults]:
    """(events per second committed, and had their effect, what went wrong), as fast as they can be committed."""
    async with flowing(ground, events_url, part) as (database, looking):
        for each in events(count, AGGREGATES, part):
            await commit(database, each)
        await heard(looking, part, count)
        rates = [await per_second(looking, schema, part) for schema in (SOURCE, GROUP)]
        return rates[0], rates[1], await faults(looking, part)


async def steady(
    ground: Ground, events_url: str, part: str, *, rate: int, seconds: int
) -> tuple[Sequence[float], Faults]:
    """(seconds from each commit to its effect's, ascending; what went wrong) at so many events per second."""
    count = rate * seconds
    async with flowing(ground, events_url, part) as (database, looking):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, each in enumerate(events(count, AGGREGATES, part)):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            await commit(database, each)
        await heard(looking, part, count)
        return await delays_s(looking, part), await faults(looking, part)
