"""A look through a whole video, for a reviewer's eye (M15-2c): a storyboard, and how clear the picture is."""

import asyncio
import tempfile
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
from services.video.domain.look import Sample
from services.video.usecases.measure import measure
from services.video.usecases.opening import nothing_told

#: What the sandbox calls. Preload the module.
LOOK = "services.video.tools.look:look"
PRELOAD = ("services.video.tools.look",)
RESULT = "storyboard.jpg"
#: A film in 4K of many bits has key frames of several megabytes.
LOOKING = Profile(
    name="look", memory_bytes=2**30, cpu_s=60, wall_s=180, read_budget_bytes=2 * 2**30, output_bytes=16 * 2**20
)
#: One every ten seconds of a film of twenty minutes; of a short one, one every second.
MOST_SAMPLES, EVERY_S = 120, 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """The samples in order of time, and all of them small in one JPEG: `columns` abreast, each `cell_px` large."""

    samples: tuple[Sample, ...]
    jpeg: bytes
    cell_px: tuple[int, int]


async def look_through(
    sandbox: Sandbox, source: ByteSource, *, progress: Progress = nothing_told
) -> Looked | None:  # fmt: skip
    """None where nothing can be shown. No library sees the file before our own reader has found a movie in it.

    Raises `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    facts = (await measure(sandbox, source)).facts
    if facts is None:
        return None
    duration_s = float(facts.duration_s)
    most = max(1, min(MOST_SAMPLES, int(duration_s / EVERY_S)))
    with tempfile.TemporaryDirectory(prefix="shenbao-look-") as folder:
        scratch = Path(folder)
        arguments: JsonObject = {"scratch": folder, "duration_s": duration_s, "most": most}
        try:
            outcome = await sandbox.run(
                LOOK, arguments, profile=LOOKING, sources=[source], scratch=scratch, progress=progress
            )
        except (SandboxFailed, *LIMITS_HIT):  # a codec that nobody here knows, or a broken stream
            return None
        jpeg = await asyncio.to_thread((scratch / RESULT).read_bytes)
    return _looked(outcome.value, jpeg)


def _looked(told: object, jpeg: bytes) -> Looked:
    match told:
        case {"cell_px": [int(width), int(height)], "samples": list(samples)}:
            return Looked(samples=tuple(map(_sample, samples)), jpeg=jpeg, cell_px=(width, height))
    raise ValueError("no look")


def _sample(told: object) -> Sample:
    match told:
        case [float(time_s) | int(time_s), float(mean) | int(mean), float(spread) | int(spread), sharpness]:
            return Sample(time_s=time_s, mean=mean, spread=spread, sharpness=float(str(sharpness)))
    raise ValueError("no sample")
