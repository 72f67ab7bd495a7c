"""`python -m bench.coach`: a page that is too large made smaller by the size coach, beside what people use instead.

Two pages of A4 at 300 dots an inch: a JPEG of about 5.6 million bytes, 15.5 million without loss. Ours is what the
service does, through its sandbox. Peers are Pillow at quality 75 and 85 and, where they can be had, Ghostscript as most
advice has it (`/printer`, `/ebook`) and jpegtran. Bytes are of the whole document; SSIM is of the picture at its own
size, by the same count for all, 0 where the resolution is another one.
"""

import argparse
import asyncio
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pikepdf
from PIL import Image

from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.coaching import Method
from services.pdfcheck.tools import drawn
from services.pdfcheck.tools.similar import Pixels, ssim
from services.pdfcheck.usecases import coaching
from services.pdfcheck.usecases.coaching import Weighed
from tests.assets import large_pages, pdf_fixtures
from tools.stack.servers import Unprepared, cached

LIMIT = 5 * 2**20
#: A4 at 300 dots an inch.
SIZE = (2480, 3508)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A document of one page, and the seconds that it took."""

    document: bytes
    seconds: float


def picture_of(document: bytes) -> Pixels:
    """The page's one picture, in colour."""
    with pikepdf.open(io.BytesIO(document)) as pdf:
        image = drawn.pictures_of(pdf.pages[0])[0].stream
        return np.asarray(pikepdf.PdfImage(image).as_pil_image().convert("RGB"))


async def ours(sandbox: ForkingSandbox, document: bytes) -> dict[str, Result]:
    """Both offers, measured together."""
    kept: dict[str, bytes] = {}

    async def keep(name: str, path: Path) -> str:
        kept[name] = await asyncio.to_thread(path.read_bytes)
        return name

    about, began = Weighed(file_id="f", page=1, size_bytes=len(document)), time.perf_counter()
    source = BytesSource(document)
    limit = LIMIT if len(document) > LIMIT else len(document) * 4 // 5  # of pages that were made smaller for a smoke
    page, _ = await coaching.advise_page(sandbox, source, about, limit, keep, most=False, progress=lambda _: None)
    took = time.perf_counter() - began
    names = {Method.LOSSLESS: "ours, without loss", Method.VISUAL: "ours, looking the same"}
    return {names[offer.method]: Result(document=kept[offer.keys["file"]], seconds=took) for offer in page.offers}


def pillow(document: bytes, quality: int) -> Result:
    """What a script does."""
    began, written = time.perf_counter(), io.BytesIO()
    Image.fromarray(picture_of(document)).save(written, "JPEG", quality=quality)
    made = pdf_fixtures.pdf_of([written.getvalue()])
    return Result(document=made, seconds=time.perf_counter() - began)


def ghostscript(document: bytes, settings: str) -> Result:
    """Raises `Unprepared`."""
    program = str(cached("gs"))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
        source.write_bytes(document)
        began = time.perf_counter()
        command = [program, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pdfwrite", f"-dPDFSETTINGS={settings}"]
        subprocess.run([*command, f"-sOutputFile={target}", str(source)], check=True)
        return Result(document=target.read_bytes(), seconds=time.perf_counter() - began)


def jpegtran(document: bytes) -> Result:
    """Raises `Unprepared`, and `ValueError` where the picture is no JPEG."""
    program = str(cached("jpegtran"))
    with pikepdf.open(io.BytesIO(document)) as pdf:
        image = drawn.pictures_of(pdf.pages[0])[0].stream
        if image.get("/Filter") != "/DCTDecode":
            raise ValueError("no JPEG")
        began = time.perf_counter()
        command = [program, "-optimize", "-progressive", "-copy", "none"]
        smaller = subprocess.run(command, input=image.read_raw_bytes(), capture_output=True, check=True).stdout
        took = time.perf_counter() - began
    return Result(document=pdf_fixtures.pdf_of([smaller]), seconds=took)


def others(document: bytes) -> dict[str, Callable[[], Result]]:
    """What ours is compared with."""
    return {
        "Pillow, quality 75": lambda: pillow(document, 75),
        "Pillow, quality 85": lambda: pillow(document, 85),
        "gs /printer": lambda: ghostscript(document, "/printer"),
        "gs /ebook": lambda: ghostscript(document, "/ebook"),
        "jpegtran": lambda: jpegtran(document),
    }


def told(before: bytes, results: dict[str, Result]) -> None:
    """Bytes, how much of the original they are, SSIM, seconds."""
    original = picture_of(before)
    print(f"{'':<24}{'bytes':>12}{'of it':>8}{'fits':>6}{'SSIM':>9}{'dots':>7}{'s':>8}")
    for name, result in results.items():
        made = picture_of(result.document)
        alike = ssim(original, made) if made.shape == original.shape else 0.0
        share, size = len(result.document) / len(before), len(result.document)
        dots = round(300 * made.shape[1] / original.shape[1])
        fits = "yes" if size <= LIMIT else "no"
        print(f"{name:<24}{size:>12,}{share:>8.2f}{fits:>6}{alike:>9.4f}{dots:>7}{result.seconds:>8.2f}")


def pages(scale: float) -> dict[str, bytes]:
    """The two documents, with so much of their pixels."""
    size = (max(300, int(SIZE[0] * scale)), max(424, int(SIZE[1] * scale)))
    written = io.BytesIO()
    large_pages.grainy(size, grain=6).save(written, "JPEG", quality=98, subsampling=2, dpi=(300, 300))
    grain = large_pages.grainy(size, grain=1)
    with pikepdf.new() as pdf:
        flat = large_pages.flat_stream(pdf, grain.tobytes(), size, pikepdf.Name.DeviceRGB)
        large_pages.page_of(pdf, {"Im0": flat})
        return {"JPEG": pdf_fixtures.pdf_of([written.getvalue()]), "PNG": pdf_fixtures.saved(pdf)}


async def run(scale: float) -> int:
    """Print both tables."""
    sandbox = ForkingSandbox(coaching.PRELOAD)
    try:
        for name, document in pages(scale).items():
            results = await ours(sandbox, document)
            for peer, act in others(document).items():
                try:
                    results[peer] = await asyncio.to_thread(act)
                except (Unprepared, ValueError):
                    continue
            print(f"\n{name} page of {len(document):,} bytes")
            told(document, results)
            best = results.get("ours, looking the same")
            if best is not None:
                plain = results["Pillow, quality 85"]
                print(f"ratio bytes, ours looking the same / Pillow 85: {len(best.document) / len(plain.document):.2f}")
                print(f"ratio bytes, ours looking the same / original: {len(best.document) / len(document):.2f}")
    finally:
        await sandbox.close()
    return 0


def main() -> int:
    """Run as `python -m bench.coach`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1, help="of the page's width and height")
    return asyncio.run(run(options.parse_args().scale))


if __name__ == "__main__":
    sys.exit(main())
