"""Who looked, in the pictures of a reviewer: one bounded line whatever a name holds, over the page and not instead."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from PIL import Image, ImageChops, ImageStat

from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxFailed, SandboxTimeout
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.mark import LONGEST_VIEWER, mark_of
from services.pdfcheck.tools import watermark as drawing
from services.pdfcheck.usecases.watermark import PRELOAD, STAMP, watermarked
from tests.assets import pdf_fixtures as made
from tests.unit.pdfcheck.test_usecases import Scripted

AT = datetime(2023, 8, 31, 9, 40, tzinfo=UTC)
MARK = "王审核 · 青山县卫生健康局 · 2023-08-31 17:40 · 4f2a9c"


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


def test_it_says_who_for_whom_when_and_which_account() -> None:
    assert mark_of("王审核 · 青山县卫生健康局", "0190-4f2a9c", AT) == MARK


@pytest.mark.parametrize(("viewer", "told"), [
    ("王\n审\r\x00核", "王 审 核"), ("\u202e核审王\u2066", "核审王"), ("a\u0301\u0301\u0301\u0301b", "áb"),
    ("", ""), (" \u3000 ", ""), ("\ud800\ue000\U000e0001", ""), ("<b>罗</b>", "<b>罗</b>"),
    ("长" * LONGEST_VIEWER, "长" * LONGEST_VIEWER),
    ("长" * (LONGEST_VIEWER + 1), "长" * (LONGEST_VIEWER - 1) + "…"), ("x" * 10**6, "x" * (LONGEST_VIEWER - 1) + "…"),
])  # fmt: skip
def test_hostile_names_make_one_short_line(viewer: str, told: str) -> None:
    """The minute and the account stand behind it whatever the name is."""
    mark = mark_of(viewer, "0190-4f2a9c", AT)
    assert mark == " · ".join(each for each in (told, "2023-08-31 17:40", "4f2a9c") if each)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_it_shows_on_light_and_dark_and_hides_nothing(mode: str, level: int) -> None:
    ground = Image.new("L", (1200, 1700), level).convert(mode)
    under_test = ground.copy()
    drawing.marked(under_test, MARK)
    change = ImageChops.difference(ground.convert("L"), under_test.convert("L"))
    counts = change.histogram()
    assert counts[0]
    assert 15 < max(level for level, count in enumerate(counts) if count) < 70  # seen, and seen through
    assert 0.01 < sum(counts[10:]) / sum(counts) < 0.2  # on every part of the page, and not all over it
    bands = [change.crop((0, top, 1200, top + 425)) for top in range(0, 1700, 425)]
    assert all(ImageStat.Stat(band).extrema[0][1] > 10 for band in bands)


@pytest.mark.parametrize("size", [(240, 340), (1200, 1697), (2400, 3394), (1, 1), (2400, 9)])
def test_pictures_of_every_size_take_it(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "white")
    drawing.marked(picture, MARK)
    assert picture.size == size


async def test_a_picture_is_given_with_the_mark_and_stays_the_page(sandbox: ForkingSandbox) -> None:
    jpeg = made.scan_jpeg(3, size=(1240, 1754))
    first = Image.open(io.BytesIO(await watermarked(sandbox, jpeg, MARK, page=1)))
    second = Image.open(io.BytesIO(await watermarked(sandbox, jpeg, "another", page=1)))
    page = Image.open(io.BytesIO(jpeg))
    assert (first.format, first.size) == ("JPEG", page.size)
    difference = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), page.convert("RGB"))).mean
    assert 0.5 < max(difference) < 12
    assert max(ImageStat.Stat(ImageChops.difference(first, second)).mean) > 0.5


@pytest.mark.parametrize("trouble", [SandboxTimeout("CPU"), SandboxFailed("OSError", ""), None])
async def test_without_its_mark_a_picture_is_not_given_away(trouble: Exception | None) -> None:
    answer = {"jpeg": "not base64!"} if trouble is None else trouble
    with pytest.raises(AppError) as refused:
        await watermarked(Scripted({STAMP: answer}), b"", MARK, page=7)  # type: ignore[dict-item]
    assert (refused.value.code, refused.value.params["page"]) == ("picture.not-possible", 7)
