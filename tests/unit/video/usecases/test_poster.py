"""The poster in the real sandbox, from a real mp4: made once, gone with its video."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from services.kernel.errors import AppError
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.video.usecases.poster import key_of, poster
from tests.assets import video_fixtures
from tests.contract.storages import localdir
from tests.unit.pdfcheck.test_usecases import InMemory

KEY = key_of("d", "f")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(["services.video.tools.poster"])
    yield box
    await box.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return video_fixtures.real_mp4(tmp_path_factory.mktemp("v") / "v.mp4", seconds=3).read_bytes()


async def there() -> bool:
    return True


async def gone() -> bool:
    return False


async def test_it_is_made_once(store: ObjectStore, sandbox: ForkingSandbox, video: bytes) -> None:
    made = await poster(store, sandbox, InMemory(video), KEY, there)
    assert Image.open(io.BytesIO(made)).size == (640, 480)
    assert await poster(store, sandbox, InMemory(b"no video"), KEY, there) == made


@pytest.mark.parametrize("cut", [0, 200, 5000])
async def test_what_cannot_be_drawn_is_said_so(
    store: ObjectStore, sandbox: ForkingSandbox, video: bytes, cut: int
) -> None:
    with pytest.raises(AppError) as failed:
        await poster(store, sandbox, InMemory(video[:cut]), KEY, there)
    assert failed.value.code == "picture.not-possible"


async def test_nothing_stays_of_a_video_that_went_meanwhile(
    store: ObjectStore, sandbox: ForkingSandbox, video: bytes
) -> None:
    with pytest.raises(AppError) as failed:
        await poster(store, sandbox, InMemory(video), KEY, gone)
    assert failed.value.code == "request.not-found"
    assert [kept async for kept in store.list("derived/")] == []
