"""Copies for browsers, made in the real sandbox of real videos that browsers do not play (M15-2c)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.domain.measure import measure as measured
from services.video.tools.proxy import LINES
from services.video.usecases import measure
from services.video.usecases.proxy import PRELOAD, RESULT, Copied, make_proxy
from tests.assets import video_fixtures
from tests.assets.video_fixtures import Stored, ffmpeg

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
TEST = "testsrc2=s=1920x1080:r=25:d=2"
SINE = ("-f", "lavfi", "-i", "sine=d=2:r=44100")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*measure.PRELOAD, *PRELOAD])
    yield box
    await box.close()


async def copied(sandbox: ForkingSandbox, path: Path, scratch: Path) -> Copied | None:
    source, told = FileSource(path), list[float]()
    await asyncio.to_thread(scratch.mkdir, exist_ok=True)
    try:
        made = await make_proxy(sandbox, source, scratch, progress=told.append)
    finally:
        source.close()
    assert told == sorted(told)
    assert made is None or told[-1] == 1
    return made


def streams(path: Path) -> tuple[Any, Any]:
    with av.open(str(path)) as container:
        [video] = container.streams.video
        sound = next(iter(container.streams.audio), None)
        said = (video.codec_context.name, video.codec_context.pix_fmt, video.width, video.height)
        return said, None if sound is None else (sound.codec_context.name, sound.rate, sound.channels)


async def test_ten_bits_of_h265_become_h264_of_eight(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    source = tmp_path / "hevc.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", TEST, *SINE, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error",
        "-pix_fmt", "yuv420p10le", "-c:a", "ac3", str(source),
    )  # fmt: skip
    made = await copied(sandbox, source, tmp_path / "s")
    assert made is not None
    result = tmp_path / "s" / RESULT
    assert (made.width_px, made.height_px) == (1280, LINES)
    assert made.size_bytes == result.stat().st_size
    assert streams(result) == (("h264", "yuv420p", 1280, 720), ("aac", 48000, 2))
    probe = measured(video_fixtures.File(result))
    assert probe.facts is not None
    assert float(probe.facts.duration_s) == pytest.approx(2, abs=0.1)
    head = result.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")  # it begins to play before all of it is there


@pytest.mark.parametrize(("turn", "shown"), [("90", (720, 1280)), ("180", (1280, 720)), ("270", (720, 1280))])
async def test_it_stands_upright(sandbox: ForkingSandbox, tmp_path: Path, turn: str, shown: tuple[int, int]) -> None:
    """As ffmpeg itself turns it."""
    flat, source, upright = tmp_path / "flat.mp4", tmp_path / "turned.mp4", tmp_path / "upright.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=5:d=1", "-c:v", "mpeg4", "-q:v", "2", str(flat))
    video_fixtures.rewrapped(flat, source, before=("-display_rotation", turn))
    made = await copied(sandbox, source, tmp_path / "s")
    assert made is not None
    assert (made.width_px, made.height_px) == shown
    ffmpeg("-i", str(source), "-frames:v", "1", str(upright))
    with av.open(str(tmp_path / "s" / RESULT)) as copy:
        frame = next(copy.decode(video=0))
    assert round(frame.rotation) == 0
    difference = np.abs(np.asarray(Image.open(upright), dtype=float) - frame.to_ndarray(format="rgb24"))
    assert difference.mean() < 8


async def test_pixels_become_square_and_sides_even(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    wide, odd = tmp_path / "wide.mp4", tmp_path / "odd.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=720x576:r=5:d=1,setsar=16/11", "-c:v", "mpeg4", str(wide))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=641x479:r=5:d=1", "-c:v", "mpeg4", str(odd))
    for source, size in ((wide, (1048, 576)), (odd, (640, 478))):
        made = await copied(sandbox, source, tmp_path / "s")
        assert made is not None
        assert (made.width_px, made.height_px) == size


async def test_pictures_and_sound_stay_where_they_are(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """A rate that varies, and sound that begins late."""
    source = tmp_path / "late.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=4",
        "-itsoffset", "1.5", "-f", "lavfi", "-i", "sine=d=1:r=32000",
        "-vf", "select='lt(n,10)+not(mod(n,5))'", "-fps_mode", "vfr", "-c:v", "mpeg4", "-c:a", "alac", str(source),
    )  # fmt: skip
    assert await copied(sandbox, source, tmp_path / "s") is not None
    with av.open(str(source)) as original, av.open(str(tmp_path / "s" / RESULT)) as copy:
        times = [[round(float(frame.time), 2) for frame in each.decode(video=0)] for each in (original, copy)]
        assert times[0] == times[1]
        copy.seek(0)
        began = next(copy.decode(audio=0))
        assert began.time == pytest.approx(1.5, abs=0.05)


async def test_what_is_broken_on_the_way_is_passed_over(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    source = tmp_path / "m.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=4", "-g", "10", "-c:v", "mpeg4", str(source))
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    source.write_bytes(data)
    made = await copied(sandbox, source, tmp_path / "s")
    assert made is not None
    assert made.duration_s == pytest.approx(3.96, abs=0.1)


@pytest.mark.parametrize(
    "data",
    [b"", b"#EXTM3U\nfile:///etc/passwd\n", video_fixtures.build(video_fixtures.MovieSpec()), b"\x1aE\xdf\xa3" * 100],
)
async def test_of_what_cannot_be_shown_there_is_none(sandbox: ForkingSandbox, data: bytes, tmp_path: Path) -> None:
    assert await make_proxy(sandbox, Stored(data), tmp_path) is None
