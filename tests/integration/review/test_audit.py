"""The audit chain on real rows: written under row-level security, tampered with by a superuser, found and located."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database
from services.kernel.db.roles import role_of
from services.kernel.ids import TimeOrderedIds
from services.review.domain.audit import Head
from services.review.ports import Scope
from services.review.repository.work import PostgresWork
from services.review.usecases.auditing import verify_chains
from tests.cluster import Cluster
from tests.unit.review.builders import dossier

KEY = b"k" * 32
SCOPE = Scope(organisation_path="/sc/")


class Chain:
    """Five lines of one dossier, and a superuser's hands."""

    def __init__(self, database: Database, superuser_url: str) -> None:
        keys = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
        self.work = PostgresWork(database, keys, KEY, SystemClock(), TimeOrderedIds())
        self.superuser_url = superuser_url

    async def write(self, lines: int) -> None:
        for number in range(lines):
            async with self.work.begin(SCOPE) as unit:
                await unit.audit(dossier(), f"a{number}", "somebody", {"number": number})

    async def tamper(self, statement: str) -> None:
        engine = create_async_engine(self.superuser_url)
        async with engine.begin() as connection:
            await connection.execute(sa.text(statement))
        await engine.dispose()

    async def breaks(self, *anchors: Head) -> list[tuple[int, str]]:
        found = await verify_chains(self.work, KEY, anchors)
        return [(b.sequence, b.kind) for b in found.breaks]


@pytest.fixture
async def chain(cluster: Cluster, database_name: str) -> AsyncIterator[Chain]:
    database = Database(cluster.url(role_of("review"), database_name), schema="review", pool_size=2)
    made = Chain(database, cluster.superuser_url(database_name))
    await made.write(5)
    assert await made.breaks() == []
    yield made
    await database.close()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE review.audit SET body = replace(body, 'somebody', 'other') WHERE sequence = 3", (3, "changed")),
        ("DELETE FROM review.audit WHERE sequence = 2", (2, "removed")),
        ("DELETE FROM review.audit WHERE sequence > 3", (4, "cut")),
        ("DELETE FROM review.audit_heads", (6, "cut")),
        (
            (
                "INSERT INTO review.audit (dossier_id, sequence, organisation_path, body, mac)"
                " VALUES ('d1', 6, '/sc/cd/jc/h1/', '{}', 'x')"
            ),
            (6, "inserted"),
        ),
    ],
)
async def test_what_was_done_to_the_rows_is_found_and_located(
    chain: Chain, statement: str, place: tuple[int, str]
) -> None:
    await chain.tamper(statement)
    assert place in await chain.breaks()


async def test_rows_and_head_set_back_together_are_found_by_yesterdays_anchor(chain: Chain) -> None:
    rows, anchor = await chain.work.chain(SCOPE, "d1")
    assert anchor is not None
    await chain.tamper("DELETE FROM review.audit")
    await chain.tamper("DELETE FROM review.audit_heads")
    await chain.write(2)
    assert await chain.breaks() == []
    assert (3, "cut") in await chain.breaks(anchor)
    assert len(rows) == 5


async def test_another_organisation_sees_and_writes_nothing(chain: Chain) -> None:
    rows, head = await chain.work.chain(Scope(organisation_path="/sc/cd/jc/h2/"), "d1")
    assert (list(rows), head) == ([], None)
    with pytest.raises(sa.exc.DBAPIError, match="row-level security"):
        async with chain.work.begin(Scope(organisation_path="/sc/cd/jc/h2/")) as unit:
            await unit.audit(dossier(), "x", "y", {})
