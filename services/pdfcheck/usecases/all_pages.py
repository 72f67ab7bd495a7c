"""Pictures of all pages of a document: it is opened once, and each page is kept as soon as it is drawn.

The child that draws asks for each page by reading an order; by asking for the next one it says that the last one is
drawn. So nothing is drawn that was made meanwhile, pages do not pile up when the store is slow, and whoever stops
listening stops the drawing.
"""

import asyncio
import contextlib
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.kernel.sandbox.port import LIMITS_HIT, Profile, SandboxFailed
from services.pdfcheck.domain import orders
from services.pdfcheck.usecases.pictures import (
    SIZES_PX,
    DocumentGone,
    NoPicture,
    Pictured,
    Pictures,
    picture_in,
)

#: What the sandbox calls. Preload the module.
RENDER_MANY = "services.pdfcheck.tools.render:render_many"
#: Pages that one child draws at most: what it may use must suffice for honest ones, and end for the others.
PAGES_A_CHILD = 60
WAITED_FOR = Profile(
    name="pictures", memory_bytes=768 * 2**20, cpu_s=60, wall_s=300, read_budget_bytes=4 * 2**30,
    output_bytes=16 * 2**20,
)  # fmt: skip
IN_BACKGROUND = replace(WAITED_FOR, nice=10, wall_s=900)
#: Pages that may take a child with them; then the rest is left until somebody asks for it.
MOST_LOSSES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A page that is done: `drawn` unless it cannot be. `jpeg` is the one that was asked for."""

    page: int
    drawn: bool = True
    jpeg: bytes = b""


async def pages_ready(
    pictures: Pictures, pictured: Pictured, profile: Profile, *, width_px: int | None = None
) -> AsyncGenerator[Ready, None]:
    """Every page in both sizes, each when it is kept: those that are kept already, then the others in order.

    `jpeg` is `width_px` wide, empty for None. Ends early where the document goes, cannot be opened, or takes too many
    children with it. Raises `ZygoteLost`, `SourceSlow`, and whatever source and store raise.
    """
    made = await _made(pictures, pictured)
    for page in sorted(page for page in made if page <= pictured.pages):
        yield await _told(pictures, pictured, page, width_px)
    left = deque(page for page in range(1, pictured.pages + 1) if page not in made)
    losses = 0
    while left and losses <= MOST_LOSSES:
        child = _Child(pictures, pictured, left)
        async with contextlib.aclosing(child.pages(profile)) as drawn:
            async for page, is_drawn in drawn:
                yield await _told(pictures, pictured, page, width_px) if is_drawn else Ready(page=page, drawn=False)
        if child.is_over:
            return
        losses += child.is_lost


async def _made(pictures: Pictures, pictured: Pictured) -> set[int]:
    """The pages that are kept in every size."""
    found: dict[int, int] = {}
    for width in SIZES_PX:
        async for kept in pictures.store.list(f"{pictured.folder}{width}/"):
            name = kept.key.rpartition("/")[2].removesuffix(".jpg")
            if name.isdecimal():
                found[int(name)] = found.get(int(name), 0) + 1
    return {page for page, sizes in found.items() if sizes == len(SIZES_PX)}


async def _told(pictures: Pictures, pictured: Pictured, page: int, width_px: int | None) -> Ready:
    jpeg = b"" if width_px is None else await pictures.kept(pictured, page, width_px)
    return Ready(page=page, drawn=jpeg is not None, jpeg=jpeg or b"")


class _Child:
    """One task of the sandbox, and the source of its orders."""

    def __init__(self, pictures: Pictures, pictured: Pictured, left: deque[int]) -> None:
        """Takes pages from `left`."""
        self._pictures = pictures
        self._pictured = pictured
        self._left = left
        self._done: asyncio.Queue[tuple[int, bool] | None] = asyncio.Queue()
        self._scratch = Path()
        self._ordered = 0
        self._page = 0
        self._held = contextlib.AsyncExitStack()
        self._keeping: asyncio.Task[None] | None = None
        #: No other child will do better; this one was lost over a page.
        self.is_over = False
        self.is_lost = False

    @property
    def size_bytes(self) -> int:
        """Of the orders: one for each page, and the end."""
        return orders.BYTES * (PAGES_A_CHILD + 1)

    async def read(self, _offset: int, _length: int) -> bytes:
        """The next order, once what was drawn before is in hand."""
        await self._take()
        while self._left and self._ordered < PAGES_A_CHILD:
            page = await self._next()
            if page:
                self._ordered += 1
                self._page = page
                return orders.order_of(page)
        return orders.END

    async def pages(self, profile: Profile) -> AsyncGenerator[tuple[int, bool], None]:
        """Draw, and tell of each page that is kept, or cannot be."""
        task = asyncio.create_task(self._run(profile), name="pictures")
        try:
            while (found := await self._done.get()) is not None:
                yield found
        finally:
            if not task.done():
                task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def _run(self, profile: Profile) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="shenbao-pictures-") as folder:
                self._scratch = Path(folder)
                await self._draw(profile)
        finally:
            if self._keeping is not None:
                await asyncio.wait([self._keeping])
            await self._held.aclose()
            self._done.put_nowait(None)

    async def _draw(self, profile: Profile) -> None:
        try:
            await self._pictures.sandbox.run(
                RENDER_MANY,
                {"widths_px": [*SIZES_PX], "scratch": str(self._scratch)},
                profile=profile,
                sources=[self._pictured.source, self],
                scratch=self._scratch,
            )
            await self._kept()
        except DocumentGone:
            self.is_over = True
        except SandboxFailed:  # it does not open, or has fewer pages
            await self._kept()
            self.is_over = True
        except LIMITS_HIT:
            await self._kept()
            self.is_over, self.is_lost = not self._page, True
            if self._page:
                self._done.put_nowait((self._page, False))

    async def _next(self) -> int:
        """A page that is to be drawn, held for this child; 0 where it was made meanwhile. One that somebody draws now
        comes later, so as not to wait for it.
        """
        free = (page for page in self._left if not self._pictures.is_busy(self._pictured, page))
        page = next(free, self._left[0])
        async with contextlib.AsyncExitStack() as held:
            await held.enter_async_context(self._pictures.alone(self._pictured, page))
            self._left.remove(page)
            if await self._pictures.is_made(self._pictured, page):
                self._done.put_nowait((page, True))
                return 0
            self._held = held.pop_all()
        return page

    async def _take(self) -> None:
        """Begin to keep the page that was drawn last; the child draws the next one meanwhile."""
        page, self._page = self._page, 0
        if not page:
            return
        async with self._held as held:
            try:
                made = [(width, await _taken(self._scratch / orders.name_of(page, width))) for width in SIZES_PX]
            except NoPicture:
                self._done.put_nowait((page, False))
                return
            await self._kept()
            keeping = self._keep(page, made, held.pop_all())
        self._keeping = asyncio.create_task(keeping, name="pictures-keeping")

    async def _keep(self, page: int, made: Sequence[tuple[int, bytes]], held: contextlib.AsyncExitStack) -> None:
        async with held:
            await self._pictures.keep(self._pictured, page, made)
        self._done.put_nowait((page, True))

    async def _kept(self) -> None:
        """Wait until what is being kept is. Raises what keeping raised."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            await keeping


async def _taken(path: Path) -> bytes:
    """A picture, which is not left lying about."""
    jpeg = await picture_in(path)
    await asyncio.to_thread(path.unlink)
    return jpeg
