"""Pages as pictures for the screen: made once, when somebody first looks, and kept beside what they were made from."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, JsonObject, Profile, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectExists, ObjectMissing, ObjectStore

#: What the sandbox calls. Preload the module.
RENDER = "services.pdfcheck.tools.render:render"
PRELOAD = ("services.pdfcheck.tools.render",)
RESULT = "page.jpg"
_NO_SUCH_PAGE = "NoSuchPage"
PICTURE = Profile(
    name="picture", memory_bytes=768 * 2**20, cpu_s=10, wall_s=30, read_budget_bytes=2**30, output_bytes=16 * 2**20
)
#: Pixels across: one for the overview, one for reading, one for zooming in.
WIDTHS_PX = (240, 1200, 2400)
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


class Pictures:
    """Asks the store first, the sandbox second; two who ask at once wait for the same picture."""

    def __init__(self, store: ObjectStore, sandbox: Sandbox) -> None:
        """Nothing is started."""
        self._store = store
        self._sandbox = sandbox
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
        key = f"{pictured.folder}{width_px}/{page}.jpg"
        found = await self._kept(key)
        if found is not None:
            return found
        async with self._alone(key):
            found = await self._kept(key)
            return found if found is not None else await self._made(pictured, key, page, width_px)

    async def _kept(self, key: str) -> bytes | None:
        try:
            return await self._store.read(key, 0, PICTURE.output_bytes)
        except ObjectMissing:
            return None

    async def _made(self, pictured: Pictured, key: str, page: int, width_px: int) -> bytes:
        with tempfile.TemporaryDirectory(prefix="shenbao-picture-") as folder:
            scratch = Path(folder)
            try:
                async with self._room:
                    arguments: JsonObject = {"page": page, "width_px": width_px, "scratch": folder}
                    await self._sandbox.run(
                        RENDER, arguments, profile=PICTURE, sources=[pictured.source], scratch=scratch
                    )
            except SandboxFailed as error:
                raise not_found("page") if error.kind == _NO_SUCH_PAGE else _impossible(page) from error
            except LIMITS_HIT as error:
                raise _impossible(page) from error
            jpeg = await asyncio.to_thread((scratch / RESULT).read_bytes)
        with contextlib.suppress(ObjectExists):  # another process was faster
            await self._store.put(key, jpeg)
        if not await pictured.is_there():
            await self._store.delete(key)
            raise not_found("page")
        return jpeg

    @contextlib.asynccontextmanager
    async def _alone(self, key: str) -> AsyncIterator[None]:
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)


def _impossible(page: int) -> AppError:
    return AppError("picture.not-possible", Kind.UNPROCESSABLE, page=page)


def folder_of_merged(object_key: str) -> str:
    """Where the pictures of a merged PDF are kept: beside it."""
    return f"{object_key.removesuffix('.pdf')}/"


def folder_of_file(dossier_id: str, file_id: str) -> str:
    """Where the pictures of a file are kept."""
    return f"derived/pdfcheck/dossiers/{dossier_id}/files/{file_id}/"


async def forget(store: ObjectStore, folder: str) -> None:
    """Delete every picture under `folder`."""
    async for kept in store.list(folder):
        await store.delete(kept.key)
