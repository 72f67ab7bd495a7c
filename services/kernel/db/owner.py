"""The owner's side of a database: where it is, and whether migrations may run there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.kernel.errors import AppError, Kind

LEAST_VERSION = 15
DRIVER = "postgresql+asyncpg"
#: SQLSTATE classes of a connection that the server refuses: authentication, no such database.
_REFUSED = frozenset({"28", "3D"})
_SCHEMA_OWNERS = text(
    "SELECT n.nspname, pg_get_userbyid(n.nspowner) FROM pg_namespace n WHERE n.nspname = ANY(:schemas)"
)
_SERVER = text("SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_user")


def check_url(setting: str, url: str) -> str:
    """The URL itself. Raises `AppError` settings.bad-database-url, which never shows it: it holds a password."""
    try:
        parts = make_url(url)
    except ArgumentError as error:
        raise AppError("settings.bad-database-url", Kind.INVALID, setting=setting, allowed=DRIVER) from error
    if parts.drivername != DRIVER or not parts.database or not parts.username:
        raise AppError("settings.bad-database-url", Kind.INVALID, setting=setting, allowed=DRIVER)
    return url


def place_of(url: str) -> str:
    """Host, port and database for people: no account, no password."""
    parts = make_url(url)
    host = parts.host or str(parts.query.get("host", "localhost"))
    return f"{host}:{parts.port or 5432}/{parts.database}"


@asynccontextmanager
async def connected(url: str, **settings: str) -> AsyncIterator[AsyncConnection]:
    """A connection of its own for an operator's command; `settings` are the session's.

    Raises `AppError` database.unreachable, database.refused.
    """
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": 10, "server_settings": {"application_name": "shenbao-operator", **settings}},
    )
    try:
        connection = await _connect(engine, url)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def _connect(engine: AsyncEngine, url: str) -> AsyncConnection:
    try:
        return await engine.connect()
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise _translated(error, url) from error


def _translated(error: Exception, url: str) -> AppError:
    cause = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", "") or "")
    role = make_url(url).username or ""
    if state[:2] in _REFUSED:
        said = str(cause).partition("\n")[0][:200]
        return AppError("database.refused", Kind.FORBIDDEN, place=place_of(url), role=role, said=said)
    return AppError("database.unreachable", Kind.UNAVAILABLE, place=place_of(url), said=type(cause).__name__)


async def check_owner(url: str, schemas: Sequence[str]) -> None:
    """Raises `AppError` unless migrations may run: database.too-old, database.wrong-encoding, database.no-schema,
    database.not-owner, and as `connected`.
    """
    async with connected(url) as connection:
        version, encoding, role = (await connection.execute(_SERVER)).one()
        found = await connection.execute(_SCHEMA_OWNERS, {"schemas": list(schemas)})
        owners: Mapping[str, str] = {row[0]: row[1] for row in found}
    if version < LEAST_VERSION * 10_000:
        raise AppError(
            "database.too-old", Kind.PRECONDITION, place=place_of(url), measured=version // 10_000,
            allowed=LEAST_VERSION,
        )  # fmt: skip
    if encoding != "UTF8":
        raise AppError("database.wrong-encoding", Kind.PRECONDITION, place=place_of(url), measured=encoding)
    for schema in schemas:
        if schema not in owners:
            raise AppError("database.no-schema", Kind.PRECONDITION, place=place_of(url), schema=schema)
        if owners[schema] != role:
            raise AppError("database.not-owner", Kind.FORBIDDEN, schema=schema, role=role, owner=owners[schema])
