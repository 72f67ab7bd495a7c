"""What every adapter of the `Storage` port promises."""

import asyncio
import hashlib
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.kernel.storage.port import (
    MAX_PARTS,
    MIN_PART_BYTES,
    Excerpt,
    InvalidKey,
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    PartDamaged,
    PartTooSmall,
    PresignedRequest,
    StoredPart,
)
from tests.contract.storages import StorageUnderTest

KEY = "cycles/2023/dossiers/018f/15.2a/0190"
#: Refused as forged or expired; refused because the upload is gone (S3: NoSuchUpload).
REFUSED, GONE = (403,), (403, 404, 410)


def noise(size_bytes: int, seed: int = 1) -> bytes:
    """Bytes that differ by seed."""
    return random.Random(seed).randbytes(size_bytes)


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def broken(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise ConnectionResetError("the sender went away")


async def keys(storage: StorageUnderTest, prefix: str = "") -> list[str]:
    return [info.key async for info in storage.store.list(prefix)]


async def content(storage: StorageUnderTest, key: str = KEY) -> bytes:
    return b"".join([chunk async for chunk in storage.store.stream(key)])


async def uploads(storage: StorageUnderTest) -> list[tuple[str, str]]:
    """Every unfinished upload; the store's clock moves on for it."""
    far = (await storage.sign(KEY, "x", 1, b"")).expires_at + timedelta(days=30)
    return [found async for found in storage.store.stale_uploads(far)]


# Objects


async def test_what_is_put_is_what_is_read(storage: StorageUnderTest) -> None:
    body = noise(3 * 2**20 + 17)
    info = await storage.store.put(KEY, body)
    assert (info.key, info.size_bytes) == (KEY, len(body))
    assert info.modified_at.tzinfo is not None
    assert await storage.store.head(KEY) == info
    assert await content(storage) == body


async def test_a_body_may_come_in_pieces_of_any_size(storage: StorageUnderTest) -> None:
    body = noise(2**21 + 5)
    whole = await storage.store.put("whole", body)
    pieces = await storage.store.put("pieces", chunks(b"", body[:1], body[1 : 2**20 + 3], body[2**20 + 3 :], b""))
    assert (pieces.size_bytes, pieces.etag) == (whole.size_bytes, whole.etag)
    assert await content(storage, "pieces") == body


async def test_an_empty_object_is_an_object(storage: StorageUnderTest) -> None:
    assert (await storage.store.put(KEY, b"")).size_bytes == 0
    assert await content(storage) == b""
    assert await storage.store.read(KEY, 0, 10) == b""


async def test_a_file_is_put_and_left_where_it_is(storage: StorageUnderTest, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(noise(2**20 + 1))
    await storage.store.put_file(KEY, str(source))
    assert await content(storage) == source.read_bytes()
    with pytest.raises(ObjectExists):
        await storage.store.put_file(KEY, str(source))


async def test_a_body_that_breaks_off_leaves_nothing(storage: StorageUnderTest) -> None:
    with pytest.raises(ConnectionResetError):
        await storage.store.put(KEY, broken(b"first", b"second"))
    assert await keys(storage) == []


async def test_a_key_is_written_once(storage: StorageUnderTest) -> None:
    first = await storage.store.put(KEY, b"first")
    for body in (b"other", b"first"):
        with pytest.raises(ObjectExists):
            await storage.store.put(KEY, body)
    assert await storage.store.head(KEY) == first
    assert await content(storage) == b"first"


async def test_a_key_is_overwritten_when_told_so(storage: StorageUnderTest) -> None:
    first = await storage.store.put(KEY, b"first")
    for body in (b"second", b"third", b"third"):
        info = await storage.store.put(KEY, body, if_absent=False)
        assert await storage.store.head(KEY) == info
        assert await content(storage) == body
    assert (await storage.store.head(KEY)).etag != first.etag
    assert await keys(storage) == [KEY]


async def test_of_many_writers_of_one_key_one_wins(storage: StorageUnderTest) -> None:
    bodies = [noise(1000, seed) for seed in range(12)]
    results = await asyncio.gather(*(storage.store.put(KEY, body) for body in bodies), return_exceptions=True)
    [winner] = [index for index, result in enumerate(results) if not isinstance(result, BaseException)]
    assert all(isinstance(result, ObjectExists) for index, result in enumerate(results) if index != winner)
    assert await content(storage) == bodies[winner]


async def test_overwriting_and_reading_at_once_gives_one_whole_body(storage: StorageUnderTest) -> None:
    bodies = [bytes([letter]) * 5000 for letter in b"abcdefgh"]
    await storage.store.put(KEY, bodies[0])
    writes = [storage.store.put(KEY, body, if_absent=False) for body in bodies]
    reads = [storage.store.read(KEY, 0, 5000) for _ in range(20)]
    results = await asyncio.gather(*writes, *reads)
    assert all(result in bodies for result in results if isinstance(result, bytes))
    assert await content(storage) in bodies


@pytest.mark.parametrize("call", ["head", "read", "stream", "copy"])
async def test_what_is_not_there_is_missing(storage: StorageUnderTest, call: str) -> None:
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "head": lambda: storage.store.head(KEY),
        "read": lambda: storage.store.read(KEY, 0, 1),
        "stream": lambda: content(storage),
        "copy": lambda: storage.store.copy(KEY, "other"),
    }
    with pytest.raises(ObjectMissing):
        await calls[call]()


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 0, b""),
        (0, 1, b"0"),
        (0, 10, b"0123456789"),
        (0, 11, b"0123456789"),
        (9, 1, b"9"),
        (9, 2, b"9"),
        (10, 1, b""),
        (11, 1, b""),
        (3, 4, b"3456"),
    ],
)
async def test_ranges_end_where_the_object_ends(
    storage: StorageUnderTest, offset: int, length: int, expected: bytes
) -> None:
    await storage.store.put(KEY, b"0123456789")
    assert await storage.store.read(KEY, offset, length) == expected


