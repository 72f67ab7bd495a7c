"""The few statements that every transaction or event costs, straight to the driver.

SQLAlchemy takes longer for one of them than PostgreSQL does. Errors are raised as SQLAlchemy raises them, so nobody
has to know which way a statement went.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection


def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """asyncpg's connection below an open one of SQLAlchemy."""
    if connection.sync_connection is None:
        raise exc.InvalidRequestError("the connection is not open")
    driver: asyncpg.Connection = connection.sync_connection.connection.driver_connection
    return driver


async def fetch(connection: AsyncConnection, statement: str, *values: object) -> Sequence[asyncpg.Record]:
    """The rows of a statement with `$1`, `$2`, … in the transaction that `connection` is in; prepared once per
    connection.
    """
    with as_sqlalchemy(statement):
        found: Sequence[asyncpg.Record] = await driver_of(connection).fetch(statement, *values)
        return found


@contextmanager
def as_sqlalchemy(statement: str) -> Iterator[None]:
    """What asyncpg raises inside is raised as SQLAlchemy would. What sockets raise is left as it is: so does it."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise exc.IntegrityError(statement, None, error) from error
    except asyncpg.PostgresError as error:
        lost = isinstance(error, asyncpg.PostgresConnectionError)
        raise exc.DBAPIError(statement, None, error, connection_invalidated=lost) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # A connection that is closed, or just being closed; but a value of the wrong type is an InterfaceError as well.
        lost = not isinstance(error, ValueError)
        raise exc.InterfaceError(statement, None, error, connection_invalidated=lost) from error


def quoted(text: str) -> str:
    """`text` as a literal of SQL (`standard_conforming_strings` on). Raises `ValueError` for what no text of
    PostgreSQL can hold: U+0000 and halves of surrogate pairs.
    """
    if b"\x00" in text.encode():
        raise ValueError("U+0000 in a text for PostgreSQL")
    return "'" + text.replace("'", "''") + "'"
