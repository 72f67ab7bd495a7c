"""The technical sheet of a video: made when somebody looks, and not kept."""

from collections.abc import Iterator

from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Profile, Sandbox, SandboxFailed
from services.video.domain.sheet import Section
from services.video.usecases.measure import measure

#: What the sandbox calls. Preload the module.
SHEET = "services.video.tools.sheet:sheet"
PRELOAD = ("services.video.tools.sheet",)
LOOKING_UP = Profile(name="sheet", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=128 * 2**20)


async def technical_sheet(sandbox: Sandbox, source: ByteSource) -> tuple[Section, ...]:
    """Sections for the file and its tracks. No library sees what our own reader found no movie in.

    Raises `AppError` sheet.not-possible.
    """
    if (await measure(sandbox, source)).facts is None:
        raise AppError("sheet.not-possible", Kind.UNPROCESSABLE)
    try:
        outcome = await sandbox.run(SHEET, {}, profile=LOOKING_UP, sources=[source])
    except (SandboxFailed, *LIMITS_HIT) as error:
        raise AppError("sheet.not-possible", Kind.UNPROCESSABLE) from error
    return tuple(_sections(outcome.value))


def _sections(told: object) -> Iterator[Section]:
    match told:
        case list(sections):
            for each in sections:
                match each:
                    case {"kind": str(kind), "fields": list(fields)}:
                        yield Section(kind=kind, fields=tuple((str(name), str(value)) for name, value in fields))
