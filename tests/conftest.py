"""Fixtures that every kind of test may use."""

from collections.abc import Iterator

import pytest

from tests import cluster as clusters


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clusters.Cluster]:
    """One PostgreSQL server for the worker process."""
    server, prepared = clusters.start(tmp_path_factory.mktemp("pg"))
    yield prepared
    server.stop()


@pytest.fixture
async def database_name(cluster: clusters.Cluster) -> str:
    """A fresh, migrated database."""
    return await cluster.fresh()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is named for its argument where the value is bytes: files made by code differ from worker to worker."""
    return argname if isinstance(val, bytes) else None
