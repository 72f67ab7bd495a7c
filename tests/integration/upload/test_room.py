"""A full store refuses what does not fit before a byte moves: a disk by its free bytes, a bucket by its quota."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from services.catalogue.error_texts import explain
from services.kernel.clock import SystemClock
from services.kernel.errors import AppError
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.s3 import S3Store
from services.upload.usecases import sessions
from tests.integration.upload.conftest import Service
from tests.integration.upload.test_store import BODY, new, unfinished
from tests.object_server import ROOT, ObjectServer

FREE_BYTES = 5000


class Usage(NamedTuple):
    """As `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


@pytest.fixture
async def tight(
    request: pytest.FixtureRequest, service: Service, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    """The service over a store that has room for `FREE_BYTES` more."""
    if isinstance(service.storage.store, LocalDir):
        usage: Callable[[object], Usage] = lambda _: Usage(2**40, 2**40 - FREE_BYTES, FREE_BYTES)  # noqa: E731
        monkeypatch.setattr(shutil, "disk_usage", usage)
        yield service
        return
    server: ObjectServer = request.getfixturevalue("object_server")
    address = replace(await asyncio.to_thread(server.fresh), quota_bytes=FREE_BYTES + len(BODY))
    store = S3Store(address, ROOT, SystemClock(), TimeOrderedIds())
    await store.put("derived/a", BODY)
    yield Service(
        context=replace(service.context, storage=store),
        storage=replace(service.storage, store=store),
        clock=service.clock,
        database=service.database,
    )
    store.close()


async def test_one_byte_more_than_there_is_room_for_is_refused_and_exactly_that_much_is_not(tight: Service) -> None:
    with pytest.raises(AppError) as refused:
        await sessions.create_upload(tight.context, new(FREE_BYTES + 1))
    assert (refused.value.code, refused.value.retryable) == ("upload.store-full", True)
    assert explain(refused.value.code, refused.value.params, "zh").fix == "请稍后重试，并告诉管理员。"
    assert await unfinished(tight) == []
    await sessions.create_upload(tight.context, new(FREE_BYTES))
    assert len(await unfinished(tight)) == 1
