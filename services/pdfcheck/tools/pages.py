"""The size of each single page (G-07), as people would find it: by the file that holds that page alone.

Splitting every page is right but slow, so a walk over what each page reaches comes first. The walk never says too
little, so it may only acquit. What it cannot acquit is walked again after resources that a page does not use were
taken off (one shared dictionary otherwise puts every picture on every page), and only then split:

1. Walk each page: raw stream lengths, strings and keys; not up to the page tree and not into other pages.
2. Far enough below the limit: the bound is the answer.
3. Otherwise drop unused resources on a throw-away copy and walk again.
4. Split the pages that are still near or over the limit: the size of that file is the answer.
5. Where fonts used by several pages push a page over, each page bears its share of them.
"""

import io
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pikepdf

from services.pdfcheck.domain.excess import Limit
from services.pdfcheck.domain.facts import PageSize
from services.pdfcheck.tools.survey import (
    MAX_NESTING,
    Node,
    Ref,
    Survey,
    TooComplexError,
    check_complete,
    node_of,
    stream_bytes,
    survey,
    written,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: Header, trailer, page tree and cross-reference table of a one-page file; measured 0.66 KB, rounded up.
FILE_BYTES = 1024
#: A page this close below the limit is split as well, so that the number shown near the limit is exact.
NEAR_BYTES = 16 * 1024
#: Objects visited over all pages; a file that shares a huge graph among many pages goes straight to the next step.
_MAX_VISITS = 3_000_000
#: What a page takes from the tree above it when it does not say so itself.
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


class Reach(NamedTuple):
    """What one page reaches: an upper bound of its size, its font data, and what it draws with."""

    bound_bytes: int
    font_data: frozenset[Ref]
    has_font: bool
    has_image: bool


@dataclass(slots=True)
class _Walk:
    """Walks pages of one open file."""

    pdf: pikepdf.Pdf
    nodes: dict[Ref, Node]
    page_refs: frozenset[Ref]
    visits: int = 0
    #: Node of the page tree → what pages below it inherit.
    inherited: dict[Ref, Mapping[str, Node]] = field(default_factory=dict)

    def page(self, page: pikepdf.Object) -> Reach:
        """Everything that `page` reaches."""
        own = page.objgen
        nodes = [self._at(own), *self._from_above(page)]
        seen: set[Ref] = {own}
        waiting = _without_parent(page, nodes[0].refs)
        for node in nodes[1:]:
            waiting += node.refs
        while waiting:
            ref = waiting.pop()
            if ref in seen or ref in self.page_refs:
                continue
            seen.add(ref)
            node = self._at(ref)
            nodes.append(node)
            waiting += node.refs
        return Reach(
            bound_bytes=FILE_BYTES + sum(node.size_bytes for node in nodes),
            font_data=frozenset(ref for ref in seen - {own} if self.nodes[ref].is_font_data),
            has_font=any(node.has_font for node in nodes),
            has_image=any(node.is_image for node in nodes),
        )

    def _at(self, ref: Ref) -> Node:
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise TooComplexError(Limit.OBJECTS, _MAX_VISITS)
        if ref not in self.nodes:  # a number or text of its own, or nothing
            self.nodes[ref] = node_of(self.pdf.get_object(ref))
        return self.nodes[ref]

    def _from_above(self, page: pikepdf.Object) -> list[Node]:
        """What the page takes from the tree above it because it does not say so itself."""
        missing = [key for key in _INHERITED if key not in page]
        if not missing:
            return []
        told = self._above(page.get("/Parent"), 0)
        return [told[key] for key in missing if key in told]

    def _above(self, tree: object, steps: int) -> Mapping[str, Node]:
        if not isinstance(tree, pikepdf.Dictionary) or steps > MAX_NESTING:
            return {}
        known = self.inherited.get(tree.objgen) if tree.is_indirect else None
        if known is None:
            own = {key: written(tree[key]) for key in _INHERITED if key in tree}
            known = {**self._above(tree.get("/Parent"), steps + 1), **own}
            if tree.is_indirect:
                self.inherited[tree.objgen] = known
        return known


def _without_parent(page: pikepdf.Object, refs: Sequence[Ref]) -> list[Ref]:
    """Not the way up, unless the page refers to that by another key as well."""
    kept = list(refs)
    above = page.get("/Parent")
    if isinstance(above, pikepdf.Object) and above.is_indirect and above.objgen in kept:
        kept.remove(above.objgen)
    return kept


def walk(pdf: pikepdf.Pdf, found: Survey) -> tuple[Reach, ...]:
    """What each page reaches, in order; `found` is of the same file. Raises :class:`TooComplexError`."""
    pages = [page.obj for page in pdf.pages]
    walker = _Walk(pdf=pdf, nodes=found.nodes, page_refs=frozenset(page.objgen for page in pages))
    return tuple(walker.page(page) for page in pages)


def judge(reaches: Sequence[Reach] | None, reopen: Callable[[], pikepdf.Pdf], limit_bytes: int) -> tuple[PageSize, ...]:
    """The judged size of each page against `limit_bytes`.

    `reaches` is the result of :func:`walk`, None where it gave up. `reopen` opens the same file once more, for the
    copy that is changed. Raises :class:`TooComplexError` when the second walk gives up too, or there is no memory for
    all of the copy.
    """
    acquitted = limit_bytes - NEAR_BYTES
    if reaches is not None and all(reach.bound_bytes <= acquitted for reach in reaches):
        return tuple(PageSize(size_bytes=reach.bound_bytes, exact=False) for reach in reaches)
    with reopen() as copy:
        copy.remove_unreferenced_resources()
        trimmed = walk(copy, survey(copy))
        users = Counter(ref for reach in trimmed for ref in reach.font_data)
        judged = tuple(
            PageSize(size_bytes=reach.bound_bytes, exact=False)
            if reach.bound_bytes <= acquitted
            else _split(copy, index, limit_bytes, _shared(copy, reach, users))
            for index, reach in enumerate(trimmed)
        )
        check_complete(copy)
        return judged


def split_all(pdf: pikepdf.Pdf) -> tuple[PageSize, ...]:
    """Every page's size by splitting: for a file that was repaired, whose stated lengths are not to be trusted."""
    return tuple(PageSize(size_bytes=alone_bytes(page)) for page in pdf.pages)


def alone_bytes(page: pikepdf.Page) -> int:
    """The size of the file that holds `page` alone, nothing compressed anew and nothing kept that it does not use."""
    with pikepdf.new() as single:
        single.pages.append(page)
        single.remove_unreferenced_resources()
        counted = _Counted()
        # A field without its form is warned of; this file is only weighed.
        with warnings.catch_warnings(action="ignore", category=pikepdf.PageCopyWarning):
            single.save(
                counted,
                compress_streams=False,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
            )
        return counted.size_bytes


def _split(pdf: pikepdf.Pdf, index: int, limit_bytes: int, shared: int) -> PageSize:
    size = alone_bytes(pdf.pages[index])
    if size - shared <= limit_bytes < size:
        return PageSize(size_bytes=size - shared, shared_font_bytes=shared)
    return PageSize(size_bytes=size)


def _shared(pdf: pikepdf.Pdf, reach: Reach, users: Counter[Ref]) -> int:
    """What a page need not bear of its fonts' data: all but its share, for fonts that several pages use."""
    return sum(
        stream_bytes(pdf.get_object(ref)) * (users[ref] - 1) // users[ref] for ref in reach.font_data if users[ref] > 1
    )


class _Counted(io.BytesIO):
    """Takes what is written and keeps only its length, so that a split costs no memory."""

    def __init__(self) -> None:
        """Nothing written yet."""
        super().__init__()
        self.size_bytes = 0

    def write(self, data: "Buffer", /) -> int:
        """Count `data`."""
        length = memoryview(data).nbytes
        self.size_bytes += length
        return length
