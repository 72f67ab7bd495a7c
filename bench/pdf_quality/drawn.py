"""The first generator: sheets drawn with Pillow and taken by a flat-bed scanner or a telephone, modelled with NumPy."""

import io
import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from bench.opening.fonts import PLAIN
from bench.pdf_quality import truth
from bench.pdf_quality.truth import Generated, Pixels

#: A4 at 200 dots an inch.
SIZE = (1654, 2339)
DPI = 200
_PER_MM = DPI / 25.4


class Paper:
    """A sheet that is being filled."""

    def __init__(
        self, chance: random.Random, fonts: Sequence[str], colour: tuple[int, int, int] = (252, 252, 250)
    ) -> None:
        """Bare paper."""
        self.chance = chance
        self.path = chance.choice(fonts)
        self.image = Image.new("RGB", SIZE, colour)
        self.draw = ImageDraw.Draw(self.image)
        self.ink = chance.choice(((15, 15, 15), (30, 30, 35), (50, 50, 55)))
        self.seals = 0

    def font(self, mm: float) -> ImageFont.FreeTypeFont:
        """Of this height."""
        return ImageFont.truetype(self.path, max(8, round(mm * _PER_MM)))

    def centred(self, y: float, text: str, mm: float, ink: tuple[int, int, int] | None = None) -> float:
        """Returns where the next line may begin."""
        font = self.font(mm)
        self.draw.text(((SIZE[0] - font.getlength(text)) / 2, y), text, fill=ink or self.ink, font=font)
        return y + mm * _PER_MM * 1.8

    def block(self, y: float, text: str, mm: float, left: int = 200, right: int = 1454) -> float:
        """A paragraph with its first line indented."""
        font, line, x = self.font(mm), "　　", left
        for letter in text:
            if font.getlength(line + letter) > right - x:
                self.draw.text((x, y), line, fill=self.ink, font=font)
                line, y = "", y + mm * _PER_MM * 1.65
            line += letter
        self.draw.text((x, y), line, fill=self.ink, font=font)
        return y + mm * _PER_MM * 2.0

    def scrawl(self, x: float, y: float, width: float, height: float, strokes: int) -> None:
        """Like handwriting: strokes that hang together, in blue or black."""
        colour = self.chance.choice(((20, 30, 120), (25, 25, 30), (40, 40, 140)))
        for _ in range(strokes):
            left = x + self.chance.random() * width
            points = [(left, y + self.chance.random() * height)]
            for _ in range(self.chance.randint(2, 5)):
                points.append(
                    (points[-1][0] + self.chance.uniform(-18, 26), points[-1][1] + self.chance.uniform(-22, 22))
                )
            self.draw.line(points, fill=colour, width=self.chance.choice((3, 4, 5)), joint="curve")

    def seal(self, x: float, y: float, mm: float, form: str) -> None:
        """Stamped over what is there."""
        side = round(mm * _PER_MM)
        stamp = _stamp(self.chance, side, form, self.path).rotate(
            self.chance.uniform(-25, 25), expand=True, fillcolor=255
        )
        ink = self.chance.choice(((196, 28, 40), (214, 40, 36), (178, 24, 60), (205, 60, 70), (190, 35, 30)))
        strength = self.chance.uniform(0.5, 0.95)
        tone = np.asarray(stamp, np.float32) / 255
        at = round(x - stamp.width / 2), round(y - stamp.height / 2)
        layer = Image.new("RGB", SIZE, "white")
        cover = 1 - (1 - tone[:, :, None]) * strength * (1 - np.array(ink, np.float32) / 255)
        layer.paste(Image.fromarray((cover * 255).astype(np.uint8)), at)
        self.image = ImageChops.multiply(self.image, layer)
        self.draw = ImageDraw.Draw(self.image)
        self.seals += 1


