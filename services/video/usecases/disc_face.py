"""The printable face of a disc: `姓名手术视频光盘`, and the SHA-256 of what is on it (M15-2g)."""

import asyncio
import tempfile
from pathlib import Path

from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.port import LIMITS_HIT, Profile, Sandbox, SandboxFailed

#: What the sandbox calls. Preload the module.
DRAW = "services.video.tools.disc_face:draw"
PRELOAD = ("services.video.tools.disc_face",)
RESULT = "face.pdf"
DRAWING = Profile(name="face", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=0, output_bytes=16 * 2**20)
MOST_NOTES, LONGEST_TEXT = 2, 200
_DIGEST_CHARACTERS = 64


async def draw_face(sandbox: Sandbox, *, title: str, notes: tuple[str, ...], sha256: str) -> bytes:
    """A PDF of one A4 page with the face in its true size.

    Raises `AppError` face.bad-text, picture.not-possible.
    """
    texts = (title, *notes)
    if len(notes) > MOST_NOTES or not title or max(map(len, texts)) > LONGEST_TEXT or len(sha256) != _DIGEST_CHARACTERS:
        raise AppError("face.bad-text", Kind.INVALID)
    with tempfile.TemporaryDirectory(prefix="shenbao-face-") as folder:
        scratch = Path(folder)
        try:
            await sandbox.run(
                DRAW, {"title": title, "notes": list(notes), "sha256": sha256, "scratch": folder}, profile=DRAWING,
                scratch=scratch,
            )  # fmt: skip
        except (SandboxFailed, *LIMITS_HIT) as error:
            raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=1) from error
        return await asyncio.to_thread((scratch / RESULT).read_bytes)


def title_of(name: str) -> str:
    """What the notice wants to be written there."""
    return f"{name}手术视频光盘"
