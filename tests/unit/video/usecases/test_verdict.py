"""The verdict on whole files, as other people's programs write them: what is found, and how long it plays."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from services.catalogue import load
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.video.domain.verdict import VideoLimits
from services.video.ports import VideoReport
from services.video.usecases.measure import PRELOAD
from services.video.usecases.verdict import check_video
from tests.assets.video_fixtures import FILE_NAME, Stored, ffmpeg, rewrapped

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
LIMITS = VideoLimits.of(load.default())
#: What says nothing about the file itself: small pictures without sound are quickly made.
HINTS = {"video.low-resolution", "video.no-sound", "video.frozen"}
PLACES = 50


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


async def judged(sandbox: ForkingSandbox, data: bytes) -> VideoReport:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return await check_video(sandbox, Stored(data), FILE_NAME, LIMITS, report_id="r", now=now, today=date(2026, 1, 1))


def codes(report: VideoReport) -> set[str]:
    return {finding.code for finding in report.findings} - HINTS


def coded(target: Path, source: str, *options: str) -> Path:
    """What lavfi draws, coded quickly."""
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", *options, str(target))
    return target


def lying(kind: bytes, real: Path) -> bytes:
    """The same with a header that claims ten seconds less than a day; version 0 of each box."""
    data = bytearray(real.read_bytes())
    at = data.index(kind) + 4 + {b"mvhd": 16, b"tkhd": 20, b"mdhd": 16}[kind]
    data[at : at + 4] = (86_390 * 1000).to_bytes(4, "big")
    return bytes(data)


def sound_goes_on(folder: Path) -> Path:
    made = folder / "sound.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=640x480:r=25:d=1", "-f", "lavfi", "-i", "sine=d=3:r=48000", "-c:v", "libx264",
        "-preset", "ultrafast", "-c:a", "aac", str(made),
    )  # fmt: skip
    return made


Made = Callable[[Path, Path], Path]
#: Name → (how it is made in a folder from a real file, codes, seconds, size as shown, codec).
FILES: dict[str, tuple[Made, set[str], float, tuple[int, int], str]] = {
    "as recorded, B-frames": (lambda _, real: real, set(), 2, (640, 480), "h264"),
    "index in front": (
        lambda folder, real: rewrapped(real, folder / "v.mp4", "-movflags", "+faststart"),
        set(), 2, (640, 480), "h264",
    ),
    "fragments, whose first picture comes after 0.08 s": (
        lambda folder, real: rewrapped(real, folder / "v.mp4", "-movflags", "frag_keyframe+empty_moov"),
        set(), 2.08, (640, 480), "h264",
    ),
    "phone video, turned": (
        lambda folder, real: rewrapped(real, folder / "v.mp4", before=("-display_rotation", "90")),
        set(), 2, (480, 640), "h264",
    ),
    "variable rate": (
        lambda folder, _: coded(
            folder / "v.mp4", "testsrc2=s=640x480:r=30:d=4", "-vf", "select='lt(n,60)+not(mod(n,5))'", "-fps_mode",
            "vfr",
        ),
        set(), 3.9, (640, 480), "h264",
    ),
    "HEVC": (
        lambda folder, real: rewrapped(real, folder / "v.mp4", "-c:v", "libx265", "-preset", "ultrafast"),
        set(), 2, (640, 480), "hevc",
    ),
    "4K": (lambda folder, _: coded(folder / "v.mp4", "testsrc2=s=3840x2160:r=5:d=1"), set(), 1, (3840, 2160), "h264"),
    "sound longer than the picture": (lambda folder, _: sound_goes_on(folder), set(), 3, (640, 480), "h264"),
    "1200.00 s": (
        lambda folder, _: coded(folder / "v.mp4", "color=s=64x64:r=1:d=1200"), set(), 1200, (64, 64), "h264"
    ),
    "1200.50 s": (
        lambda folder, _: coded(folder / "v.mp4", "color=s=64x64:r=2:d=1200.5"), set(), 1200.5, (64, 64), "h264"
    ),
    "1200.54 s": (
        lambda folder, _: coded(folder / "v.mp4", "color=s=64x64:r=50/33:d=1200.54"),
        {"video.too-long"}, 1200.54, (64, 64), "h264",
    ),
    "1201 s of which an edit list shows one second less": (
        lambda folder, _: rewrapped(
            coded(folder / "whole.mp4", "color=s=64x64:r=1:d=1201", "-g", "1201"), folder / "v.mp4", before=("-ss", "1")
        ),
        {"video.duration-inconsistent"}, 1200, (64, 64), "h264",
    ),
    "Matroska, renamed": (
        lambda folder, real: rewrapped(real, folder / "v.mkv"), {"video.not-mp4"}, 0, (0, 0), "",
    ),
    "QuickTime, renamed": (
        lambda folder, real: rewrapped(real, folder / "v.mov"), {"video.not-mp4"}, 0, (0, 0), "",
    ),
    "sound alone": (
        lambda folder, real: rewrapped(real, folder / "v.mp4", "-vn"), {"video.no-video-track"}, 2, (0, 0), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
async def test_a_file_gets_the_right_answer(sandbox: ForkingSandbox, real: Path, tmp_path: Path, name: str) -> None:
    made, found, seconds, size, codec = FILES[name]
    report = await judged(sandbox, made(tmp_path, real).read_bytes())
    assert codes(report) == found
    assert report.duration_s == pytest.approx(seconds, abs=0.06 if seconds < 1000 else 0.001)
    assert (report.width, report.height, report.video_codec) == (*size, codec)


@pytest.mark.parametrize("kind", [b"mvhd", b"tkhd", b"mdhd"])
async def test_a_header_that_lies_decides_nothing_and_is_told(sandbox: ForkingSandbox, real: Path, kind: bytes) -> None:
    report = await judged(sandbox, lying(kind, real))
    assert codes(report) == {"video.duration-inconsistent"}
    assert [finding.where for finding in report.findings if finding.code == "video.duration-inconsistent"] == [
        kind.decode()
    ]
    assert report.duration_s == pytest.approx(2, abs=0.06)


@pytest.mark.parametrize("layout", ["index at the end", "index in front", "fragments"])
async def test_a_file_that_breaks_off_anywhere_is_never_passed(
    sandbox: ForkingSandbox, real: Path, tmp_path: Path, layout: str
) -> None:
    options = {
        "index at the end": ("-c", "copy"),
        "index in front": ("-movflags", "+faststart"),
        "fragments": ("-movflags", "frag_keyframe+empty_moov"),
    }
    data = rewrapped(real, tmp_path / "v.mp4", *options[layout]).read_bytes()
    kept = [len(data) * place // PLACES for place in range(PLACES)]
    for length in kept:
        report = await judged(sandbox, data[:length])
        broken = {"video.truncated", "video.not-mp4", "video.damaged", "file.empty", "video.no-video-track"}
        assert codes(report) & broken, f"{length} of {len(data)} bytes: {codes(report)}"
        assert report.verdict == "fail"
    assert codes(await judged(sandbox, data)) == set()
