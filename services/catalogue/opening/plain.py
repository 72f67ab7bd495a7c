"""Shots as plain data, for a sealed column or a message, and back."""

from collections.abc import Sequence
from typing import Any

from services.catalogue.opening.model import Corners, Line, Shot

PlainShot = dict[str, Any]


def plain_shots(shots: Sequence[Shot]) -> list[PlainShot]:
    """JSON can hold it."""
    return [
        {
            "time_s": shot.time_s,
            "width_px": shot.width_px,
            "height_px": shot.height_px,
            "lines": [[line.text, line.confidence, flat(line.corners)] for line in shot.lines],
        }
        for shot in shots
    ]


def shots(plain: Sequence[PlainShot]) -> tuple[Shot, ...]:
    """What `plain_shots` made. Raises `ValueError`, `KeyError` for anything else."""
    return tuple(
        Shot(
            time_s=each["time_s"],
            width_px=each["width_px"],
            height_px=each["height_px"],
            lines=tuple(
                Line(text=text, confidence=confidence, corners=corners(numbers))
                for text, confidence, numbers in each["lines"]
            ),
        )
        for each in plain
    )


def flat(corners: Corners) -> list[float]:
    """x and y of the four, to a tenth of a pixel."""
    return [round(number, 1) for corner in corners for number in corner]


def corners(numbers: Sequence[float]) -> Corners:
    """What `flat` made. Raises `ValueError` for other than eight numbers."""
    one, two, three, four, five, six, seven, eight = map(float, numbers)
    return (one, two), (three, four), (five, six), (seven, eight)
