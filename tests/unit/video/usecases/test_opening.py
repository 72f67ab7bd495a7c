"""A whole opening: chosen and read in real sandboxes; what cannot be shown ends in nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.catalogue.opening.compare import is_complete, read_opening
from services.catalogue.opening.model import FieldName
from services.kernel.ocr import reader as ocr
from services.kernel.ocr.port import Line, Picture
from services.kernel.sandbox.port import SandboxCrashed
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.usecases import measure, opening
from services.video.usecases.opening import Pictured, read_video
from tests.assets import video_fixtures
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import Stored

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
FIRST = ("主刀医生：扎西·次仁", "工作单位：甘孜州人民医院", "科室：普外科")
SECOND = ("职称：主任医师", "手术名称：剖宫产术", "手术日期：2022年5月12日")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*measure.PRELOAD, *opening.PRELOAD])
    yield box
    await box.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[ocr.SandboxedReader]:
    box = ForkingSandbox(ocr.PRELOAD)
    yield ocr.SandboxedReader(box, at_once=2)
    await box.close()


class Counting:
    """A reader that reads the same everywhere, and counts."""

    def __init__(self, *texts: str, broken: bool = False) -> None:
        self.looks: list[bool] = []
        self.broken = broken
        corners = [((10.0, y), (400.0, y), (400.0, y + 30), (10.0, y + 30)) for y in range(0, 60 * len(texts), 60)]
        self.lines = tuple(
            Line(text=text, confidence=0.99, corners=each) for text, each in zip(texts, corners, strict=True)
        )

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[Line, ...]:
        self.looks.append(closely)
        await asyncio.sleep(0)
        if self.broken:
            raise SandboxCrashed
        return self.lines


async def read(sandbox: ForkingSandbox, reader: object, path: Path, seconds: float = 15) -> tuple[Pictured, ...]:
    source = FileSource(path)
    told: list[float] = []
    try:
        found = await read_video(sandbox, reader, source, seconds=seconds, progress=told.append)  # type: ignore[arg-type]
    finally:
        source.close()
    assert told == sorted(told)
    return found


async def test_two_cards_in_a_row_give_all_six(
    sandbox: ForkingSandbox, reader: ocr.SandboxedReader, tmp_path: Path
) -> None:
    path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2), (card_picture(SECOND), 2), (None, 8)])
    found = await read(sandbox, reader, path)
    fields = read_opening([each.shot for each in found])
    assert is_complete(fields)
    assert fields[FieldName.SURGEON].time_s < 2 <= fields[FieldName.TITLE].time_s < 4
    assert [each.shot.time_s for each in found] == sorted(each.shot.time_s for each in found)
    assert all(each.jpeg.startswith(b"\xff\xd8") for each in found)


async def test_it_stops_when_all_is_there(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2), (None, 10)])
    counting = Counting(*FIRST, *SECOND)
    await read(sandbox, counting, path)
    assert counting.looks == [False, False]


async def test_what_is_missing_is_looked_for_once_more_and_closely(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2), (None, 10)])
    counting = Counting(*FIRST)
    await read(sandbox, counting, path)
    assert counting.looks == [False] * 6 + [True] * 2


async def test_a_picture_that_breaks_the_reader_has_nothing_written_in_it(
    sandbox: ForkingSandbox, tmp_path: Path
) -> None:
    path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2)])
    [only] = await read(sandbox, Counting(broken=True), path)
    assert only.shot.lines == ()


async def test_a_picture_full_of_text_is_cut(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2)])
    [only] = await read(sandbox, Counting(*["字"] * 500, "长" * 201), path)
    assert len(only.shot.lines) == 200


@pytest.mark.parametrize(
    "playlist", ["#EXTM3U\nhttp://127.0.0.1:9/x.ts\n", "#EXTM3U\nfile:///etc/passwd\n", "<MPD></MPD>", ""]
)
async def test_what_our_own_reader_finds_no_movie_in_reaches_no_library(
    playlist: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Alone:
        """Only the measuring may be asked for."""

        def __init__(self) -> None:
            self.box = ForkingSandbox(measure.PRELOAD)

        async def run(self, function: str, *args: object, **keywords: object) -> object:
            assert function == measure.PROBE
            return await self.box.run(function, *args, **keywords)  # type: ignore[arg-type]

    alone = Alone()
    try:
        assert await read_video(alone, Counting(), Stored(playlist.encode()), seconds=15) == ()  # type: ignore[arg-type]
    finally:
        await alone.box.close()


@pytest.mark.parametrize("codec", ["none", "damaged"])
async def test_what_cannot_be_decoded_shows_nothing(sandbox: ForkingSandbox, codec: str, tmp_path: Path) -> None:
    if codec == "none":
        data = video_fixtures.build(video_fixtures.MovieSpec())
    else:
        path = film(tmp_path / "v.mp4", [(card_picture(FIRST), 2)])
        data = path.read_bytes()
        at = data.index(b"mdat") + 4
        data = data[:at] + bytes(2000) + data[at + 2000 :]
    found = await read_video(sandbox, Counting(), Stored(data), seconds=15)
    assert all(not each.shot.lines for each in found)
