"""A scan's page from its JPEG beside what pdfium draws: the same to the eye, and pdfium's wherever it might not be."""

import io
import zlib
from collections.abc import Callable
from functools import cache

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image, ImageChops, ImageDraw, ImageStat

from services.pdfcheck.tools import direct
from services.pdfcheck.tools.drawing import Pdf as Drawn
from tests.assets import pdf_fixtures as made

SIZE = (248, 351)
WIDTH_PX = 240
FULL = "q 595 0 0 842 0 0 cm /Im0 Do Q"
#: Mean difference in levels, after both were made eight times smaller: what the eye sees, without the grain.
SAME = 2.5


@cache
def picture(mode: str = "RGB") -> bytes:
    """Another in each corner, so that no turn looks like another."""
    image = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 100, 60), fill=(200, 30, 30))
    pen.ellipse((150, 20, 240, 110), fill=(30, 90, 200))
    pen.polygon([(10, 340), (120, 340), (10, 230)], fill=(20, 160, 60))
    written = io.BytesIO()
    image.convert(mode).save(written, "JPEG", quality=95)
    return written.getvalue()


def scan(change: Callable[[Pdf], None] | None = None, *, content: str = FULL, jpeg: bytes | None = None) -> bytes:
    def both(pdf: Pdf) -> None:
        pdf.pages[0].obj.Contents = Stream(pdf, content.encode())
        if change is not None:
            change(pdf)

    return made.pdf_of([jpeg or picture()], both)


def is_direct(document: bytes) -> bool:
    with pikepdf.open(io.BytesIO(document)) as pdf:
        found = direct.scan_of(pdf, 1)
    return found is not None and direct.decoded(found, WIDTH_PX, round(WIDTH_PX * 842 / 595)) is not None


def drawn(document: bytes, *, direct_too: bool, width_px: int = WIDTH_PX) -> Image.Image:
    under_test = Drawn(io.BytesIO(document), direct_too=direct_too)
    try:
        return under_test.draw(1, width_px).convert("RGB")
    finally:
        under_test.close()


