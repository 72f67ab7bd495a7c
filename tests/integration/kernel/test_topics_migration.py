"""What was in topics of one fact each lies in one topic per service after the migration, and nothing unread is lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import services
from services.kernel.clock import SystemClock
from services.kernel.db.migrate import migrate, revisions
from services.kernel.db.roles import OWNER, role_of
from services.kernel.events.deadletters import DeadLetters
from services.kernel.events.embedded import EmbeddedLog
from tests.cluster import Cluster
from tests.contract.event_logs import fetched

#: (topic, partition, offset, key), in the order in which they were appended.
APPENDED = [
    ("shenbao.upload.file-stored", 3, 0, "f1"),
    ("shenbao.upload.file-verified", 3, 0, "f1"),
    ("shenbao.upload.file-stored", 3, 1, "f2"),
    ("shenbao.review.disc-requested", 3, 0, "f1"),
    ("shenbao.upload.file-stored", 5, 0, "f3"),
    ("shenbao.upload.file-verified", 3, 1, "f2"),
]
LETTERS = "shenbao.upload.file-stored.review.dlq"


@pytest.fixture
async def before(cluster: Cluster, database_name: str) -> AsyncIterator[AsyncConnection]:
    """A log of the first revision; the migration runs when the connection has been let go."""
    owner = cluster.url(OWNER, database_name)
    await migrate(owner, ["events"], target="base")
    await migrate(owner, ["events"], target="events_0001")
    engine = create_async_engine(owner)
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def fill(connection: AsyncConnection) -> None:
    for topic in sorted({topic for topic, *_ in APPENDED}):
        await connection.execute(text("INSERT INTO events.topics VALUES (:t, 24)"), {"t": topic})
        ends = text("INSERT INTO events.ends SELECT :t, generate_series(0, 23), 0")
        await connection.execute(ends, {"t": topic})
    await connection.execute(text("INSERT INTO events.topics VALUES (:t, 1)"), {"t": LETTERS})
    await connection.execute(text("INSERT INTO events.ends VALUES (:t, 0, 1)"), {"t": LETTERS})
    append = text(
        "INSERT INTO events.records (topic, partition, log_offset, key, headers, payload)"
        " VALUES (:t, :p, :o, :k, CAST(:h AS jsonb), '')"
    )
    for topic, partition, offset, key in APPENDED:
        row = {"t": topic, "p": partition, "o": offset, "k": key, "h": "{}"}
        await connection.execute(append, row)
        end = text("UPDATE events.ends SET next_offset = :o WHERE topic = :t AND partition = :p")
        await connection.execute(end, {"t": topic, "p": partition, "o": offset + 1})
    letter = (
        '{"dlq_reason": "InvariantBroken", "dlq_group": "review", "dlq_topic": "shenbao.upload.file-stored",'
        ' "dlq_partition": "3", "dlq_offset": "0", "dlq_at": "2023-06-01T00:00:00+00:00", "ce_id": "e1"}'
    )
    await connection.execute(append, {"t": LETTERS, "p": 0, "o": 0, "k": "f9", "h": letter})
    stand = text("INSERT INTO events.positions SELECT :g, :t, generate_series(0, 23), 0")
    for group, topic in (
        ("review", "shenbao.upload.file-stored"),
        ("review", "shenbao.upload.file-verified"),
        ("video", "shenbao.upload.file-stored"),
        ("video", "shenbao.review.disc-requested"),
    ):
        await connection.execute(stand, {"g": group, "t": topic})
    read = text(
        "UPDATE events.positions SET next_offset = :o WHERE consumer_group = :g AND topic = :t AND partition = 3"
    )
    await connection.execute(read, {"g": "review", "t": "shenbao.upload.file-stored", "o": 2})
    await connection.execute(read, {"g": "review", "t": "shenbao.upload.file-verified", "o": 1})
    await connection.execute(read, {"g": "video", "t": "shenbao.upload.file-stored", "o": 1})


async def test_every_record_keeps_its_order_and_every_group_its_place(
    cluster: Cluster, database_name: str, before: AsyncConnection
) -> None:
    await fill(before)
    await before.commit()
    await migrate(cluster.url(OWNER, database_name), ["events"])
    log = EmbeddedLog(cluster.url(role_of("upload"), database_name))
    kept = [(each.partition, each.offset, each.key) async for each in log.scan("shenbao.upload")]
    assert kept == [(3, 0, "f1"), (3, 1, "f1"), (3, 2, "f2"), (3, 3, "f2"), (5, 0, "f3")]
    behind = {(lag.group, lag.topic, lag.partition): lag.records for lag in await log.lag() if lag.records}
    assert behind == {
        ("review", "shenbao.upload", 3): 1,
        ("review", "shenbao.upload", 5): 1,
        ("video", "shenbao.upload", 3): 2,
        ("video", "shenbao.upload", 5): 1,
        ("video", "shenbao.review", 3): 1,
    }
    assert set(await log.topics()) == {"shenbao.upload", "shenbao.review", LETTERS}
    member = await log.subscribe("review", ["shenbao.upload"])
    assert {each.key for each in await fetched(member, 2)} == {"f2", "f3"}
    await member.close()
    await log.close()


async def test_a_dead_letter_leads_back_to_the_new_topic(
    cluster: Cluster, database_name: str, before: AsyncConnection
) -> None:
    await fill(before)
    await before.commit()
    await migrate(cluster.url(OWNER, database_name), ["events"])
    log = EmbeddedLog(cluster.url(role_of("upload"), database_name))
    letters = DeadLetters(log, SystemClock())
    (letter,) = await letters.waiting()
    await letters.replay(letter.letter_id, by="operator")
    assert [each.headers["ce_id"] async for each in log.scan("shenbao.upload") if each.key == "f9"] == ["e1"]
    await log.close()


async def test_an_empty_log_is_migrated_too(cluster: Cluster, database_name: str, before: AsyncConnection) -> None:
    await before.commit()
    await migrate(cluster.url(OWNER, database_name), ["events"])
    log = EmbeddedLog(cluster.url(role_of("upload"), database_name))
    assert await log.topics() == []
    await log.close()


def before_topics(service: str) -> str:
    """The revision of a service before the one that renames what waits; later ones do not matter."""
    [renaming] = (Path(services.__file__).parent / service / "migrations").glob("*_topics.py")
    return revisions(service)[int(renaming.name[:4]) - 2]


@pytest.mark.parametrize("service", ["upload", "video", "pdfcheck", "review"])
async def test_what_waits_in_an_outbox_goes_to_the_new_topic(
    cluster: Cluster, database_name: str, service: str
) -> None:
    owner = cluster.url(OWNER, database_name)
    await migrate(owner, [service], target=before_topics(service))
    engine = create_async_engine(owner)
    put = text(
        f"INSERT INTO {service}.outbox (event_id, topic, key, headers, payload)"
        f" VALUES ('e', 'shenbao.{service}.something-done', 'k', '{{}}', '')"
    )
    async with engine.begin() as connection:
        await connection.execute(put)
    await migrate(owner, [service])
    async with engine.begin() as connection:
        waiting = (await connection.execute(text(f"SELECT topic FROM {service}.outbox"))).scalars().all()
    await engine.dispose()
    assert waiting == [f"shenbao.{service}"]
