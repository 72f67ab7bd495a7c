"""The three servers of the stack: those that are given by URL, and for the others one started below the data folder."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.databases import owned_databases
from services.cli.embedded.folder import DataFolder, Secrets, write_private
from services.cli.embedded.platform import prepare, service_url
from services.cli.migrate_command import upgrade
from services.kernel import wiring
from services.kernel.clock import SystemClock
from services.kernel.config import ServiceSettings
from services.kernel.db.embedded import EmbeddedPostgres
from services.kernel.db.roles import SERVICES
from services.kernel.events.port import EventLogUnavailable
from services.kernel.events.topics import declared
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.s3 import starting
from services.kernel.storage.s3.adapter import S3Store
from services.kernel.storage.s3.client import Credentials
from tools.stack.bucket import ROOT, STORING
from tools.stack.kafka import Broker
from tools.stack.objects import ObjectServer

#: How long a store that was given may take to answer.
GIVEN_DEADLINE_S = 10.0
STEADY_PORTS = range(20_000, 32_000)
PORTS = ("postgres", "kafka", "controller", "objects", "upload", "video", "pdfcheck", "review")


class Unprepared(Exception):
    """Something outside is missing; the message says what, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Ports and the object store's keys: drawn once, kept beside the other secrets, because clients know them."""

    ports: Mapping[str, int]
    root_key: str
    keys: Mapping[str, str]


def drawn(folder: DataFolder) -> Drawn:
    """What was drawn for this folder, or is now."""
    path = folder.root / "stack-secrets.json"
    if not path.exists():
        fresh = {
            "ports": dict(zip(PORTS, _steady_ports(len(PORTS)), strict=True)),
            "root_key": secrets.token_urlsafe(24),
            "keys": {service: secrets.token_urlsafe(24) for service in STORING},
        }
        write_private(path, json.dumps(fresh, indent=1))
    return Drawn(**json.loads(path.read_text()))


def _steady_ports(number: int) -> Sequence[int]:
    """Free ports below those that the system gives to clients, so that they are still free the next time."""
    found: list[int] = []
    for port in random.sample(STEADY_PORTS, len(STEADY_PORTS)):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == number:
            return found
    raise Unprepared("no free ports on 127.0.0.1")


def cached(program: str) -> Path:
    """A program that `make servers` put into the cache. Raises `Unprepared`."""
    cache = Path(os.environ.get("SHENBAO_CACHE") or Path.home() / ".cache" / "shenbao")
    found = cache / "bin" / program
    if not found.exists():
        raise Unprepared(f"{found} is missing: run `make servers`, or give a server by URL")
    return found


@dataclass(kw_only=True)
class Servers:
    """The servers while they run, and what each service is told of them."""

    folder: DataFolder
    public_url: str
    secrets: Secrets
    drawn: Drawn
    postgres: EmbeddedPostgres | None = None
    broker: Broker | None = None
    objects: ObjectServer | None = None
    #: Where services look for the object server, when something stands in between.
    objects_endpoint: str = ""
    objects_port: int = 0

    async def start(self) -> None:
        """Start what was not given, all at once, and make what the services expect to find. Raises what they raise."""
        given = os.environ
        starting: list[Callable[[], None]] = []
        if not given.get("SHENBAO_DATABASE"):
            self.postgres = EmbeddedPostgres(
                self.folder.root, self.secrets.superuser, port=self.drawn.ports["postgres"]
            )
            starting.append(self.postgres.start)
        if not given.get("SHENBAO_EVENTS"):
            self.broker = Broker(
                folder=self.folder.root / "kafka", port=self.drawn.ports["kafka"],
                controller_port=self.drawn.ports["controller"], jars=cached("kafka"),
            )  # fmt: skip
            starting.append(self.broker.start)
        if not given.get("SHENBAO_OBJECTS"):
            self.objects = ObjectServer(
                program=cached("versitygw"), folder=self.folder.root / "s3", port=self.objects_port,
                root=Credentials(access_key=ROOT, secret_key=self.drawn.root_key),
            )  # fmt: skip
            starting.append(self.objects.start)
        ended = await asyncio.gather(*(asyncio.to_thread(start) for start in starting), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        await asyncio.gather(self._databases(), self._topics(), self._bucket())

    async def _databases(self) -> None:
        if self.postgres is not None:
            await prepare(self.secrets, self.postgres)
            return
        missing = [name for name in map(_database_setting, SERVICES) if not os.environ.get(name)]
        if missing:
            raise Unprepared(f"SHENBAO_DATABASE is given, so these are needed as well: {', '.join(missing)}")
        for database in owned_databases(os.environ):
            await upgrade(database)

    async def _topics(self) -> None:
        log = wiring.open_event_log(ServiceSettings(events=self.events_url))
        try:
            refused = [each.name for each in await log.apply_topics(declared()) if each.outcome == "refused"]
        except EventLogUnavailable as error:
            raise Unprepared(f"Kafka does not answer at SHENBAO_EVENTS={self.events_url}: {error}") from error
        finally:
            await log.close()
        if refused:
            raise Unprepared(f"topics with another number of partitions: {', '.join(refused)}")

    async def _bucket(self) -> None:
        if self.objects is not None:
            await asyncio.to_thread(self.objects.prepare, self.public_url, self.drawn.keys)
            return
        store = wiring.open_storage(ServiceSettings(), SystemClock(), TimeOrderedIds())
        with contextlib.closing(store):
            if isinstance(store, S3Store):
                await starting.check(store, deadline_s=GIVEN_DEADLINE_S)

    @property
    def events_url(self) -> str:
        """`SHENBAO_EVENTS`."""
        return os.environ.get("SHENBAO_EVENTS") or f"kafka://127.0.0.1:{self.drawn.ports['kafka']}"

    def database(self, service: str) -> str:
        """The URL of a service's restricted role."""
        if self.postgres is None:
            return os.environ[_database_setting(service)]
        return service_url(self.secrets, self.postgres, service)

    def told(self, service: str) -> Mapping[str, str]:
        """What one service is told of the servers: its own role and its own account."""
        own = {"SHENBAO_EVENTS": self.events_url, _database_setting(service): self.database(service)}
        if self.objects is not None:
            own["SHENBAO_OBJECTS"] = self.objects.url(self.objects_endpoint)
            if service in self.drawn.keys:
                own["SHENBAO_OBJECTS_ACCESS_KEY"] = service
                own["SHENBAO_OBJECTS_SECRET_KEY"] = self.drawn.keys[service]
        else:
            own["SHENBAO_OBJECTS"] = os.environ["SHENBAO_OBJECTS"]
        return own

    @property
    def named(self) -> Sequence[str]:
        """What runs here, for people."""
        here = {"PostgreSQL": self.postgres, "Kafka": self.broker, "S3": self.objects}
        return [name for name, server in here.items() if server is not None]

    def stop(self) -> None:
        """Stop what was started here."""
        for server in (self.broker, self.objects, self.postgres):
            if server is not None:
                server.stop()


def _database_setting(service: str) -> str:
    return f"SHENBAO_{service.upper()}_DATABASE"
