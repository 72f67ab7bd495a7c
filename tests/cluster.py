"""A real PostgreSQL for the tests: one server per worker process, one fresh database per test, restricted roles."""

import asyncio
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.db.embedded import EmbeddedPostgres
from services.kernel.db.migrate import migrate
from services.kernel.db.roles import OWNER, SCHEMAS, SERVICES, bootstrap, role_of

_PASSWORD = "for-tests-only"
_TEMPLATE = "template_migrated"


class Cluster:
    """The server and a migrated template that fresh databases are copied from."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        """`server` runs."""
        self._server = server
        self._numbers = itertools.count(1)

    def prepare(self, schemas: Sequence[str] = SCHEMAS) -> None:
        """Make roles and the template; nothing here has to outlive the machine, so nothing waits for the disk."""
        asyncio.run(self._forgo_syncing())
        passwords = dict.fromkeys([OWNER, *(role_of(service) for service in SERVICES)], _PASSWORD)
        superuser = self.superuser_url(_TEMPLATE)
        asyncio.run(bootstrap(self._server.superuser_url, superuser, _TEMPLATE, passwords))
        asyncio.run(migrate(self.url(OWNER, _TEMPLATE), schemas))

    async def _forgo_syncing(self) -> None:
        engine = create_async_engine(self._server.superuser_url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text("ALTER SYSTEM SET fsync = off"))
            await connection.execute(text("SELECT pg_reload_conf()"))
        await engine.dispose()

    def superuser_url(self, database: str) -> str:
        """For looking at everything in a test."""
        return self._server.superuser_url.replace("/postgres?", f"/{database}?")

    def url(self, role: str, database: str) -> str:
        """The URL of a role on a database."""
        return self._server.url(role, _PASSWORD, database)

    async def fresh(self) -> str:
        """A new database with every schema migrated; its name."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        engine = create_async_engine(self._server.superuser_url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER {OWNER}"))
        await engine.dispose()
        return name


def start(folder: Path) -> tuple[EmbeddedPostgres, Cluster]:
    """Start a server below `folder`, prepared."""
    server = EmbeddedPostgres(folder, _PASSWORD)
    server.start()
    cluster = Cluster(server)
    cluster.prepare()
    return server, cluster
