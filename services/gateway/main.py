"""The gateway: composition root. It keeps accounts and sessions and asks the other services for everything else."""

import asyncio
import sys
from datetime import timedelta

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import ValidationError

from services.gateway.accounts import Accounts
from services.gateway.app import make_app
from services.gateway.auth.sessions import Sessions
from services.gateway.guard import Gateway
from services.gateway.idempotency import Idempotency
from services.gateway.peers import Peers
from services.gateway.repository import Repository
from services.gateway.settings import Settings
from services.kernel import health, lifeline, observing, telemetry, wiring
from services.kernel.clock import Clock, SystemClock
from services.kernel.config import explain
from services.kernel.db.engine import Database
from services.kernel.db.locking import lead
from services.kernel.db.migrate import await_revision
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError
from services.kernel.health import Health
from services.kernel.ids import TimeOrderedIds
from services.kernel.tokens import Tokens

MIGRATION_DEADLINE_S = 60.0
log = structlog.get_logger()


def compose(settings: Settings, told: Health) -> FastAPI:
    """Put the gateway together."""
    clock, ids = SystemClock(), TimeOrderedIds()
    database = wiring.open_database("gateway", settings)
    repository = Repository(database)
    tokens = Tokens(settings.token_ring(), clock)
    peers = Peers(settings, tokens)
    objects = wiring.open_endpoint(settings, clock, ids)
    gateway = Gateway(
        settings=settings,
        peers=peers,
        sessions=Sessions(repository, clock, settings),
        repository=repository,
        idempotency=Idempotency(repository, wiring.open_keys(settings), clock),
        accounts=Accounts(repository, peers, ids),
        signer=wiring.open_signer(settings, clock),
        objects=objects,
        objects_origin=wiring.objects_origin(settings),
        clock=clock,
        ids=ids,
    )
    running: list[asyncio.Task[None]] = []
    stop = asyncio.Event()

    async def start() -> None:
        await await_revision(database, deadline_s=MIGRATION_DEADLINE_S)
        await database.refuse_privileged_role()
        running.append(asyncio.create_task(_prune(settings, database, repository, clock)))
        if settings.metrics_listen:
            observing.watch_pool(database)
            running.append(
                asyncio.create_task(health.keep_probing(told.readiness, {"database": database.answer}, stop))
            )
        told.readiness.say("started", health.READY)
        log.info("ready", action="gateway.ready")

    async def close() -> None:
        stop.set()
        for task in running:
            task.cancel()
        await peers.close()
        await database.close()
        if objects is not None:
            objects.close()

    return make_app(gateway, start, close)


async def _prune(settings: Settings, database: Database, repository: Repository, clock: Clock) -> None:
    """Drop what is too old, by one replica, until cancelled."""
    longest = timedelta(seconds=settings.session_longest_s)
    while True:
        await asyncio.sleep(settings.prune_every_s)
        try:
            async with lead(database.url, "gateway", "prune") as leadership:
                if leadership is not None:
                    await repository.prune(clock.now(), longest, settings.prune_batch)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("will try again", action="gateway.outage", error=type(error).__name__)


def main() -> None:
    """Run as `python -m services.gateway.main`."""
    lifeline.follow_parent()
    try:
        settings = Settings()
    except ValidationError as error:
        print(f"gateway: {explain(error)}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        sys.exit(2)
    telemetry.configure(service="gateway", level=settings.log_level)
    try:
        with observing.traced("gateway", settings):
            started = uvloop.run(_serve(settings))
    except AppError as error:
        log.critical("cannot run", action="gateway.refused", code=error.code, **dict(error.params))
        sys.exit(1)
    sys.exit(0 if started else 1)


async def _serve(settings: Settings) -> bool:
    """Until SIGTERM or SIGINT; whether it ever listened. Composed here because gRPC channels belong to this loop."""
    async with observing.told("gateway", settings) as told:
        configuration = uvicorn.Config(
            compose(settings, told),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            timeout_keep_alive=65,
        )
        server = uvicorn.Server(configuration)
        await server.serve()
        return server.started
