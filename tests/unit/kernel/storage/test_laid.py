"""Parts in their places: what happens when a region is taken, when a process dies in between, when sizes differ."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kernel.storage.localdir import laid
from services.kernel.storage.port import MIN_PART_BYTES, ObjectMissing, StoredPart
from tests.contract.storages import StorageUnderTest, laying

KEY = "cycles/2023/x"
FIRST, SECOND, LAST = b"1" * MIN_PART_BYTES, b"2" * MIN_PART_BYTES, b"end"


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[StorageUnderTest]:
    async with laying(tmp_path) as under_test:
        yield under_test


def folder_of(root: Path, upload_id: str) -> Path:
    return root / "uploads" / upload_id


async def content(storage: StorageUnderTest) -> bytes:
    return b"".join([chunk async for chunk in storage.store.stream(KEY)])


async def test_nothing_is_copied_when_every_part_is_in_its_place(storage: StorageUnderTest, tmp_path: Path) -> None:
    upload_id = await storage.store.create_upload(KEY)
    for number, body in ((2, SECOND), (3, LAST), (1, FIRST)):
        await storage.send(KEY, upload_id, number, body)
    inode = (folder_of(tmp_path, upload_id) / laid.FILE).stat().st_ino
    assert list((folder_of(tmp_path, upload_id) / "parts").iterdir()) == []
    await storage.store.complete_upload(KEY, upload_id, await storage.store.list_parts(KEY, upload_id))
    [blob] = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert (blob.stat().st_ino, blob.stat().st_nlink) == (inode, 1)
    assert await content(storage) == FIRST + SECOND + LAST


async def test_a_region_that_somebody_writes_is_left_alone(storage: StorageUnderTest, tmp_path: Path) -> None:
    upload_id = await storage.store.create_upload(KEY)
    folder = folder_of(tmp_path, upload_id)
    other = laid.take(folder, 0, 100)
    assert other is not None
    other.write(b"half of another body")
    part = await storage.send(KEY, upload_id, 1, FIRST)
    assert [path.name for path in (folder / "parts").iterdir()] == ["00001"]
    await storage.store.complete_upload(KEY, upload_id, [part])
    other.write(b" goes on")
    other.close()
    assert await content(storage) == FIRST


async def test_a_replaced_part_and_a_smaller_one_are_joined_by_copying(
    storage: StorageUnderTest, tmp_path: Path
) -> None:
    upload_id = await storage.store.create_upload(KEY)
    await storage.send(KEY, upload_id, 1, SECOND)
    await storage.send(KEY, upload_id, 2, LAST)
    first = await storage.send(KEY, upload_id, 1, FIRST)
    parts = await storage.store.list_parts(KEY, upload_id)
    assert (parts[0], len(parts)) == (first, 2)
    await storage.store.complete_upload(KEY, upload_id, parts)
    assert await content(storage) == FIRST + LAST


async def test_no_byte_changes_under_an_object_whose_maker_died(storage: StorageUnderTest, tmp_path: Path) -> None:
    """Killed between the object's appearing and the upload's going: the file has two names."""
    upload_id = await storage.store.create_upload(KEY)
    part = await storage.send(KEY, upload_id, 1, LAST)
    folder = folder_of(tmp_path, upload_id)
    os.link(folder / laid.FILE, tmp_path / "published")
    assert laid.take(folder, MIN_PART_BYTES, 10) is None
    assert hashlib.sha256((tmp_path / "published").read_bytes()).hexdigest() == part.sha256
    await storage.store.complete_upload(KEY, upload_id, [part])
    assert await content(storage) == LAST


async def test_a_part_that_comes_too_late_finds_nothing(storage: StorageUnderTest, tmp_path: Path) -> None:
    upload_id = await storage.store.create_upload(KEY)
    region = laid.take(folder_of(tmp_path, upload_id), 0, 10)
    assert region is not None
    region.write(b"0123456789")
    await storage.store.abort_upload(KEY, upload_id)
    with pytest.raises(FileNotFoundError):
        region.seal(
            folder_of(tmp_path, upload_id) / laid.MARKS,
            StoredPart(number=1, size_bytes=10, sha256="0" * 64, etag="0" * 64),
        )
    region.close()
    with pytest.raises(ObjectMissing):
        await storage.store.list_parts(KEY, upload_id)
