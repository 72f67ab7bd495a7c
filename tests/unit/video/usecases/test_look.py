"""A look through real videos in the real sandbox: what is black, what is blurred, and the storyboard."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.domain.look import COLUMNS, judge_look
from services.video.usecases import measure
from services.video.usecases.look import PRELOAD, Looked, look_through
from tests.assets import video_fixtures
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import Stored

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
SHARP = card_picture(("手术" * 12,) * 7, size_px=40)
BLACK = Image.new("RGB", (1280, 720))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*measure.PRELOAD, *PRELOAD])
    yield box
    await box.close()


async def looked(sandbox: ForkingSandbox, path: Path) -> Looked:
    source, told = FileSource(path), list[float]()
    try:
        found = await look_through(sandbox, source, progress=told.append)
    finally:
        source.close()
    assert told == sorted(told)
    assert found is not None
    return found


def dense(path: Path, target: Path) -> Path:
    """With a key frame every second, as recorders make them."""
    video_fixtures.ffmpeg("-i", str(path), "-g", "10", "-c:v", "libx264", "-preset", "ultrafast", str(target))
    return target


async def test_samples_come_in_order_each_once_and_stand_in_the_storyboard(
    sandbox: ForkingSandbox, tmp_path: Path
) -> None:
    path = dense(film(tmp_path / "v.mp4", [(SHARP, 6), (None, 8)]), tmp_path / "d.mp4")
    found = await looked(sandbox, path)
    times = [each.time_s for each in found.samples]
    assert times == sorted(set(times))
    assert len(times) == 14
    sheet = Image.open(io.BytesIO(found.jpeg))
    assert sheet.size == (COLUMNS * found.cell_px[0], 2 * found.cell_px[1])
    assert found.cell_px == (192, 108)


async def test_black_is_found_to_about_a_second(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    path = dense(film(tmp_path / "v.mp4", [(SHARP, 4), (BLACK, 7), (SHARP, 4)]), tmp_path / "d.mp4")
    [finding] = judge_look((await looked(sandbox, path)).samples, 15)
    assert finding.code == "video.black"
    assert finding.measured == pytest.approx(7, abs=1.1)


async def test_a_picture_that_was_enlarged_is_blurred_and_its_original_is_not(
    sandbox: ForkingSandbox, tmp_path: Path
) -> None:
    small = SHARP.resize((106, 60)).resize((1280, 720), Image.Resampling.BICUBIC)
    enlarged = await looked(sandbox, film(tmp_path / "e.mp4", [(small, 3)]))
    assert [f.code for f in judge_look(enlarged.samples, 3)] == ["video.blurred"]
    original = await looked(sandbox, film(tmp_path / "o.mp4", [(SHARP, 3)]))
    assert judge_look(original.samples, 3) == ()


async def test_a_turned_video_has_upright_cells(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    upright = film(tmp_path / "v.mp4", [(SHARP, 2)])
    turned = video_fixtures.rewrapped(upright, tmp_path / "t.mp4", before=("-display_rotation", "90"))
    width, height = (await looked(sandbox, turned)).cell_px
    assert width < height <= 108


@pytest.mark.parametrize(
    "data", [b"", b"#EXTM3U\nfile:///etc/passwd\n", video_fixtures.build(video_fixtures.MovieSpec())]
)
async def test_what_cannot_be_shown_is_not_looked_through(sandbox: ForkingSandbox, data: bytes) -> None:
    assert await look_through(sandbox, Stored(data)) is None


async def test_a_short_video_has_one_sample_at_least(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    assert len((await looked(sandbox, film(tmp_path / "v.mp4", [(SHARP, 0.3)]))).samples) == 1
