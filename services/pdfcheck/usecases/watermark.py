"""Marks a picture with who is given it: when it is delivered, never what is kept."""

import base64
import binascii
from dataclasses import dataclass

from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.port import LIMITS_HIT, Profile, Sandbox, SandboxFailed

#: What the sandbox calls. Preload the module.
STAMP = "services.pdfcheck.tools.watermark:stamp"
PRELOAD = ("services.pdfcheck.tools.watermark",)
PROFILE = Profile(name="watermark", memory_bytes=768 * 2**20, cpu_s=10, wall_s=15, read_budget_bytes=32 * 2**20)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """A picture as a source."""

    content: bytes

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        """A range of them."""
        return self.content[offset : offset + length]


async def watermarked(sandbox: Sandbox, jpeg: bytes, mark: str, *, page: int) -> bytes:
    """The picture of `page` with `mark` across it. Raises `AppError` picture.not-possible: without its mark it is not
    given away.
    """
    try:
        outcome = await sandbox.run(STAMP, {"mark": mark}, profile=PROFILE, sources=[_Bytes(jpeg)])
        match outcome.value:
            case {"jpeg": str(made)}:
                return base64.b64decode(made, validate=True)
        raise TypeError("the marking returned no picture")
    except (SandboxFailed, binascii.Error, *LIMITS_HIT) as error:
        raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=page) from error
