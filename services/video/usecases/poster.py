"""A picture of a video for the screen: made once, when somebody first looks, and deleted with the video."""

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.kernel.errors import AppError, Kind, not_found
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Profile, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectExists, ObjectMissing, ObjectStore
from services.video.usecases.measure import measure

#: What the sandbox calls. Preload the module.
POSTER = "services.video.tools.poster:poster"
RESULT = "poster.jpg"
PICTURE = Profile(
    name="poster", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=512 * 2**20, output_bytes=8 * 2**20
)


def key_of(dossier_id: str, file_id: str) -> str:
    """Where the picture is kept."""
    return f"derived/video/dossiers/{dossier_id}/{file_id}/poster.jpg"


async def poster(
    store: ObjectStore, sandbox: Sandbox, source: ByteSource, key: str, is_there: Callable[[], Awaitable[bool]]
) -> bytes:
    """The JPEG. Raises `AppError` picture.not-possible, request.not-found (the video went meanwhile)."""
    with contextlib.suppress(ObjectMissing):
        return await store.read(key, 0, PICTURE.output_bytes)
    if (await measure(sandbox, source)).facts is None:  # no library sees what our own reader found no movie in
        raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=1)
    with tempfile.TemporaryDirectory(prefix="shenbao-poster-") as folder:
        scratch = Path(folder)
        try:
            await sandbox.run(POSTER, {"scratch": folder}, profile=PICTURE, sources=[source], scratch=scratch)
        except (SandboxFailed, *LIMITS_HIT) as error:
            raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=1) from error
        jpeg = await asyncio.to_thread((scratch / RESULT).read_bytes)
    with contextlib.suppress(ObjectExists):  # somebody else was faster
        await store.put(key, jpeg)
    if not await is_there():
        await store.delete(key)
        raise not_found("file")
    return jpeg
