"""A text that no column can hold is the sender's matter, not a bug of ours."""

import pytest
from sqlalchemy import exc, text

from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind


@pytest.mark.parametrize("statement", ["SELECT CAST(:given AS text)", "SELECT note FROM effects WHERE note = :given"])
async def test_a_null_character_is_refused_by_name(database: Database, statement: str) -> None:
    with pytest.raises(AppError) as caught:
        async with database.transaction() as connection:
            await connection.execute(text(statement), {"given": "张\0三"})
    assert (caught.value.code, caught.value.kind) == ("request.unreadable-text", Kind.INVALID)


async def test_a_null_character_within_json_as_well(database: Database) -> None:
    with pytest.raises(AppError, match=r"request\.unreadable-text"):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT CAST(:given AS jsonb) ->> 'name'"), {"given": '{"name": "\\u0000"}'})


@pytest.mark.parametrize("given", ["\x01", "\u202e", "\uffff", "𠮷", ""])
async def test_every_other_text_comes_back_as_it_was(database: Database, given: str) -> None:
    async with database.transaction() as connection:
        assert (await connection.execute(text("SELECT CAST(:given AS text)"), {"given": given})).scalar_one() == given


async def test_other_refusals_of_the_database_stay_what_they_are(database: Database) -> None:
    with pytest.raises(exc.DBAPIError, match="division by zero"):
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1 / 0"))
