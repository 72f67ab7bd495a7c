"""Fixtures of the contract suites: one adapter of a port at a time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract import event_logs, storages


@pytest.fixture(params=list(storages.ADAPTERS))
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[storages.StorageUnderTest]:
    """A fresh store of each adapter."""
    async with storages.ADAPTERS[request.param](request, tmp_path / "store") as under_test:
        yield under_test


@pytest.fixture(params=event_logs.PARAMETERS)
async def event_log(request: pytest.FixtureRequest) -> AsyncIterator[event_logs.LogUnderTest]:
    """A fresh log of each adapter."""
    async with event_logs.ADAPTERS[request.param](request) as under_test:
        yield under_test
