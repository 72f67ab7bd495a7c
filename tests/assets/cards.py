"""Opening cards, as pictures and as real videos."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

FONT = str(Path(pylopdf_fonts_zh_cn.__file__).parent / "NotoSansSC-Regular.otf")
GROUND, INK = (10, 10, 40), (240, 240, 240)


def card_picture(
    texts: Sequence[str],
    *,
    size: tuple[int, int] = (1280, 720),
    size_px: int = 44,
    ground: tuple[int, int, int] = GROUND,
) -> Image.Image:
    """White lines on dark blue, from the left."""
    image = Image.new("RGB", size, ground)
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, size_px)
    for row, text in enumerate(texts):
        draw.text((size[0] // 8, size[1] // 8 + 2 * size_px * row), text, font=font, fill=INK)
    return image


def film(
    path: Path,
    scenes: Sequence[tuple[Image.Image | None, float]],
    *,
    rate: int = 10,
    size: tuple[int, int] = (1280, 720),
) -> Path:
    """A video of pictures, each for so many seconds; None is something that moves all the time."""
    rng = np.random.default_rng(1)
    field = np.kron(rng.integers(40, 216, (size[1] // 40, size[0] // 20, 3), np.uint8), np.ones((40, 40, 1), np.uint8))
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        number = 0
        for image, seconds in scenes:
            for _ in range(round(seconds * rate)):
                moved = field[: size[1], (37 * number) % size[0] :][:, : size[0]]
                array = np.asarray(image.resize(size)) if image is not None else np.ascontiguousarray(moved)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
                number += 1
        out.mux(stream.encode())
    return path
