"""Starts PostgreSQL and the five services of one data folder, and stops them."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from services.cli.embedded.folder import DataFolder, FolderInUse, Secrets
from services.cli.embedded.seed import Seed, seed
from services.kernel.db.embedded import SUPERUSER, EmbeddedPostgres
from services.kernel.db.migrate import migrate
from services.kernel.db.roles import OWNER, SCHEMAS, SERVICES, bootstrap, role_of
from services.kernel.supervisor import Program, Supervisor

DATABASE = "shenbao"
START_DEADLINE_S = 60.0
GRACE_S = 10.0
_POLL_S = 0.05
#: What runs on one machine starts again as a whole: after a crash nobody else would have gone on with a job.
_LEASE_S = "15"


class StartFailed(Exception):
    """The platform did not become ready; the message says what was last heard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where it is to listen and what people type."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    insecure: bool = False

    @property
    def url(self) -> str:
        """The address that is printed."""
        return self.public_url or f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Modules:
    """Which module runs each service; a test may run others that compose the same services differently."""

    by_service: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {service: ("-m", f"services.{service}") for service in SERVICES}
    )


def free_ports(number: int) -> list[int]:
    """Ports on the loopback address that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def environment(folder: DataFolder, drawn: Secrets, address: Address) -> dict[str, str]:
    """What every service is told. Each gets its own database role on top."""
    names = [service for service in SERVICES if service != "gateway"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    addresses = {f"SHENBAO_{name.upper()}_ADDRESS": f"127.0.0.1:{port}" for name, port in ports.items()}
    return {
        **addresses,
        "SHENBAO_MODE": "local",
        "SHENBAO_OBJECTS": folder.objects.absolute().as_uri(),
        "SHENBAO_PUBLIC_URL": address.url,
        "SHENBAO_TOKEN_KEYS": f"a:{drawn.token}",
        "SHENBAO_PRESIGN_KEYS": f"a:{drawn.presign}",
        "SHENBAO_ENCRYPTION_KEYS": f"a:{drawn.encryption}",
        "SHENBAO_LOOKUP_KEY": drawn.lookup,
        "SHENBAO_AUDIT_KEY": drawn.audit,
        "SHENBAO_HOST": address.host,
        "SHENBAO_PORT": str(address.port),
        "SHENBAO_INSECURE": str(address.insecure).lower(),
    }


def service_url(drawn: Secrets, postgres: EmbeddedPostgres, service: str) -> str:
    """The database URL of a service's restricted role."""
    return postgres.url(role_of(service), drawn.passwords[role_of(service)], DATABASE)


@contextmanager
def at_hand(folder: DataFolder, drawn: Secrets) -> Iterator[EmbeddedPostgres]:
    """The folder's database: the running one when the platform serves it, else one started for this.

    Raises `PostgresFailed`.
    """
    postgres = EmbeddedPostgres(folder.root, drawn.superuser)
    with ExitStack() as stack:
        with suppress(FolderInUse):
            stack.enter_context(folder.locked())
            stack.enter_context(postgres)
        yield postgres


def _program(service: str, modules: Modules, shared: Mapping[str, str], database: str) -> Program:
    own = {
        "SHENBAO_JOB_LEASE_S": os.environ.get("SHENBAO_JOB_LEASE_S", _LEASE_S),
        # Five processes cannot listen on one address; each has a setting of its own.
        "SHENBAO_METRICS_LISTEN": os.environ.get(f"SHENBAO_{service.upper()}_METRICS_LISTEN", ""),
        f"SHENBAO_{service.upper()}_DATABASE": database,
        "SHENBAO_EVENTS": database.replace("postgresql+asyncpg://", "embedded+postgresql://", 1),
    }
    if service != "gateway":
        own["SHENBAO_LISTEN"] = shared[f"SHENBAO_{service.upper()}_ADDRESS"]
    return Program(
        name=service, arguments=(sys.executable, *modules.by_service[service]), environment={**shared, **own}
    )


async def prepare(drawn: Secrets, postgres: EmbeddedPostgres) -> None:
    """Roles, schemas, migrations; nothing on a second start but a look."""
    database_url = postgres.url(SUPERUSER, drawn.superuser, DATABASE)
    await bootstrap(postgres.superuser_url, database_url, DATABASE, drawn.passwords)
    await migrate(postgres.url(OWNER, drawn.passwords[OWNER], DATABASE), SCHEMAS)


async def await_ready(address: Address) -> None:
    """Until `/readyz` says 200. Raises `StartFailed`."""
    deadline = time.monotonic() + START_DEADLINE_S
    heard = "nothing"
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(f"http://{address.host}:{address.port}/readyz", timeout=3)
                heard = answer.text
                if answer.status_code == 200:
                    return
            await asyncio.sleep(_POLL_S)
    raise StartFailed(f"not ready after {START_DEADLINE_S:.0f} s; heard: {heard}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """The platform while it runs."""

    address: Address
    seed: Seed
    supervisor: Supervisor
    postgres: EmbeddedPostgres
    secrets: Secrets


@asynccontextmanager
async def running(folder: DataFolder, address: Address, modules: Modules | None = None) -> AsyncIterator[Running]:
    """Everything started and ready; stopped again at the end.

    Raises `FolderInUse`, `PostgresFailed`, `StartFailed`, `ProgramBroke`.
    """
    folder.make()
    with folder.locked():
        drawn = folder.secrets()
        postgres = EmbeddedPostgres(folder.root, drawn.superuser)
        supervisor = Supervisor(folder.logs)
        postgres.start()
        try:
            shared = environment(folder, drawn, address)
            chosen = modules or Modules()
            supervisor.start([_program(s, chosen, shared, service_url(drawn, postgres, s)) for s in SERVICES])
            await prepare(drawn, postgres)
            failed = asyncio.create_task(supervisor.watch(asyncio.Event()))
            ready = asyncio.create_task(await_ready(address))
            await asyncio.wait({failed, ready}, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                ready.cancel()
                failed.result()
            failed.cancel()
            await ready
            planted = await seed(folder, address.url, shared, service_url(drawn, postgres, "gateway"), drawn.token)
            yield Running(address=address, seed=planted, supervisor=supervisor, postgres=postgres, secrets=drawn)
        finally:
            await asyncio.to_thread(supervisor.stop, GRACE_S)
            await asyncio.to_thread(postgres.stop)
