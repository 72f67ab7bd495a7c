"""The same page in several dossiers, in PostgreSQL: found everywhere, told of within an office, gone with its files."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from services.catalogue.pages.model import SeenFile, SeenPage
from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import EVERYTHING, Database, Scope
from services.kernel.db.roles import role_of
from services.kernel.events.outbox import Outbox
from services.kernel.ids import TimeOrderedIds
from services.pdfcheck.domain.prints import NEAR_ELSEWHERE
from services.pdfcheck.ports import PageElsewhere, Quality, Subject, Twin
from services.pdfcheck.repository import PostgresQualities, PostgresTwins, twins
from tests.cluster import Cluster
from tests.unit.catalogue.pages.test_rules import page

AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
KEYS = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
H1, H2, FAR = "/sc/cd/jc/h1/", "/sc/cd/jc/h2/", "/sc/mz/x/"
A = 0xF0F0A5A53C3C9999


def differing(*bits: int) -> str:
    value = A
    for bit in bits:
        value ^= 1 << bit
    return f"{value:016x}"


SAME = differing()


class Store:
    """Files of several dossiers, each saved in its own scope."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.qualities = PostgresQualities(database, KEYS, SystemClock(), TimeOrderedIds())
        self.twins = PostgresTwins(database)

    async def seen(self, file_id: str, *pages: SeenPage, dossier_id: str, path: str = H1) -> None:
        subject = Subject(file_id=file_id, dossier_id=dossier_id, organisation_path=path)
        seen = SeenFile(version=1, pages=pages, findings=(), lines=())
        async with self.database.transaction(Scope(organisation_path=path, dossier_id=dossier_id)) as connection:
            outbox = Outbox("pdfcheck")
            quality = Quality(quality_id="q", seen=seen, looked_at=AT)
            await self.qualities.save_quality(connection, outbox, subject, quality)
            await outbox.flush(connection)

    async def save(self, file_id: str, *found: Twin, dossier_id: str = "d", path: str = H1) -> None:
        subject = Subject(file_id=file_id, dossier_id=dossier_id, organisation_path=path)
        async with self.database.transaction(Scope(organisation_path=path, dossier_id=dossier_id)) as connection:
            await self.twins.save(connection, subject, found)

    async def forget(self, file_id: str) -> None:
        async with self.database.transaction(EVERYTHING) as connection:
            await self.qualities.forget_quality(connection, file_id)
            await self.twins.forget(connection, file_id)

    async def rows(self, scope: Scope) -> Sequence[Any]:
        async with self.database.transaction(scope) as connection:
            return (await connection.execute(sa.select(twins.twins.c.file_id, twins.twins.c.other_file_id))).all()

    async def near(self, dossier_id: str = "d", file_id: str = "f") -> list[tuple[int, str, int, int]]:
        found = await self.twins.near(dossier_id, file_id)
        return [(each.page, each.other.file_id, each.other.page, each.apart) for each in found]

    async def below(self, path: str, dossier_id: str = "d", *file_ids: str) -> list[tuple[str, int, str, int]]:
        found = await self.twins.below(dossier_id, path, file_ids)
        return [(each.file_id, each.page, each.other.file_id, each.other.page) for each in found]


@pytest.fixture
async def store(cluster: Cluster, database_name: str) -> AsyncIterator[Store]:
    opened = Database(cluster.url(role_of("pdfcheck"), database_name), schema="pdfcheck", pool_size=4)
    yield Store(opened)
    await opened.close()


def twin(file_id: str, other_id: str, other_dossier: str, path: str = H1, **changes: Any) -> Twin:
    given = {"page": 1, "likeness": 0.9, "other_page": 1, **changes}
    other = PageElsewhere(
        dossier_id=other_dossier, organisation_path=path, file_id=other_id, page=given["other_page"]
    )  # fmt: skip
    return Twin(file_id=file_id, page=given["page"], other=other, likeness=given["likeness"])


@pytest.mark.parametrize("bits", [(0, 16, 32), (16, 32, 63), (0, 31, 63), (5, 6, 7), ()])
async def test_three_bits_apart_is_found_wherever_they_lie(store: Store, bits: tuple[int, ...]) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(4, print=differing(*bits)), dossier_id="e", path=FAR)
    assert await store.near() == [(1, "g", 4, len(bits))]


@pytest.mark.parametrize("bits", [(0, 16, 32, 48), (5, 6, 7, 8)])
async def test_four_bits_apart_is_not(store: Store, bits: tuple[int, ...]) -> None:
    assert len(bits) == NEAR_ELSEWHERE + 1
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=differing(*bits)), dossier_id="e", path=FAR)
    assert await store.near() == []


async def test_neither_ones_own_dossier_nor_what_is_blank(store: Store) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=SAME), dossier_id="d")
    await store.seen("h", page(print=SAME, ink=0.0), dossier_id="e")
    assert await store.near() == []


