"""A compliant opening from the profile, alone or in front of a video (M15-2b)."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from services.catalogue.opening.model import Declared, FieldName
from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.port import (
    LIMITS_HIT,
    ByteSource,
    Json,
    JsonObject,
    Profile,
    Progress,
    Sandbox,
    SandboxFailed,
)
from services.video.usecases.measure import measure
from services.video.usecases.opening import nothing_told

#: What the sandbox calls. Preload the module.
MAKE, DRAW = "services.video.tools.title_card:make", "services.video.tools.title_card:draw"
PRELOAD = ("services.video.tools.title_card",)
RESULT, PICTURE = "titled.mp4", "card.jpg"
MAKING = Profile(
    name="title card", memory_bytes=2**30, cpu_s=900, wall_s=1800, read_budget_bytes=32 * 2**30,
    output_bytes=9 * 2**30,
)  # fmt: skip
DRAWING = Profile(name="card", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=0, output_bytes=16 * 2**20)
SHORTEST_S, LONGEST_S = 2.0, 30.0
#: Characters of a value: a line is made smaller until it fits.
LONGEST_TEXT = 100
LABELS: Mapping[FieldName, str] = {
    FieldName.SURGEON: "主刀医生",
    FieldName.EMPLOYER: "工作单位",
    FieldName.DEPARTMENT: "所在科室",
    FieldName.TITLE: "职称",
    FieldName.OPERATION: "手术名称",
    FieldName.DATE: "手术日期",
}
_REASONS = {"codec", "configuration", "edited"}


def check(declared: Declared, seconds: float) -> None:
    """Raises `AppError` titlecard.incomplete (a field is not declared), titlecard.text, titlecard.seconds."""
    lacking = [LABELS[name] for name in FieldName if not declared.get(name)]
    if lacking:
        raise AppError("titlecard.incomplete", Kind.INVALID, lacking="、".join(lacking))
    for name in FieldName:
        if len(declared[name]) > LONGEST_TEXT:
            raise AppError(
                "titlecard.text", Kind.INVALID, field=LABELS[name], measured=len(declared[name]), limit=LONGEST_TEXT
            )
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise AppError("titlecard.seconds", Kind.INVALID, seconds=seconds)


def _lines(declared: Declared) -> list[Json]:
    return [[LABELS[name], declared[name]] for name in FieldName]


async def draw_card(sandbox: Sandbox, declared: Declared, width_px: int, height_px: int) -> bytes:
    """A JPEG of the opening as it would stand in a picture of that size. Raises `AppError` as `check` does, and
    picture.not-possible.
    """
    check(declared, SHORTEST_S)
    with tempfile.TemporaryDirectory(prefix="shenbao-card-") as folder:
        scratch = Path(folder)
        arguments: JsonObject = {
            "scratch": folder, "lines": _lines(declared), "width_px": width_px, "height_px": height_px,
        }  # fmt: skip
        try:
            await sandbox.run(DRAW, arguments, profile=DRAWING, scratch=scratch)
        except (SandboxFailed, *LIMITS_HIT) as error:
            raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=1) from error
        return await asyncio.to_thread((scratch / PICTURE).read_bytes)


async def title_card(
    sandbox: Sandbox, declared: Declared, video: ByteSource | None, scratch: Path, *, seconds: float,
    progress: Progress = nothing_told,
) -> float:  # fmt: skip
    """Writes `scratch / RESULT`; how long the card stands, in seconds.

    Raises `AppError` as `check` does, and titlecard.not-possible.
    """
    check(declared, seconds)
    if video is not None and (await measure(sandbox, video)).problem is not None:
        raise AppError("titlecard.not-possible", Kind.UNPROCESSABLE, reason="broken")
    arguments: JsonObject = {"scratch": str(scratch), "seconds": seconds, "lines": _lines(declared)}
    try:
        outcome = await sandbox.run(
            MAKE, arguments, profile=MAKING, sources=[video] if video else [], scratch=scratch, progress=progress
        )
    except SandboxFailed as error:
        reason = error.detail.rpartition(": ")[2] if error.kind == "CannotPrepend" else "broken"
        raise AppError(
            "titlecard.not-possible", Kind.UNPROCESSABLE, reason=reason if reason in _REASONS else "broken"
        ) from error
    except LIMITS_HIT as error:
        raise AppError("titlecard.not-possible", Kind.UNPROCESSABLE, reason="broken") from error
    match outcome.value:
        case {"card_s": float(card_s)}:
            return card_s
    raise ValueError("no card")
