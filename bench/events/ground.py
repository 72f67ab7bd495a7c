"""What every part of the benchmark stands on: real servers, tables for effects, events of 300 bytes."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.cli.embedded.folder import DataFolder, Secrets
from services.cli.embedded.platform import free_ports, prepare, service_url
from services.kernel import wiring
from services.kernel.config import ServiceSettings
from services.kernel.db.direct import fetch
from services.kernel.db.embedded import SUPERUSER, EmbeddedPostgres
from services.kernel.db.engine import Database
from services.kernel.db.roles import OWNER
from services.kernel.events.embedded_rows import dsn_of
from services.kernel.events.envelope import Event
from services.kernel.events.port import EventLog
from services.kernel.events.topics import PREFIX, topic
from services.kernel.ids import TimeOrderedIds
from tools.stack.kafka import Broker
from tools.stack.servers import cached

#: Who commits and relays, and who hears it.
SOURCE, GROUP = "upload", "review"
TYPE = "shenbao.upload.file-stored.v1"
PAYLOAD_BYTES = 300
#: The effect of both sides: one row per event. Nothing forbids a second one, or it could not be seen. It is sent as the
#: kernel sends its own statements: what a handler's SQLAlchemy takes is not the event's way.
EFFECT = "INSERT INTO bench_effects (aggregate_id, version) VALUES ($1, $2)"
TABLE = (
    "CREATE TABLE {schema}.bench_effects (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " aggregate_id text NOT NULL, version bigint NOT NULL)"
)
_IDS = TimeOrderedIds()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The servers while they run. PostgreSQL waits for the disk at every commit, and dates every commit."""

    broker: Broker
    postgres: EmbeddedPostgres
    secrets: Secrets
    #: PostgreSQL's.
    port: int
    logs: Path

    def database_url(self, service: str) -> str:
        """Of a service's restricted role."""
        return service_url(self.secrets, self.postgres, service)

    def kafka(self, prefix: str) -> str:
        """`SHENBAO_EVENTS` for topics and groups of a part's own."""
        return f"kafka://{self.broker.address}?prefix={prefix}."

    @property
    def embedded(self) -> str:
        """`SHENBAO_EVENTS` for the log in the same PostgreSQL."""
        return self.database_url(SOURCE).replace("postgresql+asyncpg://", "embedded+postgresql://", 1)

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[Database]:
        """As the service has it."""
        opened = Database(self.database_url(service), schema=service)
        try:
            yield opened
        finally:
            await opened.close()

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[asyncpg.Connection]:
        """A superuser's connection, for looking at both sides at once."""
        url = self.postgres.url(SUPERUSER, self.secrets.superuser, "shenbao")
        connection = await asyncpg.connect(dsn_of(url))
        try:
            yield connection
        finally:
            await connection.close()

    async def make_tables(self) -> None:
        """Both sides' tables for effects."""
        connection = await asyncpg.connect(dsn_of(self.postgres.url(OWNER, self.secrets.passwords[OWNER], "shenbao")))
        for schema in (SOURCE, GROUP):
            await connection.execute(TABLE.format(schema=schema))
        await connection.close()


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """PostgreSQL and Kafka below `folder`."""
    data = DataFolder(folder)
    data.make()
    postgres_port, port, controller_port = free_ports(3)
    secrets = data.secrets()
    postgres = EmbeddedPostgres(data.root, secrets.superuser, port=postgres_port)
    with Broker(folder=folder / "kafka", port=port, controller_port=controller_port, jars=cached("kafka")) as broker:
        with postgres:
            asyncio.run(_date_commits(postgres))
        with postgres:
            asyncio.run(prepare(secrets, postgres))
            found = Ground(broker=broker, postgres=postgres, secrets=secrets, port=postgres_port, logs=data.logs)
            asyncio.run(found.make_tables())
            yield found


async def _date_commits(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(dsn_of(postgres.superuser_url))
    await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await connection.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[EventLog]:
    """The log that a service would have with this `SHENBAO_EVENTS`, with the topic in it."""
    log = wiring.open_event_log(ServiceSettings(events=url))
    try:
        await log.apply_topics([topic(PREFIX + SOURCE), topic(f"{PREFIX}{SOURCE}.{GROUP}.dlq")])
        yield log
    finally:
        await log.close()


def event(aggregate_id: str, version: int) -> Event:
    """A fact of 300 bytes that nothing can compress, with the headers that a fact of a service has."""
    return Event(
        id=_IDS.new(),
        type=TYPE,
        source=SOURCE,
        aggregate_id=aggregate_id,
        aggregate_version=version,
        time=datetime.now(UTC),
        payload=os.urandom(PAYLOAD_BYTES),
        traceparent=f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01",
    )


def events(count: int, aggregates: int, part: str) -> Sequence[Event]:
    """`count` facts of so many aggregates, in turn."""
    return [event(f"{part}-{number % aggregates}", number // aggregates + 1) for number in range(count)]


async def have_effect(connection: AsyncConnection, told: Event) -> None:
    """Write the row."""
    await fetch(connection, EFFECT, told.aggregate_id, told.aggregate_version)
