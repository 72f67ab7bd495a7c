"""Draws an evidence sheet, as the sandbox calls it: `services.video.tools.evidence:draw`."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

RESULT = "evidence.jpg"
_FONT = str(Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf")
_WIDTH, _MARGIN = 1600, 48
_INK, _FAINT, _RULE, _PAPER = (28, 32, 38), (96, 104, 116), (206, 210, 216), (255, 255, 255)
_COLOURS = {"good": (22, 120, 70), "doubtful": (176, 108, 0), "bad": (186, 34, 34)}
#: The opening's picture, the pictures cut out of it, and the columns that stand between them.
_FRAME_WIDTH, _CROP = 1120, (420, 64)
_COLUMNS = (_MARGIN, 250, 620, 990, 1430)
_LEAST_ROW = 96
_QUALITY = 88


def draw(
    sources: Sequence[io.RawIOBase], arguments: Mapping[str, Any], _progress: Callable[[float], None]
) -> dict[str, int]:
    """Writes `scratch / RESULT` from the opening's pictures `sources`; returns its size in pixels.

    `arguments`: `title`, `notes`, `headings` of the five columns, and `rows` with `label`, `declared`, `read`,
    `verdict`, `colour` ("good", "doubtful", "bad"), `shot` (-1: none) and `corners` (eight numbers a piece).
    """
    frames = [Image.open(io.BufferedReader(source)).convert("RGB") for source in sources]
    rows = arguments["rows"]
    sheet = Image.new("RGB", (_WIDTH, 6000), _PAPER)
    pen = ImageDraw.Draw(sheet)
    y = _text(pen, (_MARGIN, _MARGIN), arguments["title"], 40, _INK, _WIDTH - 2 * _MARGIN)
    for note in arguments["notes"]:
        y = _text(pen, (_MARGIN, y + 6), note, 22, _FAINT, _WIDTH - 2 * _MARGIN)
    for number, frame in enumerate(frames):
        if number == 0 or any(row["shot"] == number for row in rows):
            y = _frame(sheet, frame, [row for row in rows if row["shot"] == number], y + 20)
    y = _row(pen, y + 24, arguments["headings"], [_FAINT] * 5, 22)
    for row in rows:
        pen.line((_MARGIN, y, _WIDTH - _MARGIN, y), fill=_RULE, width=2)
        colour = _COLOURS.get(row["colour"], _INK)
        top = y + 14
        below = _row(
            pen,
            top,
            [row["label"], row["declared"], row["read"], "", row["verdict"]],
            [_FAINT, _INK, _INK, _INK, colour],
            26,
        )
        if 0 <= row["shot"] < len(frames) and row["corners"]:
            _cut_out(sheet, frames[row["shot"]], row["corners"][:8], (_COLUMNS[3], top))
        y = max(below, top + _LEAST_ROW - 28) + 14
    made = sheet.crop((0, 0, _WIDTH, min(sheet.height, y + _MARGIN)))
    made.save(Path(str(arguments["scratch"])) / RESULT, "JPEG", quality=_QUALITY)
    return {"width_px": made.width, "height_px": made.height}


def _text(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: Any, width: int) -> int:
    """Text in lines no wider than `width`; where it ends."""
    font = ImageFont.truetype(_FONT, size)
    x, y = at
    line = ""
    for character in [*text, ""]:
        if character and font.getlength(line + character) <= width:
            line += character
            continue
        pen.text((x, y), line, font=font, fill=ink)
        y, line = y + round(size * 1.45), character
    return y


def _row(pen: ImageDraw.ImageDraw, y: int, texts: Sequence[str], inks: Sequence[Any], size: int) -> int:
    ends = (*_COLUMNS[1:], _WIDTH - _MARGIN)
    return max(
        _text(pen, (left, y), text, size, ink, right - left - 20)
        for left, right, text, ink in zip(_COLUMNS, ends, texts, inks, strict=True)
    )


def _frame(sheet: Image.Image, frame: Image.Image, rows: Sequence[Mapping[str, Any]], y: int) -> int:
    """The picture with what was read in it framed; where it ends."""
    scale = min(_FRAME_WIDTH / frame.width, 700 / frame.height)
    shown = frame.resize((round(frame.width * scale), round(frame.height * scale)))
    pen = ImageDraw.Draw(shown)
    for row in rows:
        for start in range(0, len(row["corners"]), 8):
            numbers = [number * scale for number in row["corners"][start : start + 8]]
            around = [(numbers[place], numbers[place + 1]) for place in (0, 2, 4, 6, 0)]
            pen.line(around, fill=_COLOURS.get(row["colour"], _INK), width=3)
    left = (_WIDTH - shown.width) // 2
    sheet.paste(shown, (left, y))
    ImageDraw.Draw(sheet).rectangle((left, y, left + shown.width, y + shown.height), outline=_RULE, width=2)
    return y + shown.height


def _cut_out(sheet: Image.Image, frame: Image.Image, corners: Sequence[float], at: tuple[int, int]) -> None:
    """What was read, turned upright, as large as its column allows."""
    x1, y1, x2, y2, x3, y3, x4, y4 = corners
    width = max(1, round(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5))
    height = max(1, round(((x4 - x1) ** 2 + (y4 - y1) ** 2) ** 0.5))
    scale = min(_CROP[0] / width, _CROP[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    quad = (x1, y1, x4, y4, x3, y3, x2, y2)
    sheet.paste(frame.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC), at)
