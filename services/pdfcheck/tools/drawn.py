"""The pictures that a page draws with: where each hangs, how fine it is printed, and how another takes its place.

Nothing that pages share is changed: on the way to a picture every dictionary and form becomes the page's own first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pikepdf

#: Keys from the page to a picture, `("/Resources", "/XObject", "/Im0")`, through forms and to soft masks.
Path = tuple[str, ...]
Ref = tuple[int, int]
Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)
#: How deep forms are gone into, and how many of their instructions are looked at altogether.
_DEEPEST, _MOST_INSTRUCTIONS = 8, 200_000
_POINTS_PER_INCH = 72.0
_INHERITED_STEPS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A picture of a page. `paths` are all places where it hangs; `dpi` is where it is printed largest, 0 where it is
    not drawn (a soft mask, or nothing of it could be told).
    """

    stream: pikepdf.Stream
    paths: tuple[Path, ...]
    dpi: float = 0
    is_mask: bool = False


def pictures_of(page: pikepdf.Page) -> tuple[Drawn, ...]:
    """Each once, whatever the number of its names, largest data first."""
    resources = resources_of(page.obj)
    found = _hanging(resources)
    widths = _printed(page, resources)
    drawn = []
    for paths, stream, is_mask in found.values():
        width = said(stream, "/Width")
        printed = max((widths.get(path[1:], 0.0) for path in paths), default=0.0)
        fine = float(width) / printed * _POINTS_PER_INCH if isinstance(width, int) and printed > 0 else 0.0
        drawn.append(Drawn(stream=stream, paths=tuple(paths), dpi=round(fine, 1), is_mask=is_mask))
    return tuple(sorted(drawn, key=lambda each: -stored_bytes(each.stream)))


def said(target: pikepdf.Object, key: str) -> object:
    """What stands there: pikepdf gives numbers and truths as Python's own, whatever its types say."""
    return target.get(key)


def stored_bytes(stream: pikepdf.Stream) -> int:
    """The length of its data as they are in the file."""
    return len(stream.read_raw_bytes())


def resources_of(page: pikepdf.Object) -> pikepdf.Dictionary:
    """A page's resources, also those that it takes from the tree above."""
    at: object = page
    steps = 0
    while isinstance(at, pikepdf.Dictionary) and steps < _INHERITED_STEPS:
        found = at.get("/Resources")
        if isinstance(found, pikepdf.Dictionary):
            return found
        at, steps = at.get("/Parent"), steps + 1
    return pikepdf.Dictionary()


def _hanging(resources: pikepdf.Dictionary) -> dict[Ref, tuple[list[Path], pikepdf.Stream, bool]]:
    found: dict[Ref, tuple[list[Path], pikepdf.Stream, bool]] = {}
    for path, stream in _walk(resources, ("/Resources",), frozenset()):
        found.setdefault(stream.objgen, ([], stream, False))[0].append(path)
        mask = stream.get("/SMask")
        if isinstance(mask, pikepdf.Stream):
            found.setdefault(mask.objgen, ([], mask, True))[0].append((*path, "/SMask"))
    return found


def _walk(resources: object, path: Path, above: frozenset[Ref]) -> Iterator[tuple[Path, pikepdf.Stream]]:
    drawing = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    for name, target in drawing.items() if isinstance(drawing, pikepdf.Dictionary) else ():
        here = (*path, "/XObject", str(name))
        if not isinstance(target, pikepdf.Stream):
            continue
        if target.get("/Subtype") == "/Image":
            yield here, target
        elif target.get("/Subtype") == "/Form" and target.objgen not in above and len(above) < _DEEPEST:
            yield from _walk(target.get("/Resources"), (*here, "/Resources"), above | {target.objgen})


