"""One PDF from ordered parts (G-05): measure every part, merge, judge the result, or say which part is to blame."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.catalogue.findings import Finding
from services.kernel.sandbox.port import LIMITS_HIT, ByteSource, Json, LocalSource, Progress, Sandbox
from services.kernel.sandbox.port import MERGE as MERGE_PROFILE
from services.pdfcheck.domain import facts as document
from services.pdfcheck.domain import merging
from services.pdfcheck.domain.facts import DocumentFacts
from services.pdfcheck.domain.findings import RULE_FORMAT, DocumentLimits, findings_of, too_complex
from services.pdfcheck.domain.merging import Blame, Merged, Part
from services.pdfcheck.usecases.measure import MERGE, measure
from services.pdfcheck.usecases.stopped import excess_of

#: What of a part is in memory at once.
_PIECE_BYTES = 8 * 2**20
#: A task cannot be given more open files than some two hundred.
_OPEN_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeInput:
    """A part of the recipe and its bytes; parts of one file share the source. `checked`: a report says that it may be
    taken, so it is not measured anew."""

    part: Part
    source: ByteSource
    checked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeOutcome:
    """`parts` holds the facts of each part that was measured; `findings` who causes what; `merged` is None when a part
    could not be taken.

    `merged` may be there and still be over a limit: ask `accepted` before anything is kept.
    """

    parts: tuple[DocumentFacts | None, ...]
    findings: tuple[Blame, ...]
    merged: Merged | None
    #: Of the process that merged; 0 where none had to.
    peak_memory_bytes: int = 0

    @property
    def accepted(self) -> bool:
        """Whether there is a result and nothing blocks."""
        return self.merged is not None and not any(blame.finding.blocks for blame in self.findings)


async def merge_parts(
    sandbox: Sandbox,
    inputs: Sequence[MergeInput],
    limits: DocumentLimits,
    scratch: Path,
    progress: Progress | None = None,
) -> MergeOutcome:
    """Merge `inputs` in order into `scratch / RESULT`, an empty folder of the caller's.

    A part that blocks refuses the merge before anything is written. The total (G-08) is judged on the result alone.
    Raises as :func:`~services.pdfcheck.usecases.measure.measure` does.
    """
    measured: dict[int, DocumentFacts] = {}
    for entry in inputs:
        if not entry.checked and id(entry.source) not in measured:
            measured[id(entry.source)] = await measure(sandbox, entry.source, limits.page_bytes)
    facts = tuple(measured.get(id(entry.source)) for entry in inputs)
    per_part = DocumentLimits(page_bytes=limits.page_bytes, item_bytes=None)
    found = tuple(
        Blame(finding=finding, part=number)
        for number, one in enumerate(facts)
        if one is not None
        for finding in findings_of(one, per_part)
    )
    if not inputs or any(blame.finding.blocks for blame in found):
        return MergeOutcome(parts=facts, findings=found, merged=None)
    merged, peak = await _run(sandbox, inputs, limits, scratch, progress)
    if isinstance(merged, Blame):
        return MergeOutcome(parts=facts, findings=(*found, merged), merged=None)
    sizes = [entry.source.size_bytes for entry in inputs]
    blames = merging.blames_of(merged, sizes, limits)
    return MergeOutcome(parts=facts, findings=(*found, *blames), merged=merged, peak_memory_bytes=peak)


async def _is_here(source: ByteSource) -> bool:
    """Whether the merge can open it by itself."""
    handle = await source.descriptor() if sys.platform == "linux" and isinstance(source, LocalSource) else None
    if handle is not None:
        os.close(handle)
    return handle is not None


async def _spool(source: ByteSource, target: Path) -> None:
    """To a file that the merge may read: once, for it reads every part several times."""
    with await asyncio.to_thread(target.open, "wb") as file:
        for offset in range(0, source.size_bytes, _PIECE_BYTES):
            piece = await source.read(offset, min(_PIECE_BYTES, source.size_bytes - offset))
            await asyncio.to_thread(file.write, piece)


def _told(part: Part, file: int) -> Json:
    """A part as the sandbox is told of it."""
    return [part.title, part.component, file, [[page, degrees] for page, degrees in part.pages]]


async def _run(
    sandbox: Sandbox, inputs: Sequence[MergeInput], limits: DocumentLimits, scratch: Path, progress: Progress | None
) -> tuple[Merged | Blame, int]:
    """The result, or who kept it from being made; and the memory that it took at most."""
    parts = [entry.part for entry in inputs]
    sources = list({id(entry.source): entry.source for entry in inputs}.values())
    numbers = {id(source): number for number, source in enumerate(sources)}
    opened: dict[int, ByteSource] = {}
    for number, source in enumerate(sources):
        if len(opened) < _OPEN_AT_ONCE and await _is_here(source):
            opened[number] = source
        else:
            await _spool(source, merging.source_path(scratch, number))
    try:
        outcome = await sandbox.run(
            MERGE,
            {
                "scratch": str(scratch),
                "files": len(sources),
                "parts": [_told(entry.part, numbers[id(entry.source)]) for entry in inputs],
                "opened": list(opened),
                "page_limit_bytes": limits.page_bytes,
            },
            profile=MERGE_PROFILE,
            sources=list(opened.values()),
            scratch=scratch,
            progress=progress,
        )
    except LIMITS_HIT as error:
        return Blame(finding=too_complex(excess_of(error, MERGE_PROFILE)), part=None), 0
    value = outcome.value
    if not isinstance(value, dict):
        raise TypeError("the merge returned no object")
    failed = value.get("failed_part")
    if "failed_part" in value and (failed is None or isinstance(failed, int)):
        return Blame(finding=Finding(code="pdf.damaged", rule_id=RULE_FORMAT), part=failed), 0
    told = value["facts"]
    if not isinstance(told, dict):
        raise TypeError("the merge returned no facts")
    facts = document.from_json(told)
    if not facts.usable:  # parts may each be whole and not go together
        finding = findings_of(facts, DocumentLimits(page_bytes=limits.page_bytes, item_bytes=None))[0]
        return Blame(finding=finding, part=None), 0
    return merging.merged_from_json(value, parts, facts), outcome.peak_memory_bytes
