"""Pages as pictures for the screen: made once, when somebody first looks or before, and kept beside what they show."""

import asyncio
import contextlib
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, JsonObject, Profile, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectExists, ObjectMissing, ObjectStore

#: What the sandbox calls. Preload the module.
RENDER = "services.pdfcheck.tools.render:render"
PRELOAD = ("services.pdfcheck.tools.render",)
RESULT = "page.jpg"
NO_SUCH_PAGE = "NoSuchPage"
PICTURE = Profile(
    name="picture", memory_bytes=768 * 2**20, cpu_s=10, wall_s=30, read_budget_bytes=2**30, output_bytes=16 * 2**20
)
#: Pixels across: one for the overview, one for reading, one for zooming in.
WIDTHS_PX = (240, 1200, 2400)
#: What is made of every page, by drawing it once.
SIZES_PX = (240, 1200)
#: Pages of a file whose report is gone: the document itself says when there are fewer.
MOST_PAGES = 10_000
#: More than one per core only makes each slower.
AT_ONCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictured:
    """What is to be seen: `folder` is where its pictures are kept, deleted with it."""

    source: ByteSource
    folder: str
    pages: int
    #: Whether it is still there: a picture that was being made while its document went must not stay.
    is_there: Callable[[], Awaitable[bool]]

    def key(self, page: int, width_px: int) -> str:
        """Where a picture is kept."""
        return f"{self.folder}{width_px}/{page}.jpg"


class DocumentGone(Exception):
    """The document went while pictures of it were being made; none of them stays."""


class Pictures:
    """Asks the store first, the sandbox second; two who want the same page wait for one drawing of it."""

    def __init__(self, store: ObjectStore, sandbox: Sandbox) -> None:
        """Nothing is started."""
        self.store = store
        self.sandbox = sandbox
        self._room = asyncio.Semaphore(AT_ONCE)
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def jpeg(self, pictured: Pictured, page: int, width_px: int) -> bytes:
        """Page `page` (from 1), `width_px` wide. Raises `AppError` picture.bad-width, request.not-found (no such
        page), picture.not-possible (the page cannot be drawn within the limits)."""
        if width_px not in WIDTHS_PX:
            allowed = ", ".join(map(str, WIDTHS_PX))
            raise AppError("picture.bad-width", Kind.INVALID, measured=width_px, allowed=allowed)
        if not 1 <= page <= pictured.pages:
            raise not_found("page")
        found = await self.kept(pictured, page, width_px)
        if found is not None:
            return found
        async with self.alone(pictured, page):
            found = await self.kept(pictured, page, width_px)
            return found if found is not None else await self._made(pictured, page, width_px)

    async def kept(self, pictured: Pictured, page: int, width_px: int) -> bytes | None:
        """The picture, None while it is not made."""
        try:
            return await self.store.read(pictured.key(page, width_px), 0, PICTURE.output_bytes)
        except ObjectMissing:
            return None

    async def is_made(self, pictured: Pictured, page: int) -> bool:
        """Whether the page is kept in every size."""
        try:
            for width in SIZES_PX:
                await self.store.head(pictured.key(page, width))
        except ObjectMissing:
            return False
        return True

    async def keep(self, pictured: Pictured, page: int, pictures: Sequence[tuple[int, bytes]]) -> None:
        """Put (width, JPEG) of a page beside the document. Raises `DocumentGone`; then nothing was kept."""
        await asyncio.gather(*(self._put(pictured.key(page, width), jpeg) for width, jpeg in pictures))
        if not await pictured.is_there():
            for width, _ in pictures:
                await self.store.delete(pictured.key(page, width))
            raise DocumentGone

    async def _put(self, key: str, jpeg: bytes) -> None:
        with contextlib.suppress(ObjectExists):  # another process was faster
            await self.store.put(key, jpeg)

    async def _made(self, pictured: Pictured, page: int, width_px: int) -> bytes:
        """One drawing gives both sizes that every page has."""
        drawn_px, also = (max(SIZES_PX), [min(SIZES_PX)]) if width_px in SIZES_PX else (width_px, [])
        with tempfile.TemporaryDirectory(prefix="shenbao-picture-") as folder:
            scratch = Path(folder)
            arguments: JsonObject = {"page": page, "width_px": drawn_px, "also_px": [*also], "scratch": folder}
            try:
                async with self._room:
                    await self.sandbox.run(
                        RENDER, arguments, profile=PICTURE, sources=[pictured.source], scratch=scratch
                    )
                made = [(drawn_px, await picture_in(scratch / RESULT))]
                made += [(each, await picture_in(scratch / f"{each}.jpg")) for each in also]
            except SandboxFailed as error:
                raise not_found("page") if error.kind == NO_SUCH_PAGE else _impossible(page) from error
            except (*LIMITS_HIT, NoPicture) as error:
                raise _impossible(page) from error
        try:
            await self.keep(pictured, page, made)
        except DocumentGone as error:
            raise not_found("page") from error
        return dict(made)[width_px]

    def is_busy(self, pictured: Pictured, page: int) -> bool:
        """Whether somebody here draws this page now."""
        return _lock_of(pictured, page) in self._locks

    @contextlib.asynccontextmanager
    async def alone(self, pictured: Pictured, page: int) -> AsyncIterator[None]:
        """Nobody else here draws this page meanwhile."""
        name = _lock_of(pictured, page)
        lock, waiting = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(name)
            if waiting > 1:
                self._locks[name] = (lock, waiting - 1)


def _lock_of(pictured: Pictured, page: int) -> str:
    return f"{pictured.folder}{page}"


class NoPicture(Exception):
    """The sandbox left no picture of that name."""


async def picture_in(path: Path) -> bytes:
    """What the sandbox wrote there. Raises `NoPicture`: also for a link, which might lead to somebody else's file."""
    return await asyncio.to_thread(_plain_file, path)


def _plain_file(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NoPicture from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NoPicture
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(PICTURE.output_bytes)
    finally:
        os.close(handle)


def _impossible(page: int) -> AppError:
    return AppError("picture.not-possible", Kind.UNPROCESSABLE, page=page)


def folder_of_merged(object_key: str) -> str:
    """Where the pictures of a merged PDF are kept: beside it."""
    return f"{object_key.removesuffix('.pdf')}/"


def folder_of_file(dossier_id: str, file_id: str) -> str:
    """Where the pictures of a file are kept."""
    return f"derived/pdfcheck/dossiers/{dossier_id}/files/{file_id}/"


async def forget(store: ObjectStore, folder: str) -> None:
    """Delete every picture under `folder`, and what else was made of the document."""
    async for kept in store.list(folder):
        await store.delete(kept.key)
