"""The report on a local video: measured in the sandbox, judged with its name and what was declared."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.catalogue import load
from services.cli.check_video import check_video
from services.cli.local import look_at, sandboxed
from services.cli.report import Declared, FileReport
from services.kernel.ocr import reader as ocr
from services.video.usecases import opening
from services.video.usecases.measure import PRELOAD
from tests.assets import video_fixtures as videos
from tests.assets.cards import card_picture, film
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


CARD = (
    "主刀医生：张三",
    "工作单位：四川省人民医院",
    "科室：普外科",
    "职称：主任医师",
    "手术名称：剖宫产术",
    "手术日期：2022年5月12日",
)


async def read_report(path: Path, declared: Declared) -> FileReport:
    async with sandboxed([*PRELOAD, *opening.PRELOAD]) as sandbox, sandboxed(ocr.PRELOAD) as reading:
        return await check_video(
            look_at(path),
            catalogue=load.default(),
            declared=declared,
            sandbox=sandbox,
            sha256="0",
            reader=ocr.SandboxedReader(reading, at_once=2),
            clock=Then(),
        )


def opening_of(found: FileReport) -> dict[str, Any]:
    told: Any = found.to_json()["facts"]
    return dict(told["opening"])


async def test_the_opening_is_told_field_by_field(tmp_path: Path) -> None:
    """The contract's `facts.opening` (M15-2b)."""
    path = film(tmp_path / FILE_NAME, [(card_picture(CARD), 2), (None, 2)])
    found = await read_report(path, Declared(title="副主任医师", date="2022-05-12"))
    fields = opening_of(found)
    assert list(fields) == ["surgeon", "employer", "department", "title", "operation", "date"]
    assert fields["surgeon"]["value"] == "张三"
    assert fields["surgeon"]["status"] == "found"
    assert 0.9 < fields["surgeon"]["confidence"] <= 1
    assert 0 <= fields["surgeon"]["time_s"] < 2
    assert (fields["title"]["value"], fields["title"]["status"]) == ("主任医师", "similar")
    assert fields["date"]["status"] == "found"
    assert [each.code for each in found.findings] == ["video.no-sound", "video.opening-mismatch"]
    assert found.verdict == "pass"
    assert "主刀医生 · 张三" in found.to_text()
    assert "surgeon · 张三" in found.to_text("en")


async def test_a_video_without_a_card_is_warned_about(tmp_path: Path) -> None:
    found = await read_report(film(tmp_path / FILE_NAME, [(None, 1)], size=(640, 360)), Declared())
    missing = next(each for each in found.findings if each.code == "video.opening-missing")
    assert missing.measured == 0
    assert opening_of(found)["surgeon"] == {
        "value": None, "status": "missing", "confidence": 0.0, "time_s": None,
    }  # fmt: skip
    assert found.verdict == "pass"


@pytest.mark.parametrize("cut", [0.5, 0.9])
async def test_a_broken_video_is_not_looked_into(tmp_path: Path, cut: float) -> None:
    whole = videos.real_mp4(tmp_path / "v.mp4").read_bytes()
    path = tmp_path / FILE_NAME
    path.write_bytes(whole[: int(cut * len(whole))])
    found = await read_report(path, Declared())
    assert "opening" not in found.facts
    assert not any(each.code.startswith("video.opening") for each in found.findings)
