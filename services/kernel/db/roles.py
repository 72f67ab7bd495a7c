"""The owner role for migrations and one restricted role per service, each with a schema of its own."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

OWNER = "shenbao_owner"
SERVICES = ("upload", "video", "pdfcheck", "review", "gateway")
#: In the order in which they are migrated: the embedded event log first, so that a service which finds its own
#: schema up to date finds the log as well.
SCHEMAS = ("events", *SERVICES)


def role_of(service: str) -> str:
    """Name of the restricted role of a service."""
    return f"shenbao_{service}"


def _quote(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


async def _role(connection: AsyncConnection, name: str, password: str) -> None:
    there = await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name})
    verb = "ALTER" if there.first() else "CREATE"
    await connection.execute(
        text(f"{verb} ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {_quote(password)}")
    )


async def bootstrap(
    superuser_url: str,
    database_url: str,
    database: str,
    passwords: Mapping[str, str],
    schemas: Sequence[str] = SCHEMAS,
) -> None:
    """Make roles, database, schemas and grants; repeating it changes nothing.

    `passwords` maps the owner's and every service's role to its password; `database_url` is the superuser's URL of
    `database`, which is made when it is missing. A service with a database of its own has only its `schemas` there.
    """
    engine = create_async_engine(superuser_url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for name, password in passwords.items():
                await _role(connection, name, password)
            found = await connection.execute(
                text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": database}
            )
            if not found.first():
                await connection.execute(
                    text(f'CREATE DATABASE "{database}" OWNER {OWNER} ENCODING UTF8 TEMPLATE template0')
                )
    finally:
        await engine.dispose()
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            await _schemas(connection, schemas)
    finally:
        await engine.dispose()


async def _schemas(connection: AsyncConnection, schemas: Sequence[str]) -> None:
    await connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    for schema in schemas:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {OWNER}"))
        users = SERVICES if schema == "events" else (schema,)
        for service in users:
            role = role_of(service)
            await connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
            for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"):
                await connection.execute(
                    text(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA {schema} GRANT {what} TO {role}")
                )
