"""Transactions on a service's own database, with the scope of row-level security set in each.

A service connects with its restricted role. What it may see is set per transaction; unset means no rows. Tables of
work (`jobs`, `outbox`, `inbox`) hold ids only and stand outside.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool

from services.kernel.db.direct import as_sqlalchemy, driver_of, quoted
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError, Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which dossiers' rows a transaction sees: those at or below `organisation_path` ("/sc/cd/", ends in "/"),
    and of them only `dossier_id` when it is given.
    """

    organisation_path: str
    dossier_id: str = ""

    def __post_init__(self) -> None:
        """Refuse a path that could match a sibling ("/a/b" would match "/a/bc")."""
        if not (self.organisation_path.startswith("/") and self.organisation_path.endswith("/")):
            raise ValueError("an organisation path begins and ends with '/'")


#: The whole tree: the platform's own work that spans dossiers (projection of an operator's view, verification).
EVERYTHING = Scope(organisation_path="/")

_BEGIN_IN_SCOPE = (
    "BEGIN; SELECT set_config('shenbao.scope', {path}, true), set_config('shenbao.dossier', {dossier}, true)"
)
#: SQLSTATE of a text, and of a text within JSON, that no column can hold.
_UNREADABLE_TEXT = frozenset({"22021", "22P05"})
_ROLE = text(
    "SELECT r.rolname, r.rolsuper, r.rolbypassrls,"
    " EXISTS (SELECT 1 FROM pg_namespace n WHERE n.nspname = :schema"
    " AND pg_has_role(current_user, n.nspowner, 'USAGE'))"
    " FROM pg_roles r WHERE r.rolname = current_user"
)


class Database:
    """A pool of connections to one service's schema."""

    def __init__(
        self, url: str, *, schema: str, pool_size: int = 4, overflow: int | None = None, timeout_s: float = 10
    ) -> None:
        """Nothing connects before the first transaction. `url` is `postgresql+asyncpg://…`.

        `overflow` connections more (as many again unless given) are opened while all are in use; a transaction waits
        `timeout_s` for one.
        """
        self.url = url
        self.schema = schema
        self.connections_allowed = 2 * pool_size
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size if overflow is None else overflow,
            pool_timeout=timeout_s,
            pool_pre_ping=False,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",  # as SQLAlchemy has it: transactions are begun and ended here
            hide_parameters=True,
            connect_args={
                "server_settings": {
                    "application_name": f"shenbao-{schema}",
                    "search_path": schema,
                    "idle_in_transaction_session_timeout": "60000",
                    "standard_conforming_strings": "on",
                },
                "timeout": 10,
            },
        )

    @asynccontextmanager
    async def transaction(self, scope: Scope | None = None) -> AsyncIterator[AsyncConnection]:
        """One transaction; without a scope only the tables outside row-level security hold rows for it.

        Raises `AppError` request.unreadable-text when a text that PostgreSQL cannot hold (U+0000) was among the values.
        """
        async with self.session() as session, session.transaction(scope) as connection:
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """For transactions one after the other on one connection: to fetch it from the pool costs as much as a
        statement.
        """
        session = Session(self._engine, most_tries=self.connections_allowed + 1)
        try:
            yield session
        finally:
            await session.close()

    async def refuse_privileged_role(self) -> None:
        """Raise `AppError` database.privileged-role for a superuser, a role that bypasses row-level security, or
        the owner of the schema: for each of them the second line of defence would not exist.
        """
        async with self.transaction() as connection:
            row = (await connection.execute(_ROLE, {"schema": self.schema})).one()
        if row[1] or row[2] or row[3]:
            why = "superuser" if row[1] else "bypasses row-level security" if row[2] else f"owner of {self.schema}"
            raise AppError("database.privileged-role", Kind.PRECONDITION, role=row[0], why=why)

    @property
    def connections_used(self) -> int:
        """Connections of the pool that a transaction has now."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def answer(self) -> None:
        """Return once the server answered. Raises SQLAlchemy's errors."""
        async with self.transaction() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


class Session:
    """A connection of the pool from its first transaction to `close`, replaced when it is lost."""

    def __init__(self, engine: AsyncEngine, *, most_tries: int) -> None:
        """Made by :meth:`Database.session` only."""
        self._engine = engine
        self._most_tries = most_tries
        self._connection: AsyncConnection | None = None

    @asynccontextmanager
    async def transaction(self, scope: Scope | None = None) -> AsyncIterator[AsyncConnection]:
        """See :meth:`Database.transaction`; one at a time."""
        connection = await self._begun(_beginning(scope))
        driver = driver_of(connection)
        try:
            try:
                yield connection
            except BaseException:
                await _roll_back(driver)
                raise
            await _commit(driver)
        except exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _UNREADABLE_TEXT:
                raise AppError("request.unreadable-text", Kind.INVALID) from error
            raise

    async def _begun(self, beginning: str) -> AsyncConnection:
        """A connection on which a transaction has begun. One that was lost since it was last used is replaced: nothing
        was asked of it yet.
        """
        for left in reversed(range(self._most_tries)):
            connection = await self._open()
            try:
                with as_sqlalchemy("BEGIN"):
                    await driver_of(connection).execute(beginning)
            except BaseException as error:
                driver_of(connection).terminate()
                if not (left and isinstance(error, Exception) and is_outage(error)):
                    raise
            else:
                return connection
        raise AssertionError("the last try returns or raises")

    async def _open(self) -> AsyncConnection:
        if self._connection is not None and (self._connection.invalidated or driver_of(self._connection).is_closed()):
            await self.close()
        if self._connection is None:
            self._connection = await self._engine.connect()
        return self._connection

    async def close(self) -> None:
        """Give the connection back to the pool, or up."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not connection.invalidated and driver_of(connection).is_closed():
            await connection.invalidate()
        await connection.close()


def _beginning(scope: Scope | None) -> str:
    """Raises `AppError` request.unreadable-text."""
    if scope is None:
        return "BEGIN"
    try:
        return _BEGIN_IN_SCOPE.format(path=quoted(scope.organisation_path), dossier=quoted(scope.dossier_id))
    except ValueError as error:
        raise AppError("request.unreadable-text", Kind.INVALID) from error


async def _commit(driver: asyncpg.Connection) -> None:
    """Raises `DBAPIError` also when an earlier statement had failed and nobody told: the server rolls back then, and
    calls that no error.
    """
    with as_sqlalchemy("COMMIT"):
        try:
            ended = await driver.execute("COMMIT")
        except BaseException:  # whether it was committed is not known; nothing else may begin on this connection
            driver.terminate()
            raise
    if ended != "COMMIT":
        raise exc.InternalError("COMMIT", None, RuntimeError(f"a statement had failed, and the server said {ended}"))


async def _roll_back(driver: asyncpg.Connection) -> None:
    """A connection that cannot do it is given up: the server rolls back."""
    try:
        await driver.execute("ROLLBACK")
    except BaseException as error:
        driver.terminate()
        if not isinstance(error, Exception):
            raise


@asynccontextmanager
async def dedicated_connection(url: str, *, application_name: str, **settings: str) -> AsyncIterator[AsyncConnection]:
    """A connection of its own, outside any pool, in autocommit: for a leader's lock and for LISTEN. A statement is
    prepared once, for as long as it lasts.
    """
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "server_settings": {"application_name": application_name, **settings},
            "timeout": 10,
            "max_cached_statement_lifetime": 0,
        },
    )
    try:
        async with engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
    finally:
        await engine.dispose()
