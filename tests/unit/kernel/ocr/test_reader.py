"""Text in pictures, read in the real sandbox by the real models."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from services.catalogue.opening.compare import read_opening
from services.catalogue.opening.model import Line, Shot, Status
from services.kernel.ocr.port import Picture
from services.kernel.ocr.reader import OCR, PRELOAD, RECOGNISE, SandboxedReader
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import Profile, SandboxCrashed, SandboxFailed, SandboxMemory
from services.kernel.sandbox.sandbox import ForkingSandbox
from tests.assets.cards import card_picture

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
TEXTS = (
    "主刀医生：扎西·次仁",
    "工作单位：甘孜州人民医院",
    "科室：普外科",
    "职称：主任医师",
    "手术名称：剖宫产术",
    "手术日期：2022年5月12日",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


@pytest.fixture(scope="module")
def reader(sandbox: ForkingSandbox) -> SandboxedReader:
    return SandboxedReader(sandbox, at_once=2)


def picture(image: Image.Image) -> Picture:
    return Picture(width_px=image.width, height_px=image.height, pixels=image.convert("RGB").tobytes())


async def fields_of(reader: SandboxedReader, image: Image.Image, *, closely: bool = False) -> dict[str, str]:
    lines = await reader.read(picture(image), closely=closely)
    kept = tuple(Line(text=e.text, confidence=e.confidence, corners=e.corners) for e in lines)
    read = read_opening([Shot(time_s=0, width_px=image.width, height_px=image.height, lines=kept)])
    return {str(name): field.value for name, field in read.items() if field.status is Status.FOUND}


EXPECTED = {
    "surgeon": "扎西·次仁",
    "employer": "甘孜州人民医院",
    "department": "普外科",
    "title": "主任医师",
    "operation": "剖宫产术",
    "date": "2022年5月12日",
}


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 3, -5])
async def test_a_card_is_read_whichever_way_it_lies(reader: SandboxedReader, degrees: float) -> None:
    image = card_picture(TEXTS).rotate(degrees, expand=True, fillcolor=(10, 10, 40))
    assert await fields_of(reader, image) == EXPECTED


async def test_a_small_picture_is_read_when_looked_at_closely(reader: SandboxedReader) -> None:
    image = card_picture(TEXTS, size_px=30).resize((800, 450))
    assert await fields_of(reader, image, closely=True) == EXPECTED


async def test_corners_begin_where_reading_begins(reader: SandboxedReader) -> None:
    image = card_picture(("手术名称：剖宫产术",)).transpose(Image.Transpose.ROTATE_180)
    [line] = await reader.read(picture(image))
    (x1, y1), (x2, _), _, (_, y4) = line.corners
    assert x1 > x2
    assert y1 > y4


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (2000, 2000)])
async def test_pictures_without_text_have_no_lines(reader: SandboxedReader, size: tuple[int, int]) -> None:
    assert await reader.read(picture(Image.new("RGB", size, (9, 90, 200)))) == ()


async def test_noise_and_stripes_end_in_lines_or_none(reader: SandboxedReader) -> None:
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 256, (720, 1280, 3), np.uint8)
    stripes = (np.indices((720, 1280)).sum(0) % 2 * 255).astype(np.uint8)
    for pixels in (noise, stripes):
        lines = await reader.read(picture(Image.fromarray(pixels)))
        assert all(0 <= line.confidence <= 1 for line in lines)


async def test_a_larger_picture_is_refused(reader: SandboxedReader) -> None:
    with pytest.raises(SandboxFailed) as failed:
        await reader.read(picture(Image.new("RGB", (2001, 10))))
    assert failed.value.kind == "ValueError"


async def test_fewer_pixels_than_said_are_refused(sandbox: ForkingSandbox) -> None:
    how = {"width_px": 100, "height_px": 100, "closely": False}
    with pytest.raises(SandboxFailed):
        await sandbox.run(RECOGNISE, {**how}, profile=OCR, sources=[BytesSource(b"123")])
    with pytest.raises(ValueError, match="3 bytes"):
        Picture(width_px=100, height_px=100, pixels=b"123")


async def test_memory_is_bounded(sandbox: ForkingSandbox) -> None:
    """As much address space as the models have taken already, and a picture more: it ends, and the next one works."""
    profile = Profile(name="ocr", memory_bytes=2**28, cpu_s=20, wall_s=60, read_budget_bytes=2**24)
    image = card_picture(TEXTS)
    how = {"width_px": image.width, "height_px": image.height, "closely": False}
    with pytest.raises((SandboxMemory, SandboxCrashed, SandboxFailed)):
        await sandbox.run(RECOGNISE, {**how}, profile=profile, sources=[BytesSource(image.tobytes())])
    assert await fields_of(SandboxedReader(sandbox, at_once=1), image) == EXPECTED


async def test_what_it_takes_is_within_its_limit(sandbox: ForkingSandbox) -> None:
    image = card_picture(TEXTS).resize((1920, 1080))
    how = {"width_px": 1920, "height_px": 1080, "closely": True}
    outcome = await sandbox.run(RECOGNISE, {**how}, profile=OCR, sources=[BytesSource(image.tobytes())])
    assert outcome.peak_memory_bytes < OCR.memory_bytes / 2
