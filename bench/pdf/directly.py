"""A scan's page from its JPEG beside the same page drawn by pdfium: CPU in this process, and how alike they are."""

import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from services.pdfcheck.tools import drawing
from tests.assets import pdf_fixtures

_WIDTH_PX = 1200
#: A4 at so many dots an inch.
_SCANS = {150: (1240, 1754), 200: (1654, 2339), 300: (2480, 3508)}


def picture(path: Path, width_px: int) -> bytes:
    """The first page, as it is kept."""
    with path.open("rb", buffering=0) as raw, drawing.opened(raw) as document:
        return drawing.jpeg(document.draw(1, width_px))


def compare(rounds: int) -> None:
    """Print milliseconds a page with its coding, ratio and difference, for each density."""
    print(f"\na scan's page, {_WIDTH_PX} px, coded as JPEG: from its data, and drawn by pdfium")
    for dpi, size in _SCANS.items():
        document = pdf_fixtures.pdf_of([pdf_fixtures.scan_jpeg(5, size=size)])
        ours, theirs = (_drawn(document, direct_too=each) for each in (True, False))
        one, two = _cpu_s(ours, rounds), _cpu_s(theirs, rounds)
        print(
            f"{dpi} dpi: {1000 * one:.0f} ms of CPU, pdfium {1000 * two:.0f} ms; ratio directly / pdfium "
            f"{one / two:.2f}; mean difference {_difference(ours(), theirs()):.1f} of 255 levels without the grain"
        )


def _drawn(document: bytes, *, direct_too: bool) -> Callable[[], Image.Image]:
    def act() -> Image.Image:
        opened = drawing.Pdf(io.BytesIO(document), direct_too=direct_too)
        try:
            return opened.draw(1, _WIDTH_PX)
        finally:
            opened.close()

    return act


def _cpu_s(act: Callable[[], Image.Image], rounds: int) -> float:
    drawing.jpeg(act())
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        drawing.jpeg(act())
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def _difference(one: Image.Image, two: Image.Image) -> float:
    small = [each.convert("RGB").resize((150, 212), Image.Resampling.BOX) for each in (one, two)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean)
