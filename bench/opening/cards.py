"""Opening cards as people make them, with what stands on them known: one card per seed, always the same.

Half of the cards are clean: upright, in a large type that stands out from a quiet ground. The others are hard, each by
one or two of the ways in `SPOILINGS`. What is drawn is one picture of the video, 1920×1080 or smaller.
"""

import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.opening import words
from bench.opening.fonts import font
from bench.opening.words import FIELDS, LABELS

Colour = tuple[int, int, int]
SIZES = ((1920, 1080), (1920, 1080), (1920, 1080), (1280, 720), (1440, 1080), (1024, 768))
#: Ground and ink.
GROUNDS: Sequence[tuple[Colour, Colour]] = (
    ((8, 24, 60), (255, 255, 255)),
    ((0, 0, 0), (255, 255, 255)),
    ((0, 0, 0), (250, 240, 120)),
    ((255, 255, 255), (20, 20, 20)),
    ((20, 70, 120), (255, 230, 90)),
    ((235, 240, 245), (10, 50, 120)),
    ((0, 90, 80), (240, 255, 250)),
    ((120, 10, 20), (255, 255, 255)),
    ((245, 235, 210), (90, 20, 10)),
    ((30, 30, 30), (0, 220, 255)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A picture, what it says (as it is written there; "date" also as a day) and how it was made."""

    seed: int
    picture: Image.Image
    said: Mapping[str, str]
    day: date
    hard: bool
    made: str
    declared: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """Where a layout writes: the ground, the colours and the type."""

    picture: Image.Image
    draw: ImageDraw.ImageDraw
    ink: Colour
    path: str
    size: int
    chance: random.Random
    outline: int = 0

    def write(self, at: tuple[float, float], text: str, *, anchor: str = "la", size: int = 0) -> float:
        """Write; the width in pixels."""
        type_ = font(self.path, size or self.size)
        dark = sum(self.ink) > 380
        self.draw.text(at, text, font=type_, fill=self.ink, anchor=anchor, stroke_width=self.outline,
                       stroke_fill=(0, 0, 0) if dark else (255, 255, 255))  # fmt: skip
        return float(type_.getlength(text))

    def width(self, text: str) -> float:
        """How wide it would be."""
        return float(font(self.path, self.size).getlength(text))


Pairs = Sequence[tuple[str, str, str]]  # field, label, value
Layout = Callable[[Sheet, Pairs], None]


def _colon(chance: random.Random) -> str:
    return chance.choice(("：", "：", "：", ":", ": ", "： "))


def _spread(label: str, chance: random.Random) -> str:
    """Two characters set apart, as in a form."""
    return (
        f"{label[0]}{chance.choice(('　', '　　', '  '))}{label[1]}"
        if len(label) == 2 and chance.random() < 0.3
        else label
    )


def lines(sheet: Sheet, pairs: Pairs) -> None:
    """One below the other, from the left or around the middle, now and then with others' lines between."""
    chance, (width, height) = sheet.chance, sheet.picture.size
    rows = [f"{_spread(label, chance)}{_colon(chance)}{value}" for _, label, value in pairs]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        rows.insert(chance.randrange(len(rows) + 1), words.aside(chance))
    pitch = sheet.size * chance.uniform(1.45, 2.1)
    top = max(sheet.size, (height - pitch * len(rows)) * chance.uniform(0.3, 0.7))
    middle = chance.random() < 0.35
    left = width * chance.uniform(0.06, 0.2)
    if chance.random() < 0.5 and top > 2.4 * sheet.size:
        sheet.write(
            (width / 2, top - 1.3 * sheet.size), chance.choice(words.HEADINGS), anchor="mm", size=int(sheet.size * 1.3)
        )
    for number, row in enumerate(rows):
        at = (width / 2, top + number * pitch) if middle else (left, top + number * pitch)
        sheet.write(at, row, anchor="ma" if middle else "la")


def columns(sheet: Sheet, pairs: Pairs) -> None:
    """Labels in one column, values in another."""
    chance, (width, height) = sheet.chance, sheet.picture.size
    pitch = sheet.size * chance.uniform(1.6, 2.2)
    top = max(sheet.size, (height - pitch * len(pairs)) / 2)
    broadest = max(sheet.width(label) for _, label, _ in pairs)
    left = width * chance.uniform(0.08, 0.2)
    gap = sheet.size * chance.uniform(0.6, 2.5)
    colon, right = chance.choice(("：", "", ":")), chance.random() < 0.5
    for number, (_, label, value) in enumerate(pairs):
        y = top + number * pitch
        sheet.write((left + broadest, y) if right else (left, y), label + colon, anchor="ra" if right else "la")
        sheet.write((left + broadest + gap + sheet.size, y), value)


def table(sheet: Sheet, pairs: Pairs) -> None:
    """A ruled table, a label and its value in each row."""
    chance, (width, height) = sheet.chance, sheet.picture.size
    tall = sheet.size * chance.uniform(1.7, 2.2)
    first = max(sheet.width(label) for _, label, _ in pairs) + sheet.size
    second = max(sheet.width(value) for _, _, value in pairs) + sheet.size
    left, top = max(4.0, (width - first - second) / 2), max(4.0, (height - tall * len(pairs)) / 2)
    for number, (_, label, value) in enumerate(pairs):
        y = top + number * tall
        sheet.draw.rectangle((left, y, left + first, y + tall), outline=sheet.ink, width=2)
        sheet.draw.rectangle((left + first, y, left + first + second, y + tall), outline=sheet.ink, width=2)
        sheet.write((left + first / 2, y + tall / 2), label, anchor="mm")
        sheet.write((left + first + sheet.size / 2, y + tall / 2), value, anchor="lm")


def headed(sheet: Sheet, pairs: Pairs) -> None:
    """Labels in a row of their own, values below them; three abreast at most."""
    width, height = sheet.picture.size
    abreast = [pairs[start : start + 2] for start in range(0, len(pairs), 2)]
    tall = sheet.size * 2.0
    top = max(4.0, (height - 2.6 * tall * len(abreast)) / 2)
    for number, row in enumerate(abreast):
        y = top + number * 2.6 * tall
        for place, (_, label, value) in enumerate(row):
            x = width * (place + 0.5) / 2
            sheet.write((x, y), label, anchor="ma")
            sheet.write((x, y + tall), value, anchor="ma")


def stacked(sheet: Sheet, pairs: Pairs) -> None:
    """Each label above its value."""
    chance, (_, height) = sheet.chance, sheet.picture.size
    pitch = min(sheet.size * 3.1, height / (len(pairs) + 0.4))
    sheet.size = min(sheet.size, int(pitch / 2.7))
    left, top = sheet.picture.width * chance.uniform(0.08, 0.3), max(4.0, (height - pitch * len(pairs)) / 2)
    colon = chance.choice(("", "：", ":"))
    for number, (_, label, value) in enumerate(pairs):
        sheet.write((left, top + number * pitch), label + colon)
        sheet.write((left, top + number * pitch + sheet.size * 1.25), value)


def paired(sheet: Sheet, pairs: Pairs) -> None:
    """Two pairs in a line."""
    chance, (width, height) = sheet.chance, sheet.picture.size
    rows = [pairs[start : start + 2] for start in range(0, len(pairs), 2)]
    pitch = sheet.size * chance.uniform(1.6, 2.4)
    top = max(4.0, (height - pitch * len(rows)) / 2)
    texts = [[f"{label}：{value}" for _, label, value in row] for row in rows]
    broadest = max(sheet.width(row[0]) for row in texts)
    left = max(4.0, (width - broadest - max((sheet.width(row[1]) for row in texts if len(row) > 1), default=0)) / 3)
    gap = chance.uniform(1.2, 3) * sheet.size
    for number, row in enumerate(texts):
        sheet.write((left, top + number * pitch), row[0])
        if len(row) > 1:
            sheet.write((left + broadest + gap, top + number * pitch), row[1])


def titled(sheet: Sheet, pairs: Pairs) -> None:
    """As a film's title: no labels; who needs one has it in his line."""
    said = {name: value for name, _, value in pairs}
    _, height = sheet.picture.size
    rows = [
        said.get("operation", ""),
        " ".join(filter(None, (said.get("employer"), said.get("department")))),
        " ".join(filter(None, (f"主刀：{said['surgeon']}" if "surgeon" in said else "", said.get("title")))),
        said.get("date", ""),
    ]
    rows = [row for row in rows if row]
    for number, row in enumerate(rows):
        y = height * (number + 1) / (len(rows) + 1)
        bigger = int(sheet.size * (1.3 if number == 0 and "operation" in said else 1))
        sheet.write((sheet.picture.width / 2, y), row, anchor="mm", size=bigger)


LAYOUTS: Sequence[tuple[Layout, int]] = (
    (lines, 9),
    (columns, 3),
    (table, 2),
    (headed, 1),
    (stacked, 2),
    (paired, 2),
    (titled, 1),
)


def scene(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Something like an operation: blurred reds and greens with instruments and highlights, and a camera's noise."""
    rng = np.random.default_rng(chance.randrange(2**31))
    coarse = rng.integers(0, 256, (9, 16, 3), dtype=np.uint8).astype(np.float32)
    tint = np.array(chance.choice(((200, 70, 60), (160, 60, 50), (60, 110, 90), (120, 130, 160))), dtype=np.float32)
    base = Image.fromarray((0.45 * coarse + 0.55 * tint).clip(0, 255).astype(np.uint8)).resize(
        size, Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(base)
    for _ in range(6):
        x, y = chance.uniform(0, size[0]), chance.uniform(0, size[1])
        if chance.random() < 0.5:
            draw.ellipse((x, y, x + chance.uniform(8, 60), y + chance.uniform(8, 40)), fill=(235, 225, 220))
        else:
            draw.line(
                (x, y, x + chance.uniform(-600, 600), y + chance.uniform(-500, 500)),
                fill=(150, 155, 160),
                width=chance.randrange(6, 26),
            )
    base = base.filter(ImageFilter.GaussianBlur(2))
    noise = rng.normal(0, 6, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(base, dtype=np.float32) + noise).clip(0, 255).astype(np.uint8))


def gradient(size: tuple[int, int], one: Colour, other: Colour) -> Image.Image:
    """From one colour at the top to another at the bottom."""
    ramp = np.linspace(np.array(one), np.array(other), size[1])[:, None, :]
    return Image.fromarray(np.repeat(ramp, size[0], axis=1).astype(np.uint8))


# How a card is made hard. Those before it is drawn change the sheet, those after it the picture.
BEFORE = ("on-video", "small", "faint")
AFTER = ("askew", "upside-down", "sideways", "noise", "soft", "low-bitrate", "enlarged")
SPOILINGS = (*BEFORE, *AFTER)


def _turned(picture: Image.Image, degrees: float, ground: Colour) -> Image.Image:
    return picture.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=ground)


def _noisy(picture: Image.Image, chance: random.Random) -> Image.Image:
    rng = np.random.default_rng(chance.randrange(2**31))
    noise = rng.normal(0, chance.uniform(12, 28), (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture, dtype=np.float32) + noise).clip(0, 255).astype(np.uint8))


def _recoded(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def _spoilt(picture: Image.Image, ways: Sequence[str], ground: Colour, chance: random.Random) -> Image.Image:
    for way in ways:
        if way == "askew":
            picture = _turned(picture, chance.choice((-1, 1)) * chance.uniform(1.5, 7), ground)
        elif way == "upside-down":
            picture = picture.transpose(Image.Transpose.ROTATE_180)
        elif way == "sideways":
            picture = picture.transpose(chance.choice((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)))
        elif way == "noise":
            picture = _noisy(picture, chance)
        elif way == "soft":
            picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(1.2, 2.2) * picture.height / 1080))
        elif way == "low-bitrate":
            picture = _recoded(picture, chance.randrange(8, 18))
        elif way == "enlarged":
            small = picture.resize((picture.width * 400 // picture.height, 400), Image.Resampling.BILINEAR)
            picture = small.resize(picture.size, Image.Resampling.BICUBIC)
    return picture


def card(seed: int, paths: Sequence[str]) -> Card:
    """The card of a seed; every third has one to five fields instead of all six."""
    chance = random.Random(seed)
    hard = chance.random() < 0.5
    ways = chance.sample(SPOILINGS, chance.choice((1, 1, 2))) if hard else []
    if "sideways" in ways or "upside-down" in ways:
        ways = ways[:1] if ways[0] in ("sideways", "upside-down") else ways[1:]
    size = chance.choice(SIZES)
    path = chance.choice(paths[:-1] if not hard else paths)
    ground, ink = chance.choice(GROUNDS)
    if "faint" in ways:
        away = chance.uniform(0.16, 0.3)
        ink = tuple(int(g + (i - g) * away) for g, i in zip(ground, ink, strict=True))  # type: ignore[assignment]
    if "on-video" in ways:
        picture = scene(size, chance)
        ink = chance.choice(((255, 255, 255), (255, 240, 80), (120, 255, 160)))
    elif chance.random() < 0.3 and "faint" not in ways:
        picture = gradient(size, ground, tuple(min(255, int(c * 0.7 + 25)) for c in ground))  # type: ignore[arg-type]
    else:
        picture = Image.new("RGB", size, ground)
    at, written_day = words.day(chance)
    said = {
        "surgeon": words.person(chance),
        "employer": words.employer(chance),
        "department": chance.choice(words.DEPARTMENTS),
        "title": chance.choice(words.TITLES[:5]),
        "operation": chance.choice(words.OPERATIONS),
        "date": written_day,
    }
    shown = list(FIELDS)
    if chance.random() < 0.33:
        shown = sorted(chance.sample(FIELDS, chance.randrange(1, 6)), key=FIELDS.index)
    elif chance.random() < 0.3:
        chance.shuffle(shown)
    layout = chance.choices([each for each, _ in LAYOUTS], [weight for _, weight in LAYOUTS])[0]
    if layout is titled:  # nothing but its words says what it is
        said["title"] = chance.choice(words.TITLES[:2])
    pairs = [(name, chance.choice(LABELS[name]), said[name]) for name in shown]
    small = "small" in ways
    size_px = chance.randrange(15, 20) if small else round(chance.uniform(0.036, 0.062) * size[1])
    longest = max(len(label) + len(value) + 4 for _, label, value in pairs) * (2 if layout in (paired, headed) else 1)
    size_px = max(14, min(size_px, int(size[0] * 0.86 / longest))) if not small else size_px
    sheet = Sheet(picture=picture, draw=ImageDraw.Draw(picture), ink=ink, path=path, size=size_px, chance=chance,
                  outline=2 if "on-video" in ways and chance.random() < 0.6 else 0)  # fmt: skip
    layout(sheet, pairs)
    return Card(
        seed=seed,
        picture=_spoilt(picture, [way for way in ways if way in AFTER], ground, chance),
        said={name: said[name] for name in shown},
        day=at,
        hard=hard,
        made=f"{layout.__name__} {'+'.join(ways) or 'clean'} {Path(path).stem} {size_px}px {size[0]}x{size[1]}",
        declared={**said, "date": at.isoformat()},
    )
