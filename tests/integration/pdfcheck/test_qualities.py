"""What was seen on pages, in PostgreSQL: sealed, in scope only, gone with its file; near pages of a dossier."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from services.catalogue.pages.model import Repeat, SeenFile, SeenLine, SeenPage
from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database, Scope
from services.kernel.db.roles import role_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import TimeOrderedIds
from services.pdfcheck.ports import NearPage, Quality, Subject
from services.pdfcheck.repository import PostgresQualities, PostgresReports
from tests.cluster import Cluster
from tests.unit.catalogue.pages.test_rules import page

AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
KEYS = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
A, B = "f0f0a5a53c3c9999", "f0f0a5a53c3c99a6"  # six bits apart
FAR = "0f0f5a5ac3c36666"


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    opened = Database(cluster.url(role_of("pdfcheck"), database_name), schema="pdfcheck", pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def qualities(database: Database) -> PostgresQualities:
    return PostgresQualities(database, KEYS, SystemClock(), TimeOrderedIds())


@pytest.fixture
def reports(database: Database) -> PostgresReports:
    return PostgresReports(database, KEYS, SystemClock(), TimeOrderedIds())


class Store:
    """Saves in a file's own scope."""

    def __init__(self, database: Database, qualities: PostgresQualities, reports: PostgresReports) -> None:
        self.database, self.qualities, self.reports = database, qualities, reports

    async def save(self, file_id: str, *pages: SeenPage, dossier_id: str = "d", path: str = "/sc/") -> int:
        subject = Subject(file_id=file_id, dossier_id=dossier_id, organisation_path=path, item_id="education")
        async with self.database.transaction(Scope(organisation_path=path, dossier_id=dossier_id)) as connection:
            version = await self.reports.next_version(connection, file_id)
            lines = (SeenLine(text="姓名：王建国", confidence=0.98),)
            seen = SeenFile(version=version, pages=pages, findings=(), lines=lines)
            outbox = Outbox("pdfcheck")
            await self.qualities.save_quality(
                connection, outbox, subject, Quality(quality_id="q", seen=seen, looked_at=AT)
            )
            await outbox.flush(connection)
        return version

    async def rows(self, query: str) -> list[Any]:
        async with self.database.transaction(Scope(organisation_path="/sc/")) as connection:
            return list((await connection.execute(sa.text(query))).all())


@pytest.fixture
def store(database: Database, qualities: PostgresQualities, reports: PostgresReports) -> Store:
    return Store(database, qualities, reports)


async def test_kept_sealed_and_announced_without_what_was_read(store: Store) -> None:
    assert await store.save("f", page(print=A)) == 1
    found = await store.qualities.quality("d", "/sc/", "f")
    assert found is not None
    assert (found.seen.pages, found.seen.lines[0].text) == ((page(print=A),), "姓名：王建国")
    [(body,)] = await store.rows("SELECT body FROM qualities")
    assert "王建国".encode() not in body
    [(kind, payload)] = await store.rows("SELECT headers->>'ce_type', payload FROM outbox")
    assert kind == "shenbao.pdfcheck.pages-seen.v1"
    assert "王建国".encode() not in payload


async def test_versions_of_report_and_pages_grow_together(store: Store) -> None:
    assert [await store.save("f", page(print=A)), await store.save("f", page(print=A))] == [1, 2]


@pytest.mark.parametrize(("dossier_id", "path"), [("other", "/sc/"), ("d", "/sx/")])
async def test_out_of_scope_there_is_nothing(store: Store, dossier_id: str, path: str) -> None:
    await store.save("f", page(print=A))
    assert await store.qualities.quality(dossier_id, path, "f") is None
    assert await store.qualities.near_pages(dossier_id, path, "f") == ()


async def test_near_pages_of_the_dossier_the_nearest_first(store: Store) -> None:
    await store.save("f", page(1, print=A), page(2, print=FAR), page(3, print=B))
    await store.save("g", page(4, print=A), page(5, print=f"{int(B, 16) ^ 1 << 40:016x}"))
    await store.save("h", page(1, print=A), dossier_id="somebody else's")
    assert await store.qualities.near_pages("d", "/sc/", "f") == (
        NearPage(page=1, other_file_id="g", other_page=4, apart=0),
        NearPage(page=3, other_file_id="g", other_page=5, apart=1),
        NearPage(page=3, other_file_id="f", other_page=1, apart=6),
        NearPage(page=3, other_file_id="g", other_page=4, apart=6),
    )


async def test_blank_pages_repeat_nothing(store: Store) -> None:
    await store.save("f", page(1, print=A, ink=0.0), page(2, print=A, ink=0.0))
    assert await store.qualities.near_pages("d", "/sc/", "f") == ()


async def test_repeats_are_announced_only_where_there_are_any(store: Store) -> None:
    await store.save("f", page(print=A))
    subject = Subject(file_id="f", dossier_id="d", organisation_path="/sc/")
    found = Repeat(page=1, other_file_id="g", other_page=4, likeness=0.9)
    for repeats, told in (((), 1), ((found,), 2)):
        async with store.database.transaction(Scope(organisation_path="/sc/", dossier_id="d")) as connection:
            version = await store.reports.next_version(connection, "f")
            outbox = Outbox("pdfcheck")
            await store.qualities.save_repeats(connection, outbox, subject, repeats, version)
            await outbox.flush(connection)
        assert len(await store.rows("SELECT 1 FROM outbox")) == told
    kept = await store.qualities.quality("d", "/sc/", "f")
    assert kept is not None
    assert (kept.seen.repeats, kept.seen.version) == ((found,), 3)


async def test_of_a_deleted_file_nothing_is_left_and_nothing_comes_back(store: Store) -> None:
    await store.save("f", page(print=A))
    subject = Subject(file_id="f", dossier_id="d", organisation_path="/sc/")
    async with store.database.transaction(Scope(organisation_path="/sc/", dossier_id="d")) as connection:
        await store.qualities.forget_quality(connection, "f")
        outbox = Outbox("pdfcheck")
        repeat = Repeat(page=1, other_file_id="g", other_page=1, likeness=1)
        await store.qualities.save_repeats(connection, outbox, replace(subject), (repeat,), 9)
        await outbox.flush(connection)
    assert await store.rows("SELECT 1 FROM qualities UNION ALL SELECT 1 FROM prints") == []
    assert len(await store.rows("SELECT 1 FROM outbox")) == 1
