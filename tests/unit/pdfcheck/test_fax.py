"""Plain black and white as a fax: every pixel stays, as two decoders see it that know nothing of each other."""

import io
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2 as pdfium
import pytest
from pikepdf import Array, Name, Pdf
from PIL import Image

from services.pdfcheck.tools import coding, fax
from tests.assets import large_pages as made
from tests.assets import pdf_fixtures
from tests.unit.pdfcheck.test_coach import advised, applied, offer

SIZE, LARGER = (1240, 1754), (1754, 2480)


def print_in(size: tuple[int, int]) -> Image.Image:
    """A scanned text in black and white, without grey."""
    scan = Image.open(io.BytesIO(pdf_fixtures.scan_jpeg(3, size=size))).convert("L")
    return scan.point([0] * 128 + [255] * 128).convert("1", dither=Image.Dither.NONE)


def document_of(samples: bytes, size: tuple[int, int], entries: dict[str, object]) -> bytes:
    with Pdf.new() as pdf:
        stream = made.flat_stream(pdf, samples, size, Name.DeviceGray, BitsPerComponent=1, **entries)
        if "ImageMask" in entries:
            del stream.ColorSpace
        made.page_of(pdf, {"Im0": stream}, width=size[0] / 4, height=size[1] / 4)
        return pdf_fixtures.saved(pdf)


def seen(document: bytes) -> np.ndarray:
    """By PDFium, one pixel of the picture to one of the screen."""
    opened = pdfium.PdfDocument(document)
    try:
        return np.asarray(opened[0].render(scale=4).to_pil().convert("L"))
    finally:
        opened.close()


_INVERTED = {"Decode": Array([1, 0])}


@pytest.mark.parametrize("entries", [{}, _INVERTED, {"ImageMask": True}, {"ImageMask": True, **_INVERTED}], ids=str)
def test_every_pixel_stays(entries: dict[str, object]) -> None:
    samples = print_in(SIZE).tobytes()
    document, found = document_of(samples, SIZE, entries), fax.packed(samples, *SIZE)
    assert found is not None
    with pikepdf.open(io.BytesIO(document)) as pdf:
        hanging = pdf.pages[0].obj.Resources.XObject
        assert isinstance(hanging.Im0, pikepdf.Stream)
        hanging.Im0 = coding.Variant(data=found[0], entries=found[1]).stream(pdf, hanging.Im0)
        result = pdf_fixtures.saved(pdf)
    assert np.array_equal(seen(result), seen(document))


def test_it_is_offered_and_applied_as_any_other(tmp_path: Path) -> None:
    document = document_of(print_in(LARGER).tobytes(), LARGER, {})
    told = advised(document, tmp_path, limit=35_000)
    assert [each["method"] for each in told["offers"] if each["fits"]] == ["lossless"]
    result = applied(document, told, "lossless", tmp_path)
    assert pdf_fixtures.single_page_bytes(result, 0) == offer(told, "lossless")["page_bytes"]
    assert np.array_equal(seen(result), seen(document))


@pytest.mark.parametrize("width", [1, 7, 8, 9, 1239])
def test_rows_that_end_within_a_byte(width: int) -> None:
    """What stands in the bits behind them is nobody's."""
    row = (width + 7) // 8
    samples = np.random.default_rng(width).integers(0, 256, 40 * row, dtype=np.uint8).tobytes()
    found = fax.packed(samples, width, 40)
    assert found is not None
    with Pdf.new() as pdf:
        stream = made.flat_stream(pdf, b"", (width, 40), Name.DeviceGray, BitsPerComponent=1)
        coded = coding.Variant(data=found[0], entries=found[1]).stream(pdf, stream)
        shown = pikepdf.PdfImage(coded).as_pil_image().convert("1")
    assert np.array_equal(np.asarray(shown), np.asarray(Image.frombytes("1", (width, 40), samples)))


def test_dots_that_stand_for_grey_are_deflated_as_before() -> None:
    with pikepdf.open(io.BytesIO(made.flat_document("1"))) as pdf:
        stream = pdf.pages[0].obj.Resources.XObject.Im0
        assert isinstance(stream, pikepdf.Stream)
        variant = coding.lossless(stream, coding.coded(stream))
    assert variant is not None
    assert variant.entries["/Filter"] == Name.FlateDecode
