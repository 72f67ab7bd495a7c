"""Page pictures in the real sandbox, over a real local store: made once, right way up, gone with their document."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxTimeout
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.pdfcheck.usecases import pictures
from services.pdfcheck.usecases.pictures import PRELOAD, RENDER, Pictured, Pictures
from tests.assets import pdf_fixtures as made
from tests.contract.storages import localdir
from tests.unit.pdfcheck.test_usecases import InMemory, Scripted

FOLDER = "derived/pdfcheck/dossiers/d/m/abc/"


@dataclass(slots=True)
class Counting:
    """Bytes that count how often they were asked for."""

    content: bytes
    reads: list[int] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        self.reads.append(offset)
        return self.content[offset : offset + length]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


async def always() -> bool:
    return True


def pictured(content: bytes, pages: int = 1) -> Pictured:
    return Pictured(source=Counting(content), folder=FOLDER, pages=pages, is_there=always)


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


async def refused(made_here: Pictures, what: Pictured, page: int = 1, width: int = 240) -> str:
    with pytest.raises(AppError) as failed:
        await made_here.jpeg(what, page, width)
    return failed.value.code


async def test_each_page_is_its_own_and_as_wide_as_asked_for(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    shot = Pictures(store, sandbox)
    scans = [made.scan_jpeg(seed=1), made.scan_jpeg(seed=2)]
    two = pictured(made.pdf_of(scans, lambda pdf: pdf.pages[1].rotate(90, relative=True)), pages=2)
    first, second = opened(await shot.jpeg(two, 1, 240)), opened(await shot.jpeg(two, 2, 1200))
    assert first.format == "JPEG"
    assert 240 <= first.width <= 270  # a scan is as good when it is an eighth wider
    assert 1200 <= second.width <= 1350
    assert first.height > first.width
    assert second.height < second.width


async def test_a_picture_is_made_once_and_then_read(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    shot = Pictures(store, sandbox)
    what = pictured(made.scanned_pdf(1))
    both = await asyncio.gather(shot.jpeg(what, 1, 240), shot.jpeg(what, 1, 240))
    assert both[0] == both[1]
    other = pictured(b"nothing that could be drawn")
    assert await shot.jpeg(other, 1, 240) == both[0]
    assert other.source.reads == []  # type: ignore[attr-defined]
    await pictures.forget(store, FOLDER)
    assert [kept async for kept in store.list(FOLDER)] == []


async def test_chinese_without_an_embedded_font_is_not_drawn_empty(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    shot = Pictures(store, sandbox)
    two = pictured(made.written_pdf([["学历证书"], ["毕业学校：四川大学"]]), pages=2)
    pages = [opened(await shot.jpeg(two, number, 1200)).convert("L") for number in (1, 2)]
    ink = [sum(page.histogram()[:100]) for page in pages]
    assert ink[0] > 500
    assert ink[1] > 1.5 * ink[0]


async def test_one_drawing_gives_both_sizes(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    shot = Pictures(store, sandbox)
    large = opened(await shot.jpeg(pictured(made.scanned_pdf(1)), 1, 1200))
    undrawable = pictured(b"nothing that could be drawn")
    small = opened(await shot.jpeg(undrawable, 1, 240))
    assert 240 <= small.width <= 270
    assert abs(small.height / small.width - large.height / large.width) < 0.01
    assert [kept.key async for kept in store.list(FOLDER)] == [f"{FOLDER}1200/1.jpg", f"{FOLDER}240/1.jpg"]


async def test_a_link_that_the_sandbox_left_is_not_followed(tmp_path: Path) -> None:
    """It might lead to somebody else's file."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"somebody else's")
    (tmp_path / "page.jpg").symlink_to(secret)
    (tmp_path / "folder.jpg").mkdir()
    for name in ("page.jpg", "folder.jpg", "missing.jpg"):
        with pytest.raises(pictures.NoPicture):
            await pictures.picture_in(tmp_path / name)
    assert await pictures.picture_in(secret) == b"somebody else's"


async def test_a_photograph_is_upright_and_transparency_is_white(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    shot = Pictures(store, sandbox)
    photo = opened(await shot.jpeg(pictured(made.photo_jpeg(orientation=6, size=(1600, 1200))), 1, 1200))
    assert photo.height > photo.width
    await pictures.forget(store, FOLDER)
    flat = opened(await shot.jpeg(pictured(made.png("RGBA")), 1, 240))
    assert flat.mode == "RGB"


@pytest.mark.parametrize(("page", "width", "code"), [
    (0, 240, "request.not-found"), (2, 240, "request.not-found"), (-1, 240, "request.not-found"),
    (1, 241, "picture.bad-width"), (1, 0, "picture.bad-width"), (1, 100_000, "picture.bad-width"),
])  # fmt: skip
async def test_other_pages_and_widths_are_refused_unread(
    store: ObjectStore, sandbox: ForkingSandbox, page: int, width: int, code: str
) -> None:
    what = pictured(made.scanned_pdf(1))
    assert await refused(Pictures(store, sandbox), what, page, width) == code
    assert what.source.reads == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [made.html(), b"%PDF-1.7\n%%EOF", made.encrypted(user="secret")])
async def test_what_cannot_be_drawn_is_said_so(store: ObjectStore, sandbox: ForkingSandbox, content: bytes) -> None:
    code = await refused(Pictures(store, sandbox), pictured(content))
    assert code in ("picture.not-possible", "request.not-found")
    assert [kept async for kept in store.list(FOLDER)] == []


async def test_a_page_beyond_the_document_is_not_found(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    what = pictured(made.scanned_pdf(1), pages=pictures.MOST_PAGES)
    assert await refused(Pictures(store, sandbox), what, page=2) == "request.not-found"


async def test_a_page_that_takes_too_long_is_said_so(store: ObjectStore) -> None:
    slow = Scripted({RENDER: SandboxTimeout("wall")})
    assert await refused(Pictures(store, slow), pictured(made.scanned_pdf(1))) == "picture.not-possible"


async def test_nothing_stays_of_a_document_that_went_meanwhile(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    async def gone() -> bool:
        return False

    source = InMemory(made.scanned_pdf(1))
    what = Pictured(source=source, folder=FOLDER, pages=1, is_there=gone)
    assert await refused(Pictures(store, sandbox), what) == "request.not-found"
    assert [kept async for kept in store.list(FOLDER)] == []
