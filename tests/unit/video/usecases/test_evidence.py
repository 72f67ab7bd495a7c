"""The evidence sheet, drawn in the real sandbox."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from services.catalogue.opening.model import Shot
from services.kernel.errors import AppError
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.video.ports import KeptShot, VideoOpening
from services.video.usecases.evidence import PRELOAD, Row, Sheet, draw
from tests.assets.cards import card_picture
from tests.contract.storages import localdir

GREEN, RED = (22, 120, 70), (186, 34, 34)
CORNERS = (160.0, 90.0, 700.0, 90.0, 700.0, 140.0, 160.0, 140.0)
ROW = Row(
    label="主刀医生", declared="张三", read="张三", verdict="一致", colour="good", shot=0, corners=CORNERS
)  # fmt: skip
SHEET = Sheet(title="片头核对单", notes=("张三",), headings=("一", "二", "三", "四", "五"), rows=(ROW,))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


async def opening(store: ObjectStore, jpeg: bytes | None = None) -> VideoOpening:
    out = io.BytesIO()
    card_picture(("主刀医生：张三",)).save(out, "JPEG", quality=90)
    await store.put("derived/0.jpg", out.getvalue() if jpeg is None else jpeg, if_absent=False)
    shot = Shot(time_s=1, width_px=1280, height_px=720, lines=())
    kept = (KeptShot(shot=shot, object_key="derived/0.jpg"),)
    return VideoOpening(opening_id="o", version=1, seconds=15, shots=kept, read_at=datetime.now(UTC))


def has(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    colours = image.convert("RGB").getcolors(2**24) or []
    return any(all(abs(a - b) < 24 for a, b in zip(each, colour, strict=True)) for _, each in colours)  # type: ignore[arg-type]


async def test_frame_and_table_are_drawn(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    image = Image.open(io.BytesIO(await draw(store, sandbox, await opening(store), SHEET)))
    assert image.width == 1600
    assert has(image, GREEN)
    assert not has(image, RED)


async def test_a_row_without_a_picture_is_a_row(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    missing = replace(ROW, read="—", verdict="未找到", colour="bad", shot=-1, corners=())
    one = Image.open(io.BytesIO(await draw(store, sandbox, await opening(store), SHEET)))
    more = replace(SHEET, rows=(ROW, missing))
    two = Image.open(io.BytesIO(await draw(store, sandbox, await opening(store), more)))
    assert two.height > one.height
    assert has(two, RED)


@pytest.mark.parametrize("corners", [(0.0,) * 8, (-50.0, -50.0, 9000.0, -50.0, 9000.0, 9000.0, -50.0, 9000.0)])
async def test_corners_anywhere_do_no_harm(
    store: ObjectStore, sandbox: ForkingSandbox, corners: tuple[float, ...]
) -> None:
    sheet = replace(SHEET, rows=(replace(ROW, corners=corners, shot=0), replace(ROW, shot=7)))
    assert (await draw(store, sandbox, await opening(store), sheet)).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    "sheet",
    [
        replace(SHEET, rows=(ROW,) * 21),
        replace(SHEET, headings=("一",)),
        replace(SHEET, rows=(replace(ROW, corners=(1.0,)),)),
        replace(SHEET, title="长" * 401),
    ],
)
async def test_more_than_a_sheet_holds_is_refused(store: ObjectStore, sandbox: ForkingSandbox, sheet: Sheet) -> None:
    with pytest.raises(AppError) as refused:
        await draw(store, sandbox, await opening(store), sheet)
    assert refused.value.code == "evidence.bad-sheet"


async def test_without_a_picture_there_is_no_sheet(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    with pytest.raises(AppError) as refused:
        await draw(store, sandbox, replace(await opening(store), shots=()), SHEET)
    assert refused.value.code == "evidence.nothing-to-show"


async def test_a_broken_picture_is_said(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    with pytest.raises(AppError) as refused:
        await draw(store, sandbox, await opening(store, b"no jpeg"), SHEET)
    assert refused.value.code == "picture.not-possible"