def _stamp(chance: random.Random, side: int, form: str, path: str) -> Image.Image:
    """Black on white."""
    high = side if form != "oval" else round(side * 0.68)
    stamp = Image.new("L", (side + 8, high + 8), 255)
    draw = ImageDraw.Draw(stamp)
    rim = max(3, round(side * chance.uniform(0.02, 0.035)))
    text = truth.unit(chance)
    if form == "square":
        draw.rectangle((4, 4, side, side), outline=0, width=rim)
        letters = (text + "印")[:4]
        font = ImageFont.truetype(path, round(side * 0.40))
        for place, letter in enumerate(letters):
            draw.text(
                (side * (0.08 + 0.44 * (place % 2)), side * (0.02 + 0.46 * (place // 2))), letter, fill=0, font=font
            )
    else:
        draw.ellipse((4, 4, side, high), outline=0, width=rim)
        _around(stamp, text + chance.choice(("", "医务科", "人事科", "档案室")), side, high, path)
        if form == "round":
            middle, radius = (side / 2 + 2, high / 2 + 2), side * 0.16
            points = [
                (middle[0] + r * math.sin(a), middle[1] - r * math.cos(a))
                for a, r in ((k * math.pi / 5, radius if k % 2 == 0 else radius * 0.4) for k in range(10))
            ]
            draw.polygon(points, fill=0)
        font = ImageFont.truetype(path, max(10, round(side * 0.10)))
        draw.text((side * 0.5 - font.getlength("专用章") / 2, high * 0.70), "专用章", fill=0, font=font)
    worn = np.asarray(stamp, np.float32)
    rough = np.random.default_rng(chance.randrange(2**31)).normal(
        0, 1, (worn.shape[0] // 6 + 1, worn.shape[1] // 6 + 1)
    )
    rough = np.asarray(Image.fromarray(rough.astype(np.float32)).resize(stamp.size, Image.Resampling.BICUBIC))
    worn = np.where(rough > chance.uniform(1.0, 2.2), np.minimum(255, worn + 170), worn)
    return Image.fromarray(worn.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def _around(stamp: Image.Image, text: str, side: int, high: int, path: str) -> None:
    font = ImageFont.truetype(path, max(10, round(side * 0.11)))
    span = math.radians(250)
    for place, letter in enumerate(text):
        angle = -span / 2 + span * (place + 0.5) / len(text)
        glyph = Image.new("L", (round(font.size) + 6, round(font.size) + 6), 0)
        ImageDraw.Draw(glyph).text((2, -2), letter, fill=255, font=font)
        glyph = glyph.rotate(-math.degrees(angle), expand=True)
        x = side / 2 + 4 + side * 0.385 * math.sin(angle) - glyph.width / 2
        y = high / 2 + 4 - high * 0.385 * math.cos(angle) - glyph.height / 2
        stamp.paste(0, (round(x), round(y)), glyph)


def _signed(paper: Paper, y: float, *, sealed: bool) -> None:
    """The end of a letter: unit, date, seal over them."""
    chance, font = paper.chance, paper.font(5)
    paper.draw.text((900, y), truth.unit(chance), fill=paper.ink, font=font)
    paper.draw.text(
        (960, y + 70), f"2023年{chance.randint(1, 9)}月{chance.randint(1, 28)}日", fill=paper.ink, font=font
    )
    if sealed:
        form = chance.choice(("round", "round", "round", "oval", "square"))
        paper.seal(
            1130 + chance.uniform(-80, 80),
            y + 50 + chance.uniform(-40, 60),
            chance.uniform(22, 28) if form == "square" else chance.uniform(36, 45),
            form,
        )


def _letter(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    y = paper.centred(260, paper.chance.choice(truth.TITLES), 9) + 60
    for _ in range(paper.chance.randint(1, 4)):
        y = paper.block(
            y, truth.paragraph(paper.chance, paper.chance.randint(60, 170)), paper.chance.choice((4.2, 4.6, 5.0))
        )
    if paper.chance.random() < 0.5:
        paper.scrawl(420, y + 40, 160, 60, 9)
    _signed(paper, min(y + 90, 1950), sealed=sealed)


def _table(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    y = paper.centred(160, "工作情况登记表", 7) + 20
    rows, columns, font = paper.chance.randint(10, 26), paper.chance.randint(4, 7), paper.font(3.6)
    high, wide = min(70.0, 1500 / rows), 1380 / columns
    for row in range(rows + 1):
        paper.draw.line((137, y + row * high, 137 + columns * wide, y + row * high), fill=paper.ink, width=2)
    for column in range(columns + 1):
        paper.draw.line((137 + column * wide, y, 137 + column * wide, y + rows * high), fill=paper.ink, width=2)
    for row in range(rows):
        for column in range(columns):
            said = truth.COLUMNS[column] if row == 0 else str(row) if column == 0 else _cell(paper.chance)
            paper.draw.text((147 + column * wide, y + row * high + high * 0.2), said, fill=paper.ink, font=font)
    _signed(paper, min(y + rows * high + 40, 2080), sealed=sealed)


def _cell(chance: random.Random) -> str:
    return chance.choice(
        (
            truth.name(chance),
            str(chance.randint(3, 480)),
            f"2022-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
            "合格",
            "外科",
            "",
        )
    )


def _certificate(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """A red border and a red heading, which are no seals."""
    red = paper.chance.choice(((190, 30, 40), (170, 20, 30), (200, 60, 20)))
    for inset, width in ((70, 14), (100, 4), (130, 2)):
        paper.draw.rectangle((inset, inset, SIZE[0] - inset, SIZE[1] - inset), outline=red, width=width)
    for corner in ((150, 150), (1504, 150), (150, 2189), (1504, 2189)):
        paper.draw.rectangle((corner[0] - 40, corner[1] - 40, corner[0] + 40, corner[1] + 40), outline=red, width=5)
    y = (
        paper.centred(
            420, paper.chance.choice(("荣誉证书", "结业证书", "聘 书", "获奖证书")), paper.chance.uniform(15, 22), red
        )
        + 140
    )
    paper.draw.text((240, y), f"{truth.name(paper.chance)} 同志：", fill=paper.ink, font=paper.font(6))
    y = paper.block(y + 110, truth.paragraph(paper.chance, 60), 6, 240, 1414)
    _signed(paper, max(y + 200, 1750), sealed=sealed)


def _red_header(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    red = (205, 20, 25)
    y = paper.centred(240, truth.unit(paper.chance) + "文件", paper.chance.uniform(11, 13), red)
    y = paper.centred(y + 30, f"川卫〔2023〕{paper.chance.randint(1, 300)}号", 4.5) + 10
    paper.draw.rectangle((200, y, 1454, y + 6), fill=red)
    y = paper.centred(y + 70, "关于同意立项的通知", 7) + 40
    for _ in range(3):
        y = paper.block(y, truth.paragraph(paper.chance, 120), 4.8)
    _signed(paper, min(y + 60, 1950), sealed=sealed)


def _notes(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """Handwriting on lines."""
    for y in range(260, 2100, 84):
        paper.draw.line((150, y + 70, 1500, y + 70), fill=(170, 190, 205), width=2)
        paper.scrawl(170, y, paper.chance.uniform(400, 1260), 50, paper.chance.randint(14, 60))
    if sealed:
        paper.seal(1150, 1980, paper.chance.uniform(36, 44), "round")


def _screenshot(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """Of an information system, printed, sealed below."""
    paper.draw.rectangle((120, 200, 1534, 262), fill=paper.chance.choice(((30, 90, 170), (20, 120, 110), (70, 70, 90))))
    paper.draw.text((140, 210), "门诊工作量统计查询", fill=(255, 255, 255), font=paper.font(4.4))
    for row in range(16):
        paper.draw.rectangle(
            (120, 280 + row * 62, 1534, 342 + row * 62), fill=(236, 242, 250) if row % 2 else (250, 250, 252)
        )
        paper.draw.text(
            (140, 290 + row * 62),
            "　".join(_cell(paper.chance) or "—" for _ in range(6)),
            fill=paper.ink,
            font=paper.font(3.4),
        )
    y = paper.block(1340, truth.paragraph(paper.chance, 50), 4.6)
    _signed(paper, y + 60, sealed=sealed)


def _photograph(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """A page with a colour photograph, red things among what it shows."""
    dice = np.random.default_rng(paper.chance.randrange(2**31))
    coarse = dice.integers(0, 255, (7, 9, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((1200, 800), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y, r = paper.chance.randrange(1100), paper.chance.randrange(700), paper.chance.randint(30, 140)
        draw.ellipse((x, y, x + r, y + r), fill=tuple(int(v) for v in dice.integers(0, 255, 3)))
    draw.ellipse((500, 300, 660, 460), fill=(200, 30, 40))
    paper.image.paste(picture, (227, 420))
    paper.centred(200, "活动现场照片", 7)
    end = paper.block(1290, truth.paragraph(paper.chance, 90), 4.6)
    _signed(paper, end + 80, sealed=sealed)


def _article(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """English, two columns, small."""
    paper.centred(180, "Laparoscopic cholecystectomy in a county hospital", 5.4)
    for left in (150, 860):
        y = 330.0
        while y < 2050:
            line, font = "", paper.font(3.1)
            for word in (paper.chance.choice(truth.ENGLISH) + " " + paper.chance.choice(truth.ENGLISH)).split():
                if font.getlength(f"{line} {word}") > 640:
                    paper.draw.text((left, y), line, fill=paper.ink, font=font)
                    line, y = "", y + 3.1 * _PER_MM * 1.35
                line = f"{line} {word}".strip()
            paper.draw.text((left, y), line, fill=paper.ink, font=font)
            y += 3.1 * _PER_MM * 2
    if sealed:
        paper.seal(1250, 2050, paper.chance.uniform(36, 44), "oval")


def _cover(paper: Paper, sealed: bool) -> None:  # noqa: FBT001
    """A title and little else: no blank page."""
    y = paper.centred(
        paper.chance.uniform(500, 1100),
        paper.chance.choice(("目　录", "病历资料", "附　件")),
        paper.chance.uniform(4, 9),
    )
    if paper.chance.random() < 0.5:
        paper.centred(y + 200, truth.name(paper.chance), 4)
    if sealed:
        paper.seal(1100, 1900, paper.chance.uniform(36, 44), "round")


LAYOUTS: dict[str, Callable[[Paper, bool], None]] = {
    "letter": _letter,
    "table": _table,
    "certificate": _certificate,
    "red-header": _red_header,
    "notes": _notes,
    "screenshot": _screenshot,
    "photograph": _photograph,
    "article": _article,
    "cover": _cover,
}


def sheet(seed: int, fonts: Sequence[str] = PLAIN, changed: int = 0) -> tuple[Image.Image, str, bool]:
    """A sheet of paper as it lies there: the picture, its kind, whether it is sealed. `changed`: the same form with
    other things written on it.
    """
    chance = random.Random(seed)
    kind = chance.choice(tuple(LAYOUTS))
    tint = chance.choice(((252, 252, 250), (250, 247, 238), (244, 244, 244), (250, 240, 225)))
    paper = Paper(chance, fonts, tint)
    sealed = chance.random() < 0.55
    if changed:
        paper.chance = random.Random(f"drawn {seed} {changed}")
    LAYOUTS[kind](paper, sealed)
    if chance.random() < 0.12:  # a faint print
        white = Image.new("RGB", SIZE, tint)
        paper.image = Image.blend(white, paper.image, chance.uniform(0.35, 0.6))
    return paper.image, kind, paper.seals > 0


def page(seed: int, fonts: Sequence[str] = PLAIN) -> Generated:
    """A page: always the same for a seed."""
    chance = random.Random(f"drawn {seed}")
    if chance.random() < 0.1:
        return _blank(seed, chance)
    image, kind, sealed = sheet(seed, fonts)
    return taken(image, seed, chance, kind=kind, sealed=sealed, befalls=truth.truth_of(chance))


def taken(
    image: Image.Image, seed: int, chance: random.Random, *, kind: str, sealed: bool, befalls: str,
    by_phone: bool | None = None,
) -> Generated:  # fmt: skip
    """A sheet as a scanner or a telephone takes it."""
    told, made = {"seal"} if sealed else set(), []
    if befalls == "upside-down":
        image = image.rotate(180)
    if befalls == "blurred":
        radius = chance.uniform(3.4, 7.5)
        image = image.filter(ImageFilter.GaussianBlur(radius) if chance.random() < 0.5 else ImageFilter.BoxBlur(radius))
        made.append(f"blur {radius:.1f}")
    if befalls == "motion":
        length, angle = chance.randint(18, 42), chance.uniform(0, 180)
        image = Image.fromarray(_moved(np.asarray(image), length, angle))
        made.append(f"motion {length} {angle:.0f}")
    if befalls == "grey":
        image = image.convert("L").convert("RGB")
        told = {"copied seal"} if sealed else set()
    by_phone = chance.random() < 0.45 if by_phone is None else by_phone
    pixels = _photographed(image, chance) if by_phone else _scanned(image, chance)
    if befalls == "grey" and not by_phone:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    dpi = float(DPI)
    if befalls == "coarse":
        dpi = chance.uniform(55, 95)
        small = Image.fromarray(pixels).resize(
            (round(SIZE[0] * dpi / DPI), round(SIZE[1] * dpi / DPI)), Image.Resampling.BOX
        )
        pixels = np.asarray(small)
    written = io.BytesIO()
    quality = chance.choice((45, 60, 75, 85, 92))
    Image.fromarray(pixels).save(written, "JPEG", quality=quality)
    told |= {befalls} - {""}
    made += ["phone" if by_phone else "scanner", f"q{quality}"]
    return Generated(
        seed=seed, generator="drawn", kind=kind, jpeg=written.getvalue(), truth=frozenset(told), dpi=dpi,
        sheet=f"drawn {seed}", made=tuple(made),
    )  # fmt: skip


def _blank(seed: int, chance: random.Random) -> Generated:
    """Nothing on it; what shows through from the other side, dust, holes."""
    tint = chance.choice(((252, 252, 250), (246, 243, 234), (236, 236, 236)))
    image = Image.new("RGB", SIZE, tint)
    if chance.random() < 0.5:
        through = sheet(seed + 7)[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(ImageFilter.GaussianBlur(2))
        image = Image.blend(image, through, chance.uniform(0.02, 0.06))
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(0, 25)):
        x, y = chance.randrange(SIZE[0]), chance.randrange(SIZE[1])
        draw.ellipse((x, y, x + chance.randint(1, 4), y + chance.randint(1, 4)), fill=(90, 90, 90))
    return taken(image, seed, chance, kind="blank", sealed=False, befalls="blank")


def _moved(pixels: Pixels, length: int, angle: float) -> Pixels:
    """Smeared along a line: the mean of shifted pictures."""
    total, steps = np.zeros(pixels.shape, np.float32), 12
    for step in np.linspace(-length / 2, length / 2, steps):
        shift = round(step * math.sin(math.radians(angle))), round(step * math.cos(math.radians(angle)))
        total += np.roll(pixels, shift, axis=(0, 1))
    return (total / steps).astype(np.uint8)


def _scanned(image: Image.Image, chance: random.Random) -> Pixels:
    """A little turned, with grain and a shadow along an edge."""
    dice = np.random.default_rng(chance.randrange(2**31))
    turned = image.rotate(chance.uniform(-1.2, 1.2), Image.Resampling.BICUBIC, fillcolor=image.getpixel((5, 5)))
    pixels = np.asarray(turned, np.float32) * chance.uniform(0.93, 1.01)
    if chance.random() < 0.4:
        edge = np.ones(SIZE[0], np.float32)
        edge[:70] = np.linspace(0.55, 1, 70)
        pixels *= edge[None, :, None]
    pixels += dice.normal(0, chance.uniform(0.5, 5), pixels.shape[:2])[:, :, None] + dice.normal(0, 1.2, pixels.shape)
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def _photographed(image: Image.Image, chance: random.Random) -> Pixels:
    """On a table, from an angle, in uneven light."""
    dice = np.random.default_rng(chance.randrange(2**31))
    table = np.array(chance.choice(((120, 84, 56), (70, 70, 76), (150, 140, 128), (60, 44, 36))), np.float32)
    grain = np.asarray(
        Image.fromarray(dice.normal(0, 12, (40, 4)).astype(np.float32)).resize(SIZE, Image.Resampling.BICUBIC)
    )
    ground = Image.fromarray(np.clip(table + grain[:, :, None], 0, 255).astype(np.uint8))
    corners = [(0, 0), (SIZE[0], 0), SIZE, (0, SIZE[1])]
    inset = chance.uniform(0.02, 0.09)
    toward = [
        (
            abs(x - SIZE[0] * (inset + chance.uniform(-0.015, 0.03))),
            abs(y - SIZE[1] * (inset + chance.uniform(-0.015, 0.03))),
        )
        for x, y in corners
    ]
    factors = _perspective(toward, corners)
    warped = image.transform(SIZE, Image.Transform.PERSPECTIVE, factors, Image.Resampling.BICUBIC)
    cover = Image.new("L", SIZE, 255).transform(SIZE, Image.Transform.PERSPECTIVE, factors, Image.Resampling.BILINEAR)
    pixels = np.asarray(Image.composite(warped, ground, cover), np.float32)
    y, x = np.mgrid[0 : 1 : complex(SIZE[1]), 0 : 1 : complex(SIZE[0])].astype(np.float32)
    light = 1 - chance.uniform(0.05, 0.4) * np.hypot(x - chance.random(), y - chance.random())
    warm = np.array((1, chance.uniform(0.93, 1), chance.uniform(0.82, 1)), np.float32)
    pixels = pixels * light[:, :, None] * warm + dice.normal(0, chance.uniform(1, 5), pixels.shape[:2])[:, :, None]
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def _perspective(there: Sequence[tuple[float, float]], here: Sequence[tuple[float, float]]) -> list[float]:
    rows = []
    for (x, y), (u, v) in zip(there, here, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return [float(v) for v in np.linalg.solve(np.array(rows, float), np.array(here, float).ravel())]
