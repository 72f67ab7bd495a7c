"""The heads of pages are read where they have text and shown to the reader where they have none."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from services.catalogue import load
from services.kernel.ocr.port import Line, Picture
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import SandboxTimeout
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.usecases.headings import PRELOAD, suggest_components
from tests.assets import pdf_fixtures as made

pytestmark = pytest.mark.asyncio(loop_scope="module")
RECORD = load.default().item("clinical_case")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


@dataclass(slots=True)
class Reader:
    """Reads what it is told to, one picture after the other."""

    texts: list[str | Exception]
    shown: list[tuple[int, int]] = field(default_factory=list)

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[Line, ...]:
        """See the port."""
        assert not closely
        self.shown.append((picture.width_px, picture.height_px))
        text = self.texts[len(self.shown) - 1]
        if isinstance(text, Exception):
            raise text
        corners = ((10.0, 80.0), (400.0, 80.0), (400.0, 130.0), (10.0, 130.0))
        return (Line(text=text, confidence=0.98, corners=corners),)


async def suggested(sandbox: ForkingSandbox, reader: Reader, content: bytes, pages: int) -> list[str]:
    steps: list[float] = []
    found = await suggest_components(sandbox, reader, BytesSource(content), RECORD, pages, steps.append)
    assert len(found) == pages
    assert steps == sorted(steps)
    return [each.component_id for each in found]


async def test_pages_with_text_are_not_shown_to_the_reader(sandbox: ForkingSandbox) -> None:
    space = " " * 36
    content = made.text_pdf(f"入院记录{space}姓名张某性别男年龄五十岁", f"出院记录{space}入院日期出院日期诊断")
    reader = Reader([])
    assert await suggested(sandbox, reader, content, 2) == ["admission", "discharge_or_death"]
    assert reader.shown == []


async def test_scans_are_read_from_their_upper_part(sandbox: ForkingSandbox) -> None:
    reader = Reader(["病案首页", "手术记录", "（续）"])
    assert await suggested(sandbox, reader, made.scanned_pdf(3), 3) == ["front_page", "op_record", "op_record"]
    assert all(abs(width - 1600) <= 1 and 400 < height <= 1000 for width, height in reader.shown), reader.shown


@pytest.mark.parametrize(
    ("content", "pages"),
    [(made.photo_jpeg(6, (800, 600)), 1), (made.tiff("L", "1", size=(310, 438)), 2), (made.heic(), 1)],
    ids=["jpeg", "tiff", "heic"],
)
async def test_pictures_are_shown_upright_page_by_page(sandbox: ForkingSandbox, content: bytes, pages: int) -> None:
    reader = Reader(["长期医嘱单"] * pages)
    assert await suggested(sandbox, reader, content, pages) == ["long_term_orders"] * pages
    assert len(reader.shown) == pages


async def test_more_pages_than_are_drawn_at_once(sandbox: ForkingSandbox) -> None:
    content = made.pdf_of([made.scan_jpeg(1, size=(124, 175))] * 9)
    reader = Reader(["", "", "", "", "", "", "", "", "体温单"])
    assert (await suggested(sandbox, reader, content, 9))[7:] == ["", "abnormal_temperature"]


async def test_a_page_that_cannot_be_read_suggests_nothing(sandbox: ForkingSandbox) -> None:
    reader = Reader([SandboxTimeout("CPU"), "出院记录"])
    assert await suggested(sandbox, reader, made.scanned_pdf(2), 2) == ["", "discharge_or_death"]


@pytest.mark.parametrize("content", [made.html(), made.truncated(0.1), b""])
async def test_a_file_that_cannot_be_drawn_suggests_nothing(sandbox: ForkingSandbox, content: bytes) -> None:
    assert await suggested(sandbox, Reader([]), content, 2) == ["", ""]
