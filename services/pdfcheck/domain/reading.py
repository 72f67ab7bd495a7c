"""What lines that were read say of their page: which way up it is, and where they stand on it. Pure."""

from collections.abc import Sequence

from services.catalogue.pages.model import SeenLine
from services.kernel.ocr.port import Line

#: Lines that are read worse than this say nothing: upright writing that was turned reads as nonsense.
_SURE = 0.80
#: Characters that must be read to say so.
_ENOUGH = 12
Box = tuple[float, float, float, float]


def is_on_its_head(lines: Sequence[Line]) -> bool:
    """Whether the writing runs from right to left, and is read well in that direction."""
    told = [line for line in lines if line.confidence >= _SURE]
    backwards = sum(len(line.text) for line in told if _runs(line) == -1)
    forwards = sum(len(line.text) for line in told if _runs(line) == 1)
    unsure = sum(len(line.text) for line in lines if line.confidence < _SURE)
    return backwards >= _ENOUGH and backwards > 2 * (forwards + unsure)


def _runs(line: Line) -> int:
    """1 from left to right, -1 from right to left, 0 up or down."""
    (x0, y0), (x1, y1) = line.corners[0], line.corners[1]
    if abs(x1 - x0) <= abs(y1 - y0):
        return 0
    return 1 if x1 > x0 else -1


def on_the_page(lines: Sequence[Line], size_px: tuple[int, int], box: Box) -> tuple[SeenLine, ...]:
    """Lines of a part of a page, in shares of the page."""
    return tuple(_on_the_page(line, size_px, box) for line in lines)


def _on_the_page(line: Line, size_px: tuple[int, int], box: Box) -> SeenLine:
    left, top, wide, high = box
    across = [min(1.0, max(0.0, left + wide * x / size_px[0])) for x, _ in line.corners]
    down = [min(1.0, max(0.0, top + high * y / size_px[1])) for _, y in line.corners]
    return SeenLine(
        text=line.text,
        confidence=round(line.confidence, 3),
        left=round(min(across), 4),
        top=round(min(down), 4),
        width=round(max(across) - min(across), 4),
        height=round(max(down) - min(down), 4),
    )
