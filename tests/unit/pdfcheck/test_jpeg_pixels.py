"""A JPEG's pixels stay what they are when it is packed better, and its quality is read from its tables."""

import io

import pytest
from PIL import Image

from services.pdfcheck.tools import jpeg_pixels
from services.pdfcheck.tools.jpeg_pixels import CannotDecode
from tests.assets import large_pages as made
from tests.assets import pdf_fixtures


def test_a_jpeg_keeps_its_profile() -> None:
    written = io.BytesIO()
    made.grainy().save(written, "JPEG", quality=95, icc_profile=b"p" * 70_000, comment=b"x" * 5000)
    packed = jpeg_pixels.smaller(written.getvalue())
    assert Image.open(io.BytesIO(packed)).info["icc_profile"] == b"p" * 70_000
    assert b"x" * 100 not in packed


def test_what_is_packed_well_already_stays() -> None:
    packed = jpeg_pixels.smaller(made.grainy_jpeg(95))
    assert jpeg_pixels.smaller(packed) == packed


@pytest.mark.parametrize("quality", [50, 75, 85, 92, 98])
def test_the_quality_is_read_from_the_tables(quality: int) -> None:
    assert abs(jpeg_pixels.quality(made.grainy_jpeg(quality)) - quality) <= 1
    assert jpeg_pixels.quality(b"\xff\xd8nothing") == 0


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", made.grainy_jpeg(75)[:5000], pdf_fixtures.rotten(made.grainy_jpeg(75))], ids=len
)
def test_broken_data_are_said_to_be(data: bytes) -> None:
    with pytest.raises(CannotDecode):
        jpeg_pixels.smaller(data)