async def test_a_read_may_ask_for_the_object_it_knows(storage: StorageUnderTest) -> None:
    old = await storage.store.put(KEY, b"first")
    assert await storage.store.read(KEY, 0, 9, etag=old.etag) == b"first"
    new = await storage.store.put(KEY, b"other", if_absent=False)
    assert new.etag != old.etag
    with pytest.raises(ObjectChanged):
        await storage.store.read(KEY, 0, 9, etag=old.etag)


async def test_an_object_that_is_a_file_is_opened_and_stays_what_it_was(storage: StorageUnderTest) -> None:
    info = await storage.store.put(KEY, b"old")
    handle = await storage.store.descriptor(KEY, etag=info.etag)
    if handle is None:  # a bucket
        return
    try:
        await storage.store.put(KEY, b"new and longer", if_absent=False)
        assert os.pread(handle, 100, 0) == b"old"
        with pytest.raises(OSError):
            os.write(handle, b"x")
        with pytest.raises(ObjectChanged):
            await storage.store.descriptor(KEY, etag=info.etag)
        await storage.store.delete(KEY)
        assert os.pread(handle, 100, 0) == b"old"
        with pytest.raises(ObjectMissing):
            await storage.store.descriptor(KEY)
    finally:
        os.close(handle)


async def test_a_stream_keeps_to_its_chunk_size(storage: StorageUnderTest) -> None:
    body = noise(2500)
    await storage.store.put(KEY, body)
    sizes = [len(chunk) async for chunk in storage.store.stream(KEY, chunk_bytes=1000)]
    assert max(sizes) <= 1000
    assert sum(sizes) == 2500


async def test_a_copy_is_the_same_object_elsewhere(storage: StorageUnderTest) -> None:
    source = await storage.store.put(KEY, noise(2**20 + 3))
    copied = await storage.store.copy(KEY, "evidence/a", etag=source.etag)
    assert (copied.key, copied.size_bytes) == ("evidence/a", source.size_bytes)
    await storage.store.delete(KEY)
    assert await content(storage, "evidence/a") == noise(2**20 + 3)


