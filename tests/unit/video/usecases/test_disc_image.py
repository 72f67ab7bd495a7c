"""A disc made inside the store: in a directory and on a real S3 server the same bytes, proven before it counts."""

import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.kernel.errors import AppError
from services.kernel.storage.port import Composed, Excerpt, ObjectChanged, Storage
from services.kernel.stored_files import StoredFile
from services.video.tools.disc import IsoTools
from services.video.tools.iso import read_back
from services.video.usecases.disc_image import DiscImages
from tests.assets.video_fixtures import FILE_NAME
from tests.contract.storages import ADAPTERS, StorageUnderTest

KEY, FOLDER, LABEL = "cycles/2023/dossiers/d/15.2a/f", "derived/video/dossiers/d/f", "SHENBAO_2023"
AT = datetime(2023, 6, 1, 8, 30, tzinfo=UTC)
LARGE = 17 * 2**20 + 321


@pytest.fixture(params=["localdir", "s3"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StorageUnderTest]:
    async with ADAPTERS[request.param](request, tmp_path) as under_test:
        yield under_test


async def stored(store: Storage, size_bytes: int) -> StoredFile:
    data = bytes(range(256)) * (size_bytes // 256) + b"x" * (size_bytes % 256)
    info = await store.put(KEY, data)
    return StoredFile(
        file_id="f", file_name=FILE_NAME, size_bytes=size_bytes, media_type="video/mp4",
        sha256=hashlib.sha256(data).hexdigest(), object_key=KEY, etag=info.etag, stored_at=AT, component_id="video",
    )  # fmt: skip


async def build(images: DiscImages, file: StoredFile) -> tuple[str, str, list[float]]:
    told: list[float] = []
    built = await images.build(
        file, file_name=file.file_name, label=LABEL, at=AT, folder=FOLDER, progress=told.append
    )  # fmt: skip
    return built.object_key, built.sha256, told


async def content(store: Storage, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.stream(key)])


def expected(file: StoredFile, data: bytes) -> bytes:
    plan = IsoTools().plan(file.size_bytes, file_name=file.file_name, label=LABEL, at=AT)
    return plan.head + data + plan.tail


@pytest.mark.parametrize("size_bytes", [1, 2048, 4_000_000, LARGE])
async def test_the_image_is_the_same_wherever_it_is_made(storage: StorageUnderTest, size_bytes: int) -> None:
    file = await stored(storage.store, size_bytes)
    images = DiscImages(store=storage.store, tools=IsoTools())
    key, sha256, told = await build(images, file)
    image = await content(storage.store, key)
    assert image == expected(file, await content(storage.store, KEY))
    assert sha256 in ("", hashlib.sha256(image).hexdigest())
    assert told == sorted(told)
    found = read_back(io.BytesIO(image))
    assert found.agrees(name=FILE_NAME, size_bytes=size_bytes, sha256=file.sha256)
    assert (await build(images, file))[0] == key  # once more: the same place, the same bytes
    assert await content(storage.store, key) == image


async def test_a_whole_reading_is_a_setting_and_always_done_where_nobody_vouches(storage: StorageUnderTest) -> None:
    file = await stored(storage.store, LARGE)
    key, sha256, _ = await build(DiscImages(store=storage.store, tools=IsoTools()), file)
    _, whole, _ = await build(DiscImages(store=storage.store, tools=IsoTools(), rehash=True), file)
    assert whole == hashlib.sha256(await content(storage.store, key)).hexdigest()
    assert sha256 in ("", whole)


async def test_a_video_that_is_another_one_meanwhile_makes_no_disc(storage: StorageUnderTest) -> None:
    file = await stored(storage.store, LARGE)
    await storage.store.put(KEY, bytes(LARGE), if_absent=False)
    with pytest.raises(ObjectChanged):
        await build(DiscImages(store=storage.store, tools=IsoTools()), file)
    assert [each.key async for each in storage.store.list(FOLDER)] == []


class Spoiling:
    """A store that composes something else: one byte of the head, of the video or of the tail is another."""

    def __init__(self, store: Storage, place: str) -> None:
        self._store, self._place = store, place

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def compose(self, key: str, pieces: list[bytes | Excerpt]) -> Composed:
        made = await self._store.compose(key, pieces)
        data = bytearray(await content(self._store, key))
        head = len(pieces[0]) if isinstance(pieces[0], bytes) else 0
        data[{"head": head - 3000, "video": head + 5, "tail": len(data) - 1000}[self._place]] ^= 1
        info = await self._store.put(key, bytes(data), if_absent=False)
        return replace(made, info=info, pinned_bytes=0 if self._place == "video" else made.pinned_bytes)


@pytest.mark.parametrize("place", ["head", "video", "tail"])
async def test_an_image_that_is_not_as_planned_is_no_disc_and_does_not_stay(
    storage: StorageUnderTest, place: str
) -> None:
    file = await stored(storage.store, LARGE)
    spoiling = Spoiling(storage.store, place)
    with pytest.raises(AppError) as refused:
        await build(DiscImages(store=spoiling, tools=IsoTools()), file)  # type: ignore[arg-type]
    assert refused.value.code == "disc.not-as-written"
    assert [each.key async for each in storage.store.list(FOLDER)] == []


async def test_a_name_that_no_disc_carries_is_refused(storage: StorageUnderTest) -> None:
    file = replace(await stored(storage.store, 10), file_name="a/b.mp4")
    with pytest.raises(AppError) as refused:
        await build(DiscImages(store=storage.store, tools=IsoTools()), file)
    assert refused.value.code == "disc.bad-name"
