"""A look at the pages of a file (G-03): measured in the sandbox a few at a time, read where measuring does not tell.

What the sandbox has to stop is left out: the check before has said what is wrong with such a file.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.catalogue.pages.model import SeenLine, SeenPage
from services.catalogue.pages.plain import seen_page
from services.kernel.ocr.port import Line, Picture, TextReader
from services.kernel.sandbox.port import (
    LIMITS_HIT,
    ByteSource,
    JsonObject,
    Outcome,
    Profile,
    Progress,
    Sandbox,
    SandboxFailed,
)
from services.pdfcheck.domain.reading import is_on_its_head, on_the_page

#: What the sandbox calls. Preload the module.
QUALITY = "services.pdfcheck.tools.quality:quality"
PRELOAD = ("services.pdfcheck.tools.quality",)
#: Pages in one run: what one of them does to its child befalls so many at most.
AT_ONCE = 12
PROFILE = Profile(
    name="quality", memory_bytes=768 * 2**20, cpu_s=40, wall_s=180, read_budget_bytes=2**30,
    output_bytes=8 * 2**20, nice=10,
)  # fmt: skip
#: Pages of a file that are read at most to tell which way up they are: reading takes as long as ten other hints, and a
#: stack lies in a scanner one way. No file is looked at beyond so many pages.
MOST_READ, MOST_PAGES = 3, 600
_MOST_LINES, _LONGEST_LINE = 200, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """`lines` of the first page; `turned`: of pages that were read, whether their writing stands on its head."""

    pages: tuple[SeenPage, ...]
    lines: tuple[SeenLine, ...]
    turned: Mapping[int, bool]


def nothing_told(_: float) -> None:
    """Nobody asks how far it is."""


async def look_at(
    sandbox: Sandbox, reader: TextReader, source: ByteSource, pages: int, *, reads_first: bool,
    progress: Progress = nothing_told,
) -> Looked:  # fmt: skip
    """`reads_first`: whether the first page says whose it is. Raises `ZygoteLost`, `SourceSlow`, and whatever the
    source raises.
    """
    seen: list[SeenPage] = []
    lines: tuple[SeenLine, ...] = ()
    turned: dict[int, bool] = {}
    last = min(pages, MOST_PAGES)
    for first in range(1, last + 1, AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="shenbao-quality-") as folder:
            some = range(first, min(first + AT_ONCE, last + 1))
            try:
                outcome = await measure_pages(sandbox, source, some, Path(folder), reads_first=reads_first)
            except (SandboxFailed, *LIMITS_HIT):
                continue
            told = _told(outcome.value)
            seen += told.pages
            lines = lines or told.lines
            for part in told.parts[: max(0, MOST_READ - len(turned))]:
                read = await _read(reader, part, Path(folder))
                turned[part.page] = is_on_its_head(read)
                if part.page == 1 and reads_first:
                    lines = on_the_page(read, (part.width_px, part.height_px), part.box)
        progress(min(1.0, (first + AT_ONCE - 1) / last))
    return Looked(pages=tuple(seen), lines=lines[:_MOST_LINES], turned=turned)


async def measure_pages(
    sandbox: Sandbox, source: ByteSource, some: range, scratch: Path, *, reads_first: bool
) -> Outcome:  # fmt: skip
    """Pages `some` (from 1); what is to be read of them lies in `scratch` then. Raises as the sandbox does."""
    asked: JsonObject = {
        "first": some.start, "last": some.stop - 1, "scratch": str(scratch), "reads_first": reads_first,
    }  # fmt: skip
    return await sandbox.run(QUALITY, asked, profile=PROFILE, sources=[source], scratch=scratch)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A part of a page that is to be read; the box in shares of the page."""

    page: int
    width_px: int
    height_px: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    pages: tuple[SeenPage, ...]
    lines: tuple[SeenLine, ...]
    parts: tuple[_Part, ...]


def _told(value: object) -> _Told:
    match value:
        case {"pages": list(pages), "text": str(text), "reading": list(reading)}:
            lines = (line.strip()[:_LONGEST_LINE] for line in text.splitlines() if line.strip())
            return _Told(
                pages=tuple(seen_page(each) for each in pages),
                lines=tuple(SeenLine(text=line, confidence=1.0) for line in lines),
                parts=tuple(map(_part, reading)),
            )
    raise TypeError("looking at pages returned something else")


def _part(told: Sequence[object]) -> _Part:
    page, width, height, *box = (float(str(number)) for number in told)
    left, top, wide, high = box
    return _Part(page=int(page), width_px=int(width), height_px=int(height), box=(left, top, wide, high))


async def _read(reader: TextReader, part: _Part, scratch: Path) -> tuple[Line, ...]:
    """Its lines; none of one that the reader cannot stand. Sizes come from the sandbox: `Picture` holds them against
    the bytes.
    """
    pixels = await asyncio.to_thread((scratch / f"{part.page}.rgb").read_bytes)
    picture = Picture(width_px=part.width_px, height_px=part.height_px, pixels=pixels)
    try:
        lines = await reader.read(picture)
    except (SandboxFailed, *LIMITS_HIT):
        return ()
    return tuple(line for line in lines if len(line.text) <= _LONGEST_LINE)
