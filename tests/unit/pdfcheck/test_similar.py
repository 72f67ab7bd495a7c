"""SSIM as ffmpeg counts it, and of colours as well."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from services.pdfcheck.tools.similar import ssim, ssim_map

CHANCE = np.random.default_rng(1)


def grey(height: int = 1100, width: int = 600) -> np.ndarray:
    return CHANCE.integers(0, 256, (height, width), dtype=np.uint8)


def as_ffmpeg_says(one: Path, other: Path, size: str) -> float:
    raw = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", size, "-i")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *raw, str(one), *raw, str(other), "-lavfi", "ssim", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(said.rpartition("All:")[2].split()[0])


def test_it_is_what_ffmpeg_says(tmp_path: Path) -> None:
    """Across the seams of strips, too: 1,100 rows are three of them."""
    one = grey()
    other = np.clip(one.astype(int) + CHANCE.integers(-40, 41, one.shape), 0, 255).astype(np.uint8)
    for name, pixels in (("one", one), ("other", other)):
        (tmp_path / name).write_bytes(pixels.tobytes())
    said = as_ffmpeg_says(tmp_path / "one", tmp_path / "other", "600x1100")
    assert said == pytest.approx(ssim(one, other), abs=2e-6)
    assert 0.5 < said < 0.99


@pytest.mark.parametrize(
    "shape", [(1100, 600), (9, 9, 3), (1, 1, 1), (3, 700, 3), (700, 5, 4), (515, 40, 3), (1024, 8)]
)
def test_the_same_is_one_whatever_its_size(shape: tuple[int, ...]) -> None:
    pixels = CHANCE.integers(0, 256, shape, dtype=np.uint8)
    assert ssim(pixels, pixels.copy()) == pytest.approx(1)


def test_a_seal_that_turns_grey_is_seen_though_nothing_becomes_darker() -> None:
    page = np.full((400, 400, 3), 255, dtype=np.uint8)
    page[100:300, 100:300] = (200, 30, 40)
    faded = page.copy()
    faded[100:300, 100:300] = round(0.299 * 200 + 0.587 * 30 + 0.114 * 40)
    assert ssim(page, faded) < 0.9
    assert ssim(page[:, :, 1], page[:, :, 1]) == 1


def test_pictures_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        ssim(grey(20, 20), grey(20, 21))


def test_the_map_shows_where_it_differs() -> None:
    one = grey(200, 200)
    other = one.copy()
    other[120:160, 40:80] = 0
    row, column = np.unravel_index(int(ssim_map(one, other).argmin()), (49, 49))
    assert 28 <= row <= 40
    assert 8 <= column <= 20
