"""An opening in front of real videos, made in the real sandbox: compliant, and nothing of the video is coded again."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest
import pytest_asyncio

from services.catalogue.opening.compare import is_complete, read_opening
from services.catalogue.opening.model import Declared, FieldName
from services.kernel.errors import AppError
from services.kernel.ocr import reader as ocr
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.usecases import measure as measuring
from services.video.usecases import opening
from services.video.usecases.measure import measure
from services.video.usecases.opening import read_video
from services.video.usecases.title_card import PRELOAD, RESULT, title_card
from tests.assets import video_fixtures

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
SAID: Declared = {
    FieldName.SURGEON: "古丽巴哈尔·阿不都热合曼",
    FieldName.EMPLOYER: "阿坝藏族羌族自治州中西医结合医院",
    FieldName.DEPARTMENT: "耳鼻咽喉头颈外科",
    FieldName.TITLE: "副主任医师",
    FieldName.OPERATION: "白内障超声乳化吸除联合人工晶状体植入术",
    FieldName.DATE: "2022-05-12",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*measuring.PRELOAD, *opening.PRELOAD, *PRELOAD])
    yield box
    await box.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[ocr.SandboxedReader]:
    box = ForkingSandbox(ocr.PRELOAD)
    yield ocr.SandboxedReader(box, at_once=2)
    await box.close()


async def made(sandbox: ForkingSandbox, folder: Path, video: Path | None, *, seconds: float = 3) -> tuple[Path, float]:
    source = FileSource(video) if video is not None else None
    scratch = folder / "scratch"
    scratch.mkdir()
    try:
        card_s = await title_card(sandbox, SAID, source, scratch, seconds=seconds)
    finally:
        if source is not None:
            source.close()
    return scratch / RESULT, card_s


async def compliant(sandbox: ForkingSandbox, reader: ocr.SandboxedReader, path: Path) -> float:
    """Everything declared is read from it; how long it is."""
    source = FileSource(path)
    try:
        probe = await measure(sandbox, source)
        read = await read_video(sandbox, reader, source, seconds=15)
    finally:
        source.close()
    assert is_complete(read_opening([each.shot for each in read], SAID))
    assert probe.problem is None
    assert probe.facts is not None
    return float(probe.facts.duration_s)


def pictures(path: Path, skip: int = 0) -> list[str]:
    with av.open(str(path)) as container:
        frames = [hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]
    return frames[skip:]


def sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.dts is not None]


VIDEOS = {
    "as recorded": (),
    "30000/1001 a second": ("-r", "30000/1001", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"),
    "High profile": ("-c:v", "libx264", "-preset", "fast", "-profile:v", "high"),
    "fragmented": ("-c", "copy", "-movflags", "frag_keyframe+empty_moov"),
    "small": ("-vf", "scale=320:240", "-c:v", "libx264", "-preset", "ultrafast"),
    "not square": ("-vf", "setsar=16/15", "-c:v", "libx264", "-preset", "ultrafast"),
}


@pytest.mark.parametrize("name", VIDEOS)
async def test_the_card_stands_in_front_and_the_video_is_untouched(
    sandbox: ForkingSandbox, reader: ocr.SandboxedReader, tmp_path: Path, name: str
) -> None:
    recorded = video_fixtures.real_mp4(tmp_path / "recorded.mp4", seconds=2)
    video = recorded
    if VIDEOS[name]:
        video = tmp_path / "video.mp4"
        video_fixtures.ffmpeg("-i", str(recorded), *VIDEOS[name], str(video))
    result, card_s = await made(sandbox, tmp_path, video)
    assert 2.9 < card_s < 3.3
    if not VIDEOS[name]:
        assert await compliant(sandbox, reader, result) == pytest.approx(2 + card_s, abs=0.1)
    untouched = pictures(video)
    assert pictures(result)[-len(untouched) :] == untouched
    assert sound(result) == sound(video)


async def test_a_turned_video_has_an_upright_card(
    sandbox: ForkingSandbox, reader: ocr.SandboxedReader, tmp_path: Path
) -> None:
    recorded = video_fixtures.real_mp4(tmp_path / "recorded.mp4", seconds=2)
    turned = video_fixtures.rewrapped(recorded, tmp_path / "turned.mp4", before=("-display_rotation", "90"))
    result, _ = await made(sandbox, tmp_path, turned)
    with av.open(str(result)) as container:
        assert round(next(container.decode(video=0)).rotation) % 360 in (90, 270)
    await compliant(sandbox, reader, result)


async def test_the_card_alone(sandbox: ForkingSandbox, reader: ocr.SandboxedReader, tmp_path: Path) -> None:
    result, card_s = await made(sandbox, tmp_path, None, seconds=2)
    assert card_s == 2
    assert await compliant(sandbox, reader, result) == 2


async def refused(sandbox: ForkingSandbox, folder: Path, video: Path) -> AppError:
    with pytest.raises(AppError) as error:
        await made(sandbox, folder, video)
    assert list((folder / "scratch").iterdir()) == [] or error.value.code == "titlecard.not-possible"
    return error.value


async def test_another_codec_is_refused(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video_fixtures.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x240:d=1", "-c:v", "mpeg4", str(video))
    assert (await refused(sandbox, tmp_path, video)).params["reason"] == "codec"


async def test_a_beginning_that_is_cut_off_is_refused(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    recorded = video_fixtures.real_mp4(tmp_path / "recorded.mp4", seconds=3)
    cut = tmp_path / "cut.mp4"
    video_fixtures.ffmpeg("-ss", "1", "-i", str(recorded), "-c", "copy", str(cut))
    assert (await refused(sandbox, tmp_path, cut)).params["reason"] == "edited"


async def test_a_broken_video_is_refused(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    recorded = video_fixtures.real_mp4(tmp_path / "recorded.mp4", seconds=2)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(recorded.read_bytes()[:-5000])
    assert (await refused(sandbox, tmp_path, broken)).params["reason"] == "broken"


@pytest.mark.parametrize("seconds", [1.99, 30.01, 0, -1])
async def test_a_card_that_stands_too_short_or_too_long_is_refused(
    sandbox: ForkingSandbox, tmp_path: Path, seconds: float
) -> None:
    with pytest.raises(AppError) as error:
        await title_card(sandbox, SAID, None, tmp_path, seconds=seconds)
    assert error.value.code == "titlecard.seconds"


async def test_a_field_that_is_not_declared_is_named(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    said: Declared = {name: value for name, value in SAID.items() if name not in (FieldName.OPERATION, FieldName.DATE)}
    with pytest.raises(AppError) as error:
        await title_card(sandbox, said, None, tmp_path, seconds=5)
    assert (error.value.code, error.value.params["lacking"]) == ("titlecard.incomplete", "手术名称、手术日期")
