"""Scans as registries make them: one JPEG to a page, each page another picture."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pikepdf
from PIL import Image

from tests.assets import pdf_fixtures

#: So many different pictures; a page gets one of them with a comment of its own, so that no two are the same bytes.
_PICTURES = 8
#: The grain of a scanner, in grey levels: it decides what a page weighs.
_GRAIN = 26


@cache
def _picture(seed: int, size: tuple[int, int], quality: int) -> bytes:
    page = Image.open(io.BytesIO(pdf_fixtures.scan_jpeg(seed, size=size)))
    grain = Image.effect_noise(size, _GRAIN).convert("RGB")
    written = io.BytesIO()
    Image.blend(page, grain, 0.2).save(written, "JPEG", quality=quality, dpi=(200, 200))
    return written.getvalue()


def _own(jpeg: bytes, name: str) -> bytes:
    """The same picture with a comment that no other page has."""
    told = name.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(told) + 2).to_bytes(2, "big") + told + jpeg[2:]


def scan(path: Path, pages: int, page_bytes: int) -> Path:
    """A document of so many pages of about so many bytes each."""
    size = (1654, 2339)  # A4 at 200 dots an inch
    quality = next((each for each in range(60, 100, 3) if len(_picture(0, size, each)) >= page_bytes), 99)
    pictures = [_picture(seed, size, quality) for seed in range(min(_PICTURES, pages))]
    with pikepdf.new() as pdf:
        for number in range(pages):
            pdf_fixtures.add_scan(pdf, _own(pictures[number % len(pictures)], f"{path.stem} {number}"))
        pdf.save(path, compress_streams=False)
    return path


def scans(folder: Path, files: int, total_bytes: int) -> Sequence[Path]:
    """Files of one page each."""
    folder.mkdir()
    return [scan(folder / f"{number:03}.pdf", 1, total_bytes // files) for number in range(files)]
