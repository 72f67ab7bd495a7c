"""A copy of a video for browsers that cannot play the original (M15-2c). The original is what counts, and stays."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from services.kernel.sandbox.port import (
    LIMITS_HIT,
    ByteSource,
    JsonObject,
    Profile,
    Progress,
    Sandbox,
    SandboxFailed,
)
from services.video.usecases.measure import measure
from services.video.usecases.opening import nothing_told

#: What the sandbox calls. Preload the module.
PROXY = "services.video.tools.proxy:proxy"
PRELOAD = ("services.video.tools.proxy",)
RESULT = "proxy.mp4"
#: Twenty minutes in 4K take half an hour on two slow cores, and read the whole file, some of it twice.
COPYING = Profile(
    name="proxy", memory_bytes=2**30, cpu_s=7200, wall_s=7200, read_budget_bytes=20 * 2**30, output_bytes=2**30, nice=10
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """A playable copy in the scratch folder; `duration_s` until its last picture."""

    width_px: int
    height_px: int
    duration_s: float
    size_bytes: int


async def make_proxy(
    sandbox: Sandbox, source: ByteSource, scratch: Path, *, progress: Progress = nothing_told
) -> Copied | None:
    """Writes `scratch / RESULT`; None where nothing can be shown. No library sees the file before our own reader has
    found a movie in it.

    Raises `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    facts = (await measure(sandbox, source)).facts
    if facts is None:
        return None
    arguments: JsonObject = {"scratch": str(scratch), "duration_s": float(facts.duration_s)}
    try:
        outcome = await sandbox.run(
            PROXY, arguments, profile=COPYING, sources=[source], scratch=scratch, progress=progress
        )
    except (SandboxFailed, *LIMITS_HIT):  # a codec that nobody here knows, or a broken stream
        return None
    size_bytes = (await asyncio.to_thread((scratch / RESULT).stat)).st_size
    match outcome.value:
        case {"width_px": int(width), "height_px": int(height), "duration_s": float(duration_s)}:
            return Copied(width_px=width, height_px=height, duration_s=duration_s, size_bytes=size_bytes)
    raise ValueError("no proxy")
