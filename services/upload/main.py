"""The upload service: composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue import load
from services.kernel import runtime, wiring
from services.kernel.platform import Composition, Periodic, Platform
from services.upload import consumer, grpc_api, worker
from services.upload.ports import Unit
from services.upload.repository import PostgresWork
from services.upload.settings import Settings
from services.upload.usecases.context import Context
from services.upload.usecases.pruning import prune_sessions
from services.upload.usecases.sweeping import sweep, sweep_store

SWEEP_EVERY_S = 60.0


def compose(platform: Platform, settings: Settings) -> Composition:
    """Put the service together from connected ports."""
    work = PostgresWork(platform.database, platform.keys, platform.ids, platform.clock)
    context = Context(
        work=work,
        storage=platform.storage,
        catalogue=load.default(),
        clock=platform.clock,
        ids=platform.ids,
        settings=settings,
    )

    @asynccontextmanager
    async def within(connection: AsyncConnection) -> AsyncIterator[Unit]:
        unit = work.within(connection)
        yield unit
        await unit.outbox.flush(connection)

    async def swept() -> None:
        await sweep(context)

    async def store_swept() -> None:
        await sweep_store(context)

    async def pruned() -> None:
        await prune_sessions(context)

    return Composition(
        servicers=[grpc_api.servicer(context)],
        handlers=consumer.handlers(platform.ids),
        jobs=worker.FileJobs(context, platform.database, within).handlers(),
        removing=worker.REMOVING,
        periodic=[
            Periodic(name="sweep", every_s=SWEEP_EVERY_S, run=swept),
            Periodic(name="store-sweep", every_s=settings.store_sweep_every_s, run=store_swept),
            Periodic(name="prune-sessions", every_s=settings.prune_every_s, run=pruned),
        ],
    )


def main() -> None:
    """Run as `python -m services.upload.main`."""
    runtime.run("upload", Settings, compose, wiring.open_platform)
