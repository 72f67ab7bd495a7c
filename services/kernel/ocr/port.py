"""Reading text in pictures, as the services see it."""

from dataclasses import dataclass
from typing import Protocol

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """`pixels` are rows from the top, three bytes each: red, green, blue."""

    width_px: int
    height_px: int
    pixels: bytes

    def __post_init__(self) -> None:
        """Raises `ValueError` when the pixels are not as many as the size says."""
        if len(self.pixels) != 3 * self.width_px * self.height_px:
            raise ValueError(f"{len(self.pixels)} bytes are no {self.width_px}×{self.height_px} pixels")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Text that stands together. `corners` in pixels of the picture begin where reading begins, and go on to the end of
    its upper edge: in a picture that lies on its side they say so.
    """

    text: str
    #: 0 to 1, the recogniser's own.
    confidence: float
    corners: tuple[Point, Point, Point, Point]


class TextReader(Protocol):
    """Reads what is written in a picture."""

    async def read(self, picture: Picture, *, closely: bool = False) -> tuple[Line, ...]:
        """The lines, in no order that matters; none when nothing was read. `closely` finds small and faint letters too,
        at three times the cost.

        Raises `SandboxError` and its kinds.
        """
        ...