def _printed(page: pikepdf.Page, resources: pikepdf.Dictionary) -> dict[Path, float]:
    """Path below the resources → the largest width in points at which the picture there is drawn."""
    widths: dict[Path, float] = {}
    left = [_MOST_INSTRUCTIONS]

    def run(source: pikepdf.Page | pikepdf.Stream, inside: object, path: Path, base: Matrix, depth: int) -> None:
        drawing = inside.get("/XObject") if isinstance(inside, pikepdf.Dictionary) else None
        for name, matrix in _done(source, base, left):
            target = drawing.get(name) if isinstance(drawing, pikepdf.Dictionary) else None
            here = (*path, "/XObject", name)
            if not isinstance(target, pikepdf.Stream):
                continue
            if target.get("/Subtype") == "/Image":
                widths[here] = max(widths.get(here, 0.0), (matrix[0] ** 2 + matrix[1] ** 2) ** 0.5)
            elif target.get("/Subtype") == "/Form" and depth < _DEEPEST:
                own = _times(_matrix(target.get("/Matrix")), matrix)
                run(target, target.get("/Resources"), (*here, "/Resources"), own, depth + 1)

    run(page, resources, (), _IDENTITY, 0)
    return widths


def _done(source: pikepdf.Page | pikepdf.Stream, base: Matrix, left: list[int]) -> Iterator[tuple[str, Matrix]]:
    """(name, matrix) of whatever is drawn by name; nothing of what makes no sense."""
    try:
        instructions = pikepdf.parse_content_stream(source, "q Q cm Do")
    except (pikepdf.PdfError, TypeError, ValueError):
        return
    now, kept = base, [base]
    for instruction in instructions:
        left[0] -= 1
        if left[0] < 0:
            return
        operator, operands = str(instruction.operator), list(instruction.operands)
        if operator == "q":
            kept.append(now)
        elif operator == "Q" and len(kept) > 1:
            now = kept.pop()
        elif operator == "cm":
            now = _times(_matrix(operands), now)
        elif operator == "Do" and operands:
            yield str(operands[0]), now


def _matrix(said: object) -> Matrix:
    try:
        a, b, c, d, e, f = (float(each) for each in said)  # type: ignore[attr-defined]  # whatever it is, it is tried
    except (TypeError, ValueError):
        return _IDENTITY
    return a, b, c, d, e, f


def _times(one: Matrix, other: Matrix) -> Matrix:
    """`one` first, then `other`."""
    a, b, c, d, e, f = one
    p, q, r, s, t, u = other
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def at(page: pikepdf.Page, path: Path) -> pikepdf.Stream:
    """The picture that hangs there. Raises `KeyError` when there is none."""
    found: pikepdf.Object = resources_of(page.obj)
    for key in path[1:]:
        if not isinstance(found, pikepdf.Dictionary | pikepdf.Stream) or key not in found:
            raise KeyError(key)
        found = found[key]
    if not isinstance(found, pikepdf.Stream):
        raise KeyError(path[-1])
    return found


def put(pdf: pikepdf.Pdf, page: pikepdf.Page, paths: Sequence[Path], picture: pikepdf.Stream, own: set[Ref]) -> None:
    """Hang `picture` at each of `paths`. `own` are objects that belong to this page alone; those that are made on the
    way join them. Raises `KeyError` for a path that does not lead anywhere.
    """
    own.add(picture.objgen)
    for path in paths:
        holder: pikepdf.Object = page.obj
        for step, key in enumerate(path[:-1]):
            below = holder[key] if step else resources_of(page.obj)
            mine = _owned(pdf, below, own)
            holder[key] = mine
            holder = mine
        if path[-1] not in holder:
            raise KeyError(path[-1])
        holder[path[-1]] = picture


def _owned(pdf: pikepdf.Pdf, below: pikepdf.Object, own: set[Ref]) -> pikepdf.Object:
    """`below`, or a copy to be hung in its place, so that nobody else sees it change."""
    if below.is_indirect and below.objgen in own:
        return below
    if isinstance(below, pikepdf.Stream):
        made: pikepdf.Object = pikepdf.Stream(pdf, below.read_raw_bytes(), dict(below.stream_dict.items()))
    else:
        made = pdf.make_indirect(pikepdf.Dictionary(dict(below.items())))
    own.add(made.objgen)
    return made
