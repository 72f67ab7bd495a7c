"""Runs a composed service: the same for every service and every role.

A process has one or more roles: `api` answers gRPC, `consumer` hears events, `relay` sends them, `worker` does
jobs. It ends on SIGTERM or SIGINT after finishing or giving back what it has in hand, and at once when a part of it
breaks in a way that waiting does not mend (a supervisor or Kubernetes starts it again).
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from services.kernel import health, lifeline, observing, telemetry, tracing
from services.kernel.config import ServiceSettings, explain
from services.kernel.db.engine import Database
from services.kernel.db.locking import lead
from services.kernel.db.migrate import await_revision
from services.kernel.errors import AppError
from services.kernel.events.consumer import Consumer
from services.kernel.events.port import EventLogUnavailable
from services.kernel.events.relay import Relay
from services.kernel.grpc_api import operation
from services.kernel.grpc_server import GrpcServer
from services.kernel.health import Health, Liveness
from services.kernel.jobs.worker import Worker
from services.kernel.platform import Composition, Periodic, Platform
from services.kernel.pruning import Ages, Pruning
from services.kernel.state_metrics import StateMetrics
from services.kernel.storage.port import StorageError

MIGRATION_DEADLINE_S = 60.0
GRACE_S = 5.0
#: A machine that runs for minutes a day prunes as well.
FIRST_PRUNE_S = 60.0
S = TypeVar("S", bound=ServiceSettings)
Open = Callable[[str, ServiceSettings], AbstractAsyncContextManager[Platform]]
log = structlog.get_logger()


def run(service: str, settings: type[S], compose: Callable[[Platform, S], Composition], opener: Open) -> None:
    """The whole life of a service process; exits 0 after a clean stop, 2 for wrong settings, 1 otherwise."""
    lifeline.follow_parent()
    try:
        loaded = settings()
    except ValidationError as error:
        print(f"{service}: {explain(error)}", file=sys.stderr)  # noqa: T201 - logs are not set up yet
        sys.exit(2)
    telemetry.configure(service=service, level=loaded.log_level)
    try:
        with observing.traced(service, loaded):
            uvloop.run(_serve(service, loaded, compose, opener))
    except AppError as error:
        log.critical("cannot run", action="service.refused", code=error.code, **dict(error.params))
        sys.exit(1)


async def _serve(service: str, settings: S, compose: Callable[[Platform, S], Composition], opener: Open) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with observing.told(service, settings) as told, opener(service, settings) as platform:
        composition = compose(platform, settings)
        servicers = (*composition.servicers, operation.servicer(platform))
        server = GrpcServer(address=settings.listen, audience=service, tokens=platform.tokens, servicers=servicers)
        if "api" in settings.roles:
            await server.start()
        await await_revision(platform.database, deadline_s=MIGRATION_DEADLINE_S)
        await platform.database.refuse_privileged_role()
        await server.ready()
        told.readiness.say("started", health.READY)
        log.info("ready", action="service.ready", service=service, roles=",".join(settings.roles), port=server.port)
        try:
            parts = _parts(platform, settings, composition, told.liveness, stop)
            await _run_parts({**parts, **_watching(platform, settings, composition, told, server, stop)}, stop)
        finally:
            await server.stop(GRACE_S)
            for close in composition.closing:
                await close()


def _parts(
    platform: Platform, settings: ServiceSettings, composition: Composition, liveness: Liveness, stop: asyncio.Event
) -> Mapping[str, Coroutine[None, None, None]]:
    """The long-running parts that this process's roles ask for."""
    parts: dict[str, Coroutine[None, None, None]] = {"signals": _until(stop)}
    if "relay" in settings.roles:
        parts["relay"] = Relay(platform.database, platform.events, tick=liveness.loop("relay")).run(stop)
    if "consumer" in settings.roles and composition.handlers:
        consumer = Consumer(
            group=platform.service,
            handlers=composition.handlers,
            database=platform.database,
            events=platform.events,
            clock=platform.clock,
            tick=liveness.loop("consumer"),
        )
        parts["consumer"] = consumer.run(stop)
    if "worker" in settings.roles and composition.jobs:
        stages = [each for each in settings.stages or tuple(composition.jobs) if each not in settings.stages_held]
        worker = Worker(
            database=platform.database,
            queue=platform.queue,
            handlers={stage: composition.jobs[stage] for stage in stages},
            clock=platform.clock,
            concurrency=settings.concurrency,
            tick=liveness.loop("worker"),
            removing=composition.removing,
            slow=composition.slow,
        )
        parts["worker"] = worker.run(stop)
    if "relay" in settings.roles:
        for periodic in (_pruning(platform, settings), *composition.periodic):
            parts[periodic.name] = _every(platform.database, periodic, stop)
    return parts


def _watching(
    platform: Platform, settings: ServiceSettings, composition: Composition, told: Health, server: GrpcServer,
    stop: asyncio.Event,
) -> Mapping[str, Coroutine[None, None, None]]:  # fmt: skip
    """What looks after the others and, where metrics are told, reads what they tell."""
    parts = {"liveness": health.watch(told.liveness, server.say_stalled, stop)}
    if settings.metrics_listen:
        observing.watch_pool(platform.database)
        asks = {"database": platform.database.answer, "events": platform.events.topics}
        parts["readiness"] = health.keep_probing(told.readiness, asks, stop)
        if "relay" in settings.roles:
            parts["metrics"] = StateMetrics(platform, tuple(composition.jobs)).run(stop)
    return parts


def _pruning(platform: Platform, settings: ServiceSettings) -> Periodic:
    pruning = Pruning(platform.database, platform.events, platform.clock, Ages.of(settings), batch=settings.prune_batch)
    return Periodic(
        name="prune", every_s=settings.prune_every_s, run=pruning.run,
        first_after_s=min(FIRST_PRUNE_S, settings.prune_every_s),
    )  # fmt: skip


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _every(database: Database, periodic: Periodic, stop: asyncio.Event) -> None:
    pause_s = periodic.every_s if periodic.first_after_s is None else periodic.first_after_s
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
            return
        pause_s = periodic.every_s
        try:
            async with lead(database.url, database.schema, periodic.name) as leadership:
                if leadership is not None:
                    with tracing.span(f"periodic {database.schema} {periodic.name}", parent=""):
                        await periodic.run()
        except (OSError, AppError, StorageError, SQLAlchemyError, EventLogUnavailable) as error:
            log.warning("will try again", action="periodic.failed", part=periodic.name, error=type(error).__name__)


async def _run_parts(parts: Mapping[str, Coroutine[None, None, None]], stop: asyncio.Event) -> None:
    """Until `stop`, or until a part breaks: then everything stops and the first error is raised."""
    tasks = {asyncio.create_task(part, name=name) for name, part in parts.items()}
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for task in done:
        if error := task.exception():
            log.critical("a part broke", action="service.broke", part=task.get_name(), exc_info=error)
    _, late = await asyncio.wait(tasks, timeout=GRACE_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
