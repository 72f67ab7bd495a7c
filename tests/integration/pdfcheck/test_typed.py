"""Typed texts in PostgreSQL: sealed, in scope only, newest first, gone with their files."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database, Scope
from services.kernel.db.roles import role_of
from services.pdfcheck.ports import Subject, TypedText
from services.pdfcheck.repository import PostgresTypedTexts
from tests.cluster import Cluster

AT = datetime(2023, 6, 1, 8, tzinfo=UTC)
KEYS = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
PLACE = Subject(
    file_id="f1", dossier_id="d", organisation_path="/sc/", material_id="m", item_id="patent", component_id="intro"
)


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    opened = Database(cluster.url(role_of("pdfcheck"), database_name), schema="pdfcheck", pool_size=4)
    yield opened
    await opened.close()


def text(file_id: str, words: str, minutes: int = 0) -> TypedText:
    return TypedText(file_id=file_id, text=words, typed_at=AT + timedelta(minutes=minutes))


async def test_the_newest_comes_first_and_no_other_place_sees_it(database: Database) -> None:
    texts = PostgresTypedTexts(database, KEYS)
    await texts.save(PLACE, text("f1", "一"))
    await texts.save(replace(PLACE, file_id="f2"), text("f2", "二", minutes=1))
    await texts.save(PLACE, text("f1", "一一"))  # the same file again
    assert await texts.of(PLACE) == [text("f2", "二", minutes=1), text("f1", "一一")]
    for other in (
        replace(PLACE, component_id="certificate"), replace(PLACE, material_id="m2"), replace(PLACE, dossier_id="d2"),
        replace(PLACE, organisation_path="/yn/"),
    ):  # fmt: skip
        assert await texts.of(other) == []


async def test_it_is_sealed_and_goes_with_its_file(database: Database) -> None:
    texts = PostgresTypedTexts(database, KEYS)
    await texts.save(PLACE, text("f1", "患者王建国"))
    scope = Scope(organisation_path="/sc/", dossier_id="d")
    async with database.transaction(scope) as connection:
        [body] = (await connection.execute(sa.text("SELECT body FROM typed"))).scalars()
        assert "王建国".encode() not in bytes(body)
        await texts.forget(connection, "f1")
    assert await texts.of(PLACE) == []