def difference(one: Image.Image, two: Image.Image) -> float:
    small = [each.resize((one.width // 8, one.height // 8), Image.Resampling.BOX) for each in (one, two)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("matrix", [
    "595 0 0 842 0 0", "-595 0 0 842 595 0", "595 0 0 -842 0 842", "-595 0 0 -842 595 842",
    "0 842 595 0 0 0", "0 -842 -595 0 595 842", "0 842 -595 0 595 0", "0 -842 595 0 0 842",
])  # fmt: skip
def test_a_scan_however_it_is_turned_looks_as_pdfium_draws_it(matrix: str, rotation: int) -> None:
    document = scan(lambda pdf: pdf.pages[0].rotate(rotation, relative=False), content=f"q {matrix} cm /Im0 Do Q")
    assert is_direct(document)
    ours, theirs = drawn(document, direct_too=True), drawn(document, direct_too=False)
    assert abs(ours.width / ours.height - theirs.width / theirs.height) < 0.01
    assert difference(theirs, ours.resize(theirs.size)) < SAME


def _under_parent(pdf: Pdf) -> None:
    page, parent = pdf.pages[0].obj, pdf.Root.Pages
    parent.MediaBox, parent.Resources, parent.Rotate = page.MediaBox, page.Resources, 90
    del page["/MediaBox"], page["/Resources"]


def _crop_as_media(pdf: Pdf) -> None:
    pdf.pages[0].obj.CropBox = Array([-10, -10, 700, 900])


def _packed(pdf: Pdf) -> None:
    pdf.pages[0].obj.Contents = Array(
        [Stream(pdf, b"q"), Stream(pdf, zlib.compress(b"q 595 0 0 842 0 0 cm/Im0 Do Q"), Filter=Name.FlateDecode),
         Stream(pdf, b" Q ")]
    )  # fmt: skip


def _nothing(_pdf: Pdf) -> None:
    pass


@pytest.mark.parametrize(("change", "content", "mode"), [
    (_nothing, FULL, "L"), (_under_parent, FULL, "RGB"), (_crop_as_media, FULL, "RGB"), (_packed, FULL, "RGB"),
    (_nothing, "0.24 0 0 0.24 0 0 cm 2479.1667 0 0 3508.3333 0 0 cm\n/Im0 Do\n", "RGB"),
    (_nothing, "q 595.3 0 0 842.2 -0.2 -0.1 cm /Im0 Do Q", "RGB"),
])  # fmt: skip
def test_other_ways_of_writing_a_scan(change: Callable[[Pdf], None], content: str, mode: str) -> None:
    space = Name.DeviceGray if mode == "L" else Name.DeviceRGB

    def both(pdf: Pdf) -> None:
        pdf.pages[0].obj.Resources.XObject.Im0.ColorSpace = space
        change(pdf)

    document = scan(both, content=content, jpeg=picture(mode))
    assert is_direct(document)
    ours, theirs = drawn(document, direct_too=True), drawn(document, direct_too=False)
    assert difference(theirs, ours.resize(theirs.size)) < SAME


def test_a_picture_that_the_page_stretches_is_stretched() -> None:
    document = scan(lambda pdf: setattr(pdf.pages[0].obj, "MediaBox", Array([0, 0, 595, 421])),
                    content="q 595 0 0 421 0 0 cm /Im0 Do Q")  # fmt: skip
    ours, theirs = drawn(document, direct_too=True), drawn(document, direct_too=False)
    assert ours.size == theirs.size
    assert difference(theirs, ours) < SAME


@pytest.mark.parametrize(("size", "width_px", "wide"), [
    ((1240, 1754), 1200, 1240),  # an eighth more than asked for is as good
    ((1360, 1924), 1200, 1200),  # more is not: it is made smaller
    ((620, 877), 1200, 620),  # nothing is made up
    ((1240, 1754), 240, 240),
])  # fmt: skip
def test_how_wide_it_becomes(size: tuple[int, int], width_px: int, wide: int) -> None:
    document = made.pdf_of([made.scan_jpeg(5, size=size)])
    assert drawn(document, direct_too=True, width_px=width_px).width == wide


def _image(pdf: Pdf) -> pikepdf.Object:
    return pdf.pages[0].obj.Resources.XObject.Im0


def _with(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        for name, value in entries.items():
            _image(pdf)[f"/{name}"] = value

    return change


def _of_page(**entries: object) -> Callable[[Pdf], None]:
    def change(pdf: Pdf) -> None:
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = value

    return change


def _icc(pdf: Pdf) -> None:
    _image(pdf).ColorSpace = Array([Name.ICCBased, Stream(pdf, b"not a profile", N=3)])


def _stand_in(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.ColorSpace = Dictionary(
        DefaultRGB=Array([Name.CalRGB, Dictionary(WhitePoint=Array([0.95, 1, 1.09]), Gamma=Array([3, 3, 3]))])
    )


def _mask(pdf: Pdf) -> None:
    _image(pdf).SMask = Stream(
        pdf, bytes([128]), Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, ColorSpace=Name.DeviceGray,
        BitsPerComponent=8,
    )  # fmt: skip


def _stencil(pdf: Pdf) -> None:
    _image(pdf).Mask = Stream(
        pdf, b"\x80", Type=Name.XObject, Subtype=Name.Image, Width=1, Height=1, ImageMask=True, BitsPerComponent=1
    )


def _note(pdf: Pdf) -> None:
    square = Dictionary(
        Type=Name.Annot, Subtype=Name.Square, Rect=Array([100, 100, 300, 300]), IC=Array([1, 0, 0]), C=Array([0, 0, 0])
    )
    pdf.pages[0].obj.Annots = Array([square])


def _pale(pdf: Pdf) -> None:
    pdf.pages[0].obj.Resources.ExtGState = Dictionary(G0=Dictionary(ca=0.3))


@pytest.mark.parametrize(("change", "content"), [
    (_of_page(CropBox=Array([100, 100, 400, 500])), FULL),
    (_of_page(UserUnit=2), FULL),
    (_of_page(MediaBox=Array([0, 0, 700, 842])), FULL),
    (_of_page(Group=Dictionary(S=Name.Transparency)), FULL),
    (_with(Decode=Array([1, 0, 1, 0, 1, 0])), FULL),
    (_with(Mask=Array([250, 255, 250, 255, 250, 255])), FULL),
    (_with(ColorSpace=Name.DeviceCMYK), FULL),
    (_with(Width=100), FULL),
    (_with(DecodeParms=Dictionary(ColorTransform=0)), FULL),
    (_with(Filter=Array([Name.ASCII85Decode, Name.DCTDecode])), FULL),
    (_icc, FULL), (_stand_in, FULL), (_mask, FULL), (_stencil, FULL), (_note, FULL),
    (_pale, "q /G0 gs 595 0 0 842 0 0 cm /Im0 Do Q"),
    (_nothing, "q 595 0 0 842 0 0 cm /Im0 Do Q 1 0 0 rg 50 50 200 200 re f"),
    (_nothing, "1 0 0 rg 0 0 595 842 re f q 500 0 0 700 50 50 cm /Im0 Do Q"),
    (_nothing, "q 100 100 200 200 re W n 595 0 0 842 0 0 cm /Im0 Do Q"),
    (_nothing, "q 595 0 0 842 0 0 cm /Im0 Do Q q 100 0 0 100 0 0 cm /Im0 Do Q"),
    (_nothing, "q 590 60 -60 835 60 0 cm /Im0 Do Q"),
    (_nothing, "q 593 0 0 840 1 1 cm /Im0 Do Q"),
    (_nothing, "BT ET q 595 0 0 842 0 0 cm /Im0 Do Q"),
    (_nothing, "q 595 0 0 842 0 cm /Im0 Do Q"),
    (_nothing, "q 595 0 0 842 0 0 cm /Im1 Do Q"),
    (_nothing, "Q q 595 0 0 842 0 0 cm /Im0 Do Q"),
    (_nothing, FULL + " " * 5000),
    (_nothing, ""),
])  # fmt: skip
def test_whatever_else_there_is_pdfium_draws(change: Callable[[Pdf], None], content: str) -> None:
    document = scan(change, content=content)
    assert not is_direct(document)
    assert drawn(document, direct_too=True).tobytes() == drawn(document, direct_too=False).tobytes()


def _adobe(transform: int) -> bytes:
    """The picture under an Adobe marker, which says how its colours are coded."""
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return picture()[:2] + marker + picture()[2:]


def _cmyk() -> tuple[bytes, Callable[[Pdf], None]]:
    return picture("CMYK"), _with(ColorSpace=Name.DeviceCMYK, Decode=Array([1, 0] * 4))


@pytest.mark.parametrize(("jpeg", "change"), [
    (_adobe(0), _nothing), _cmyk(), (picture("L"), _nothing), (made.rotten(picture(), length=200), _nothing),
    (picture()[:-400], _nothing), (b"no picture at all" * 9, _nothing),
])  # fmt: skip
def test_data_that_needs_more_than_decoding_is_pdfiums(jpeg: bytes, change: Callable[[Pdf], None]) -> None:
    def both(pdf: Pdf) -> None:
        _image(pdf).write(jpeg, filter=Name.DCTDecode)
        change(pdf)

    document = scan(both)
    assert not is_direct(document)
    assert drawn(document, direct_too=True).tobytes() == drawn(document, direct_too=False).tobytes()


def test_adobes_own_marker_of_plain_colours_is_no_hindrance() -> None:
    document = scan(jpeg=_adobe(1))
    assert is_direct(document)
    ours, theirs = drawn(document, direct_too=True), drawn(document, direct_too=False)
    assert difference(theirs, ours.resize(theirs.size)) < SAME


def test_a_content_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = zlib.compress(b" " * 3_000_000, 9)
    assert len(bomb) < 4096

    def change(pdf: Pdf) -> None:
        pdf.pages[0].obj.Contents = Stream(pdf, bomb, Filter=Name.FlateDecode)

    assert not is_direct(scan(change))


def test_a_file_that_had_to_be_repaired_is_pdfiums() -> None:
    broken = made.without_end()
    with pikepdf.open(io.BytesIO(broken)) as pdf:
        assert direct.scan_of(pdf, 1) is None
    assert drawn(broken, direct_too=True).tobytes() == drawn(broken, direct_too=False).tobytes()