async def test_a_copy_accepts_its_equal_and_overwrites_nothing(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"one")
    first = await storage.store.copy(KEY, "target")
    assert await storage.store.copy(KEY, "target") == first
    await storage.store.put("other", b"two")
    with pytest.raises(ObjectExists):
        await storage.store.copy("other", "target")
    assert await content(storage, "target") == b"one"


async def test_a_copy_refuses_an_object_that_changed(storage: StorageUnderTest) -> None:
    old = await storage.store.put(KEY, b"one")
    await storage.store.put(KEY, b"two", if_absent=False)
    with pytest.raises(ObjectChanged):
        await storage.store.copy(KEY, "target", etag=old.etag)
    assert await keys(storage) == [KEY]


async def test_deleting_is_idempotent_and_frees_the_key(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"one")
    await storage.store.delete(KEY)
    await storage.store.delete(KEY)
    with pytest.raises(ObjectMissing):
        await storage.store.head(KEY)
    assert await keys(storage) == []
    await storage.store.put(KEY, b"two")
    assert await content(storage) == b"two"


async def test_deletions_and_puts_side_by_side_do_not_disturb_each_other(storage: StorageUnderTest) -> None:
    async def come_and_go(name: str) -> None:
        for _ in range(5):
            await storage.store.put(f"a/b/c/{name}", b"x")
            await storage.store.delete(f"a/b/c/{name}")

    await asyncio.gather(*(come_and_go(str(number)) for number in range(6)))
    assert await keys(storage) == []


async def test_a_list_is_in_key_order_and_by_any_prefix(storage: StorageUnderTest) -> None:
    names = ["a", "a-b", "a.b", "a/b", "a/b/c", "a/b-c", "a/c", "a0", "ab/c", "b"]
    if not storage.keys_nest:
        names = [name for name in names if not any(other.startswith(f"{name}/") for other in names)]
    for name in random.Random(1).sample(names, len(names)):
        await storage.store.put(name, name.encode())
    assert await keys(storage) == sorted(names)
    for prefix in ("a", "a/", "a/b", "a/b/", "ab", "b", "c", "a/b/c", "a-"):
        assert await keys(storage, prefix) == sorted(name for name in names if name.startswith(prefix)), prefix
    for name in names:
        assert await content(storage, name) == name.encode()


async def test_a_list_tells_what_head_tells(storage: StorageUnderTest) -> None:
    await storage.store.put("x/1", b"one")
    await storage.store.put("x/2", b"three")
    assert [info async for info in storage.store.list("x/")] == [
        await storage.store.head("x/1"),
        await storage.store.head("x/2"),
    ]


