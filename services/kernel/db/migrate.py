"""Runs each service's Alembic migrations as the owner role, under a lock, and waits for them in the services."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.kernel.db.engine import Database
from services.kernel.db.locking import lock_in_transaction
from services.kernel.errors import AppError, Kind

_VERSION_TABLE = "alembic_version"


def _folder(schema: str) -> Path:
    package = "services.kernel.events" if schema == "events" else f"services.{schema}"
    return Path(str(resources.files(package))) / "migrations"


def _scripts(schema: str) -> ScriptDirectory:
    configuration = Config()
    configuration.set_main_option("script_location", str(_folder(schema)))
    configuration.set_main_option("version_locations", str(_folder(schema)))
    configuration.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(configuration)


def head(schema: str) -> str:
    """The revision that this code needs."""
    found = _scripts(schema).get_current_head()
    if found is None:
        raise AppError("database.no-migrations", Kind.INTERNAL, schema=schema)
    return found


def revisions(schema: str) -> Sequence[str]:
    """Every revision that this code knows, oldest first."""
    return [script.revision for script in reversed(list(_scripts(schema).walk_revisions()))]


def _is_down(schema: str, target: str, found: Sequence[str]) -> bool:
    """Whether the way from `found` (nothing, or one revision) to `target` takes changes back."""
    known = ["base", *revisions(schema)]
    return target != "head" and bool(found) and known.index(target) < known.index(found[0])


def _run(connection: Connection, schema: str, target: str) -> None:
    scripts = _scripts(schema)
    configuration = Config()

    def steps(revision: Any, _context: Any) -> Any:
        down = _is_down(schema, target, revision)
        return scripts._downgrade_revs(target, revision) if down else scripts._upgrade_revs(target, revision)  # noqa: SLF001 - what alembic.command does

    with EnvironmentContext(configuration, scripts, fn=steps, destination_rev=target) as environment:
        environment.configure(connection=connection, version_table=_VERSION_TABLE, version_table_schema=schema)
        environment.run_migrations()


async def migrate(owner_url: str, schemas: Sequence[str], *, target: str = "head") -> None:
    """Bring every schema to `target` ("head", "base" or a revision), up or down, one transaction per schema.

    Two at once wait for each other. Raises `AppError` database.unknown-revision, for a target or for what the schema
    is at, and SQLAlchemy's errors when the database refuses.
    """
    engine = create_async_engine(owner_url)
    try:
        for schema in schemas:
            async with engine.begin() as connection:
                await lock_in_transaction(connection, schema, "migrate")
                for revision in (target, await _found(connection, schema)):
                    _check_known(schema, revision)
                await connection.run_sync(_run, schema, target)
    finally:
        await engine.dispose()


def _check_known(schema: str, revision: str) -> None:
    known = revisions(schema)
    if revision not in ("", "base", "head", *known):
        raise AppError(
            "database.unknown-revision", Kind.PRECONDITION, schema=schema, measured=revision, allowed=", ".join(known)
        )


async def _found(connection: AsyncConnection, schema: str) -> str:
    """The schema's revision, "" before the first migration."""
    table = f"{schema}.{_VERSION_TABLE}"
    there = await connection.execute(text("SELECT to_regclass(:table)"), {"table": table})
    if there.scalar_one() is None:
        return ""
    return str((await connection.execute(text(f"SELECT version_num FROM {table}"))).scalar() or "")


async def found_revisions(connection: AsyncConnection, schemas: Sequence[str]) -> Mapping[str, str]:
    """Schema → its revision, "" where nothing was migrated yet."""
    return {schema: await _found(connection, schema) for schema in schemas}


async def await_revision(database: Database, *, deadline_s: float) -> None:
    """Return once the schema is at this code's revision. Raises `AppError` database.not-migrated after the deadline."""
    expected = head(database.schema)
    ends = time.monotonic() + deadline_s
    found = "nothing"
    while time.monotonic() < ends:
        try:
            async with database.transaction() as connection:
                found = (await connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}"))).scalar_one()
            if found == expected:
                return
        except (DBAPIError, OSError) as error:
            found = str(getattr(error, "orig", error)).partition("\n")[0][:200]
        await asyncio.sleep(0.05)
    raise AppError(
        "database.not-migrated",
        Kind.UNAVAILABLE,
        retryable=True,
        schema=database.schema,
        found=found,
        expected=expected,
    )
