"""The tables as queries name them are the tables that the migrations make: types, defaults, indexes, constraints."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from services.gateway import repository as gateway
from services.kernel.db.roles import OWNER, SERVICES
from services.kernel.events import tables as events
from services.kernel.jobs import tables as jobs
from services.pdfcheck import repository as pdfcheck
from services.review.repository import tables as review
from services.upload import repository as upload
from services.video.repository import tables as video
from tests.cluster import Cluster

_WORK = [events.metadata, jobs.metadata]
MODELS: dict[str, list[sa.MetaData]] = {
    "upload": [upload.metadata, *_WORK],
    "video": [video.metadata, *_WORK],
    "pdfcheck": [pdfcheck.metadata, *_WORK],
    "review": [review.metadata, *_WORK],
    "gateway": [gateway.metadata],
}


async def differences(cluster: Cluster, database: str, schema: str, models: list[sa.MetaData]) -> list[Any]:
    """What Alembic would write into the next migration."""

    def compared(connection: sa.Connection) -> list[Any]:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "target_metadata": models,
            "include_name": lambda name, kind, _parents: (kind, name) != ("table", "alembic_version"),
        }
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), models)  # type: ignore[arg-type]
        return found

    settings = {"server_settings": {"search_path": schema}}
    engine = create_async_engine(cluster.url(OWNER, database), connect_args=settings)
    async with engine.connect() as connection:
        found = await connection.run_sync(compared)
    await engine.dispose()
    return found


def test_every_service_is_compared() -> None:
    assert set(MODELS) == set(SERVICES)


@pytest.mark.parametrize("schema", MODELS)
async def test_migrations_make_exactly_the_models(cluster: Cluster, database_name: str, schema: str) -> None:
    assert await differences(cluster, database_name, schema, MODELS[schema]) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE upload.files ALTER area DROP NOT NULL",
        "ALTER TABLE upload.files ADD COLUMN more text",
        "ALTER TABLE upload.jobs ALTER priority SET DEFAULT 7",
        "DROP INDEX upload.uploads_dossier",
        "ALTER TABLE upload.uploads DROP CONSTRAINT uploads_file_id_key",
    ],
)
async def test_a_difference_is_seen(cluster: Cluster, database_name: str, change: str) -> None:
    engine = create_async_engine(cluster.superuser_url(database_name))
    async with engine.begin() as connection:
        await connection.execute(sa.text(change))
    await engine.dispose()
    assert await differences(cluster, database_name, "upload", MODELS["upload"]) != []
