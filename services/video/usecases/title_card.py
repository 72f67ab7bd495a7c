"""A compliant opening from the profile, alone or in front of a video (M15-2b)."""

from collections.abc import Mapping
from pathlib import Path

from services.catalogue.opening.model import Declared, FieldName
from services.kernel.errors import AppError, Kind
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
MAKE = "services.video.tools.title_card:make"
PRELOAD = ("services.video.tools.title_card",)
RESULT = "titled.mp4"
MAKING = Profile(
    name="title card", memory_bytes=2 * 2**30, cpu_s=900, wall_s=1800, read_budget_bytes=32 * 2**30,
    output_bytes=9 * 2**30,
)  # fmt: skip
SHORTEST_S, LONGEST_S = 2.0, 30.0
LABELS: Mapping[FieldName, str] = {
    FieldName.SURGEON: "主刀医生",
    FieldName.EMPLOYER: "工作单位",
    FieldName.DEPARTMENT: "所在科室",
    FieldName.TITLE: "职称",
    FieldName.OPERATION: "手术名称",
    FieldName.DATE: "手术日期",
}
_REASONS = {"codec", "configuration", "edited"}


async def title_card(
    sandbox: Sandbox, declared: Declared, video: ByteSource | None, scratch: Path, *, seconds: float,
    progress: Progress = nothing_told,
) -> float:  # fmt: skip
    """Writes `scratch / RESULT`; how long the card stands, in seconds.

    Raises `AppError` titlecard.incomplete (a field is not declared), titlecard.seconds, titlecard.not-possible.
    """
    lacking = [LABELS[name] for name in FieldName if not declared.get(name)]
    if lacking:
        raise AppError("titlecard.incomplete", Kind.INVALID, lacking="、".join(lacking))
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise AppError("titlecard.seconds", Kind.INVALID, seconds=seconds)
    if video is not None and (await measure(sandbox, video)).problem is not None:
        raise AppError("titlecard.not-possible", Kind.UNPROCESSABLE, reason="broken")
    lines = [[LABELS[name], declared[name]] for name in FieldName]
    arguments: JsonObject = {"scratch": str(scratch), "seconds": seconds, "lines": lines}  # type: ignore[dict-item]
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
