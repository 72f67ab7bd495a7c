"""Writing over a network that breaks: an effect whose answer was lost is recognised, a failure leaves nothing."""

import hashlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.kernel.storage.port import (
    MIN_PART_BYTES,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    StoredPart,
    StoreFull,
    StoreUnavailable,
)
from services.kernel.storage.s3 import S3Store
from tests.fault_proxy import Fault, Proxy, fates
from tests.integration.kernel.s3.conftest import opened
from tests.object_server import ObjectServer

KEY = "derived/a"
LONG = random.Random(2).randbytes(2 * MIN_PART_BYTES + 9)
JOIN = "uploadId="


async def content(store: S3Store, key: str = KEY) -> bytes:
    return b"".join([chunk async for chunk in store.stream(key)])


async def unfinished(store: S3Store) -> list[tuple[str, str]]:
    return [found async for found in store.stale_uploads(datetime.now(UTC) + timedelta(days=1))]


@pytest.mark.parametrize("body", [b"short", LONG])
async def test_a_put_whose_answer_was_lost_knows_its_own_object(
    shaky: S3Store, proxy: Proxy, store: S3Store, body: bytes
) -> None:
    proxy.plan = fates(Fault.LOST_ANSWER, only="POST /" if body == LONG else "PUT ")
    if body == LONG:
        proxy.plan = lambda _number, line: (
            Fault.LOST_ANSWER if "POST" in line and JOIN in line and not proxy.faults else Fault.NONE
        )
    info = await shaky.put(KEY, body)
    assert proxy.faults == [Fault.LOST_ANSWER]
    assert info == await store.head(KEY)
    assert await content(store) == body
    assert await unfinished(store) == []


async def test_somebody_elses_object_is_not_mistaken_for_it(shaky: S3Store, proxy: Proxy, store: S3Store) -> None:
    await store.put(KEY, b"short")
    proxy.plan = fates(Fault.LOST_ANSWER, only="PUT ")
    with pytest.raises(ObjectExists):
        await shaky.put(KEY, b"short")


