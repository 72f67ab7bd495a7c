"""Pages whose quality is known, drawn for tests: a letter with or without a seal, blurred, moved, turned, bare."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import __file__ as fonts_file

Pixels = NDArray[np.uint8]
SIZE = (1240, 1754)
_SAID = "兹证明该同志自参加工作以来，遵守法律法规，恪守职业道德，工作认真负责，圆满完成各项任务。经审核，材料属实。"


def letter(*, seal: bool = False, heading: str = "", said: str = _SAID) -> Pixels:
    """Paragraphs of Chinese; a round red seal below; a large red heading above, which is no seal."""
    page = Image.new("RGB", SIZE, (252, 252, 250))
    draw = ImageDraw.Draw(page)
    font, large = (ImageFont.truetype(_font(), size) for size in (30, 120))
    if heading:
        draw.text((340, 120), heading, fill=(200, 25, 30), font=large)
    text = said * 6
    for line in range(14):
        draw.text((160, 320 + 62 * line), text[30 * line : 30 * line + 30], fill=(25, 25, 25), font=font)
    if seal:
        draw.ellipse((760, 1240, 1000, 1480), outline=(205, 30, 40), width=7)
        for place in range(12):
            angle = np.pi * (0.8 + 1.4 * place / 11)
            at = 880 + 92 * np.cos(angle), 1360 + 92 * np.sin(angle)
            draw.rectangle((at[0] - 9, at[1] - 9, at[0] + 9, at[1] + 9), outline=(205, 30, 40), width=3)
        draw.polygon([(880, 1320), (905, 1395), (842, 1350), (918, 1350), (855, 1395)], fill=(205, 30, 40))
    return np.array(page)


def _font() -> str:
    return fonts_file.replace("__init__.py", "NotoSansSC-Regular.otf")


def bare(shade: int = 248) -> Pixels:
    """A sheet with nothing on it."""
    return np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)


def grey(page: Pixels) -> Pixels:
    """Its photocopy."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def blurred(page: Pixels, radius: float = 5) -> Pixels:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(page, (0, 0), radius), np.uint8)


def moved(page: Pixels, length: int = 25) -> Pixels:
    """Smeared from left to right."""
    return np.asarray(cv2.blur(page, (length, 1)), np.uint8)


def on_a_table(page: Pixels) -> Pixels:
    """Photographed from an angle, on dark wood, darker to one side."""
    high, wide = page.shape[:2]
    table = np.full_like(page, (92, 62, 44))
    here = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    there = np.array([[90, 60], [wide - 60, 110], [wide - 110, high - 70], [50, high - 120]], np.float32)
    warp = cv2.getPerspectiveTransform(here, there)
    laid = cv2.warpPerspective(page, warp, (wide, high), dst=table, borderMode=cv2.BORDER_TRANSPARENT)
    light = np.linspace(1, 0.75, wide, dtype=np.float32)[None, :, None]
    return np.asarray(laid * light, np.uint8)


def jpeg(page: Pixels, quality: int = 85) -> bytes:
    """As a file."""
    written = io.BytesIO()
    Image.fromarray(page).save(written, "JPEG", quality=quality)
    return written.getvalue()
