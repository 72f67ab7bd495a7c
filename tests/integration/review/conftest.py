"""The review service's use cases on a fresh database, with a small tree of organisations."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, SealKey
from services.kernel.db.engine import Database
from services.kernel.db.roles import role_of
from services.kernel.ids import TimeOrderedIds
from services.review.domain.records import Organisation, Role
from services.review.ports import Facts
from services.review.repository.work import PostgresWork
from services.review.usecases.context import Context
from tests.cluster import Cluster
from tests.unit.review.builders import CATALOGUE

#: Path → level and kind.
TREE = {
    "/sc/": ("province", ""),
    "/sc/cd/": ("city", ""),
    "/sc/cd/jc/": ("county", ""),
    "/sc/cd/jc/h1/": ("unit", "county_unit"),
    "/sc/cd/jc/h2/": ("unit", "county_unit"),
    "/sc/h3/": ("unit", "provincial_unit"),
}


@pytest.fixture
async def database(cluster: Cluster, database_name: str) -> AsyncIterator[Database]:
    """The service's own."""
    opened = Database(cluster.url(role_of("review"), database_name), schema="review", pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def context(database: Database) -> Context:
    """Ready for use cases; nobody asks other services here."""
    keys = KeyRing([SealKey(key_id="a", secret=b"s" * 32)], b"l" * 32)
    work = PostgresWork(database, keys, b"k" * 32, SystemClock(), TimeOrderedIds())
    for path, (level, kind) in TREE.items():
        name = path.strip("/").rpartition("/")[2]
        await work.save_organisation(
            Organisation(organisation_id=name, path=path, name=f"机构{name}", level=level, kind=kind)
        )
    return Context(
        work=work,
        facts=cast("Facts", None),
        catalogue=CATALOGUE,
        clock=SystemClock(),
        ids=TimeOrderedIds(),
        audit_key=b"k" * 32,
    )


async def office(context: Context, account_id: str, role: Role, organisation_id: str) -> str:
    """An account with an office; the account."""
    await context.work.assign(account_id, role, organisation_id, f"姓名{account_id}")
    return account_id
