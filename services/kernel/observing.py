"""What every process tells of itself: spans, metrics, whether it lives and is ready. Composed here, for services and
gateway alike."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import PackageNotFoundError, version

import structlog

from services.kernel import health, metrics
from services.kernel.config import ServiceSettings
from services.kernel.db.engine import Database
from services.kernel.health import Health, Liveness, Readiness
from services.kernel.metrics_page import MetricsPage, OfComponent

log = structlog.get_logger()


@contextmanager
def traced(service: str, settings: ServiceSettings) -> Iterator[None]:
    """Spans are sent while the block runs, if `SHENBAO_OTLP` says where to; the last ones at its end."""
    if not settings.otlp:
        yield
        return
    from services.kernel import trace_export  # the SDK takes a while to import

    stop = trace_export.start(settings.otlp, service=service, roles=settings.roles, share=settings.trace_share)
    try:
        yield
    finally:
        stop()


@asynccontextmanager
async def told(service: str, settings: ServiceSettings) -> AsyncIterator[Health]:
    """Health is watched, and told with the metrics if `SHENBAO_METRICS_LISTEN` says where, while the block runs.

    Raises `AppError` metrics.cannot-listen.
    """
    found = Health(liveness=Liveness(settings.stall_s), readiness=Readiness())
    metrics.BUILD_INFO.labels(version=_version(), roles=",".join(settings.roles)).set(1)
    async with contextlib.AsyncExitStack() as stack:
        if settings.metrics_listen:
            page = MetricsPage(
                settings.metrics_listen, OfComponent(metrics.REGISTRY, service), found.liveness, found.readiness
            )
            stack.push_async_callback(asyncio.to_thread, page.close)
            log.info("metrics are told", action="metrics.listening", port=page.port)
        beating = asyncio.create_task(health.beat(found.liveness), name="beat")
        stack.callback(beating.cancel)
        yield found


def _version() -> str:
    """Of the installed package; code that runs from a folder has none."""
    try:
        return version("shenbao")
    except PackageNotFoundError:
        return "unknown"


def watch_pool(database: Database) -> None:
    """Tell of the pool's connections at every scrape."""
    metrics.DATABASE_CONNECTIONS.labels(state="used").set_function(lambda: database.connections_used)
    metrics.DATABASE_CONNECTIONS.labels(state="allowed").set(database.connections_allowed)
