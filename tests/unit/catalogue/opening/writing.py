"""Cards written by hand: where which text stands."""

import math

from services.catalogue.opening.model import Corners, Line, Shot

HEIGHT = 40.0


def line(text: str, x: float, y: float, *, confidence: float = 0.99, height: float = HEIGHT) -> Line:
    """Text whose upper left corner is at (x, y), every character as wide as high."""
    width = height * sum(1.0 if ord(character) > 255 else 0.5 for character in text)
    corners: Corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return Line(text=text, confidence=confidence, corners=corners)


def shot(*lines: Line, time_s: float = 2.0) -> Shot:
    """A picture of 1920×1080 with these lines."""
    return Shot(time_s=time_s, width_px=1920, height_px=1080, lines=lines)


def rows(*texts: str, left: float = 200, confidence: float = 0.99) -> Shot:
    """One below the other."""
    return shot(*(line(text, left, 100 + 80 * row, confidence=confidence) for row, text in enumerate(texts)))


def turned(card: Shot, degrees: float) -> Shot:
    """The whole card turned around its middle."""
    angle = math.radians(degrees)

    def turn(x: float, y: float) -> tuple[float, float]:
        x, y = x - 960, y - 540
        return (
            960 + x * math.cos(angle) - y * math.sin(angle),
            540 + x * math.sin(angle) + y * math.cos(angle),
        )

    def around(corners: Corners) -> Corners:
        one, two, three, four = (turn(*corner) for corner in corners)
        return one, two, three, four

    lines = (Line(text=e.text, confidence=e.confidence, corners=around(e.corners)) for e in card.lines)
    return Shot(time_s=card.time_s, width_px=card.width_px, height_px=card.height_px, lines=tuple(lines))
