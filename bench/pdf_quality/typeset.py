"""The second generator: pages set by pdfium in vector type, printed and taken by a camera modelled with OpenCV.

It shares nothing with the first but the words: other layouts, other seals, another lens, other grain.
"""

import ctypes
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from bench.opening.fonts import PLAIN
from bench.pdf_quality import truth
from bench.pdf_quality.truth import Generated, Pixels

A4 = (595.0, 842.0)
DPI = 220
_PX_PER_PT = DPI / 72


class Setting:
    """A page of type; points from the upper left."""

    def __init__(self, chance: random.Random, path: str, size: tuple[float, float] = A4) -> None:
        """An empty page."""
        self.chance = chance
        self.width, self.height = size
        self.document = pdfium.PdfDocument.new()
        self.page = self.document.new_page(*size)
        data = Path(path).read_bytes()
        self._kept = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        self._font = raw.FPDFText_LoadFont(self.document, self._kept, len(data), raw.FPDF_FONT_TRUETYPE, 1)
        self.seals: list[tuple[float, float, float, str]] = []

    def text(self, x: float, y: float, said: str, size: float, ink: tuple[int, int, int] = (25, 25, 25)) -> None:
        """A line whose top is at `y`."""
        made = raw.FPDFPageObj_CreateTextObj(self.document, self._font, size)
        encoded = (said + "\x00").encode("utf-16-le")
        buffer = ctypes.create_string_buffer(encoded, len(encoded))
        raw.FPDFText_SetText(made, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)))
        raw.FPDFPageObj_SetFillColor(made, *ink, 255)
        raw.FPDFPageObj_Transform(made, 1, 0, 0, 1, x, self.height - y - size)
        raw.FPDFPage_InsertObject(self.page, made)

    def flow(self, x: float, y: float, said: str, size: float, width: float) -> float:
        """A paragraph of Chinese; returns where it ends."""
        most, left = max(4, int(width / size)), "　　" + said
        while left:
            line, left = left[:most], left[most:]
            if left[:1] in "，。；：、" and left:
                line, left = line + left[0], left[1:]
            self.text(x, y, line, size)
            y += size * 1.6
        return y

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        ink: tuple[int, int, int],
        *,
        fill: bool = False,
        line: float = 0.8,
    ) -> None:
        """A rectangle, or a rule."""
        made = raw.FPDFPageObj_CreateNewRect(x, self.height - y - height, width, height)
        set_colour = raw.FPDFPageObj_SetFillColor if fill else raw.FPDFPageObj_SetStrokeColor
        set_colour(made, *ink, 255)
        raw.FPDFPageObj_SetStrokeWidth(made, line)
        raw.FPDFPath_SetDrawMode(
            made, raw.FPDF_FILLMODE_ALTERNATE if fill else raw.FPDF_FILLMODE_NONE, 0 if fill else 1
        )
        raw.FPDFPage_InsertObject(self.page, made)

    def printed(self) -> Pixels:
        """As it comes out of the printer, stamps on it."""
        raw.FPDFPage_GenerateContent(self.page)
        sheet = np.ascontiguousarray(self.page.render(scale=_PX_PER_PT, rev_byteorder=True).to_numpy()[:, :, :3])
        self.document.close()
        for x, y, mm, form in self.seals:
            sheet = stamped(sheet, x * _PX_PER_PT, y * _PX_PER_PT, mm * DPI / 25.4, form, self.chance)
        return sheet


