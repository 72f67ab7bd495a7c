"""Transactions on a service's own database, with the scope of row-level security set in each.

A service connects with its restricted role. What it may see is set per transaction; unset means no rows. Tables of
work (`jobs`, `outbox`, `inbox`) hold ids only and stand outside.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool

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

_SET_SCOPE = text("SELECT set_config('shenbao.scope', :path, true), set_config('shenbao.dossier', :dossier, true)")
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
            hide_parameters=True,
            connect_args={
                "server_settings": {
                    "application_name": f"shenbao-{schema}",
                    "search_path": schema,
                    "idle_in_transaction_session_timeout": "60000",
                },
                "timeout": 10,
            },
        )

    @asynccontextmanager
    async def transaction(self, scope: Scope | None = None) -> AsyncIterator[AsyncConnection]:
        """One transaction; without a scope only the tables outside row-level security hold rows for it.

        Raises `AppError` request.unreadable-text when a text that PostgreSQL cannot hold (U+0000) was among the values.
        """
        try:
            async with self._engine.begin() as connection:
                if scope is not None:
                    parameters = {"path": scope.organisation_path, "dossier": scope.dossier_id}
                    await connection.execute(_SET_SCOPE, parameters)
                yield connection
        except exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _UNREADABLE_TEXT:
                raise AppError("request.unreadable-text", Kind.INVALID) from error
            raise

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


@asynccontextmanager
async def dedicated_connection(url: str, *, application_name: str, **settings: str) -> AsyncIterator[AsyncConnection]:
    """A connection of its own, outside any pool, in autocommit: for a leader's lock and for LISTEN."""
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={"server_settings": {"application_name": application_name, **settings}, "timeout": 10},
    )
    try:
        async with engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
    finally:
        await engine.dispose()
