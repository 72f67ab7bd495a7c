"""Hints from measures, at their limits and one step beyond; what reading says; the stage's look in a real sandbox."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import cv2
import numpy as np
import pikepdf
import pytest
import pytest_asyncio

from services.catalogue.pages.model import BLANK_INK, SeenPage
from services.kernel.ocr.port import Line, Picture
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain import quality as judging
from services.pdfcheck.domain.prints import NEAR, distance, number_of, pieces_of
from services.pdfcheck.domain.quality import CERTAIN, FOCUS, LOW_DPI, MOTION, hints
from services.pdfcheck.domain.reading import is_on_its_head, on_the_page
from services.pdfcheck.ports import NearPage
from services.pdfcheck.usecases import quality, repeats
from services.pdfcheck.usecases.quality import look_at
from tests.assets import pdf_fixtures
from tests.assets import quality_pages as drawn
from tests.unit.catalogue.pages.test_rules import page

IN_MODULE = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox([*quality.PRELOAD, *repeats.PRELOAD])
    yield box
    await box.close()


class Reader:
    """Says the same of every picture, and counts them."""

    def __init__(self, *lines: Line) -> None:
        self._lines = lines
        self.pictures: list[Picture] = []

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[Line, ...]:
        assert not closely
        self.pictures.append(picture)
        return self._lines


def line(text: str, *, backwards: bool = False, confidence: float = 0.95) -> Line:
    corners = ((10.0, 10.0), (300.0, 10.0), (300.0, 40.0), (10.0, 40.0))
    turned = (corners[2], corners[3], corners[0], corners[1])
    return Line(text=text, confidence=confidence, corners=turned if backwards else corners)


def codes(seen: SeenPage, *, turned: bool | None = None) -> list[str]:
    return [each.code for each in hints([seen], {} if turned is None else {seen.page: turned})]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (page(), []),
        (page(dpi=LOW_DPI), []),
        (page(dpi=LOW_DPI - 0.1), ["pdf.low-resolution"]),
        (page(dpi=None), []),
        (page(focus=FOCUS), []),
        (page(focus=FOCUS + 0.001), ["pdf.blurred"]),
        (page(motion=MOTION), []),
        (page(motion=MOTION + 0.01), ["pdf.blurred"]),
        (page(motion=MOTION + 1, focus=FOCUS + 0.1), ["pdf.blurred"]),  # once
        (page(focus=None, motion=None), []),
        (page(ink=BLANK_INK), []),
        (page(ink=BLANK_INK - 0.0001), ["pdf.blank-page"]),
        (page(ink=0, dpi=40, focus=0.9), ["pdf.blank-page"]),  # nothing else is to be seen on it
        (page(upright=-CERTAIN), ["pdf.upside-down"]),
        (page(upright=-CERTAIN + 0.01), []),
    ],
)
def test_hints_at_their_limits(seen: SeenPage, told: list[str]) -> None:
    assert codes(seen) == told


@pytest.mark.parametrize(("up", "turned", "told"), [(0.0, True, True), (CERTAIN, True, False), (-0.1, False, False)])
def test_reading_decides_only_where_marks_do_not(up: float, turned: bool, told: bool) -> None:
    assert (codes(page(upright=up), turned=turned) == ["pdf.upside-down"]) is told


def test_a_hint_has_its_page_its_box_and_how_sure_it_is() -> None:
    [found] = hints([page(7, focus=FOCUS + 0.2)], {})
    assert (found.where, found.params["page"], found.params["reason"], found.limit) == ("page 7", 7, "focus", FOCUS)
    assert 0.5 < float(str(found.params["confidence"])) <= 0.95
    assert [judging.confidence(each) for each in (0, 1, 9)] == [0.5, 0.95, 0.95]


def test_writing_from_right_to_left_that_reads_well_stands_on_its_head() -> None:
    well = [line("兹证明该同志工作认真负责", backwards=True), line("圆满完成各项任务", backwards=True)]
    assert is_on_its_head(well)
    assert not is_on_its_head([line("兹证明该同志工作认真负责")])
    assert not is_on_its_head([line("田甲由申日目", backwards=True)])  # too little
    assert not is_on_its_head([replace(each, confidence=0.6) for each in well])  # nonsense
    assert not is_on_its_head([*well, *(line("兹证明该同志工作认真负责") for _ in range(2))])


def test_lines_of_a_part_in_shares_of_the_page() -> None:
    [found] = on_the_page([line("姓名")], (400, 100), (0.0, 0.5, 1.0, 0.5))
    assert (found.left, found.top, found.width, found.height) == (0.025, 0.55, 0.725, 0.15)


def test_near_hashes_share_a_piece() -> None:
    one = "f0f0a5a53c3c9999"
    for start in range(0, 64, 9):
        flipped = int(one, 16)
        for bit in range(NEAR):
            flipped ^= 1 << ((start + 11 * bit) % 64)
        other = f"{flipped:016x}"
        assert distance(one, other) == NEAR
        assert any(a == b for a, b in zip(pieces_of(one), pieces_of(other), strict=True))
    assert max(pieces_of("f" * 16)) < 2**10
    assert (number_of("0" * 16), number_of("f" * 16), number_of("8" + "0" * 15)) == (0, -1, -(2**63))


@IN_MODULE
async def test_a_picture_as_the_page_that_it_becomes(sandbox: ForkingSandbox) -> None:
    found = await look_at(sandbox, Reader(), BytesSource(drawn.jpeg(drawn.letter(seal=True))), 1, reads_first=False)
    [seen] = found.pages
    assert seen.is_sealed
    assert seen.dpi == pytest.approx(150, abs=1)
    assert hints(found.pages, found.turned) == ()


@IN_MODULE
async def test_a_document_by_its_own_pictures(sandbox: ForkingSandbox) -> None:
    upside_down = drawn.letter()[::-1, ::-1].copy()
    data = pdf_fixtures.pdf_of(
        [drawn.jpeg(each) for each in (drawn.letter(), drawn.bare(), drawn.blurred(drawn.letter()), upside_down)]
    )
    told: list[float] = []
    found = await look_at(sandbox, Reader(), BytesSource(data), 4, reads_first=False, progress=told.append)
    assert [(each.code, each.where) for each in hints(found.pages, found.turned)] == [
        ("pdf.blank-page", "page 2"),
        ("pdf.blurred", "page 3"),
        ("pdf.upside-down", "page 4"),
    ]
    assert told == [1.0]


@IN_MODULE
async def test_a_page_that_is_turned_by_the_document_is_seen_as_it_is_shown(sandbox: ForkingSandbox) -> None:
    def turn(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj.Rotate = 180

    data = pdf_fixtures.pdf_of([drawn.jpeg(drawn.letter())], turn)
    found = await look_at(sandbox, Reader(), BytesSource(data), 1, reads_first=False)
    assert [each.code for each in hints(found.pages, found.turned)] == ["pdf.upside-down"]


@IN_MODULE
async def test_the_resolution_is_told_through_the_page(sandbox: ForkingSandbox) -> None:
    data = pdf_fixtures.pdf_of([drawn.jpeg(drawn.letter())[:]])
    with pikepdf.open(io.BytesIO(data)) as pdf:
        wide = float(pdf.pages[0].mediabox[2])
    found = await look_at(sandbox, Reader(), BytesSource(data), 1, reads_first=False)
    assert found.pages[0].dpi == pytest.approx(drawn.SIZE[0] / wide * 72, rel=0.01)


@IN_MODULE
async def test_only_a_first_page_that_says_whose_it_is_is_read(sandbox: ForkingSandbox) -> None:
    source = BytesSource(pdf_fixtures.pdf_of([drawn.jpeg(drawn.letter())] * 2))
    reader = Reader(line("姓名：王建国"))
    found = await look_at(sandbox, reader, source, 2, reads_first=True)
    assert [each.text for each in found.lines] == ["姓名：王建国"]
    assert len(reader.pictures) == 1
    assert (await look_at(sandbox, Reader(line("姓名：王建国")), source, 2, reads_first=False)).lines == ()


@IN_MODULE
async def test_hostile_pages_leave_nothing_to_say(sandbox: ForkingSandbox) -> None:
    for data in (b"%PDF-1.7\n" + b"0" * 400, b"\xff\xd8\xff\xe0" + b"0" * 400, pdf_fixtures.html(), b"0"):
        found = await look_at(sandbox, Reader(), BytesSource(data), 3, reads_first=True)
        assert (found.pages, found.lines) == ((), ())


def small_jpeg(pixels: drawn.Pixels, quality: int = 82) -> bytes:
    """As the service keeps it."""
    return drawn.jpeg(np.asarray(cv2.resize(pixels, (240, 340), interpolation=cv2.INTER_AREA), np.uint8), quality)


@IN_MODULE
async def test_the_same_page_again_is_a_repetition_and_a_like_one_is_none(sandbox: ForkingSandbox) -> None:
    small = {
        ("a", 1): small_jpeg(drawn.letter(seal=True), 82),
        ("b", 2): small_jpeg((drawn.letter(seal=True) * 0.92).astype("uint8"), 70),
        ("c", 1): small_jpeg(drawn.letter(seal=True, said="统计起止日期为二〇一八年，数据来源于医院信息系统。")),
        ("d", 1): b"no picture",
    }

    async def of(file_id: str, number: int) -> bytes:
        return small[file_id, number]

    near = [
        NearPage(page=1, other_file_id=other, other_page=at, apart=2) for other, at in (("d", 1), ("c", 1), ("b", 2))
    ]
    [found] = await repeats.repeats(sandbox, "a", near, of)
    assert (found.page, found.other_file_id, found.other_page) == (1, "b", 2)
    assert found.likeness >= repeats.SAME
    assert await repeats.repeats(sandbox, "a", near[:2], of) == ()
