"""What goes in and what comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]


class FieldName(StrEnum):
    """The six things that the opening should show, in the notice's order (M15-2b)."""

    SURGEON = "surgeon"
    EMPLOYER = "employer"
    DEPARTMENT = "department"
    TITLE = "title"
    OPERATION = "operation"
    DATE = "date"


class Status(StrEnum):
    """What became of a field (`cli.md`)."""

    #: With a declared value: the card says it. Without one: `value` was read.
    FOUND = "found"
    #: The card says nearly that: misread by the machine, or really different.
    SIMILAR = "similar"
    #: It is not there; `value` then holds what stands in its place, if anything does.
    MISSING = "missing"
    #: Something is there, but too uncertain to be taken for it.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Text that stands together in one picture.

    `corners` in pixels begin where reading begins and go on along the upper edge; `confidence` is 0 to 1.
    """

    text: str
    confidence: float
    corners: Corners


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """A picture of the opening: when it stands there, its size, and what is written in it."""

    time_s: float
    width_px: int
    height_px: int
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One of the six: what was read, where and when. `shot` counts from 0; -1 and no corners where nothing is."""

    status: Status
    value: str = ""
    confidence: float = 0.0
    time_s: float = 0.0
    shot: int = -1
    corners: tuple[Corners, ...] = ()


Opening = Mapping[FieldName, Found]
#: What was declared, as it was written; a field that is not there was not declared.
Declared = Mapping[FieldName, str]
