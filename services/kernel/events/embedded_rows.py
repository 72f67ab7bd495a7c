"""What the embedded log and its members share: rows, and which errors mean that the database is away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.engine import make_url

from services.kernel.db.outage import is_outage
from services.kernel.events.port import Delivered, EventLogUnavailable

#: Wakes every member after an append.
CHANNEL = "shenbao_events"


def dsn_of(url: str) -> str:
    """`postgresql+asyncpg://…` as asyncpg itself wants it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def outages_translated() -> Iterator[None]:
    """Raise `EventLogUnavailable` for what passes by itself; anything else is a bug and stays what it is."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if not is_outage(error):
            raise
        raise EventLogUnavailable(type(error).__name__) from error


def delivered(row: asyncpg.Record) -> Delivered:
    """A row of `events.records` in the order topic, partition, offset, key, headers, payload, time."""
    return Delivered(
        topic=row[0],
        partition=row[1],
        offset=row[2],
        key=row[3],
        headers=json.loads(row[4]),
        payload=row[5],
        appended_at=row[6],
    )
