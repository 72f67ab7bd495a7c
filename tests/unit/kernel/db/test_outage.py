"""Waiting is right for what passes and wrong for everything else."""

import asyncpg
import pytest
from sqlalchemy import exc

from services.kernel.db.outage import is_outage


class Refused(Exception):
    """An error as the driver raises it, with its SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def wrapped(sqlstate: str, *, cut: bool = False) -> exc.DBAPIError:
    return exc.DBAPIError("SELECT 1", {}, Refused(sqlstate), connection_invalidated=cut)


@pytest.mark.parametrize("sqlstate", ["08006", "40001", "40P01", "53300", "55P03", "57P01", "57P03", "58030"])
def test_what_passes(sqlstate: str) -> None:
    assert is_outage(wrapped(sqlstate))


@pytest.mark.parametrize("sqlstate", ["22012", "23505", "42601", "42501", "54000", ""])
def test_what_does_not(sqlstate: str) -> None:
    assert not is_outage(wrapped(sqlstate))


def test_a_cut_connection_passes_whatever_it_says() -> None:
    assert is_outage(wrapped("", cut=True))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        FileNotFoundError("the server's socket"),
        TimeoutError(),
        exc.TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("terminated"),
    ],
)
def test_what_is_raised_without_a_statement(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a bug"),
        asyncpg.DataError("invalid input for query argument $1"),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.InvalidPasswordError("no"),
    ],
)
def test_bugs_and_refusals_are_no_outage(error: Exception) -> None:
    assert not is_outage(error)
