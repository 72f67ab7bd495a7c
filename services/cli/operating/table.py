"""Aligned columns for people; a Chinese character is two cells wide."""

from collections.abc import Sequence

from rich.cells import cell_len

_GAP = "  "
_MOST_CELLS = 60


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The lines under their head; a long cell that is not the last of its line is cut."""
    lines = [[str(cell) for cell in line] for line in [head, *rows]]
    last = len(head) - 1
    shown = [[cell if at == last else _cut(cell) for at, cell in enumerate(line)] for line in lines]
    widths = [max(cell_len(line[at]) for line in shown) for at in range(last)]
    return "\n".join(_GAP.join([*map(_padded, line, widths), line[last]]).rstrip() for line in shown)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _cut(cell: str) -> str:
    if cell_len(cell) <= _MOST_CELLS:
        return cell
    while cell_len(cell) >= _MOST_CELLS:
        cell = cell[:-1]
    return cell + "…"


def moment(text: str | None) -> str:
    """A moment in UTC to the second; a dash for none."""
    return "–" if text is None else f"{text[:10]} {text[11:19]}Z"
