"""Pages that look scanned and photographs that look taken by hand: paper tone, noise, a little skew, a red seal."""

import random
from functools import cache
from io import BytesIO
from pathlib import Path

import pylopdf_fonts_zh_cn
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

FONT = str(Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf")
_PAGE = (1240, 1754)  # A4 at 150 dots an inch
_RED = (196, 32, 32)


def scanned_page(title: str, lines: tuple[str, ...], seed: int) -> Image.Image:
    """One page as a scanner gives it."""
    chance = random.Random(seed)
    page = Image.new("RGB", _PAGE, (250, 249, 245))
    draw = ImageDraw.Draw(page)
    draw.text((620, 170), title, font=ImageFont.truetype(FONT, 52), fill=(20, 20, 24), anchor="mm")
    body = ImageFont.truetype(FONT, 30)
    for row, line in enumerate(lines):
        draw.text((150, 320 + row * 64), line, font=body, fill=(35, 35, 40))
    _seal(draw, (900, 1350), 130)
    turned = page.rotate(chance.uniform(-0.6, 0.6), resample=Image.Resampling.BILINEAR, fillcolor=(247, 246, 242))
    noise = ImageChops.offset(_noise(), chance.randrange(_PAGE[0]), chance.randrange(_PAGE[1]))
    return Image.blend(turned, noise, 0.04)


@cache
def _noise() -> Image.Image:
    """Of the paper; every page has another part of it."""
    return Image.effect_noise(_PAGE, 9).convert("RGB")


def _seal(draw: ImageDraw.ImageDraw, at: tuple[int, int], radius: int) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=_RED, width=7)
    draw.text(at, "★", font=ImageFont.truetype(FONT, 88), fill=_RED, anchor="mm")


def scanned_pdf(title: str, lines: tuple[str, ...], pages: int, seed: int) -> bytes:
    """A PDF of scanned pages."""
    made = [scanned_page(f"{title}（{n + 1}/{pages}）" if pages > 1 else title, lines, seed + n) for n in range(pages)]
    out = BytesIO()
    made[0].save(out, "PDF", save_all=True, append_images=made[1:], resolution=150, quality=80)
    return out.getvalue()


def photograph(title: str, lines: tuple[str, ...], seed: int) -> bytes:
    """A JPEG as a telephone gives it: the page on a table, turned by its orientation tag, with a place in it."""
    page = scanned_page(title, lines, seed).resize((930, 1316)).filter(ImageFilter.GaussianBlur(0.4))
    table = Image.new("RGB", (1100, 1500), (112, 96, 82))
    table.paste(page, (80, 90))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    table.rotate(90, expand=True).save(out, "JPEG", quality=85, exif=exif)
    return out.getvalue()


def png_page(title: str, lines: tuple[str, ...], seed: int) -> bytes:
    """A PNG, as a screenshot or a fax program gives it."""
    out = BytesIO()
    scanned_page(title, lines, seed).resize((827, 1169)).quantize(64).convert("RGB").save(out, "PNG")
    return out.getvalue()


def title_card(lines: tuple[str, ...], target: Path) -> None:
    """The opening of a surgery video: white on black, everything that M15-2b asks for."""
    card = Image.new("RGB", (1280, 720), (8, 10, 14))
    draw = ImageDraw.Draw(card)
    font = ImageFont.truetype(FONT, 44)
    for row, line in enumerate(lines):
        draw.text((200, 120 + row * 80), line, font=font, fill=(240, 240, 240))
    card.save(target)
