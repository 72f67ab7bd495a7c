"""The technical sheet from the real library in the real sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.kernel.errors import AppError
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.usecases import measure
from services.video.usecases.sheet import PRELOAD, technical_sheet
from tests.assets import video_fixtures
from tests.assets.video_fixtures import Stored

pytestmark = [pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*measure.PRELOAD, *PRELOAD])
    yield box
    await box.close()


async def test_it_tells_of_the_file_and_of_each_track(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    source = FileSource(video_fixtures.real_mp4(tmp_path / "v.mp4"))
    try:
        sections = await technical_sheet(sandbox, source)
    finally:
        source.close()
    assert [each.kind for each in sections] == ["General", "Video", "Audio"]
    general, video, audio = (dict(each.fields) for each in sections)
    assert general["format"] == "MPEG-4"
    assert (video["width"], video["height"], video["format"]) == ("640 pixels", "480 pixels", "AVC")
    assert audio["format"].startswith("AAC")


@pytest.mark.parametrize("cut", [0.3, 0.9])
async def test_a_file_whose_index_is_cut_off_is_refused_clearly(
    sandbox: ForkingSandbox, tmp_path: Path, cut: float
) -> None:
    whole = video_fixtures.real_mp4(tmp_path / "v.mp4").read_bytes()  # its index stands at the end
    with pytest.raises(AppError) as refused:
        await technical_sheet(sandbox, Stored(whole[: int(cut * len(whole))]))
    assert refused.value.code == "sheet.not-possible"
