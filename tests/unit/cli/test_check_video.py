"""The report on a local video: measured in the sandbox, judged with its name and what was declared."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.catalogue import load
from services.cli.check_video import check_video
from services.cli.local import look_at, sandboxed
from services.cli.report import Declared, FileReport
from services.video.usecases.measure import PRELOAD
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import FILE_NAME, ID_NUMBER


@dataclass(frozen=True)
class Then:
    def now(self) -> datetime:
        return datetime(2023, 9, 1, tzinfo=UTC)


async def report(path: Path, declared: Declared | None = None) -> FileReport:
    async with sandboxed(PRELOAD) as sandbox:
        return await check_video(
            look_at(path),
            catalogue=load.default(),
            declared=declared or Declared(),
            sandbox=sandbox,
            sha256="0",
            clock=Then(),
        )


async def test_a_good_video(tmp_path: Path) -> None:
    video = videos.real_mp4(tmp_path / FILE_NAME, seconds=1)
    found = await report(video, Declared(name="张三", id_number=ID_NUMBER))
    assert found.findings == ()
    assert found.verdict == "pass"
    told = found.to_json()
    assert told["media_type"] == "video/mp4"
    facts = found.facts
    assert (facts["duration_s"], facts["width"], facts["height"], facts["fps"]) == (1.0, 640, 480, 25.0)
    assert (facts["video_codec"], facts["audio_codec"]) == ("h264", "aac")
    assert "640" in found.to_text()
    assert "最低帧率" not in found.to_text()


async def test_a_frame_rate_that_varies_is_shown_as_a_range(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    track = videos.TrackSpec(timescale=100, stts=[(98, 4), (2, 8)])
    path.write_bytes(videos.build(videos.MovieSpec(tracks=(track,))))
    found = await report(path, Declared())
    assert (found.facts["fps_lowest"], found.facts["fps_highest"]) == (12.5, 25.0)
    assert "最低帧率 12.50 · 最高帧率 25.00" in found.to_text()
    assert "lowest frame rate 12.50 · highest frame rate 25.00" in found.to_text("en")


@pytest.mark.parametrize(
    ("declared", "codes"),
    [
        (Declared(), []),
        (Declared(name="张三"), []),
        (Declared(name="李四"), ["video.name-mismatch"]),
        (Declared(id_number="110101199003070010"), ["video.name-mismatch"]),
    ],
)
async def test_the_name_is_compared_with_what_is_declared(tmp_path: Path, declared: Declared, codes: list[str]) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(videos.lasting(100))
    assert [finding.code for finding in (await report(path, declared)).findings] == codes


async def test_a_wrong_name_gets_the_right_one_suggested(tmp_path: Path) -> None:
    path = tmp_path / f"张三 {ID_NUMBER}.mp4"
    path.write_bytes(videos.lasting(100))
    found = await report(path)
    assert [finding.code for finding in found.findings] == ["video.name-format"]
    assert found.facts["suggested_name"] == FILE_NAME
    assert FILE_NAME in found.to_text()


async def test_without_an_index_only_what_was_read_is_a_fact(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"%PDF-1.7\n" + bytes(3000))
    found = await report(path)
    assert [finding.code for finding in found.findings] == ["video.not-mp4"]
    assert found.facts == {"bytes_read": 3009}
    assert found.media_type == "application/pdf"