def stamped(sheet: Pixels, x: float, y: float, side: float, form: str, chance: random.Random) -> Pixels:
    """Ink on the sheet: darker where both are, rougher at the rim, weaker on one side."""
    size = round(side * 1.5)
    tone: Pixels = np.zeros((size, size), np.uint8)
    middle, radius = (size // 2, size // 2), round(side / 2)
    if form == "square":
        corner = (middle[0] - radius, middle[1] - radius), (middle[0] + radius, middle[1] + radius)
        cv2.rectangle(tone, *corner, 255, max(3, radius // 14))
        cv2.line(tone, (middle[0], corner[0][1]), (middle[0], corner[1][1]), 255, max(1, radius // 30))
        for cell in range(4):
            _glyph(
                tone,
                (middle[0] + (cell % 2 - 0.5) * radius * 0.9, middle[1] + (cell // 2 - 0.5) * radius * 0.9),
                radius * 0.38,
                0,
                chance,
            )
    else:
        high = radius if form == "round" else round(radius * 0.7)
        cv2.ellipse(tone, middle, (radius, high), 0, 0, 360, 255, max(3, radius // 16), cv2.LINE_AA)
        if chance.random() < 0.4:
            cv2.ellipse(
                tone,
                middle,
                (round(radius * 0.9), round(high * 0.9)),
                0,
                0,
                360,
                255,
                max(1, radius // 40),
                cv2.LINE_AA,
            )
        letters = chance.randint(9, 15)
        for place in range(letters):
            angle = math.radians(-215 + 250 * (place + 0.5) / letters)
            at = middle[0] + 0.74 * radius * math.cos(angle), middle[1] + 0.74 * high * math.sin(angle)
            _glyph(tone, at, radius * 0.11, math.degrees(angle) + 90, chance)
        if chance.random() < 0.85:
            cv2.fillPoly(tone, [_star(middle, radius * 0.3)], 255)
        for place in range(-2, 3):
            _glyph(tone, (middle[0] + place * radius * 0.2, middle[1] + high * 0.55), radius * 0.08, 0, chance)
    turn = cv2.getRotationMatrix2D(middle, chance.uniform(-30, 30), 1)
    tone = cv2.warpAffine(tone, turn, (size, size))
    dice = np.random.default_rng(chance.randrange(2**31))
    rough = cv2.resize(
        dice.random((size // 4 + 1, size // 4 + 1)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    fading = np.linspace(1, chance.uniform(0.45, 1), size, dtype=np.float32)[None, :]
    cover = tone.astype(np.float32) / 255 * np.clip(rough * 2.2, 0, 1) * fading * chance.uniform(0.55, 0.95)
    ink = np.array(chance.choice(((200, 30, 45), (225, 50, 40), (170, 30, 70), (190, 45, 55))), np.float32) / 255
    left, top = round(x - size / 2), round(y - size / 2)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(sheet.shape[1], left + size), min(sheet.shape[0], top + size)
    part = cover[y0 - top : y1 - top, x0 - left : x1 - left, None]
    out = sheet.copy()
    out[y0:y1, x0:x1] = (sheet[y0:y1, x0:x1] * (1 - part * (1 - ink))).astype(np.uint8)
    return out


def _glyph(tone: Pixels, at: tuple[float, float], half: float, turn: float, chance: random.Random) -> None:
    """Strokes as dense as those of a character."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    for _ in range(chance.randint(4, 7)):
        along, across = chance.random() < 0.5, chance.uniform(-half, half)
        ends = ((-half, across), (half, across)) if along else ((across, -half), (across, half))
        start, end = ((round(at[0] + u * cos - v * sin), round(at[1] + u * sin + v * cos)) for u, v in ends)
        cv2.line(tone, start, end, 255, max(1, round(half / 4)), cv2.LINE_AA)


def _star(middle: tuple[int, int], radius: float) -> NDArray[np.int32]:
    turns = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, radius, radius * 0.38)
    return np.stack([middle[0] + radii * np.sin(turns), middle[1] - radii * np.cos(turns)], 1).astype(np.int32)


def _end(setting: Setting, y: float, *, sealed: bool) -> None:
    chance = setting.chance
    setting.text(330, y, truth.unit(chance), 13)
    setting.text(360, y + 24, f"2022年{chance.randint(1, 12)}月{chance.randint(1, 28)}日", 13)
    if sealed:
        form = chance.choice(("round", "round", "oval", "square"))
        mm = chance.uniform(20, 27) if form == "square" else chance.uniform(35, 44)
        setting.seals.append((400 + chance.uniform(-40, 60), y + 15 + chance.uniform(-30, 30), mm, form))


def _proof(setting: Setting, *, sealed: bool) -> None:
    chance = setting.chance
    setting.text(220, 90, chance.choice(truth.TITLES), 24)
    y = setting.flow(72, 150, f"姓名：{truth.name(chance)}，" + truth.paragraph(chance, 120), 14, 450)
    y = setting.flow(72, y + 12, truth.paragraph(chance, chance.randint(80, 220)), 14, 450)
    _end(setting, min(y + 40, 720), sealed=sealed)


def _form(setting: Setting, *, sealed: bool) -> None:
    chance = setting.chance
    setting.text(180, 50, "申报人员基本情况登记表", 18)
    rows = chance.randint(9, 16)
    high = 560 / rows
    for row in range(rows):
        x = 60.0
        for width in chance.choice(((80, 160, 80, 155), (110, 365), (80, 80, 80, 80, 155))):
            setting.box(x, 90 + row * high, width, high, (20, 20, 20))
            said = chance.choice((*truth.COLUMNS, truth.name(chance), "2019.07—2023.08", truth.unit(chance)[:6]))
            setting.text(x + 5, 94 + row * high, said[: max(1, int(width / 13))], 12)
            x += width
    _end(setting, 700, sealed=sealed)


def _record(setting: Setting, *, sealed: bool) -> None:
    """A page of a medical record: small type, short paragraphs, ruled."""
    chance = setting.chance
    setting.text(230, 40, "住 院 病 历", 16)
    setting.box(50, 64, 495, 0.8, (0, 0, 0), fill=True)
    y = 76.0
    while y < 690:
        y = setting.flow(52, y, truth.paragraph(chance, chance.randint(30, 110)), 10.5, 490) + 6
    _end(setting, 745, sealed=sealed)


def _diploma(setting: Setting, *, sealed: bool) -> None:
    """Landscape, a red frame of small squares and a large red heading."""
    chance, red = setting.chance, setting.chance.choice(((180, 30, 30), (200, 40, 20)))
    setting.box(24, 24, setting.width - 48, setting.height - 48, red, line=6)
    for x in np.arange(40, setting.width - 52, 22):
        for y in (40, setting.height - 54):
            setting.box(float(x), float(y), 14, 14, red, line=2)
    setting.text(setting.width / 2 - 120, 110, chance.choice(("毕业证书", "资格证书", "获奖证书")), 60, red)
    y = setting.flow(110, 230, truth.name(chance) + "同志：" + truth.paragraph(chance, 70), 18, setting.width - 220)
    _end(setting, min(y + 20, setting.height - 110), sealed=sealed)


def _slides(setting: Setting, *, sealed: bool) -> None:
    """A colourful print: coloured bars and a chart, red among them."""
    chance = setting.chance
    setting.box(0, 0, setting.width, 80, (30, 80, 150), fill=True)
    setting.text(60, 26, "质量改进项目阶段性成果", 26, (255, 255, 255))
    for bar in range(7):
        high = chance.uniform(40, 260)
        colour = chance.choice(((210, 40, 45), (60, 130, 200), (240, 180, 40), (60, 160, 90)))
        setting.box(80 + bar * 62, 420 - high, 42, high, colour, fill=True)
    y = setting.flow(72, 460, truth.paragraph(chance, 150), 13, 450)
    _end(setting, y + 30, sealed=sealed)


def _english(setting: Setting, *, sealed: bool) -> None:
    chance = setting.chance
    setting.text(72, 60, "Quality improvement of nursing in primary care", 15)
    y = 100.0
    while y < 660:
        words = chance.choice(truth.ENGLISH).split()
        while words:
            line = ""
            while words and len(line) + len(words[0]) < 82:
                line += words.pop(0) + " "
            setting.text(72, y, line, 11)
            y += 15
        y += 6
    _end(setting, 700, sealed=sealed)


def _title(setting: Setting, *, sealed: bool) -> None:
    """One line in the middle of a page."""
    setting.text(200, setting.chance.uniform(250, 500), setting.chance.choice(("佐证材料", "第二部分", "附件三")), 20)
    if sealed:
        setting.seals.append((400, 690, setting.chance.uniform(35, 44), "round"))


Layout = Callable[..., None]
LAYOUTS: dict[str, Layout] = {
    "proof": _proof,
    "form": _form,
    "record": _record,
    "diploma": _diploma,
    "slides": _slides,
    "english": _english,
    "title": _title,
}


def sheet(seed: int, fonts: Sequence[str] = PLAIN, changed: int = 0) -> tuple[Pixels, str, bool]:
    """A printed sheet, its kind, whether it is sealed. `changed`: the same form with other things written in it."""
    chance = random.Random(f"set {seed}")
    kind = chance.choice(tuple(LAYOUTS))
    size = (842.0, 595.0) if kind == "diploma" else A4
    path, sealed = chance.choice(fonts), chance.random() < 0.55
    setting = Setting(chance if not changed else random.Random(f"set {seed} {changed}"), path, size)
    LAYOUTS[kind](setting, sealed=sealed)
    return setting.printed(), kind, sealed


def page(seed: int, fonts: Sequence[str] = PLAIN) -> Generated:
    """A page: always the same for a seed."""
    chance = random.Random(f"typeset {seed}")
    if chance.random() < 0.1:
        tint = chance.randint(225, 252)
        bare: Pixels = np.full((round(A4[1] * _PX_PER_PT), round(A4[0] * _PX_PER_PT), 3), tint, np.uint8)
        if chance.random() < 0.4:  # the other side shows through
            behind = cv2.resize(sheet(seed + 1)[0], bare.shape[1::-1], interpolation=cv2.INTER_AREA)
            bare = cv2.addWeighted(bare, 0.96, cv2.flip(cv2.GaussianBlur(behind, (0, 0), 2), 1), 0.04, 0)
        return taken(bare, seed, chance, kind="blank", sealed=False, befalls="blank")
    printed, kind, sealed = sheet(seed, fonts)
    return taken(printed, seed, chance, kind=kind, sealed=sealed, befalls=truth.truth_of(chance))


def taken(
    sheet: Pixels, seed: int, chance: random.Random, *, kind: str, sealed: bool, befalls: str,
    by_camera: bool | None = None,
) -> Generated:  # fmt: skip
    """A print as a camera or scanner takes it."""
    told = {"copied seal" if befalls == "grey" else "seal"} if sealed else set()
    told |= {befalls} - {""}
    if befalls == "upside-down":
        sheet = cv2.rotate(sheet, cv2.ROTATE_180)
    if befalls == "grey":
        sheet = cv2.cvtColor(cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    dice = np.random.default_rng(chance.randrange(2**31))
    by_camera = chance.random() < 0.5 if by_camera is None else by_camera
    pixels = _camera(sheet, chance, dice) if by_camera else _scanner(sheet, chance, dice)
    made = ["camera" if by_camera else "scanner"]
    if befalls == "blurred":
        radius = chance.randint(4, 9)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
        pixels = cv2.filter2D(pixels, -1, disc / disc.sum())
        made.append(f"disc {radius}")
    if befalls == "motion":
        length = chance.randint(20, 46)
        line = np.zeros((length, length), np.float32)
        angle = chance.uniform(0, math.pi)
        half, middle = length / 2 - 1, length / 2
        ends = [
            (round(middle + s * half * math.cos(angle)), round(middle + s * half * math.sin(angle))) for s in (-1, 1)
        ]
        cv2.line(line, ends[0], ends[1], 1.0)
        pixels = cv2.filter2D(pixels, -1, line / line.sum())
        made.append(f"motion {length} {math.degrees(angle):.0f}")
    pixels = _grained(pixels, chance, dice, grey=befalls == "grey" and not by_camera)
    dpi = float(DPI)
    if befalls == "coarse":
        dpi = chance.uniform(55, 95)
        pixels = cv2.resize(pixels, None, fx=dpi / DPI, fy=dpi / DPI, interpolation=cv2.INTER_AREA)
    quality = chance.choice((40, 55, 70, 80, 90))
    _, written = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    made.append(f"q{quality}")
    return Generated(
        seed=seed, generator="typeset", kind=kind, jpeg=written.tobytes(), truth=frozenset(told), dpi=dpi,
        sheet=f"typeset {seed}", made=tuple(made),
    )  # fmt: skip


def _scanner(sheet: Pixels, chance: random.Random, dice: np.random.Generator) -> Pixels:
    high, wide = sheet.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), chance.uniform(-1.5, 1.5), 1)
    sheet = cv2.warpAffine(sheet, turn, (wide, high), flags=cv2.INTER_LINEAR, borderValue=(250, 250, 250))
    stripes = dice.normal(1, 0.006, (1, wide, 1)).astype(np.float32)
    return np.asarray(np.clip(sheet * stripes * chance.uniform(0.9, 1.02), 0, 255), np.uint8)


def _camera(sheet: Pixels, chance: random.Random, dice: np.random.Generator) -> Pixels:
    """From above at an angle, with the shadow of a hand."""
    high, wide = sheet.shape[:2]
    edge = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    inset = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    there = edge + inset * dice.uniform(0.01, 0.08, (4, 2)).astype(np.float32) * (wide, high)
    cloth = np.array(chance.choice(((40, 52, 70), (165, 150, 130), (96, 60, 40), (90, 100, 92))), np.float32)
    weave = cv2.GaussianBlur(dice.normal(0, 30, (high, wide)).astype(np.float32), (0, 0), 2)
    ground = np.clip(cloth + weave[:, :, None], 0, 255).astype(np.uint8)
    warp = cv2.getPerspectiveTransform(edge, there.astype(np.float32))
    laid = cv2.warpPerspective(sheet, warp, (wide, high), dst=ground.copy(), borderMode=cv2.BORDER_TRANSPARENT)
    shade: Pixels = np.ones((high, wide), np.float32)
    if chance.random() < 0.6:
        cv2.ellipse(
            shade,
            (chance.randrange(wide), high),
            (wide // 3, high // 2),
            chance.uniform(-30, 30),
            0,
            360,
            chance.uniform(0.6, 0.85),
            -1,
        )
        shade = cv2.GaussianBlur(shade, (0, 0), 45)
    slope = np.linspace(1, chance.uniform(0.7, 1), high, dtype=np.float32)[:, None]
    cast = np.array((1, chance.uniform(0.94, 1.0), chance.uniform(0.8, 1.02)), np.float32)
    return np.asarray(np.clip(laid * (shade * slope)[:, :, None] * cast, 0, 255), np.uint8)


def _grained(pixels: Pixels, chance: random.Random, dice: np.random.Generator, *, grey: bool) -> Pixels:
    """Noise of a sensor: more in the dark, soft in its colours."""
    spread = chance.uniform(1, 6)
    noise = dice.normal(0, spread, (*pixels.shape[:2], 1)) + 0.5 * cv2.GaussianBlur(
        dice.normal(0, spread, pixels.shape), (0, 0), 1
    )
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    grey_again = cv2.cvtColor(cv2.cvtColor(noisy, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(grey_again if grey else noisy)
