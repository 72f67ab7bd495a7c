"""The evidence sheet of an opening: drawn when it is asked for, and not kept, for it says what was declared."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from services.kernel.errors import AppError, Kind
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.port import LIMITS_HIT, Json, Profile, Sandbox, SandboxFailed
from services.kernel.storage.port import ObjectStore
from services.video.ports import VideoOpening

#: What the sandbox calls. Preload the module.
DRAW = "services.video.tools.evidence:draw"
PRELOAD = ("services.video.tools.evidence",)
RESULT = "evidence.jpg"
DRAWING = Profile(
    name="evidence", memory_bytes=2**30, cpu_s=20, wall_s=60, read_budget_bytes=128 * 2**20, output_bytes=16 * 2**20
)
MOST_ROWS, LONGEST_TEXT = 20, 400
_LARGEST_PICTURE = 16 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One field: `shot` is -1 and `corners` empty where nothing was read."""

    label: str
    declared: str
    read: str
    verdict: str
    colour: str
    shot: int
    corners: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What stands on it besides the pictures: `headings` are those of the columns."""

    title: str
    notes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


async def draw(store: ObjectStore, sandbox: Sandbox, read: VideoOpening, sheet: Sheet) -> bytes:
    """The JPEG. Raises `AppError` evidence.bad-sheet, evidence.nothing-to-show."""
    _check(sheet)
    if not read.shots:
        raise AppError("evidence.nothing-to-show", Kind.PRECONDITION)
    pictures = await asyncio.gather(*(store.read(each.object_key, 0, _LARGEST_PICTURE) for each in read.shots))
    with tempfile.TemporaryDirectory(prefix="shenbao-evidence-") as folder:
        scratch = Path(folder)
        try:
            await sandbox.run(
                DRAW, {**_plain(sheet), "scratch": folder}, profile=DRAWING,
                sources=[BytesSource(each) for each in pictures], scratch=scratch,
            )  # fmt: skip
        except (SandboxFailed, *LIMITS_HIT) as error:
            raise AppError("picture.not-possible", Kind.UNPROCESSABLE, page=1) from error
        return await asyncio.to_thread((scratch / RESULT).read_bytes)


def _check(sheet: Sheet) -> None:
    texts = [sheet.title, *sheet.notes, *sheet.headings]
    texts += [text for row in sheet.rows for text in (row.label, row.declared, row.read, row.verdict)]
    whole = all(len(row.corners) % 8 == 0 for row in sheet.rows)
    if len(sheet.rows) > MOST_ROWS or len(sheet.headings) != 5 or not whole or max(map(len, texts)) > LONGEST_TEXT:
        raise AppError("evidence.bad-sheet", Kind.INVALID)


def _plain(sheet: Sheet) -> Mapping[str, Json]:
    rows: Sequence[Json] = [{**asdict(row), "corners": list(row.corners)} for row in sheet.rows]
    return {
        "title": sheet.title, "notes": list(sheet.notes), "headings": list(sheet.headings), "rows": list(rows),
    }  # fmt: skip
