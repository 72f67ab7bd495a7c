"""Boxes in memory: bounded iteration over a container's children, and the few fields that all boxes share."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from services.video.domain.bmff.errors import Damaged, Reason

#: Boxes of one file, over all levels; a 20-minute low-latency recording has about 300,000.
MAX_BOXES = 500_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One box: its four-character kind, its body without header, and the body's offset in the file."""

    kind: bytes
    body: memoryview
    offset: int

    def version(self) -> int:
        """The version of a full box."""
        return self.bytes_at(0, 1)[0]

    def flags(self) -> int:
        """The 24 flag bits of a full box."""
        return int.from_bytes(self.bytes_at(1, 3))

    def bytes_at(self, position: int, length: int) -> memoryview:
        """A slice of the body. Raises `Damaged` when the box is too short for it."""
        if position + length > len(self.body):
            raise Damaged(Reason.TABLE_SHORT, offset=self.offset, found=printable(self.kind))
        return self.body[position : position + length]

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
    body, position = container.body, skip
    while position + 8 <= len(body):
        offset = container.offset + position
        budget.spend(offset)
        size, kind = struct.unpack_from(">I4s", body, position)
        header = header_length(size)
        if size == 1:
            size = container.u64(position + 8)
        elif size == 0:
            size = len(body) - position
        if size < header or position + size > len(body):
            raise Damaged(Reason.BOX_SIZE, offset=offset, found=printable(kind))
        yield Box(kind=kind, body=body[position + header : position + size], offset=offset + header)
        position += size


def index_children(container: Box, budget: BoxBudget, *, skip: int = 0) -> dict[bytes, list[Box]]:
    """The children by kind, in order."""
    found: dict[bytes, list[Box]] = {}
    for child in children(container, budget, skip=skip):
        found.setdefault(child.kind, []).append(child)
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
