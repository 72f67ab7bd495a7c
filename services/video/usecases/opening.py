"""Reads a video's opening (M15-2b): pictures are chosen in one sandbox and read in another; nothing is decided here.

No library sees the file before our own reader has found a movie in it.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from services.catalogue.opening.compare import is_complete, read_opening
from services.catalogue.opening.model import Line, Shot, Status
from services.kernel.ocr.port import Picture, TextReader
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

#: What the sandbox calls. Preload the module.
SHOTS = "services.video.tools.shots:shots"
PRELOAD = ("services.video.tools.shots",)
CHOOSING = Profile(
    name="opening", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=512 * 2**20, output_bytes=24 * 2**20
)
#: Pictures that are read at most, and how many of them once more and closely when something is still missing.
MOST_SHOTS, CLOSELY = 6, 2
#: Beginnings longer than this are no opening any more; what a picture says beyond so much is no card.
LONGEST_S = 60
_MOST_LINES, _LONGEST_LINE = 200, 200
#: Shares of the work: choosing, then reading.
_CHOSEN = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictured:
    """A shot with its picture as a JPEG."""

    shot: Shot
    jpeg: bytes


class Showing(Protocol):
    """A picture that can be read, and read again."""

    @property
    def time_s(self) -> float:
        """Where it stands in the video."""
        ...

    def picture(self) -> Picture:
        """Its pixels; blocks."""
        ...


def nothing_told(_: float) -> None:
    """Nobody asks how far it is."""


async def read_video(
    sandbox: Sandbox, reader: TextReader, source: ByteSource, *, seconds: float, progress: Progress = nothing_told
) -> tuple[Pictured, ...]:
    """What is written in the first `seconds` of a video, in order of time; nothing where nothing can be shown.

    It stops as soon as all six fields are there. Raises `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    if (await measure(sandbox, source)).facts is None:
        return ()
    with tempfile.TemporaryDirectory(prefix="shenbao-opening-") as folder:
        scratch = Path(folder)
        arguments: JsonObject = {"scratch": folder, "seconds": min(seconds, LONGEST_S), "most": MOST_SHOTS}
        try:
            outcome = await sandbox.run(
                SHOTS, arguments, profile=CHOOSING, sources=[source], scratch=scratch,
                progress=lambda done: progress(_CHOSEN * done),
            )  # fmt: skip
        except (SandboxFailed, *LIMITS_HIT):  # a codec that nobody here knows, or a broken stream
            return ()
        chosen = [_Chosen.of(number, told, scratch) for number, told in enumerate(outcome.value or ())]  # type: ignore[arg-type]
        shots = await read_pictures(reader, chosen, lambda done: progress(_CHOSEN + (1 - _CHOSEN) * done))
        read = [Pictured(shot=shot, jpeg=each.jpeg()) for shot, each in zip(shots, chosen, strict=False)]
    written = [each for each in read if each.shot.lines] or read[:1]
    return tuple(sorted(written, key=lambda each: each.shot.time_s))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    """A picture in the scratch folder. Sizes come from the sandbox: `Picture` holds them against the bytes."""

    time_s: float
    width_px: int
    height_px: int
    path: Path

    @classmethod
    def of(cls, number: int, told: dict[str, float], scratch: Path) -> "_Chosen":
        return cls(
            time_s=float(told["time_s"]),
            width_px=int(told["width_px"]),
            height_px=int(told["height_px"]),
            path=scratch / str(number),
        )

    def picture(self) -> Picture:
        pixels = self.path.with_suffix(".rgb").read_bytes()
        return Picture(width_px=self.width_px, height_px=self.height_px, pixels=pixels)

    def jpeg(self) -> bytes:
        return self.path.with_suffix(".jpg").read_bytes()


async def read_pictures(reader: TextReader, chosen: Sequence[Showing], progress: Progress = nothing_told) -> list[Shot]:
    """A shot for each picture that was read: in their order, two at a time, until nothing is missing. What is missing
    in the end is looked for once more and closely, where most is written.
    """
    shots: list[Shot] = []
    for start in range(0, len(chosen), 2):
        shots += await asyncio.gather(*(_read(reader, each) for each in chosen[start : start + 2]))
        progress(len(shots) / (len(chosen) + CLOSELY))
        if is_complete(read_opening(shots)):
            return shots
    promising = sorted(range(len(shots)), key=lambda place: -len(shots[place].lines))[:CLOSELY]
    again = await asyncio.gather(*(_read(reader, chosen[place], closely=True) for place in promising))
    for place, shot in zip(promising, again, strict=True):
        changed = [*shots[:place], shot, *shots[place + 1 :]]
        if _found(changed) > _found(shots):
            shots = changed
    progress(1)
    return shots


def _found(shots: Sequence[Shot]) -> int:
    return sum(field.status is Status.FOUND for field in read_opening(shots).values())


async def _read(reader: TextReader, chosen: Showing, *, closely: bool = False) -> Shot:
    """One picture; one that the reader cannot stand has nothing written in it."""
    picture = await asyncio.to_thread(chosen.picture)
    shot = Shot(time_s=chosen.time_s, width_px=picture.width_px, height_px=picture.height_px, lines=())
    try:
        lines = await reader.read(picture, closely=closely)
    except (SandboxFailed, *LIMITS_HIT):
        return shot
    kept = [line for line in lines if len(line.text) <= _LONGEST_LINE][:_MOST_LINES]
    return replace(
        shot, lines=tuple(Line(text=each.text, confidence=each.confidence, corners=each.corners) for each in kept)
    )
