"""Makes the image of a stored video inside the store, and proves it before anybody calls it built (M15-2g, ADR 17)."""

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.port import Progress
from services.kernel.storage.port import Composed, Excerpt, ObjectStore
from services.kernel.stored_files import StoredFile
from services.video.domain.disc import disc_file_name
from services.video.ports import DiscTools, PlannedImage

#: Shares of the work: composing, then reading what nobody vouches for.
_COMPOSED = 0.5
_CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """An image that was proven; `sha256` is "" where the store vouches for the video's bytes and it was not read."""

    object_key: str
    size_bytes: int
    sha256: str
    file_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscImages:
    """`rehash` reads every image as a whole, also where the store copied the video itself."""

    store: ObjectStore
    tools: DiscTools
    rehash: bool = False

    async def build(
        self, file: StoredFile, *, file_name: str, label: str, at: datetime, folder: str, progress: Progress
    ) -> Built:
        """The image of the verified `file`, below `folder`, under a key that says what it is made of.

        Raises `AppError` disc.bad-name, disc.not-as-written; `ObjectChanged` when the video is another one meanwhile.
        """
        plan = await asyncio.to_thread(
            self.tools.plan, file.size_bytes, file_name=file_name, label=label, at=at
        )  # fmt: skip
        key = f"{folder}/{identity(plan, file.sha256)}.iso"
        video = Excerpt(key=file.object_key, etag=file.etag, offset=0, length=file.size_bytes)
        made = await self.store.compose(key, [plan.head, video, plan.tail])
        progress(_COMPOSED)
        name = disc_file_name(file_name)
        try:
            await self._check_directories(made, plan, label=label, name=name)
            whole = ""
            if self.rehash or made.pinned_bytes == 0:
                whole = await self._read(made, plan, file.sha256, progress)
        except AppError:
            await self.store.delete(key)
            raise
        return Built(object_key=key, size_bytes=made.info.size_bytes, sha256=whole, file_name=name)

    async def _check_directories(self, made: Composed, plan: PlannedImage, *, label: str, name: str) -> None:
        """Fetch what stands around the video and hold what it says against where the video was put."""
        behind = len(plan.head) + plan.payload_bytes
        key, etag = made.info.key, made.info.etag
        head = await self.store.read(key, 0, len(plan.head), etag=etag)
        tail = await self.store.read(key, behind, len(plan.tail) + 1, etag=etag)
        found = await asyncio.to_thread(self.tools.directories, head, plan.payload_bytes, tail)
        as_written = (head, tail) == (plan.head, plan.tail)
        if not as_written or not found.agree(label=label, name=name, extent=(len(plan.head), plan.payload_bytes)):
            raise AppError("disc.not-as-written", Kind.INTERNAL)

    async def _read(self, made: Composed, plan: PlannedImage, sha256: str, progress: Progress) -> str:
        """Hash the image, and the video in its place; on one core, so that verdicts beside it have another."""
        whole, video = hashlib.sha256(), hashlib.sha256()
        begins, ends, position = len(plan.head), len(plan.head) + plan.payload_bytes, 0
        async with aclosing(self.store.stream(made.info.key, chunk_bytes=_CHUNK_BYTES)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                start, stop = (min(max(0, each - position), len(chunk)) for each in (begins, ends))
                await asyncio.to_thread(_update, whole, chunk, video, memoryview(chunk)[start:stop])
                position += len(chunk)
                progress(_COMPOSED + (1 - _COMPOSED) * position / made.info.size_bytes)
        if video.hexdigest() != sha256 or position != made.info.size_bytes:
            raise AppError("disc.not-as-written", Kind.INTERNAL)
        return whole.hexdigest()


def _update(whole: Any, chunk: bytes, part: Any, piece: memoryview) -> None:
    whole.update(chunk)
    part.update(piece)


def identity(plan: PlannedImage, file_sha256: str) -> str:
    """The SHA-256 of what an image is made of: the same for the same bytes, without reading the video."""
    made_of = hashlib.sha256()
    for piece in (hashlib.sha256(plan.head).digest(), bytes.fromhex(file_sha256), hashlib.sha256(plan.tail).digest()):
        made_of.update(piece)
    return made_of.hexdigest()
