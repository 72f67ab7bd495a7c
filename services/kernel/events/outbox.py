"""Events that are committed with their effect. The relay sends them afterwards."""

import json
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.direct import fetch
from services.kernel.db.locking import lock_key
from services.kernel.events.envelope import Event, to_record
from services.kernel.telemetry import traceparent

#: Lock, insert and notify in one statement: a transaction of one event waits for the server twice less. Numbers are
#: drawn above the sort, so after the lock was had.
_FLUSH = (
    "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock($1::bigint), pg_notify($2::text, ''))"
    " INSERT INTO outbox (event_id, topic, key, headers, payload)"
    " SELECT e.event_id, e.topic, e.key, e.headers::jsonb, e.payload"
    " FROM held, unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])"
    " WITH ORDINALITY AS e (event_id, topic, key, headers, payload, place) ORDER BY e.place"
)


def channel(service: str) -> str:
    """The NOTIFY channel that wakes a service's relay."""
    return f"shenbao_{service}_outbox"


class Outbox:
    """Collects the events of one transaction and writes them when it is about to commit.

    The insert takes the service's outbox lock, so sequence numbers become visible in their order and the relay,
    which reads by number, misses none (measured: polling by id without it lost 413 of 3,200). The lock is held
    from `flush` to the commit: `flush` is the last statement of a transaction.
    """

    def __init__(self, service: str) -> None:
        """For one transaction of `service`."""
        self._service = service
        self._events: list[Event] = []

    def add(self, event: Event) -> None:
        """Publish `event` if, and only if, the transaction commits. It continues the trace that is going on."""
        self._events.append(event if event.traceparent else replace(event, traceparent=traceparent()))

    @property
    def events(self) -> Sequence[Event]:
        """What was added and not yet flushed."""
        return tuple(self._events)

    async def flush(self, connection: AsyncConnection) -> None:
        """Write what was added. Nothing else may follow in the transaction but the commit."""
        if not self._events:
            return
        records = [to_record(event) for event in self._events]
        columns = (
            [event.id for event in self._events],
            [record.topic for record in records],
            [record.key for record in records],
            [json.dumps(dict(record.headers)) for record in records],
            [record.payload for record in records],
        )
        self._events.clear()
        await fetch(connection, _FLUSH, lock_key(self._service, "outbox"), channel(self._service), *columns)
