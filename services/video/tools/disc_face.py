"""Draws the printable face of a disc, as the sandbox calls it: `services.video.tools.disc_face:draw`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import segno
from PIL import Image, ImageDraw, ImageFont

RESULT = "face.pdf"
_FONT = str(Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf")
DPI = 600
#: Millimetres: the sheet (A4), the disc on it with its hole and the ring that holds no print, and what stands on it.
SHEET_MM = (210.0, 297.0)
DISC_MM, HUB_MM, HOLE_MM = 120.0, 40.0, 15.0
MIDDLE_MM = (105.0, 90.0)
_TITLE_AT_MM, _NOTE_AT_MM, _CODE_AT_MM, _DIGEST_AT_MM = -34.0, -23.0, 33.0, 47.5
_TITLE_MM, _NOTE_MM, _DIGEST_MM, _CODE_MM = 9.0, 3.6, 2.5, 22.0
#: How wide a line may be where it stands on the disc.
_TITLE_WIDTH_MM, _NOTE_WIDTH_MM = 92.0, 100.0
_INK, _PAPER = 0, 255


def draw(
    _sources: Sequence[object], arguments: Mapping[str, Any], _progress: Callable[[float], None]
) -> dict[str, float]:
    """Writes `scratch / RESULT`: an A4 page with the face in its true size; returns its dots per inch.

    `arguments`: `title`, `notes` (lines below it), and `sha256`, which stands there as a QR code and in print.
    """
    sheet = Image.new("L", (_px(SHEET_MM[0]), _px(SHEET_MM[1])), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for size_mm in (DISC_MM, HOLE_MM):
        pen.ellipse(_circle(size_mm), outline=_INK, width=_px(0.2))
    _line(pen, arguments["title"], _TITLE_AT_MM, _TITLE_MM, _TITLE_WIDTH_MM)
    for number, note in enumerate(arguments["notes"]):
        _line(pen, note, _NOTE_AT_MM + 5 * number, _NOTE_MM, _NOTE_WIDTH_MM)
    digest = arguments["sha256"]
    _code(sheet, digest)
    for number, half in enumerate((digest[:32], digest[32:])):
        _line(pen, half, _DIGEST_AT_MM + 3.2 * number, _DIGEST_MM, 60)
    made = sheet.convert("1", dither=Image.Dither.NONE)
    made.save(Path(str(arguments["scratch"])) / RESULT, "PDF", resolution=DPI)
    return {"dpi": DPI}


def _px(millimetres: float) -> int:
    return round(millimetres / 25.4 * DPI)


def _circle(size_mm: float) -> tuple[int, int, int, int]:
    x, y, radius = _px(MIDDLE_MM[0]), _px(MIDDLE_MM[1]), _px(size_mm / 2)
    return x - radius, y - radius, x + radius, y + radius


def _line(pen: ImageDraw.ImageDraw, text: str, at_mm: float, size_mm: float, width_mm: float) -> None:
    """Around the middle, smaller where it would be too wide."""
    font = ImageFont.truetype(_FONT, _px(size_mm))
    if (wide := font.getlength(text)) > _px(width_mm):
        font = ImageFont.truetype(_FONT, int(_px(size_mm) * _px(width_mm) / wide))
    pen.text((_px(MIDDLE_MM[0]), _px(MIDDLE_MM[1] + at_mm)), text, font=font, fill=_INK, anchor="mm")


def _code(sheet: Image.Image, digest: str) -> None:
    """Upper case: the code's alphabet without small letters makes it a third smaller."""
    rows = segno.make(digest.upper(), error="m", micro=False).matrix
    size = len(rows)
    module = _px(_CODE_MM) // size
    code = Image.new("L", (size, size), _PAPER)
    code.putdata([_INK if dark else _PAPER for row in rows for dark in row])
    shown = code.resize((module * size, module * size), Image.Resampling.NEAREST)
    sheet.paste(shown, (_px(MIDDLE_MM[0]) - shown.width // 2, _px(MIDDLE_MM[1] + _CODE_AT_MM) - shown.height // 2))
