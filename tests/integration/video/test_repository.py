"""What stages keep of a file, in PostgreSQL: their numbers, and what they seal."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from services.catalogue.findings import Finding
from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database, Scope
from services.kernel.db.roles import role_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import TimeOrderedIds
from services.video.domain.look import Sample
from services.video.ports import KeptShot, Subject, TitleCard, VideoLook, VideoOpening, VideoProxy
from services.video.repository import PostgresReports, PostgresTitleCards
from tests.cluster import Cluster
from tests.unit.catalogue.opening.writing import rows

SCOPE = Scope(organisation_path="/sc/", dossier_id="d")
SUBJECT = Subject(file_id="f", dossier_id="d", organisation_path="/sc/", material_id="m", item_id="surgery_video")
AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
KEYS = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
WHERE = ("d", "/sc/", "f")


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    opened = Database(cluster.url(role_of("video"), database_name), schema="video", pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def reports(database: Database) -> PostgresReports:
    return PostgresReports(database, KEYS, SystemClock(), TimeOrderedIds())


@pytest.fixture
def cards(database: Database) -> PostgresTitleCards:
    return PostgresTitleCards(database, KEYS, TimeOrderedIds())


def opening(version: int) -> VideoOpening:
    kept = (KeptShot(shot=rows("主刀：张三"), object_key="derived/a.jpg"),)
    return VideoOpening(opening_id="o", version=version, seconds=15, shots=kept, read_at=AT)


def look(version: int) -> VideoLook:
    finding = Finding(code="video.black", rule_id="M15-2c", measured=7, limit=5, unit="s", where="0:01–0:08")
    return VideoLook(
        look_id="l", version=version, samples=(Sample(time_s=0, mean=1, spread=2, sharpness=3),), findings=(finding,),
        object_key="derived/s.jpg", cell_px=(192, 108), looked_at=AT,
    )  # fmt: skip


async def test_two_stages_that_end_at_once_get_two_numbers(reports: PostgresReports, database: Database) -> None:
    """With the same one, whoever hears of both would take the second for an old one, and never hear of a disc."""
    first_has_its_number, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> int:
        async with database.transaction(SCOPE) as connection:
            version = await reports.next_version(connection, "f")
            first_has_its_number.set()
            await go_on.wait()
            await reports.save_look(connection, SUBJECT, look(version))
        return version

    async def second() -> int:
        await first_has_its_number.wait()
        async with database.transaction(SCOPE) as connection:
            waiting = asyncio.create_task(reports.next_version(connection, "f"))
            assert not (await asyncio.wait({waiting}, timeout=0.2))[0]
            go_on.set()
            version = await waiting
            await reports.save_opening(connection, Outbox("video"), SUBJECT, opening(version))
        return version

    one, other = await asyncio.gather(first(), second())
    assert (one, other) == (1, 2)


async def test_another_file_does_not_wait(reports: PostgresReports, database: Database) -> None:
    async with database.transaction(SCOPE) as one, database.transaction(SCOPE) as other:
        assert await reports.next_version(one, "f") == 1
        assert await reports.next_version(other, "g") == 1


async def test_opening_and_look_come_back_as_they_were_and_go_with_the_file(
    reports: PostgresReports, database: Database
) -> None:
    async with database.transaction(SCOPE) as connection:
        await reports.save_opening(connection, Outbox("video"), SUBJECT, opening(1))
        await reports.save_look(connection, SUBJECT, look(2))
    assert await reports.opening(*WHERE) == opening(1)
    assert await reports.look(*WHERE) == look(2)
    async with database.transaction(SCOPE) as connection:
        body = (await connection.execute(sa.text("SELECT body FROM openings"))).scalar_one()
        assert "张三".encode() not in bytes(body)
        await reports.forget(connection, "f")
    assert await reports.opening(*WHERE) is None
    assert await reports.look(*WHERE) is None


async def test_a_copy_comes_back_as_it_was_and_goes_with_the_file(reports: PostgresReports, database: Database) -> None:
    copy = VideoProxy(
        proxy_id="p", version=4, object_key="derived/proxy.mp4", size_bytes=9, width_px=640, height_px=360, made_at=AT
    )
    async with database.transaction(SCOPE) as connection:
        await reports.save_proxy(connection, SUBJECT, copy)
        assert await reports.next_version(connection, "f") == 5
    assert await reports.proxy(*WHERE) == copy
    async with database.transaction(SCOPE) as connection:
        await reports.forget(connection, "f")
    assert await reports.proxy(*WHERE) is None


def card(card_id: str) -> TitleCard:
    return TitleCard(card_id=card_id, declared={"surgeon": "张三"}, seconds=5, requested_at=AT)


async def test_the_last_opening_that_was_asked_for_counts(cards: PostgresTitleCards, database: Database) -> None:
    await cards.request(SUBJECT, card("first"))
    await cards.request(SUBJECT, card("second"))
    assert await cards.find(*WHERE) == card("second")
    async with database.transaction(SCOPE) as connection:
        query = sa.text("SELECT argument, state FROM jobs WHERE stage = 'titlecard' ORDER BY job_id")
        jobs = (await connection.execute(query)).all()
    assert [tuple(job) for job in jobs] == [("first", "cancelled"), ("second", "queued")]


async def test_what_came_of_an_opening_is_kept_sealed(cards: PostgresTitleCards, database: Database) -> None:
    await cards.request(SUBJECT, card("c"))
    finding = Finding(code="video.too-long", rule_id="M15-2d", measured=1201.5, limit=1200, unit="s")
    done = replace(card("c"), object_key="derived/titled.mp4", etag="e", size_bytes=9, card_s=5.04, findings=(finding,))
    async with database.transaction(SCOPE) as connection:
        await cards.save(connection, SUBJECT, done)
        body = (await connection.execute(sa.text("SELECT body FROM title_cards"))).scalar_one()
        assert "张三".encode() not in bytes(body)
    assert await cards.find(*WHERE) == done
    assert await cards.find("other", "/sc/other/", "f") is None
    async with database.transaction(SCOPE) as connection:
        await cards.forget(connection, "f")
    assert await cards.find(*WHERE) is None


async def test_another_dossiers_rows_are_not_there(reports: PostgresReports, database: Database) -> None:
    async with database.transaction(SCOPE) as connection:
        await reports.save_opening(connection, Outbox("video"), SUBJECT, opening(1))
    assert await reports.opening("other", "/sc/other/", "f") is None
