"""How smaller files came about, in PostgreSQL: what was taken back stays on record, and is no longer in the way."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database, Scope
from services.kernel.db.roles import role_of
from services.kernel.ids import TimeOrderedIds
from services.pdfcheck.domain.coaching import Derivation, Method
from services.pdfcheck.ports import Subject
from services.pdfcheck.repository import PostgresCoaching
from tests.cluster import Cluster

AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
WHERE = ("d-taken", "/sc/")
KEYS = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    opened = Database(cluster.url(role_of("pdfcheck"), database_name), schema="pdfcheck", pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def coaching(database: Database) -> PostgresCoaching:
    return PostgresCoaching(database, KEYS, TimeOrderedIds())


def derivation(file_id: str, *, adopted_at: datetime | None = AT) -> Derivation:
    return Derivation(
        file_id=file_id, from_file_id="first", advice_id="a-taken", method=Method.VISUAL, pages=(), asked_by="p",
        asked_at=AT, adopted_at=adopted_at,
    )  # fmt: skip


async def save(database: Database, coaching: PostgresCoaching, *derivations: Derivation) -> None:
    subject = Subject(file_id="first", dossier_id=WHERE[0], organisation_path=WHERE[1])
    async with database.transaction(Scope(organisation_path=WHERE[1], dossier_id=WHERE[0])) as connection:
        for each in derivations:
            await coaching.save_derivation(connection, subject, each)


async def test_what_was_taken_back_stays_on_record(database: Database, coaching: PostgresCoaching) -> None:
    later = AT + timedelta(hours=1)
    kept, waiting = derivation("kept-1", adopted_at=later), derivation("waiting", adopted_at=None)
    await save(database, coaching, derivation("taken"), kept, waiting)
    async with database.transaction(Scope(organisation_path="/sc/")) as connection:
        await coaching.take_back(connection, "taken", later)
    taken = replace(derivation("taken"), taken_back_at=later)
    assert await coaching.derivation(*WHERE, "taken") == taken
    assert await coaching.adopted(*WHERE) == [taken, kept]
    assert await coaching.derivations_of(*WHERE, "a-taken") == [kept, waiting]
    assert await coaching.adopted("another", "/sc/") == []


async def test_a_job_that_ends_late_does_not_hide_it(database: Database, coaching: PostgresCoaching) -> None:
    await save(database, coaching, derivation("late", adopted_at=None))
    async with database.transaction(Scope(organisation_path="/sc/")) as connection:
        await coaching.take_back(connection, "late", AT)
    await save(database, coaching, derivation("late"))
    found = await coaching.derivation(*WHERE, "late")
    assert found == replace(derivation("late"), taken_back_at=AT)
