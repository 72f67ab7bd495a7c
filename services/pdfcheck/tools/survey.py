"""Every object of a PDF, looked at once: how large it is, what it refers to, and whether it is worth a closer look.

An object is looked at as the library writes it out again, with names in their plain spelling, references as `n g R`
and strings escaped: one call for each object instead of one for each of its keys. What only looks like a reference
(inside a string) can make a bound larger, never smaller; what looks like something active is looked at properly.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pikepdf

from services.pdfcheck.domain.excess import Excess, Limit

Ref = tuple[int, int]

#: What one object costs beside its content: `n 0 obj`, `endobj`, `stream`, `endstream` and its table row.
OBJECT_BYTES = 80
MAX_NESTING = 200
#: Beginning where a number begins: a signature's value is padded with tens of thousands of zeros, and trying each of
#: them took longer than a check may.
_REFERENCE = re.compile(rb"(?<!\d)(\d{1,10}) (\d{1,5}) R")
_NO_MEMORY = re.compile(r"bad_alloc|std::length_error|not enough memory", re.IGNORECASE)
#: What the library says of an object that it goes on without; of a stream that it cannot unpack it says something else.
_OBJECT_LOST = re.compile(r"error reading object|treating object as null")
_FONT, _IMAGE = b"/Type /Font ", b"/Subtype /Image "
_FONT_DATA = re.compile(rb"/Length1 |/Subtype /(?:CIDFontType0C|Type1C|OpenType)\b")
#: What can refer to others.
_CONTAINERS = (pikepdf.Dictionary, pikepdf.Array, pikepdf.Stream)
#: Names without which nothing is an action that acts by itself, a playing annotation, an attachment or a signature.
_NOTEWORTHY = re.compile(
    rb"/(?:JS|JavaScript|Launch|SubmitForm|ImportData|ResetForm|GoToE|GoToR|Rendition|Movie|Sound|GoTo3DView"
    rb"|RichMediaExecute|RichMedia|Screen|3D|FileAttachment|AA|EF|ByteRange|FT)\b"
)


class TooComplexError(Exception):
    """The file's objects nest deeper or reach further than any honest document does: `excess` says which."""

    def __init__(self, limit: Limit, allowed: int, found: int = 0) -> None:
        """See `Excess`."""
        super().__init__(limit.value)
        self.excess = Excess(limit=limit, allowed=allowed, found=found)


def no_memory(told: Iterable[str]) -> bool:
    """Whether errors or warnings of the library, `told`, say that there was not enough."""
    return any(_NO_MEMORY.search(each) for each in told)


def check_memory(told: Iterable[str]) -> None:
    """Raises `TooComplexError` where there was no memory for something."""
    if no_memory(told):
        raise TooComplexError(Limit.MEMORY, 0)


def check_complete(pdf: pikepdf.Pdf) -> None:
    """The library goes on without an object for which there is no memory and only warns: what was read then is less
    than there is. Raises `TooComplexError`.
    """
    check_memory(told for told in warnings_of(pdf) if _OBJECT_LOST.search(told))


def warnings_of(pdf: pikepdf.Pdf) -> list[str]:
    """What was said since this was asked last."""
    return [str(warning) for warning in pdf.get_warnings()]


class Node(NamedTuple):
    """One indirect object: its own bytes and what it refers to."""

    size_bytes: int
    refs: tuple[Ref, ...]
    is_font_data: bool = False
    has_font: bool = False
    is_image: bool = False


@dataclass(slots=True)
class Survey:
    """What was found. `noteworthy` are the objects that hold, at any depth, one of the names that matter."""

    nodes: dict[Ref, Node] = field(default_factory=dict)
    noteworthy: list[pikepdf.Object] = field(default_factory=list)


def survey(pdf: pikepdf.Pdf) -> Survey:
    """Of all objects, reachable or not: what a later edit could bring back counts too. Raises `TooComplexError`."""
    found = Survey()
    by_name = False
    for target in pdf.objects:
        if isinstance(target, _CONTAINERS):
            node, text = _looked_at(target)
            found.nodes[target.objgen] = node
            if _NOTEWORTHY.search(text):
                found.noteworthy.append(target)
        elif isinstance(target, pikepdf.Name):
            by_name = by_name or _NOTEWORTHY.search(target.unparse(resolved=True)) is not None
    if by_name:  # something may be named by reference, so that its own text does not tell
        found.noteworthy = list(pdf.objects)
    return found


def node_of(target: object) -> Node:
    """An object's own bytes and references; what stands directly inside it belongs to it. Raises `TooComplexError`.

    The library gives numbers, truths and nothing (a reference to no object is that) as Python's own: an indirect
    `/Length` is one of the commonest objects there are.
    """
    if not isinstance(target, pikepdf.Object):
        return Node(size_bytes=len(str(target)) + OBJECT_BYTES, refs=())
    return _looked_at(target)[0]


def written(value: object) -> Node:
    """The same of a value as it stands where it is used: of an indirect one, the reference."""
    if not isinstance(value, pikepdf.Object):  # an inherited /Rotate
        return Node(size_bytes=len(str(value)), refs=())
    text = value.unparse()
    return Node(size_bytes=len(text), refs=_refs(text), has_font=_FONT in text, is_image=_IMAGE in text)


def _looked_at(target: pikepdf.Object) -> tuple[Node, bytes]:
    stream = target if isinstance(target, pikepdf.Stream) else None
    text = stream.stream_dict.unparse() if stream is not None else target.unparse(resolved=True)
    if text.count(b"[") + text.count(b"<<") > MAX_NESTING:
        _check_nesting(stream.stream_dict if stream is not None else target, 0)
    size = len(text) + OBJECT_BYTES + (stream_bytes(stream) if stream is not None else 0)
    return (
        Node(
            size_bytes=size,
            refs=_refs(text),
            is_font_data=stream is not None and _FONT_DATA.search(text) is not None,
            has_font=_FONT in text,
            is_image=stream is not None and _IMAGE in text,
        ),
        text,
    )


def _refs(text: bytes) -> tuple[Ref, ...]:
    return tuple([(int(number), int(generation)) for number, generation in _REFERENCE.findall(text)])


def stream_bytes(stream: pikepdf.Object) -> int:
    """The raw length that a stream states. A file whose lengths were put right while reading is split instead."""
    length: object = stream.stream_dict.get("/Length") if isinstance(stream, pikepdf.Stream) else None
    return max(0, length) if isinstance(length, int) else 0


def _check_nesting(value: object, depth: int) -> None:
    if depth > MAX_NESTING:
        raise TooComplexError(Limit.NESTING, MAX_NESTING)
    for child in _inside(value):
        _check_nesting(child, depth + 1)


def dictionaries(target: object) -> Iterator[pikepdf.Dictionary]:
    """Every dictionary of one object, those directly inside others included."""
    waiting: list[tuple[object, int]] = [(target, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, pikepdf.Stream):
            value = value.stream_dict
        if isinstance(value, pikepdf.Dictionary):
            yield value
        if depth < MAX_NESTING:
            waiting.extend((child, depth + 1) for child in _inside(value))


def _inside(value: object) -> Iterator[pikepdf.Object]:
    """The dictionaries and arrays that stand directly in it."""
    if isinstance(value, pikepdf.Dictionary):
        children: Iterator[object] = iter([child for _, child in value.items()])
    elif isinstance(value, pikepdf.Array):
        children = iter(value)
    else:
        return
    for child in children:
        if isinstance(child, pikepdf.Dictionary | pikepdf.Array) and not child.is_indirect:
            yield child
