"""Fixtures of the contract suites: one adapter of a port at a time."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.contract import event_logs, storages


@pytest.fixture(params=list(storages.ADAPTERS))
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[storages.StorageUnderTest]:
    """A fresh store of each adapter."""
    async with storages.ADAPTERS[request.param](request, tmp_path / "store") as under_test:
        yield under_test


@pytest.fixture(params=event_logs.PARAMETERS)
def opened_log(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[event_logs.LogUnderTest]:
    """A log of each adapter, about to be opened; its server has been started."""
    server, opener = event_logs.ADAPTERS[request.param]
    return opener(request.getfixturevalue(server))


@pytest.fixture
async def event_log(
    opened_log: AbstractAsyncContextManager[event_logs.LogUnderTest],
) -> AsyncIterator[event_logs.LogUnderTest]:
    """A fresh log of each adapter."""
    async with opened_log as under_test:
        yield under_test