async def test_the_nearest_first_then_ones_own_organisation_and_few_of_one_dossier(store: Store) -> None:
    await store.seen("f", page(1, print=SAME), dossier_id="d")
    await store.seen("g", *(page(number, print=SAME) for number in range(1, 6)), dossier_id="b", path=FAR)
    await store.seen("h", page(9, print=differing(3)), dossier_id="a", path=FAR)
    await store.seen("i", page(2, print=SAME), dossier_id="z")
    assert await store.near() == [(1, "i", 2, 0), (1, "g", 1, 0), (1, "g", 2, 0), (1, "g", 3, 0), (1, "h", 9, 1)]


async def test_a_page_that_everybody_has_does_not_crowd_out_the_others(store: Store) -> None:
    await store.seen("f", page(1, print=SAME), page(2, print=differing(8, 9, 10, 11, 12, 13, 14)), dossier_id="d")
    for number in range(twins.OF_A_PAGE + 3):
        await store.seen(f"g{number:02}", page(1, print=SAME), dossier_id=f"e{number:02}")
    await store.seen("h", page(7, print=differing(8, 9, 10, 11, 12, 13)), dossier_id="x")
    found = await store.near()
    assert len([each for each in found if each[0] == 1]) == twins.OF_A_PAGE
    assert (2, "h", 7, 1) in found


async def test_both_dossiers_are_told_whichever_was_compared(store: Store) -> None:
    await store.seen("f", page(1, print=SAME), page(2, print=SAME), dossier_id="d")
    await store.seen("g", page(3, print=SAME), dossier_id="e", path=H2)
    await store.save("f", twin("f", "g", "e", H2, page=2, other_page=3))
    assert await store.below("/sc/cd/jc/", "d") == [("f", 2, "g", 3)]
    assert await store.below("/sc/cd/jc/", "e") == [("g", 3, "f", 2)]
    await store.save("g", twin("g", "f", "d", page=3, other_page=2), dossier_id="e", path=H2)
    assert await store.below("/sc/cd/jc/", "d") == [("f", 2, "g", 3)], "told once"


@pytest.mark.parametrize(
    ("office", "found"), [("/", 2), ("/sc/", 2), ("/sc/cd/", 1), ("/sc/cd/jc/", 1), (H1, 0), (H2, 0), (FAR, 0)]
)
async def test_both_must_lie_below_the_office(store: Store, office: str, found: int) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=SAME), dossier_id="e", path=H2)
    await store.seen("h", page(print=SAME), dossier_id="x", path=FAR)
    await store.save("f", twin("f", "g", "e", H2))
    await store.save("h", twin("h", "f", "d"), dossier_id="x", path=FAR)
    assert len(await store.below(office, "d")) == found


async def test_rows_are_seen_in_the_scope_of_the_dossier_that_was_compared(store: Store) -> None:
    await store.save("f", twin("f", "g", "e", FAR))
    assert await store.rows(Scope(organisation_path=H1, dossier_id="d")) == [("f", "g")]
    for scope in (
        Scope(organisation_path=H1, dossier_id="e"), Scope(organisation_path=FAR, dossier_id="e"),
        Scope(organisation_path=H2), Scope(organisation_path=FAR),
    ):  # fmt: skip
        assert await store.rows(scope) == []


async def test_comparing_anew_replaces_what_was_found(store: Store) -> None:
    for file_id, dossier_id in (("f", "d"), ("g", "e"), ("h", "x")):
        await store.seen(file_id, page(print=SAME), dossier_id=dossier_id)
    await store.save("f", twin("f", "g", "e"))
    await store.save("f", twin("f", "h", "x"))
    assert await store.below("/sc/", "d") == [("f", 1, "h", 1)]
    await store.save("f")
    assert await store.below("/sc/", "d") == []


async def test_of_some_files_only_and_the_likest_first(store: Store) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=SAME), dossier_id="d")
    for number in range(3):
        await store.seen(f"o{number}", page(print=SAME), dossier_id=f"e{number}")
    await store.save("f", twin("f", "o0", "e0", likeness=0.8), twin("f", "o1", "e1", likeness=0.95))
    await store.save("g", twin("g", "o2", "e2"))
    assert await store.below("/sc/", "d", "f") == [("f", 1, "o1", 1), ("f", 1, "o0", 1)]
    assert len(await store.below("/sc/", "d")) == 3
    assert await store.below("/sc/", "d", "another") == []


@pytest.mark.parametrize("gone", ["f", "g"])
async def test_with_either_file_it_goes(store: Store, gone: str) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=SAME), dossier_id="e", path=FAR)
    await store.save("f", twin("f", "g", "e", FAR))
    await store.forget(gone)
    assert await store.rows(EVERYTHING) == []


async def test_what_was_written_of_a_file_that_went_meanwhile_is_not_told(store: Store) -> None:
    await store.seen("f", page(print=SAME), dossier_id="d")
    await store.seen("g", page(print=SAME), dossier_id="e")
    await store.forget("g")
    await store.save("f", twin("f", "g", "e"))
    assert await store.below("/sc/", "d") == []
