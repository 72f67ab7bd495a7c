"""Servers, then services, then organisations and accounts; stopped in the opposite order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.cli.embedded.folder import DataFolder
from services.cli.embedded.platform import Address, await_ready, environment
from services.cli.embedded.seed import Seed, seed
from services.kernel.db.roles import SERVICES
from services.kernel.supervisor import Supervisor
from tools.stack.processes import Process, processes, program
from tools.stack.servers import Servers, drawn

GRACE_S = 15.0
#: Services with a gRPC address.
SERVING = ("upload", "video", "pdfcheck", "review")


@dataclass(frozen=True, kw_only=True)
class Running:
    """The stack while it runs."""

    address: Address
    seed: Seed
    supervisor: Supervisor
    servers: Servers
    #: Service → what its processes are told, beside their roles.
    environments: Mapping[str, Mapping[str, str]]


@asynccontextmanager
async def running(
    folder: DataFolder,
    address: Address,
    *,
    wanted: Sequence[Process] | None = None,
    objects_endpoint: str = "",
    objects_port: int | None = None,
    extra: Mapping[str, str] | None = None,
) -> AsyncIterator[Running]:
    """Everything started and ready. `extra` is told to every service; `objects_endpoint` is where services find the
    object server when something stands between, which has to know its port. Raises what servers and services raise.
    """
    folder.make()
    with folder.locked():
        secrets, known = folder.secrets(), drawn(folder)
        servers = Servers(
            folder=folder,
            public_url=address.url,
            secrets=secrets,
            drawn=known,
            objects_endpoint=objects_endpoint,
            objects_port=objects_port or known.ports["objects"],
        )
        supervisor = Supervisor(folder.logs)
        try:
            await servers.start()
            addresses = {f"SHENBAO_{name.upper()}_ADDRESS": f"127.0.0.1:{known.ports[name]}" for name in SERVING}
            shared = {**environment(folder, secrets, address), **addresses, **(extra or {})}
            environments = {service: {**shared, **servers.told(service)} for service in SERVICES}
            programs = [program(each, environments[each.service]) for each in wanted or processes()]
            supervisor.start(programs)
            await _ready(supervisor, address)
            database = servers.database("gateway")
            planted = await seed(folder, address.url, shared, database, secrets.token)
            yield Running(
                address=address, seed=planted, supervisor=supervisor, servers=servers, environments=environments
            )
        finally:
            await asyncio.to_thread(supervisor.stop, GRACE_S)
            await asyncio.to_thread(servers.stop)


async def _ready(supervisor: Supervisor, address: Address) -> None:
    """Until `/readyz` says 200, or a process breaks. Raises `StartFailed`, `ProgramBroke`."""
    failed = asyncio.create_task(supervisor.watch(asyncio.Event()))
    ready = asyncio.create_task(await_ready(address))
    await asyncio.wait({failed, ready}, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        ready.cancel()
        failed.result()
    failed.cancel()
    await ready