BAD_KEYS = [
    *("", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/.."),
    *("名", "a\0", "a\n", "a\x7f", "a b", "a\\b", "a%2e", "x" * 201, "/".join(["x" * 200] * 6)),
]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_a_bad_key_is_refused_everywhere(storage: StorageUnderTest, key: str) -> None:
    store = storage.store
    for call in (
        lambda: store.put(key, b"x"),
        lambda: store.head(key),
        lambda: store.read(key, 0, 1),
        lambda: store.delete(key),
        lambda: store.copy(KEY, key),
        lambda: store.copy(key, KEY),
        lambda: store.create_upload(key),
        lambda: store.presign_get(key, expires_s=1, filename="x", media_type="text/plain"),
        lambda: storage.sign(key, "x", 1, b""),
    ):
        with pytest.raises(InvalidKey):
            await call()


async def test_the_longest_key_is_a_key(storage: StorageUnderTest) -> None:
    key = "/".join(["x" * 200] * 5 + ["y" * 19])
    assert len(key) == 1024
    await storage.store.put(key, b"x")
    assert await keys(storage) == [key]
    with pytest.raises(InvalidKey):
        await storage.store.put(key + "y", b"x")


@pytest.mark.parametrize("prefix", ["/", "../", "a/../", "a//", "名", "a b"])
async def test_a_bad_prefix_is_refused(storage: StorageUnderTest, prefix: str) -> None:
    with pytest.raises(InvalidKey):
        await keys(storage, prefix)


async def test_a_store_in_order_answers_the_probe(storage: StorageUnderTest) -> None:
    await storage.store.probe()
    assert await keys(storage) == []


# Uploads in parts

FIRST, SECOND, LAST = noise(MIN_PART_BYTES, 1), noise(MIN_PART_BYTES + 1, 2), noise(1000, 3)


async def test_parts_in_any_order_become_the_object(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    for number, body in ((3, LAST), (1, FIRST), (2, SECOND)):
        part = await storage.send(KEY, upload_id, number, body)
        assert (part.size_bytes, part.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    parts = await storage.store.list_parts(KEY, upload_id)
    assert [part.number for part in parts] == [1, 2, 3]
    assert await keys(storage) == []
    info = await storage.store.complete_upload(KEY, upload_id, parts)
    assert await storage.store.head(KEY) == info
    assert await content(storage) == FIRST + SECOND + LAST
    assert await uploads(storage) == []


async def test_one_small_part_is_enough_and_numbers_may_have_gaps(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    parts = [await storage.send(KEY, upload_id, MAX_PARTS, b"x")]
    assert (await storage.store.complete_upload(KEY, upload_id, parts)).size_bytes == 1
    assert await content(storage) == b"x"


async def test_the_same_part_again_changes_nothing(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    request = await storage.sign(KEY, upload_id, 1, LAST)
    assert await storage.put_part(request, LAST) == 200
    before = await storage.store.list_parts(KEY, upload_id)
    assert await storage.put_part(request, LAST) == 200
    assert await storage.store.list_parts(KEY, upload_id) == before


async def test_a_part_signed_anew_with_other_bytes_replaces_the_old_one(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    old = await storage.send(KEY, upload_id, 1, b"old")
    new = await storage.send(KEY, upload_id, 1, b"newer")
    assert await storage.store.list_parts(KEY, upload_id) == (new,)
    with pytest.raises(PartDamaged):
        await storage.store.complete_upload(KEY, upload_id, [old])
    await storage.store.complete_upload(KEY, upload_id, [new])
    assert await content(storage) == b"newer"


@pytest.mark.parametrize("body", [LAST[:-1] + b"?", LAST[:-1], LAST + b"?", b""])
async def test_a_damaged_part_is_refused_and_nothing_of_it_kept(storage: StorageUnderTest, body: bytes) -> None:
    upload_id = await storage.store.create_upload(KEY)
    assert await storage.put_part(await storage.sign(KEY, upload_id, 1, LAST), body) in (400, 403)
    assert list(await storage.store.list_parts(KEY, upload_id)) == []
    good = await storage.send(KEY, upload_id, 1, LAST)
    assert await storage.put_part(await storage.sign(KEY, upload_id, 1, LAST), body) in (400, 403)
    assert list(await storage.store.list_parts(KEY, upload_id)) == [good]


async def test_a_part_below_the_minimum_is_taken_only_at_the_end(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    small = await storage.send(KEY, upload_id, 1, FIRST[:-1])
    last = await storage.send(KEY, upload_id, 2, LAST)
    with pytest.raises(PartTooSmall):
        await storage.store.complete_upload(KEY, upload_id, [small, last])
    enough = await storage.send(KEY, upload_id, 1, FIRST)
    await storage.store.complete_upload(KEY, upload_id, [enough, last])


async def test_completing_needs_the_parts_as_they_are(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    first = await storage.send(KEY, upload_id, 1, FIRST)
    last = await storage.send(KEY, upload_id, 3, LAST)
    wrong: list[list[StoredPart]] = [
        [],
        [first, replace(last, number=2)],
        [last, first],
        [first, first],
        [first, replace(last, etag="0" * 64)],
    ]
    for parts in wrong:
        with pytest.raises(PartDamaged):
            await storage.store.complete_upload(KEY, upload_id, parts)
    assert await keys(storage) == []
    await storage.store.complete_upload(KEY, upload_id, [first, last])


async def test_completing_is_write_once(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    part = await storage.send(KEY, upload_id, 1, LAST)
    await storage.store.put(KEY, b"was here first")
    with pytest.raises(ObjectExists):
        await storage.store.complete_upload(KEY, upload_id, [part])
    assert await content(storage) == b"was here first"
    assert list(await storage.store.list_parts(KEY, upload_id)) == [part]


async def test_an_ended_upload_is_missing(storage: StorageUnderTest) -> None:
    done, dropped = [await storage.store.create_upload(KEY) for _ in range(2)]
    part = await storage.send(KEY, done, 1, LAST)
    info = await storage.store.complete_upload(KEY, done, [part])
    await storage.store.abort_upload(KEY, dropped)
    for upload_id in (done, dropped, "018f0000-0000-7000-8000-000000000000", "../objects", ""):
        with pytest.raises(ObjectMissing):
            await storage.store.complete_upload(KEY, upload_id, [part])
        with pytest.raises(ObjectMissing):
            await storage.store.list_parts(KEY, upload_id)
        await storage.store.abort_upload(KEY, upload_id)
    assert await storage.store.head(KEY) == info


async def test_an_upload_belongs_to_its_key(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    part = await storage.send(KEY, upload_id, 1, LAST)
    with pytest.raises(ObjectMissing):
        await storage.store.complete_upload("other", upload_id, [part])
    with pytest.raises(ObjectMissing):
        await storage.store.list_parts("other", upload_id)
    await storage.store.abort_upload("other", upload_id)
    assert list(await storage.store.list_parts(KEY, upload_id)) == [part]
    assert await storage.put_part(await storage.sign("other", upload_id, 1, LAST), LAST) in GONE


async def test_two_completions_at_once_make_one_object(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    parts = [await storage.send(KEY, upload_id, 1, FIRST), await storage.send(KEY, upload_id, 2, LAST)]
    results = await asyncio.gather(
        *(storage.store.complete_upload(KEY, upload_id, parts) for _ in range(3)), return_exceptions=True
    )
    info = await storage.store.head(KEY)
    assert info in results
    assert all(result == info or isinstance(result, ObjectMissing | ObjectExists) for result in results)
    assert await content(storage) == FIRST + LAST


async def test_an_upload_of_more_parts_than_a_page_is_listed_in_full(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)

    async def send(numbers: range) -> None:
        for number in numbers:
            body = str(number).encode()
            assert await storage.put_part(await storage.sign(KEY, upload_id, number, body), body) == 200

    await asyncio.gather(*(send(range(start, 1002, 8)) for start in range(1, 9)))
    parts = await storage.store.list_parts(KEY, upload_id)
    assert [part.number for part in parts] == list(range(1, 1002))


async def test_uploads_that_never_ended_are_found(storage: StorageUnderTest) -> None:
    first = await storage.store.create_upload("a")
    opened = (await storage.sign("a", first, 1, b"", expires_s=1)).expires_at
    await storage.pass_moment(opened)
    second = await storage.store.create_upload("b")
    assert [found async for found in storage.store.stale_uploads(opened)] == [("a", first)]
    assert sorted(await uploads(storage)) == [("a", first), ("b", second)]
    await storage.store.abort_upload("a", first)
    assert await uploads(storage) == [("b", second)]


@pytest.mark.parametrize(
    ("number", "size_bytes", "sha256"),
    [(0, 1, "0" * 64), (MAX_PARTS + 1, 1, "0" * 64), (1, -1, "0" * 64), (1, 5 * 2**30 + 1, "0" * 64), (1, 1, "0" * 63),
     (1, 1, "A" * 64)],
)  # fmt: skip
async def test_a_part_that_cannot_be_is_not_signed(
    storage: StorageUnderTest, number: int, size_bytes: int, sha256: str
) -> None:
    with pytest.raises(InvalidKey):
        await storage.store.presign_part(KEY, "018f", number=number, size_bytes=size_bytes, sha256=sha256, expires_s=60)


# Presigned requests


async def altered(storage: StorageUnderTest, request: PresignedRequest, old: str, new: str) -> int:
    assert old in request.url
    return await storage.put_part(replace(request, url=request.url.replace(old, new)), LAST)


async def test_a_presigned_part_is_for_that_part_of_that_upload_only(storage: StorageUnderTest) -> None:
    upload_id, other_id = [await storage.store.create_upload(KEY) for _ in range(2)]
    request = await storage.sign(KEY, upload_id, 1, LAST)
    assert await altered(storage, request, "partNumber=1", "partNumber=2") in REFUSED
    assert await altered(storage, request, upload_id, other_id) in REFUSED
    assert await altered(storage, request, "/0190", "/0191") in REFUSED
    assert await altered(storage, request, "&", "&extra=1&") in REFUSED
    assert await storage.put_part(replace(request, method="POST"), LAST) in (403, 405)
    assert await storage.put_part(replace(request, headers=()), LAST) in (400, 403)
    other = await storage.sign(KEY, upload_id, 1, FIRST)
    assert await storage.put_part(replace(request, headers=other.headers), FIRST[: len(LAST)]) in (400, 403)
    for one in (upload_id, other_id):
        assert list(await storage.store.list_parts(KEY, one)) == []
    assert await storage.put_part(request, LAST) == 200


async def test_a_presigned_part_expires(storage: StorageUnderTest) -> None:
    upload_id = await storage.store.create_upload(KEY)
    request = await storage.sign(KEY, upload_id, 1, LAST, expires_s=2)
    await storage.pass_moment(request.expires_at)
    assert await storage.put_part(request, LAST) in REFUSED
    assert list(await storage.store.list_parts(KEY, upload_id)) == []


async def test_a_presigned_part_ends_with_its_upload(storage: StorageUnderTest) -> None:
    for end in ("complete", "abort"):
        key = f"{KEY}-{end}"
        upload_id = await storage.store.create_upload(key)
        request = await storage.sign(key, upload_id, 1, LAST)
        part = await storage.send(key, upload_id, 1, LAST)
        if end == "complete":
            await storage.store.complete_upload(key, upload_id, [part])
        else:
            await storage.store.abort_upload(key, upload_id)
        assert await storage.put_part(request, LAST) in GONE
        with pytest.raises(ObjectMissing):
            await storage.store.list_parts(key, upload_id)


async def download(storage: StorageUnderTest, *, expires_s: int = 60) -> PresignedRequest:
    return await storage.store.presign_get(KEY, expires_s=expires_s, filename="王小明 手术.mp4", media_type="video/mp4")


async def test_a_download_carries_name_and_type_and_stays_harmless(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"0123456789")
    answer = await storage.get(await download(storage))
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["content-type"] == "video/mp4"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "filename*=UTF-8''%E7%8E%8B%E5%B0%8F%E6%98%8E%20%E6%89%8B%E6%9C%AF.mp4" in disposition


@pytest.mark.parametrize(
    ("header", "status", "expected", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=7-99", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-9", 206, b"9", "bytes 9-9/10"),
    ],
)
async def test_a_download_may_be_ranged(
    storage: StorageUnderTest, header: str, status: int, expected: bytes, content_range: str
) -> None:
    await storage.store.put(KEY, b"0123456789")
    answer = await storage.get(await download(storage), {"range": header})
    assert (answer.status_code, answer.content) == (status, expected)
    assert answer.headers["content-range"] == content_range


async def test_a_range_past_the_end_is_refused(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"0123456789")
    assert (await storage.get(await download(storage), {"range": "bytes=10-"})).status_code == 416


async def test_a_presigned_download_is_for_that_object_and_name_only(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"mine")
    await storage.store.put("secret", b"not mine")
    request = await download(storage)
    for old, new in ((KEY, "secret"), ("mp4", "html"), ("video", "text")):
        assert old in request.url
        assert (await storage.get(replace(request, url=request.url.replace(old, new)))).status_code in REFUSED
    assert (await storage.get(replace(request, method="DELETE"))).status_code in (403, 405)
    assert (await storage.get(request)).content == b"mine"


async def test_a_presigned_download_expires(storage: StorageUnderTest) -> None:
    await storage.store.put(KEY, b"mine")
    request = await download(storage, expires_s=2)
    await storage.pass_moment(request.expires_at)
    assert (await storage.get(request)).status_code in REFUSED


async def test_a_download_of_what_is_gone_is_not_found(storage: StorageUnderTest) -> None:
    assert (await storage.get(await download(storage))).status_code == 404


# Composing

SOURCE = "cycles/2023/dossiers/018f/15.2a/source"
HEAD, TAIL = noise(557_056, seed=2), noise(2_702, seed=3)


@pytest.mark.parametrize("size_bytes", [0, 1, 2 * MIN_PART_BYTES, 3 * MIN_PART_BYTES + 12_345])
async def test_an_object_is_composed_of_bytes_and_of_another_one(storage: StorageUnderTest, size_bytes: int) -> None:
    body = noise(size_bytes)
    source = await storage.store.put(SOURCE, body)
    excerpt = Excerpt(key=SOURCE, etag=source.etag, offset=0, length=size_bytes)
    composed = await storage.store.compose(KEY, [HEAD, excerpt, TAIL])
    assert await content(storage) == HEAD + body + TAIL
    assert composed.info == await storage.store.head(KEY)
    assert 0 <= composed.pinned_bytes <= size_bytes
    assert await content(storage, SOURCE) == body


@pytest.mark.parametrize(
    "sizes",
    [
        [1, MIN_PART_BYTES + 1, 1, MIN_PART_BYTES, 1],
        [2 * MIN_PART_BYTES, MIN_PART_BYTES - 1, 2 * MIN_PART_BYTES],
        [0, 3 * MIN_PART_BYTES, 0],
    ],
)
async def test_pieces_of_any_size_come_in_their_order(storage: StorageUnderTest, sizes: list[int]) -> None:
    body = noise(4 * MIN_PART_BYTES)
    source = await storage.store.put(SOURCE, body)
    pieces: list[bytes | Excerpt] = []
    for number, size_bytes in enumerate(sizes):
        if number % 2:
            pieces.append(Excerpt(key=SOURCE, etag=source.etag, offset=number, length=size_bytes))
        else:
            pieces.append(noise(size_bytes, seed=number))
    await storage.store.compose(KEY, pieces)
    wanted = b"".join(p if isinstance(p, bytes) else body[p.offset : p.offset + p.length] for p in pieces)
    assert await content(storage) == wanted


async def test_composing_replaces_what_was_there(storage: StorageUnderTest) -> None:
    source = await storage.store.put(SOURCE, b"new")
    await storage.store.put(KEY, b"old")
    await storage.store.compose(KEY, [b"<", Excerpt(key=SOURCE, etag=source.etag, offset=1, length=2), b">"])
    assert await content(storage) == b"<ew>"


@pytest.mark.parametrize("size_bytes", [10, 3 * MIN_PART_BYTES])
async def test_composing_of_a_source_that_changed_is_refused(storage: StorageUnderTest, size_bytes: int) -> None:
    source = await storage.store.put(SOURCE, noise(size_bytes))
    await storage.store.put(SOURCE, noise(size_bytes, seed=9), if_absent=False)
    stale = Excerpt(key=SOURCE, etag=source.etag, offset=0, length=size_bytes)
    with pytest.raises(ObjectChanged):
        await storage.store.compose(KEY, [HEAD, stale, TAIL])
    assert KEY not in await keys(storage)
    assert await uploads(storage) == []


@pytest.mark.parametrize("size_bytes", [10, 3 * MIN_PART_BYTES])
async def test_composing_beyond_the_end_of_a_source_is_refused(storage: StorageUnderTest, size_bytes: int) -> None:
    source = await storage.store.put(SOURCE, noise(size_bytes))
    beyond = Excerpt(key=SOURCE, etag=source.etag, offset=1, length=size_bytes)
    with pytest.raises(ObjectChanged):
        await storage.store.compose(KEY, [HEAD, beyond, TAIL])
    assert KEY not in await keys(storage)
    assert await uploads(storage) == []


async def test_composing_of_what_is_not_there_is_refused(storage: StorageUnderTest) -> None:
    with pytest.raises(ObjectMissing):
        await storage.store.compose(KEY, [Excerpt(key=SOURCE, etag="e", offset=0, length=1)])
