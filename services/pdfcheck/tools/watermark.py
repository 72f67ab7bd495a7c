"""Draws a line of text across a picture, again and again, as the sandbox calls it: `…tools.watermark:stamp`."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from services.pdfcheck.domain.facts import Json
from services.pdfcheck.tools import fonts
from services.pdfcheck.tools.drawing import QUALITY

#: Of the picture's width: the type, and what is free between two lines. Of a picture for an overview, larger.
_TYPE, _FREE = 1 / 52, 1 / 16
_SMALLEST_TYPE = 9
_ANGLE = 28
#: How much of what lies under it is hidden: a dark line for paper, and a light one beside it for dark places.
_DARK, _LIGHT = 46, 60
_INK, _EDGE = 40, 255


def prepare() -> None:
    """Load the font's library once, not in each child."""
    _font(24).getlength("审")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # The basic layout puts characters as they come: none of them changes the order of the others.
    return ImageFont.truetype(fonts.SANS, size, layout_engine=ImageFont.Layout.BASIC)


def stamp(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """The JPEG of `sources[0]` with `mark` on it: `jpeg`, in base64. Raises what Pillow raises on another file."""
    with Image.open(io.BytesIO(sources[0].read()), formats=("JPEG",)) as opened:
        opened.load()
        image = opened if opened.mode in ("L", "RGB") else opened.convert("RGB")
    marked(image, str(arguments["mark"]))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY)
    return {"jpeg": base64.b64encode(written.getvalue()).decode()}


def marked(image: Image.Image, mark: str) -> None:
    """Draw `mark` over the whole of it."""
    size = max(_SMALLEST_TYPE, round(image.width * _TYPE))
    tile = _tile(mark, size)
    wide, high = tile.width + round(image.width * _FREE), tile.height + round(image.width * _FREE)
    inks = [(1, _colour(image, _EDGE), _LIGHT), (0, _colour(image, _INK), _DARK)]
    pieces = [
        (x + shift, y + shift, colour, piece.point(lambda level, most=most: level * most // 255))
        for shift, colour, most in inks
        for x, y, piece in _pieces(tile, 4 * size)
    ]
    for row, top in enumerate(range(0, image.height, high)):
        for left in range(-(row % 2) * wide // 2, image.width, wide):
            for x, y, colour, mask in pieces:
                image.paste(colour, (left + x, top + y), mask)


def _pieces(tile: Image.Image, wide: int) -> Iterator[tuple[int, int, Image.Image]]:
    """What is written, without most of the empty space around a slanting line: left, top, and a piece."""
    for left in range(0, tile.width, wide):
        piece = tile.crop((left, 0, min(left + wide, tile.width), tile.height))
        box = piece.getbbox()
        if box is not None:
            yield left + box[0], box[1], piece.crop(box)


def _colour(image: Image.Image, level: int) -> int | tuple[int, ...]:
    return level if image.mode == "L" else (level,) * 3


def _tile(mark: str, size: int) -> Image.Image:
    """The line, slanting; white where it is written."""
    font = _font(size)
    wide, high = round(font.getlength(mark)) + 2, round(size * 1.4)
    line = Image.new("L", (max(1, wide), high))
    ImageDraw.Draw(line).text((1, 0), mark, font=font, fill=255)
    return line.rotate(_ANGLE, Image.Resampling.BILINEAR, expand=True)
