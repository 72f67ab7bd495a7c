"""All pages of a document by one child: each kept as soon as it is drawn, none drawn twice, nothing left behind."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from services.kernel.sandbox.port import (
    ByteSource,
    JsonObject,
    Outcome,
    Profile,
    Progress,
    Sandbox,
    SandboxCrashed,
    SandboxFailed,
    ZygoteLost,
)
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.pdfcheck.domain import orders
from services.pdfcheck.usecases import all_pages
from services.pdfcheck.usecases.all_pages import IN_BACKGROUND, RENDER_MANY, Ready, pages_ready
from services.pdfcheck.usecases.pictures import PRELOAD, RENDER, Pictured, Pictures
from tests.assets import pdf_fixtures as made
from tests.contract.storages import localdir
from tests.unit.pdfcheck.test_usecases import InMemory

FOLDER = "derived/pdfcheck/dossiers/d/m/abc/"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


@dataclass(slots=True)
class Counted:
    """The real sandbox, and what it was asked for."""

    real: Sandbox
    asked: list[str] = field(default_factory=list)

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        self.asked.append(function)
        return await self.real.run(
            function, arguments, profile=profile, sources=sources, scratch=scratch, progress=progress
        )

    async def close(self) -> None:
        await self.real.close()


@dataclass(slots=True)
class Drawing:
    """A child that draws as told: a page of `fatal` kills it, one of `blank` it leaves out."""

    fatal: dict[int, Exception] = field(default_factory=dict)
    blank: set[int] = field(default_factory=set)
    #: Before it draws anything.
    at_once: Exception | None = None
    drawn: list[int] = field(default_factory=list)
    children: int = 0
    before: asyncio.Event | None = None

    async def run(
        self, function: str, arguments: JsonObject, *, profile: Profile, sources: Sequence[ByteSource] = (),
        scratch: Path | None = None, progress: Progress | None = None,
    ) -> Outcome:  # fmt: skip
        assert function == RENDER_MANY
        assert scratch is not None
        self.children += 1
        if self.at_once is not None:
            raise self.at_once
        place = 0
        while page := orders.page_of(await sources[1].read(place * orders.BYTES, orders.BYTES)):
            if self.before is not None:
                await self.before.wait()
            if page in self.fatal:
                raise self.fatal[page]
            self.drawn.append(page)
            for width in (240, 1200) if page not in self.blank else ():
                (scratch / orders.name_of(page, width)).write_bytes(b"%d at %d" % (page, width))
            place += 1
        return Outcome(value={}, bytes_read=0, cpu_s=0, peak_memory_bytes=0)

    async def close(self) -> None:
        """Nothing to close."""


async def always() -> bool:
    return True


def pictured(content: bytes = b"", pages: int = 3) -> Pictured:
    return Pictured(source=InMemory(content), folder=FOLDER, pages=pages, is_there=always)


async def told(pictures: Pictures, what: Pictured, width_px: int | None = None) -> list[Ready]:
    return [each async for each in pages_ready(pictures, what, IN_BACKGROUND, width_px=width_px)]


async def kept(store: ObjectStore) -> list[str]:
    return [each.key.removeprefix(FOLDER) async for each in store.list(FOLDER)]


async def test_every_page_in_both_sizes_by_one_child(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    counted = Counted(sandbox)
    what = pictured(made.scanned_pdf(3))
    ready = await told(Pictures(store, counted), what, 240)
    assert [(each.page, each.drawn) for each in ready] == [(1, True), (2, True), (3, True)]
    widths = {Image.open(io.BytesIO(each.jpeg)).width for each in ready}
    assert (widths, counted.asked) == ({240}, [RENDER_MANY])
    assert len(await kept(store)) == 6


async def test_what_is_kept_is_told_first_and_not_drawn_again(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    counted = Counted(sandbox)
    pictures, what = Pictures(store, counted), pictured(made.scanned_pdf(3))
    first = await pictures.jpeg(what, 2, 1200)
    assert [each.page for each in await told(pictures, what)] == [2, 1, 3]
    assert counted.asked == [RENDER, RENDER_MANY]
    assert await pictures.jpeg(what, 2, 1200) == first
    assert [each.page for each in await told(pictures, what)] == [1, 2, 3]
    assert counted.asked == [RENDER, RENDER_MANY]


async def test_who_draws_a_page_makes_no_difference(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    pictures, what = (
        Pictures(store, sandbox),
        pictured(made.pdf_of([made.scan_jpeg(5, size=(1240, 1754))] * 2), pages=2),
    )
    alone = [await pictures.jpeg(what, 1, width) for width in (240, 1200)]
    await told(pictures, what)
    assert [await pictures.kept(what, 2, width) for width in (240, 1200)] == alone


async def test_a_photograph_is_one_page(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    ready = await told(Pictures(store, sandbox), pictured(made.photo_jpeg(6, (400, 300)), pages=1), 1200)
    image = Image.open(io.BytesIO(ready[0].jpeg))
    assert (len(ready), image.height > image.width) == (1, True)


async def test_a_page_is_kept_before_the_last_one_is_drawn(store: ObjectStore) -> None:
    ready = pages_ready(Pictures(store, Drawing()), pictured(pages=50), IN_BACKGROUND, width_px=1200)
    async with contextlib.aclosing(ready) as pages:
        first = await anext(pages)
    assert (first.page, first.jpeg) == (1, b"1 at 1200")
    assert "1200/50.jpg" not in await kept(store)


async def test_whoever_asks_meanwhile_gets_the_page_that_is_being_drawn(store: ObjectStore) -> None:
    """It is drawn once, by whom has it."""
    drawing = Drawing(before=asyncio.Event())
    pictures, what = Pictures(store, drawing), pictured(pages=2)
    everything = asyncio.create_task(told(pictures, what))
    while not pictures.is_busy(what, 1):
        await asyncio.sleep(0)
    asked = asyncio.create_task(pictures.jpeg(what, 1, 1200))
    assert drawing.before is not None
    drawing.before.set()
    assert await asked == b"1 at 1200"
    await everything
    assert drawing.drawn == [1, 2]


async def test_a_page_that_somebody_else_draws_comes_later(store: ObjectStore) -> None:
    drawing = Drawing()
    pictures, what = Pictures(store, drawing), pictured(pages=3)
    async with pictures.alone(what, 1):
        everything = asyncio.create_task(told(pictures, what))
        while not await pictures.is_made(what, 3):
            await asyncio.sleep(0)
        assert drawing.drawn == [2, 3]
        await pictures.keep(what, 1, [(240, b"theirs"), (1200, b"theirs")])
    assert [each.page for each in await everything] == [2, 3, 1]
    assert drawing.drawn == [2, 3]


async def test_a_page_that_cannot_be_drawn_is_said_so_and_the_rest_follows(store: ObjectStore) -> None:
    ready = await told(Pictures(store, Drawing(blank={2})), pictured())
    assert sorted((each.page, each.drawn) for each in ready) == [(1, True), (2, False), (3, True)]


async def test_a_page_that_takes_its_child_with_it_is_passed_over(store: ObjectStore) -> None:
    drawing = Drawing(fatal={2: SandboxCrashed("signal 11")})
    ready = await told(Pictures(store, drawing), pictured())
    assert sorted((each.page, each.drawn) for each in ready) == [(1, True), (2, False), (3, True)]
    assert (drawing.children, drawing.drawn) == (2, [1, 3])


async def test_too_many_lost_children_end_it(store: ObjectStore) -> None:
    drawing = Drawing(fatal={page: SandboxCrashed() for page in range(1, 30)})
    ready = await told(Pictures(store, drawing), pictured(pages=30))
    assert drawing.children == all_pages.MOST_LOSSES + 1
    assert not any(each.drawn for each in ready)
    assert await kept(store) == []


@pytest.mark.parametrize("error", [SandboxCrashed(), SandboxFailed("PdfiumError", "no document")])
async def test_a_document_that_does_not_open_is_tried_once(store: ObjectStore, error: Exception) -> None:
    drawing = Drawing(at_once=error)
    assert await told(Pictures(store, drawing), pictured()) == []
    assert drawing.children == 1


async def test_a_document_with_fewer_pages_than_told_ends(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    ready = await told(Pictures(store, sandbox), pictured(made.scanned_pdf(1), pages=10_000))
    assert [(each.page, each.drawn) for each in ready] == [(1, True)]


async def test_a_long_document_takes_several_children(store: ObjectStore) -> None:
    drawing = Drawing()
    ready = await told(Pictures(store, drawing), pictured(pages=all_pages.PAGES_A_CHILD + 1))
    assert (drawing.children, len(ready)) == (2, all_pages.PAGES_A_CHILD + 1)


async def test_nothing_stays_of_a_document_that_goes_meanwhile(store: ObjectStore) -> None:
    answers = iter([True, True, False])

    async def there() -> bool:
        return next(answers)

    drawing = Drawing()
    what = Pictured(source=InMemory(b""), folder=FOLDER, pages=40, is_there=there)
    ready = await told(Pictures(store, drawing), what)
    assert [each.page for each in ready] == [1, 2]
    assert len(drawing.drawn) < 6
    assert not [key for key in await kept(store) if key.endswith(("/3.jpg", "/4.jpg"))]


async def test_a_lost_zygote_is_heard_of_and_no_page_stays_held(store: ObjectStore) -> None:
    pictures, what = Pictures(store, Drawing(fatal={2: ZygoteLost()})), pictured()
    with pytest.raises(ZygoteLost):
        await told(pictures, what)
    assert not any(pictures.is_busy(what, page) for page in (1, 2, 3))


async def test_who_stops_listening_stops_the_drawing(store: ObjectStore) -> None:
    drawing = Drawing(before=asyncio.Event())
    pictures, what = Pictures(store, drawing), pictured()
    listening = asyncio.create_task(told(pictures, what))
    while not pictures.is_busy(what, 1):
        await asyncio.sleep(0)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert (drawing.drawn, pictures.is_busy(what, 1)) == ([], False)
