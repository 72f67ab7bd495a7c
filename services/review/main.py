"""The review service: composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.catalogue import load
from services.kernel import runtime, wiring
from services.kernel.events.topics import RETENTION
from services.kernel.grpc_client import open_channel
from services.kernel.platform import Composition, Periodic, Platform
from services.review import consumer, grpc_api, worker
from services.review.ports import Unit
from services.review.repository.work import PostgresWork
from services.review.settings import Settings
from services.review.tools.peers import PeerFacts
from services.review.usecases import auditing
from services.review.usecases.context import Context
from services.review.usecases.pruning import prune_changes

PRUNE_EVERY_S = 24 * 3600.0


def compose(platform: Platform, settings: Settings) -> Composition:
    """Put the service together from connected ports."""
    audit_key = settings.audit_key.encode()
    work = PostgresWork(platform.database, platform.keys, audit_key, platform.clock, platform.ids)
    channels = [
        open_channel(address)
        for address in (settings.upload_address, settings.video_address, settings.pdfcheck_address)
    ]

    def token(audience: str, dossier_id: str, organisation_path: str) -> str:
        return platform.own_token(audience, dossier_id=dossier_id, organisation_path=organisation_path)

    facts = PeerFacts(channels[0], channels[1], channels[2], token)
    context = Context(
        work=work,
        facts=facts,
        catalogue=load.default(),
        clock=platform.clock,
        ids=platform.ids,
        audit_key=audit_key,
    )

    @asynccontextmanager
    async def within(connection: AsyncConnection) -> AsyncIterator[Unit]:
        async with work.within(connection) as unit:
            yield unit

    async def anchored() -> None:
        await auditing.anchor(context, platform.storage)

    async def prune_early() -> None:
        await work.prune_early_reports(platform.clock.now() - RETENTION)

    async def pruned() -> None:
        await prune_changes(context, timedelta(days=settings.keep_changes_days), settings.prune_batch)

    return Composition(
        servicers=[grpc_api.servicer(context, platform.tokens, watch_s=settings.watch_s)],
        handlers=consumer.handlers(context, work.within),
        jobs=worker.FetchJobs(context, facts, platform.database, within).handlers(),
        periodic=[
            Periodic(name="anchor", every_s=settings.anchor_every_s, run=anchored),
            Periodic(name="early-reports", every_s=PRUNE_EVERY_S, run=prune_early),
            Periodic(name="prune-changes", every_s=settings.prune_every_s, run=pruned),
        ],
        closing=[channel.close for channel in channels],
    )


def main() -> None:
    """Run as `python -m services.review.main`."""
    runtime.run("review", Settings, compose, wiring.open_platform)
