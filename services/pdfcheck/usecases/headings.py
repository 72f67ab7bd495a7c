"""Reads the heads of a document's pages and suggests what each page is part of; a person decides."""

import asyncio
import tempfile
from pathlib import Path

from services.catalogue.model import Item
from services.kernel.ocr.port import Picture, TextReader
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
from services.pdfcheck.domain.headings import HeadLine, Suggestion, suggest

#: What the sandbox calls. Preload the module.
HEADS = "services.pdfcheck.tools.heads:heads"
PRELOAD = ("services.pdfcheck.tools.heads",)
PROFILE = Profile(
    name="heads", memory_bytes=768 * 2**20, cpu_s=20, wall_s=60, read_budget_bytes=2**30, output_bytes=16 * 2**20
)
#: Pages whose pictures stand in the scratch folder at once.
_AT_ONCE = 8
#: Of the page's height, in pixels of the picture: what a line of text must at least have been shown with.
_A4 = 297 / 210


async def suggest_components(
    sandbox: Sandbox, reader: TextReader, source: ByteSource, item: Item, pages: int, progress: Progress
) -> tuple[Suggestion, ...]:
    """One suggestion per page; none of a page that could not be drawn or read.

    Raises `ZygoteLost`, `SourceSlow`, and whatever the source raises.
    """
    heads: list[list[HeadLine]] = []
    for first in range(1, pages + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, pages)
        with tempfile.TemporaryDirectory(prefix="shenbao-heads-") as folder:
            arguments: JsonObject = {"first": first, "last": last, "scratch": folder}
            try:
                outcome = await sandbox.run(HEADS, arguments, profile=PROFILE, sources=[source], scratch=Path(folder))
                told = outcome.value if isinstance(outcome.value, list) else []
            except (SandboxFailed, *LIMITS_HIT):
                told = []
            for number in range(first, last + 1):
                place = number - first
                found = told[place] if place < len(told) else None
                heads.append(await _lines(reader, found, Path(folder) / str(number)))
                progress(number / pages)
    return suggest(item, heads)


async def _lines(reader: TextReader, told: Json, picture: Path) -> list[HeadLine]:
    """What stands there: as the file says, or as it is read in the picture, from the top down."""
    match told:
        case {"lines": [*lines]}:
            return [HeadLine(text=line) for line in lines if isinstance(line, str)]
        case {"width_px": int(width), "height_px": int(height)}:
            return await _read(reader, width, height, picture)
    return []


async def _read(reader: TextReader, width_px: int, height_px: int, picture: Path) -> list[HeadLine]:
    try:
        pixels = await asyncio.to_thread(picture.read_bytes)
        found = await reader.read(Picture(width_px=width_px, height_px=height_px, pixels=pixels))
    except (SandboxFailed, ValueError, FileNotFoundError, *LIMITS_HIT):
        return []
    page_height = width_px * _A4
    lines = []
    for line in found:
        tops = [y for _, y in line.corners]
        lines.append(
            (
                min(tops),
                HeadLine(text=line.text, confidence=line.confidence, height=(max(tops) - min(tops)) / page_height),
            )
        )
    return [line for _, line in sorted(lines, key=lambda each: each[0])]
