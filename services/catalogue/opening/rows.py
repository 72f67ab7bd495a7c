"""From lines anywhere in a picture to rows as they are read: whatever way the picture lies."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.catalogue.opening.labels import GAP, begins_with_label
from services.catalogue.opening.model import Corners, Line, Point
from services.catalogue.opening.values import plain, simplified

#: Of a line's height: closer pieces belong to one word, and their row's middles are no farther apart than this.
_TOUCHING, _SAME_ROW = 0.35, 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A line where it stands when the picture is turned upright; `raw` in NFKC, `text` in simplified characters too."""

    raw: str
    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float
    corners: Corners

    @property
    def height(self) -> float:
        """Of its box, in pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """How far down it stands."""
        return (self.top + self.bottom) / 2

    def overlap(self, other: "Piece") -> float:
        """How much of the narrower one's width stands above or below the other, 0 to 1."""
        common = min(self.right, other.right) - max(self.left, other.left)
        return max(0.0, common) / max(1.0, min(self.right - self.left, other.right - other.left))


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces beside each other. `starts[n]` is where piece n begins in `text`, and in `raw`, which is as long."""

    pieces: Sequence[Piece]
    raw: str
    text: str
    starts: Sequence[int]

    def within(self, start: int, end: int) -> Sequence[Piece]:
        """The pieces that have text between two places of it."""
        ends = [*self.starts[1:], len(self.text) + 1]
        return [
            piece
            for piece, begins, ends_ in zip(self.pieces, self.starts, ends, strict=True)
            if begins < end and start < ends_ - 1
        ]


def rows(lines: Sequence[Line]) -> Sequence[Row]:
    """The rows from the top, each from the left."""
    pieces = sorted(_pieces(lines), key=lambda piece: piece.middle)
    grouped: list[list[Piece]] = []
    for piece in pieces:
        near = [
            group
            for group in grouped[-3:]
            if any(abs(piece.middle - other.middle) < _SAME_ROW * min(piece.height, other.height) for other in group)
            and not any(_stand_in_one_place(piece, other) for other in group)
        ]
        if near:
            near[-1].append(piece)
        else:
            grouped.append([piece])
    return [_row(sorted(group, key=lambda piece: piece.left)) for group in grouped]


def _stand_in_one_place(one: Piece, other: Piece) -> bool:
    return one.overlap(other) > _SAME_ROW


def _row(pieces: Sequence[Piece]) -> Row:
    raw, text, starts = "", "", []
    for number, piece in enumerate(pieces):
        apart = number and piece.left - pieces[number - 1].right > _TOUCHING * piece.height
        between = GAP if apart or (number and begins_with_label(piece.text)) else ""
        raw, text = raw + between + piece.raw, text + between
        starts.append(len(text))
        text += piece.text
    return Row(pieces, raw, text, starts)


def _pieces(lines: Sequence[Line]) -> Iterator[Piece]:
    """Turned so that reading runs to the right."""
    angle = direction(lines)
    cosine, sine = math.cos(-angle), math.sin(-angle)

    def upright(point: Point) -> Point:
        x, y = point
        return x * cosine - y * sine, x * sine + y * cosine

    for line in lines:
        raw = plain(line.text)
        if not raw:
            continue
        corners = [upright(corner) for corner in line.corners]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        yield Piece(
            raw=raw,
            text=simplified(raw),
            confidence=line.confidence,
            corners=line.corners,
            left=min(xs),
            right=max(xs),
            top=statistics.fmean(sorted(ys)[:2]),
            bottom=statistics.fmean(sorted(ys)[2:]),
        )


def direction(lines: Sequence[Line]) -> float:
    """The angle in which most of the text runs, in radians, 0 from left to right."""
    x = sum(line.corners[1][0] - line.corners[0][0] for line in lines)
    y = sum(line.corners[1][1] - line.corners[0][1] for line in lines)
    return math.atan2(y, x)
