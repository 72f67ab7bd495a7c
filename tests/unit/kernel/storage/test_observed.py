"""Calls of a store are measured by name and outcome; no key is told of."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.observed import ObservedStorage
from services.kernel.storage.port import ObjectExists, ObjectMissing
from services.kernel.storage.presign import PresignKey, Signer
from tests.contract.storages import SetClock
from tests.samples import sample
from tests.spans import recorded

KEY = "staging/some-key"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObservedStorage]:
    clock = SetClock()
    signer = Signer([PresignKey(key_id="test", secret="s" * 32)], clock)
    inner = LocalDir(tmp_path, signer, "http://store.test", clock, TimeOrderedIds())
    yield ObservedStorage(inner)
    inner.close()


def calls(operation: str, outcome: str) -> float:
    return sample("shenbao_storage_call_duration_seconds_count", operation=operation, outcome=outcome)


async def test_what_went_well_and_what_was_refused_are_counted_apart(store: ObservedStorage) -> None:
    before = calls("put", "ok"), calls("put", "ObjectExists"), calls("read", "ObjectMissing")
    await store.put(KEY, b"one")
    with pytest.raises(ObjectExists):
        await store.put(KEY, b"two")
    with pytest.raises(ObjectMissing):
        await store.read("staging/another", 0, 1)
    after = calls("put", "ok"), calls("put", "ObjectExists"), calls("read", "ObjectMissing")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


async def test_a_bug_is_no_outcome_of_a_store(store: ObservedStorage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b""
        raise LookupError(KEY)

    before = calls("put", "failed")
    with pytest.raises(LookupError):
        await store.put(KEY, broken())
    assert calls("put", "failed") == before + 1


async def test_calls_that_change_something_are_in_the_trace_without_their_keys(store: ObservedStorage) -> None:
    with recorded() as kept:
        await store.put(KEY, b"one")
        await store.read(KEY, 0, 3)
        await store.delete(KEY)
    assert [span.name for span in kept.spans] == ["storage put", "storage delete"]
    assert KEY not in "".join(span.to_json() for span in kept.spans)


async def test_bytes_of_completed_uploads_are_counted(store: ObservedStorage) -> None:
    before = sample("shenbao_upload_bytes_total")
    upload = await store.create_upload(KEY)
    with pytest.raises(ObjectMissing):
        await store.complete_upload(KEY, "another", [])
    assert sample("shenbao_upload_bytes_total") == before
    await store.abort_upload(KEY, upload)
