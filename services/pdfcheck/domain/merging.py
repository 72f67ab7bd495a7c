"""The recipe of a merged PDF and what is told about the result: bookmarks, where each page comes from, who is to blame.

Pure. One material is one PDF (G-05): its parts in the order of the notice's listing, under one bookmark per component
and one per part below it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.catalogue.findings import Finding
from services.pdfcheck.domain.facts import DocumentFacts, Json
from services.pdfcheck.domain.findings import DocumentLimits, findings_of

#: Findings of the merged file that a recipe can cause; the rest is said of the part that has it.
_OF_THE_WHOLE = frozenset({"pdf.page-too-large", "pdf.item-too-large"})
#: Raise with every change that gives other bytes for the same parts.
METHOD_VERSION = 3
#: Where the merged file stands in the scratch folder.
RESULT = "merged.pdf"


def source_path(scratch: Path, number: int) -> Path:
    """Where a part that is no file of this machine is put before the merge, counted from 0."""
    return scratch / f"source-{number:04}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of a recipe. `component` is the bookmark that consecutive parts share; None puts the part at the top.

    `pages` are the pages that are taken, in order, as (page from 1, degrees clockwise); none means all as they are.
    """

    title: str
    component: str | None = None
    pages: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bookmark:
    """`page` counts from 1 in the merged file; `depth` is 0 for a component (or a part without one), 1 below it."""

    title: str
    page: int
    depth: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageOrigin:
    """Where a merged page comes from: place of the part in the recipe, from 0, and the page of its file, from 1."""

    part: int
    page: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The result: identity of the file, its judged facts, and the map of its pages."""

    sha256: str
    size_bytes: int
    facts: DocumentFacts
    bookmarks: tuple[Bookmark, ...]
    page_map: tuple[PageOrigin, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Blame:
    """A finding about the merged file and the part (from 0) that causes it, None where no single part does."""

    finding: Finding
    part: int | None


def recipe_sha256(parts: Sequence[Part], hashes: Sequence[str]) -> str:
    """The identity of a recipe: same parts, titles and order, same bytes."""
    told = [
        METHOD_VERSION,
        [[part.component, part.title, sha256, part.pages] for part, sha256 in zip(parts, hashes, strict=True)],
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def bookmarks_of(parts: Sequence[Part], page_counts: Sequence[int]) -> tuple[Bookmark, ...]:
    """One bookmark per run of parts of a component and one per part below it, in page order."""
    marks: list[Bookmark] = []
    page, open_component = 1, None
    for part, count in zip(parts, page_counts, strict=True):
        if part.component is not None and part.component != open_component:
            marks.append(Bookmark(title=part.component, page=page, depth=0))
        open_component = part.component
        marks.append(Bookmark(title=part.title, page=page, depth=0 if part.component is None else 1))
        page += count
    return tuple(marks)


def page_map_of(parts: Sequence[Part], page_counts: Sequence[int]) -> tuple[PageOrigin, ...]:
    """Merged page → (part, page of its file), in merged order."""
    return tuple(
        PageOrigin(part=number, page=part.pages[place][0] if part.pages else place + 1)
        for number, (part, count) in enumerate(zip(parts, page_counts, strict=True))
        for place in range(count)
    )


def blames_of(merged: Merged, part_sizes: Sequence[int], limits: DocumentLimits) -> tuple[Blame, ...]:
    """What is wrong with the whole (G-07 per page, G-08 in total) and which part is to blame.

    A page over the limit is its part's; a total over the limit is put to the largest part, where shrinking pays most.
    """
    found = [finding for finding in findings_of(merged.facts, limits) if finding.code in _OF_THE_WHOLE]
    largest = max(range(len(part_sizes)), key=lambda index: part_sizes[index], default=None)
    return tuple(Blame(finding=finding, part=_to_blame(finding, merged, largest)) for finding in found)


def _to_blame(finding: Finding, merged: Merged, largest: int | None) -> int | None:
    if finding.code == "pdf.page-too-large":
        return merged.page_map[int(finding.params["page"] or 1) - 1].part
    return largest if finding.code == "pdf.item-too-large" else None


def merged_from_json(data: Mapping[str, Json], parts: Sequence[Part], facts: DocumentFacts) -> Merged:
    """The result that the sandboxed merge handed back. Raises `ValueError` or `KeyError` for another shape."""
    counts = data["page_counts"]
    if isinstance(counts, str) or not isinstance(counts, Sequence) or len(counts) != len(parts):
        raise ValueError("one count of pages per part was expected")
    pages = [count for count in counts if isinstance(count, int)]
    if len(pages) != len(parts) or sum(pages) != len(facts.pages):
        raise ValueError("the parts' pages do not add up to the merged file's")
    return Merged(
        sha256=str(data["sha256"]),
        size_bytes=facts.size_bytes,
        facts=facts,
        bookmarks=bookmarks_of(parts, pages),
        page_map=page_map_of(parts, pages),
    )
