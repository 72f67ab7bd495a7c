"""A whole opening: chosen and read in real sandboxes; what cannot be shown ends in nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from services.catalogue.opening.compare import is_complete, read_opening
from services.catalogue.opening.model import FieldName
from services.kernel.errors import AppError
from services.kernel.ocr import reader as ocr
from services.kernel.ocr.port import Line, Picture
from services.kernel.sandbox.port import Outcome, SandboxCrashed
from services.kernel.sandbox.sandbox import FileSource, ForkingSandbox
from services.video.usecases import measure, opening
from services.video.usecases.look import look_through
from services.video.usecases.opening import Pictured, read_video
from services.video.usecases.poster import poster
from services.video.usecases.proxy import make_proxy
from services.video.usecases.sheet import technical_sheet
from services.video.usecases.title_card import title_card
from tests.assets import video_fixtures
from tests.assets.cards import card_picture, film
from tests.assets.video_fixtures import Stored
from tests.contract.storages import localdir

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
FIRST = ("主刀医生：扎西·次仁", "工作单位：甘孜州人民医院", "科室：普外科")
SAID = dict.fromkeys(FieldName, "张三")
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


def bomb(folder: Path) -> bytes:
    """A small file whose table of sizes claims fifty million samples."""
    data = bytearray(video_fixtures.real_mp4(folder / "bomb.mp4").read_bytes())
    at = data.index(b"stsz") + 12
    data[at : at + 4] = (50_000_000).to_bytes(4, "big")
    return bytes(data)


DISGUISED = {
    "HLS to a host": lambda _: b"#EXTM3U\nhttp://127.0.0.1:9/x.ts\n",
    "HLS to a file": lambda _: b"#EXTM3U\nfile:///etc/passwd\n",
    "DASH": lambda _: b"<MPD><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>",
    "nothing": lambda _: b"",
    "sample-count bomb": bomb,
}


@pytest.mark.parametrize("name", DISGUISED)
@pytest.mark.parametrize("stage", ["opening", "look", "poster", "sheet", "proxy", "titlecard"])
async def test_what_our_own_reader_finds_no_movie_in_reaches_no_library(
    sandbox: ForkingSandbox, tmp_path: Path, name: str, stage: str
) -> None:
    class OnlyMeasuring:
        """Anything else that is asked for is a library that would see the file."""

        async def run(self, function: str, *args: Any, **keywords: Any) -> Outcome:
            assert function == measure.PROBE
            return await sandbox.run(function, *args, **keywords)

    only: Any = OnlyMeasuring()
    source = Stored(DISGUISED[name](tmp_path))
    if stage == "opening":
        assert await read_video(only, Counting(), source, seconds=15) == ()
    elif stage == "look":
        assert await look_through(only, source) is None
    elif stage == "proxy":
        assert await make_proxy(only, source, tmp_path / "scratch") is None
    else:
        ends_in_an_error: dict[str, Callable[[], Awaitable[object]]] = {
            "poster": lambda: drawn(only, source, tmp_path),
            "sheet": lambda: technical_sheet(only, source),
            "titlecard": lambda: title_card(only, SAID, source, tmp_path / "scratch", seconds=3),
        }
        with pytest.raises(AppError):
            await ends_in_an_error[stage]()


async def drawn(sandbox: Any, source: Stored, folder: Path) -> bytes:
    async def there() -> bool:
        return True

    async with localdir(folder / "store") as under_test:
        return await poster(under_test.store, sandbox, source, "derived/poster.jpg", there)


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
