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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pikepdf
from typing_extensions import Buffer

from services.pdfcheck.domain.facts import PageSize

Ref = tuple[int, int]

#: Header, trailer, page tree and cross-reference table of a one-page file; measured 0.66 KB, rounded up.
FILE_BYTES = 1024
#: A page this close below the limit is split as well, so that the number shown near the limit is exact.
NEAR_BYTES = 16 * 1024
#: What one object costs beside its content: `n 0 obj`, `endobj`, `stream`, `endstream` and its table row.
_OBJECT_BYTES = 80
#: Objects visited over all pages; a file that shares a huge graph among many pages goes straight to the next step.
_MAX_VISITS = 3_000_000
_MAX_NESTING = 200
#: What a page takes from the tree above it when it does not say so itself.
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


class TooComplexError(Exception):
    """The file's objects nest deeper or reach further than any honest document does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """One indirect object: its own bytes and what it refers to."""

    size_bytes: int
    refs: tuple[Ref, ...]
    is_font_data: bool = False
    is_font: bool = False
    is_image: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What one page reaches: an upper bound of its size, its font data, and what it draws with."""

    bound_bytes: int
    font_data: frozenset[Ref]
    has_font: bool
    has_image: bool


@dataclass(slots=True)
class Walk:
    """Walks pages of one open file, each object parsed once."""

    pdf: pikepdf.Pdf
    page_refs: frozenset[Ref]
    visits: int = 0
    nodes: dict[Ref, _Node] = field(default_factory=dict)

    def page(self, page: pikepdf.Page) -> Reach:
        """Everything that `page` reaches. Raises :class:`TooComplexError`."""
        own = page.obj.objgen
        nodes = [_node(_page_alone(page.obj))]
        seen: set[Ref] = {own}
        waiting = list(nodes[0].refs)
        while waiting:
            ref = waiting.pop()
            if ref in seen or ref in self.page_refs:
                continue
            seen.add(ref)
            node = self._at(ref)
            nodes.append(node)
            waiting.extend(node.refs)
        return Reach(
            bound_bytes=FILE_BYTES + sum(node.size_bytes for node in nodes),
            font_data=frozenset(ref for ref in seen - {own} if self.nodes[ref].is_font_data),
            has_font=any(node.is_font for node in nodes),
            has_image=any(node.is_image for node in nodes),
        )

    def _at(self, ref: Ref) -> _Node:
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise TooComplexError
        if ref not in self.nodes:
            target = self.pdf.get_object(ref)
            skipped = isinstance(target, pikepdf.Dictionary) and target.get("/Type") == "/Pages"
            self.nodes[ref] = _Node(size_bytes=0, refs=()) if skipped else _node(target)
        return self.nodes[ref]


def walk(pdf: pikepdf.Pdf) -> tuple[Reach, ...]:
    """What each page reaches, in order. Raises :class:`TooComplexError`."""
    pages = list(pdf.pages)
    walker = Walk(pdf=pdf, page_refs=frozenset(page.obj.objgen for page in pages))
    return tuple(walker.page(page) for page in pages)


def judge(reaches: Sequence[Reach] | None, reopen: Callable[[], pikepdf.Pdf], limit_bytes: int) -> tuple[PageSize, ...]:
    """The judged size of each page against `limit_bytes`.

    `reaches` is the result of :func:`walk`, None where it gave up. `reopen` opens the same file once more, for the
    copy that is changed. Raises :class:`TooComplexError` when the second walk gives up too.
    """
    acquitted = limit_bytes - NEAR_BYTES
    if reaches is not None and all(reach.bound_bytes <= acquitted for reach in reaches):
        return tuple(PageSize(size_bytes=reach.bound_bytes, exact=False) for reach in reaches)
    with reopen() as copy:
        copy.remove_unreferenced_resources()
        trimmed = walk(copy)
        users = Counter(ref for reach in trimmed for ref in reach.font_data)
        return tuple(
            PageSize(size_bytes=reach.bound_bytes, exact=False)
            if reach.bound_bytes <= acquitted
            else _split(copy, index, limit_bytes, _shared(copy, reach, users))
            for index, reach in enumerate(trimmed)
        )


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
        _stream_bytes(pdf.get_object(ref)) * (users[ref] - 1) // users[ref] for ref in reach.font_data if users[ref] > 1
    )


def _page_alone(page: pikepdf.Object) -> pikepdf.Dictionary:
    """A page's dictionary without the way up, with what it inherits from there."""
    alone = pikepdf.Dictionary({key: value for key, value in page.items() if key != "/Parent"})
    above, steps = page.get("/Parent"), 0
    while isinstance(above, pikepdf.Dictionary) and steps < _MAX_NESTING:
        for key in _INHERITED:
            if key in above and key not in alone:
                alone[key] = above[key]
        above, steps = above.get("/Parent"), steps + 1
    return alone


def _node(target: pikepdf.Object) -> _Node:
    """An object's own bytes and references; what stands directly inside it belongs to it."""
    is_stream = isinstance(target, pikepdf.Stream)
    body = target.stream_dict if isinstance(target, pikepdf.Stream) else target
    refs: list[Ref] = []
    _collect(body, refs, 0)
    keys = body if isinstance(body, pikepdf.Dictionary) else None
    kind = str(keys.get("/Type", "")) if keys is not None else ""
    return _Node(
        size_bytes=len(body.unparse(resolved=True)) + _OBJECT_BYTES + (_stream_bytes(target) if is_stream else 0),
        refs=tuple(refs),
        is_font_data=is_stream and _looks_like_font(keys),
        is_font=kind == "/Font",
        is_image=keys is not None and keys.get("/Subtype") == "/Image",
    )


def _looks_like_font(keys: pikepdf.Dictionary | None) -> bool:
    """Font data says so by its lengths (Type 1, TrueType) or by its subtype (CFF, OpenType)."""
    if keys is None:
        return False
    return "/Length1" in keys or keys.get("/Subtype") in ("/CIDFontType0C", "/Type1C", "/OpenType")


def _stream_bytes(stream: pikepdf.Object) -> int:
    """The raw length that a stream states. A file whose lengths were put right while reading is split instead."""
    length: object = stream.stream_dict.get("/Length") if isinstance(stream, pikepdf.Stream) else None
    return max(0, length) if isinstance(length, int) else 0


def _collect(value: pikepdf.Object, refs: list[Ref], depth: int) -> None:
    """References in `value`, down to where the next indirect object begins."""
    if depth > _MAX_NESTING:
        raise TooComplexError
    if isinstance(value, pikepdf.Dictionary):
        children: list[object] = [child for _, child in value.items()]
    elif isinstance(value, pikepdf.Array):
        children = list(value)
    else:
        return
    for child in children:
        if not isinstance(child, pikepdf.Object):
            continue
        if child.is_indirect:
            refs.append(child.objgen)
        else:
            _collect(child, refs, depth + 1)


class _Counted(io.BytesIO):
    """Takes what is written and keeps only its length, so that a split costs no memory."""

    def __init__(self) -> None:
        """Nothing written yet."""
        super().__init__()
        self.size_bytes = 0

    def write(self, data: Buffer, /) -> int:
        """Count `data`."""
        length = memoryview(data).nbytes
        self.size_bytes += length
        return length
