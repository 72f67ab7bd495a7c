"""Everything counted after the faults: nothing lost, nothing applied twice, nothing older over something newer."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.cli.embedded.platform import DATABASE
from services.kernel.db.embedded import SUPERUSER
from services.kernel.events.envelope import from_record
from services.kernel.events.kafka.connection import Security, cluster_of
from services.kernel.events.kafka.log import KafkaLog
from services.kernel.events.topics import HEARS, PREFIX
from tests.chaos.crowd import Done
from tests.unit.kernel.events.test_topics import HANDLED
from tools.stack.platform import Running

SERVICES = ("upload", "video", "pdfcheck", "review")
QUIET_DEADLINE_S = 120.0


def superuser_url(running: Running) -> str:
    """For looking at everything."""
    postgres = running.servers.postgres
    assert postgres is not None
    return postgres.url(SUPERUSER, running.servers.secrets.superuser, DATABASE)


def log_of(running: Running) -> KafkaLog:
    """A client of the stack's log; the caller closes it."""
    return KafkaLog(cluster_of(running.servers.events_url, Security()))


async def _rows(connection: AsyncConnection, query: str) -> list[Any]:
    return list((await connection.execute(sa.text(query))).all())


async def quiet(running: Running) -> None:
    """Return once nothing is under way any more: outboxes sent, records read, jobs ended but those that are held."""
    engine = create_async_engine(superuser_url(running))
    log = log_of(running)
    try:
        async with asyncio.timeout(QUIET_DEADLINE_S):
            while await _busy(engine, log, running.environments):
                await asyncio.sleep(0.2)
    finally:
        await log.close()
        await engine.dispose()


async def _busy(engine: Any, log: KafkaLog, told: Mapping[str, Mapping[str, str]]) -> bool:
    async with engine.connect() as connection:
        for service in SERVICES:
            held = told[service].get("SHENBAO_STAGES_HELD", "").replace(",", "','")
            jobs = f"SELECT 1 FROM {service}.jobs WHERE state IN ('queued', 'leased') AND stage NOT IN ('{held}')"
            if await _rows(connection, f"SELECT 1 FROM {service}.outbox UNION ALL {jobs} LIMIT 1"):
                return True
    return any(lag.records for lag in await log.lag())


async def count(running: Running, done: Sequence[Done]) -> None:
    """Raises `AssertionError` with what is not as it must be."""
    await quiet(running)
    for each in done:
        stored = {m["item_id"]: [f["sha256"] for f in m["files"]] for m in each.dossier["materials"]}
        assert stored == {item: [sha256] for item, sha256 in each.sent.items()}
        assert each.dossier["state"] == "in-review"
    engine = create_async_engine(superuser_url(running))
    async with engine.connect() as connection:
        await _once(connection, done)
        await _newest(connection, running)
    await engine.dispose()


async def _once(connection: AsyncConnection, done: Sequence[Done]) -> None:
    materials = sum(len(each.dossier["materials"]) for each in done)
    lines = await _rows(connection, "SELECT body FROM review.audit")
    actions = Counter(json.loads(body)["action"] for (body,) in lines)
    assert actions["created"] == actions["submitted"] == actions["forwarded"] == len(done)
    assert actions["file-stored"] == actions["file-verified"] == actions["confirmed"] == materials
    assert actions["merged"] == materials
    assert len(await _rows(connection, "SELECT 1 FROM review.decisions")) == len(done)
    assert len(await _rows(connection, "SELECT 1 FROM upload.files")) == materials
    assert len(await _rows(connection, "SELECT 1 FROM upload.files WHERE state = 'verified'")) == materials
    assert len(await _rows(connection, "SELECT 1 FROM pdfcheck.reports")) == materials
    assert await _rows(connection, "SELECT 1 FROM review.early_reports") == []
    for service in SERVICES:
        dead = f"SELECT stage, last_error FROM {service}.jobs WHERE state = 'dead'"
        assert await _rows(connection, dead) == []


async def _newest(connection: AsyncConnection, running: Running) -> None:
    """What each service has last heard of an aggregate is the newest that was said of it."""
    log = log_of(running)
    for group, sources in HEARS.items():
        said: dict[tuple[str, str], int] = {}
        for source in sources:
            async for record in log.scan(PREFIX + source):
                if record.headers.get("ce_type", "") in HANDLED[group]:
                    event = from_record(record)
                    place = event.source, event.aggregate_id
                    said[place] = max(said.get(place, 0), event.aggregate_version)
        heard = await _rows(connection, f"SELECT stream, aggregate_id, version FROM {group}.inbox_versions")
        assert {(stream, aggregate_id): version for stream, aggregate_id, version in heard} == said
    await log.close()
