"""The face of a disc, drawn in the real sandbox, in its true size, its code readable."""

from collections.abc import AsyncIterator

import cv2
import numpy as np
import pypdfium2
import pytest

from services.kernel.errors import AppError
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.video.usecases.disc_face import PRELOAD, draw_face, title_of

SHA256 = "52249b5f4788499fd997031c9c169596d15cf0f476b86d073f5fd561077fc096"
A4_POINTS = (595.3, 841.9)


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


def page(pdf: bytes) -> tuple[tuple[float, float], np.ndarray]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert len(document) == 1
        return document[0].get_size(), np.asarray(document[0].render(scale=300 / 72).to_pil().convert("L"))
    finally:
        document.close()


@pytest.mark.parametrize("name", ["张三", "古丽巴哈尔·阿不都热合曼·买买提江·吐尔逊"])
async def test_it_is_an_a4_page_with_a_disc_of_120_mm_and_a_code(sandbox: ForkingSandbox, name: str) -> None:
    pdf = await draw_face(sandbox, title=title_of(name), notes=("锦川县人民医院",), sha256=SHA256)
    size, pixels = page(pdf)
    assert size == pytest.approx(A4_POINTS, abs=0.2)
    inked = np.nonzero((pixels < 128).any(axis=0))[0]
    assert (inked[-1] - inked[0]) / 300 * 25.4 == pytest.approx(120, abs=0.5)  # nothing stands beside the disc
    read, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)
    assert read == SHA256.upper()


async def test_the_notice_says_what_must_stand_there() -> None:
    """M15-2g."""
    assert title_of("张三") == "张三手术视频光盘"


@pytest.mark.parametrize(
    ("title", "notes", "sha256"),
    [("", (), SHA256), ("长" * 201, (), SHA256), ("张", ("a", "b", "c"), SHA256), ("张", (), "00")],
)
async def test_more_than_a_face_holds_is_refused(
    sandbox: ForkingSandbox, title: str, notes: tuple[str, ...], sha256: str
) -> None:
    with pytest.raises(AppError) as refused:
        await draw_face(sandbox, title=title, notes=notes, sha256=sha256)
    assert refused.value.code == "face.bad-text"