async def test_a_long_body_goes_in_parts_and_is_whole(store: S3Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(LONG)
    info = await store.put_file(KEY, str(source))
    assert (info.size_bytes, info.etag.endswith("-3")) == (len(LONG), True)
    assert info == await store.head(KEY)
    assert await content(store) == LONG
    with pytest.raises(ObjectExists):
        await store.put_file(KEY, str(source))
    source.write_bytes(LONG[:-1])
    assert (await store.put_file(KEY, str(source), if_absent=False)).size_bytes == len(LONG) - 1
    assert await unfinished(store) == []


@pytest.mark.parametrize("body", [LONG[:MIN_PART_BYTES], LONG[: MIN_PART_BYTES + 1]])
async def test_exactly_a_part_goes_at_once_and_one_byte_more_in_two(store: S3Store, body: bytes) -> None:
    info = await store.put(KEY, body)
    assert info.etag.endswith("-2") is (len(body) > MIN_PART_BYTES)
    assert await content(store) == body


async def test_a_long_body_that_breaks_off_leaves_no_parts(store: S3Store) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield LONG
        raise ConnectionResetError("the sender went away")

    with pytest.raises(ConnectionResetError):
        await store.put(KEY, broken())
    assert await unfinished(store) == []
    with pytest.raises(ObjectMissing):
        await store.head(KEY)


async def test_a_full_server_is_said_to_be_full(shaky: S3Store, proxy: Proxy, store: S3Store) -> None:
    proxy.status = 507
    proxy.plan = lambda _number, line: Fault.ERROR if line.startswith("PUT ") else Fault.NONE
    for body in (b"short", LONG):
        with pytest.raises(StoreFull):
            await shaky.put(KEY, body)
    assert await unfinished(store) == []
    with pytest.raises(StoreUnavailable):
        await shaky.probe()
    proxy.status = 403
    proxy.body = b"<Error><Code>QuotaExceeded</Code><Message>no</Message></Error>"
    with pytest.raises(StoreFull):
        await shaky.put(KEY, b"short")


async def test_a_copy_by_parts_is_the_same_bytes(store: S3Store) -> None:
    source = await store.put(KEY, LONG)
    copied = await store.copy(KEY, "evidence/a", etag=source.etag)
    assert copied.etag.endswith("-3")
    assert await content(store, "evidence/a") == LONG
    assert await store.copy(KEY, "evidence/a") == copied
    assert (await store.copy("evidence/a", "evidence/b")).size_bytes == len(LONG)
    assert await unfinished(store) == []


async def test_what_came_in_parts_is_copied_like_any_other(store: S3Store) -> None:
    upload_id = await store.create_upload(KEY)
    await store.complete_upload(KEY, upload_id, [await send(store, KEY, upload_id, LONG)])
    await store.copy(KEY, "evidence/a")
    assert await content(store, "evidence/a") == LONG


async def test_a_copy_of_nothing_is_an_empty_object(store: S3Store) -> None:
    await store.put(KEY, b"")
    assert (await store.copy(KEY, "evidence/a")).size_bytes == 0
    assert (await store.copy(KEY, "evidence/a")).size_bytes == 0


async def test_equal_bytes_under_the_target_are_found_equal_by_reading_them(store: S3Store) -> None:
    await store.put(KEY, LONG)
    await store.put("evidence/same", LONG[:-1] + b"x")
    with pytest.raises(ObjectExists):
        await store.copy(KEY, "evidence/same")
    upload_id = await store.create_upload("evidence/other-parts")
    part = await send(store, "evidence/other-parts", upload_id, LONG)
    there = await store.complete_upload("evidence/other-parts", upload_id, [part])
    assert await store.copy(KEY, "evidence/other-parts") == there


async def test_a_copy_whose_answer_was_lost_knows_its_own_object(shaky: S3Store, proxy: Proxy, store: S3Store) -> None:
    await store.put(KEY, LONG)
    proxy.plan = lambda _number, line: (
        Fault.LOST_ANSWER if "POST" in line and JOIN in line and not proxy.faults else Fault.NONE
    )
    assert await shaky.copy(KEY, "evidence/a") == await store.head("evidence/a")
    assert proxy.faults == [Fault.LOST_ANSWER]


async def send(store: S3Store, key: str, upload_id: str, body: bytes) -> StoredPart:
    sha256 = hashlib.sha256(body).hexdigest()
    request = await store.presign_part(key, upload_id, number=1, size_bytes=len(body), sha256=sha256, expires_s=60)
    async with httpx.AsyncClient(trust_env=False) as http:
        sent = await http.put(request.url, headers=dict(request.headers), content=body)
    assert sent.status_code == 200
    [part] = await store.list_parts(key, upload_id)
    return part


async def test_a_completion_whose_answer_was_lost_is_told_by_the_digests(
    shaky: S3Store, proxy: Proxy, store: S3Store
) -> None:
    upload_id = await store.create_upload(KEY)
    part = await send(store, KEY, upload_id, b"part")
    proxy.plan = fates(Fault.LOST_ANSWER, only="POST ")
    info: ObjectInfo = await shaky.complete_upload(KEY, upload_id, [part])
    assert proxy.faults == [Fault.LOST_ANSWER]
    assert info == await store.head(KEY)


async def test_another_upload_of_the_same_bytes_ends_with_the_object_that_is_there(store: S3Store) -> None:
    first, second, third = [await store.create_upload(KEY) for _ in range(3)]
    info = await store.complete_upload(KEY, first, [await send(store, KEY, first, b"part")])
    assert await store.complete_upload(KEY, second, [await send(store, KEY, second, b"part")]) == info
    other = await send(store, KEY, third, b"other")
    with pytest.raises(ObjectExists):
        await store.complete_upload(KEY, third, [other])
    assert await unfinished(store) == [(KEY, third)]


async def test_with_versions_what_is_deleted_is_gone_for_everyone_and_still_a_version(
    object_server: ObjectServer,
) -> None:
    address = object_server.fresh(versioned=True)
    store = opened(address)
    await store.put(KEY, b"one")
    await store.delete(KEY)
    await store.delete(KEY)
    with pytest.raises(ObjectMissing):
        await store.head(KEY)
    assert [info async for info in store.list("")] == []
    if object_server.beside:
        pytest.skip("this server loses what is put over a deletion's mark")
    # On S3 the key is free for a write-once put as well; versitygw 1.8 takes the deletion's mark for an object.
    await store.put(KEY, b"two", if_absent=False)
    assert await content(store) == b"two"
    versions = object_server.client.list_object_versions(Bucket=address.bucket)
    assert len(versions["Versions"]) == 2
    store.close()
