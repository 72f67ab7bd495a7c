"""Boxes inside a part of the file: bounded iteration over a container, and the few fields that all boxes share."""

import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.video.domain.bmff.errors import Damaged, Reason
from services.video.domain.bmff.source import Range

#: Boxes of one file, over all levels; a 20-minute low-latency recording has about 300,000.
MAX_BOXES = 500_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One box: its four-character kind, and its body without header as `length` bytes from `start` of a range."""

    kind: bytes
    range: Range
    start: int
    length: int

    @property
    def offset(self) -> int:
        """Where the body begins in the file."""
        return self.range.offset + self.start

    def hold(self) -> None:
        """Fetch the whole body at once, and what follows within reach. Raises `Truncated`."""
        self.range.hold(self.start, self.start + self.length)

    def version(self) -> int:
        """The version of a full box."""
        return self.bytes_at(0, 1)[0]

    def flags(self) -> int:
        """The 24 flag bits of a full box."""
        return int.from_bytes(self.bytes_at(1, 3))

    def bytes_at(self, position: int, length: int) -> memoryview:
        """A slice of the body. Raises `Damaged` when the box is too short for it."""
        if position + length > self.length:
            raise Damaged(Reason.TABLE_SHORT, offset=self.offset, found=printable(self.kind))
        return self.range.view(self.start + position, length)

    def rest(self, position: int) -> memoryview:
        """The body from `position` on; nothing when it is shorter."""
        return self.bytes_at(position, self.length - position) if position < self.length else memoryview(b"")

    def u16(self, position: int) -> int:
        """An unsigned big-endian 16-bit value."""
        return int.from_bytes(self.bytes_at(position, 2))

    def u32(self, position: int) -> int:
        """An unsigned big-endian 32-bit value."""
        return int.from_bytes(self.bytes_at(position, 4))

    def i32(self, position: int) -> int:
        """A signed big-endian 32-bit value."""
        return int.from_bytes(self.bytes_at(position, 4), signed=True)

    def u64(self, position: int) -> int:
        """An unsigned big-endian 64-bit value."""
        return int.from_bytes(self.bytes_at(position, 8))


class BoxBudget:
    """How many boxes may still be looked at; one per file."""

    def __init__(self, boxes: int = MAX_BOXES) -> None:
        """Start with the whole allowance."""
        self._left = boxes

    def spend(self, offset: int) -> None:
        """Count one box. Raises `Damaged` when there are too many."""
        self._left -= 1
        if self._left < 0:
            raise Damaged(Reason.TOO_MANY_BOXES, offset=offset)


def printable(kind: bytes) -> str:
    """A four-character code that is safe to print."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in kind)


def header_length(size: int) -> int:
    """Bytes of a box's header, told from its 32-bit size field (1 announces a 64-bit size)."""
    return 16 if size == 1 else 8


def children(container: Box, budget: BoxBudget, *, skip: int = 0) -> Iterator[Box]:
    """The boxes inside `container`, from `skip` bytes into its body.

    Raises `Damaged` when a child does not fit. Fewer than eight bytes at the end are QuickTime's terminator.
    """
    position = skip
    while position + 8 <= container.length:
        offset = container.offset + position
        budget.spend(offset)
        size, kind = struct.unpack(">I4s", container.bytes_at(position, 8))
        header = header_length(size)
        if size == 1:
            size = container.u64(position + 8)
        elif size == 0:
            size = container.length - position
        if size < header or position + size > container.length:
            raise Damaged(Reason.BOX_SIZE, offset=offset, found=printable(kind))
        yield Box(kind=kind, range=container.range, start=container.start + position + header, length=size - header)
        position += size


def index_children(
    container: Box, budget: BoxBudget, *, skip: int = 0, until: AbstractSet[bytes] = frozenset()
) -> dict[bytes, list[Box]]:
    """The children by kind, in order: all of them, or as far as one of each kind of `until` is found."""
    found: dict[bytes, list[Box]] = {}
    for child in children(container, budget, skip=skip):
        found.setdefault(child.kind, []).append(child)
        if until and until <= found.keys():
            break
    return found


def at_most_one(found: dict[bytes, list[Box]], kind: bytes) -> Box | None:
    """The only box of `kind`, or None. Raises `Damaged` on two: players disagree on which one counts."""
    boxes = found.get(kind, [])
    if len(boxes) > 1:
        raise Damaged(Reason.DUPLICATE_BOX, offset=boxes[1].offset, found=printable(kind))
    return boxes[0] if boxes else None


def exactly_one(found: dict[bytes, list[Box]], kind: bytes, parent: Box) -> Box:
    """The only box of `kind`. Raises `Damaged` when it is missing or there are two."""
    box = at_most_one(found, kind)
    if box is None:
        raise Damaged(Reason.MISSING_BOX, offset=parent.offset, found=printable(kind))
    return box
