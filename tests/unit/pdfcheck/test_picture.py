"""A photograph stands upright on a sensible page and its bytes hold nothing private."""

import io

import pikepdf
import pytest
from PIL import Image, ImageOps

from services.catalogue.sniff import MediaType
from services.pdfcheck.tools import jpeg, picture
from tests.assets import pdf_fixtures as made


def matrix_of(page: picture.PicturePage) -> list[float]:
    with pikepdf.open(io.BytesIO(page.pdf)) as pdf:
        words = pdf.pages[0].Contents.read_bytes().split()
    return [float(word) for word in words[1:7]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_drawn_upright(orientation: int) -> None:
    """Where the stored picture's corners go on the page is where Pillow's upright picture has them."""
    marks = Image.new("L", (64, 32), 128)
    marks.paste(255, (0, 0, 16, 16))
    marks.paste(0, (48, 0, 64, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    marks.save(written, "JPEG", exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(written.getvalue())))
    a, b, c, d, e, f = matrix_of(picture.page_of(written.getvalue(), MediaType.JPEG))
    width, height = abs(a + c), abs(b + d)
    for stored, level in (((0.1, 0.9), 255), ((0.9, 0.9), 0)):
        x, y = stored
        across, up = (a * x + c * y + e) / width, (b * x + d * y + f) / height
        column, row = int(across * upright.width), int((1 - up) * upright.height)
        assert abs(upright.tobytes()[row * upright.width + column] - level) < 40
    assert (width > height) == (upright.width > upright.height)


@pytest.mark.parametrize(
    ("size", "dpi", "expected"),
    [
        ((1240, 1754), 150.0, (595, 842)),
        ((2480, 3508), 300.0, (595, 842)),
        ((3000, 4000), 72.0, (595, 794)),
        ((4000, 3000), None, (794, 595)),
        ((100, 4000), None, (21, 842)),
        ((1654, 2339), 100.0, (1191, 1684)),
        ((3000, 4000), 2400.0, (595, 794)),
    ],
)
def test_page_size(size: tuple[int, int], dpi: float | None, expected: tuple[int, int]) -> None:
    assert tuple(round(side) for side in picture.page_size_pt(*size, dpi)) == expected


def test_what_is_private_goes_and_the_profile_stays() -> None:
    with_profile = io.BytesIO()
    Image.new("RGB", (8, 8)).save(
        with_profile, "JPEG", icc_profile=b"profile" * 10, comment=b"private", exif=b"Exif\0\0"
    )
    kept = jpeg.read(with_profile.getvalue()).data
    assert b"ICC_PROFILE" in kept
    assert b"private" not in kept
    assert b"Exif" not in kept


def test_stripping_twice_changes_nothing() -> None:
    once = jpeg.read(made.photo_jpeg()).data
    assert jpeg.read(once).data == once


def test_what_follows_the_picture_is_left_out() -> None:
    scan = made.scan_jpeg(10, "证明", (310, 438))
    assert jpeg.read(scan + b"second picture").data == scan


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_each_colour_space_and_progressive(mode: str, *, progressive: bool) -> None:
    written = io.BytesIO()
    Image.new(mode, (64, 48)).save(written, "JPEG", progressive=progressive)
    page = picture.page_of(written.getvalue(), MediaType.JPEG)
    with pikepdf.open(io.BytesIO(page.pdf)) as pdf:
        image = next(iter(pdf.pages[0].get_images().values()))
        assert str(image.ColorSpace) == {"L": "/DeviceGray", "RGB": "/DeviceRGB", "CMYK": "/DeviceCMYK"}[mode]
        assert ("/Decode" in image) == (mode == "CMYK")


@pytest.mark.parametrize("cut", [3, 10, 40, 200, 5000])
def test_a_cut_jpeg_is_refused_wherever_it_is_cut(cut: int) -> None:
    with pytest.raises(jpeg.DamagedError):
        jpeg.read(made.scan_jpeg(10, "证明", (310, 438))[:cut])


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe1\x00\x01", b"\xff\xd8\xff\xff\xff", b"\x89PNG"]
)
def test_odd_bytes_are_damaged_not_a_crash(content: bytes) -> None:
    with pytest.raises(jpeg.DamagedError):
        jpeg.read(content)


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"XX*\x00\x08\x00\x00\x00",
        b"II*\x00\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x09\x00\x00",
    ],
)
def test_a_hostile_orientation_is_upright(tiff: bytes) -> None:
    body = b"Exif\x00\x00" + tiff
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    scan = made.scan_jpeg(10, "证明", (310, 438))
    assert jpeg.read(scan[:2] + segment + scan[2:]).orientation == 1
