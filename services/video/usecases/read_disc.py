"""Reads a disc image that may come from anywhere, in the sandbox (M15-2g)."""

from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Profile, Sandbox, SandboxFailed
from services.video.domain.readback import ReadBack, from_plain

#: What the sandbox calls. Preload the modules.
INSPECT = "services.video.tools.disc_reader:inspect"
PRELOAD = ("services.video.tools.disc_reader",)
#: An image is read once for each view and once as a whole: three times a disc's worth.
DISC = Profile(name="disc", memory_bytes=512 * 2**20, cpu_s=600, wall_s=1800, read_budget_bytes=16 * 2**30)
_UNREADABLE = "ImageUnreadable"


class DiscUnreadable(Exception):
    """What was given is no disc image that can be read."""


async def read_disc(sandbox: Sandbox, source: ByteSource) -> ReadBack:
    """What an image holds. Raises `DiscUnreadable`, other `SandboxError`s and whatever the source raises."""
    try:
        outcome = await sandbox.run(INSPECT, {}, profile=DISC, sources=[source])
    except SandboxFailed as error:
        if error.kind == _UNREADABLE:
            raise DiscUnreadable from error
        raise
    except LIMITS_HIT as error:
        raise DiscUnreadable from error
    return from_plain(outcome.value)
