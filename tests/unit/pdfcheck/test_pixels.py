"""Bits that rot inside a picture are found, and what writers do differently is not taken for damage."""

import base64
import io
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
import pytest_asyncio
from PIL import Image

from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.tools.pixels import DamagedPixels, check_jpeg
from services.pdfcheck.tools.pixels import pixels as look
from services.pdfcheck.usecases import pixels
from services.pdfcheck.usecases.pixels import PRELOAD, Pixels, check_pixels
from tests.assets import pdf_fixtures
from tests.assets.hostile import pictures
from tests.assets.video_fixtures import Stored

IN_MODULE = pytest.mark.asyncio(loop_scope="module")
SIZE = (620, 877)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


def jpeg(seed: int = 1, **options: object) -> bytes:
    picture = Image.open(io.BytesIO(pdf_fixtures.scan_jpeg(seed, size=SIZE)))
    mode = str(options.pop("mode", "RGB"))
    written = io.BytesIO()
    picture.convert(mode).save(written, "JPEG", quality=85, **options)
    return written.getvalue()


WHOLE = {
    "baseline": jpeg(),
    "progressive": jpeg(progressive=True),
    "grey": jpeg(mode="L"),
    "CMYK": jpeg(mode="CMYK"),
    "restart intervals": jpeg(restart_marker_blocks=4),
    "padding in front of the end": jpeg()[:-2] + bytes(4) + b"\xff\xd9",
    "padding behind the end": jpeg() + bytes(4000),
    "without its end mark": jpeg()[:-2],
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_writers_do_is_no_damage(name: str) -> None:
    check_jpeg(WHOLE[name])


@pytest.mark.parametrize("at", [number / 17 for number in range(1, 17)])
@pytest.mark.parametrize("form", ["baseline", "progressive", "grey", "CMYK"])
def test_zeros_inside_are_found_wherever_they_are(form: str, at: float) -> None:
    with pytest.raises(DamagedPixels):
        check_jpeg(pdf_fixtures.rotten(WHOLE[form], at))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_picture_that_breaks_off_is_found(kept: float) -> None:
    with pytest.raises(DamagedPixels):
        check_jpeg(WHOLE["baseline"][: int(len(WHOLE["baseline"]) * kept)])


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8junk", b"GIF89a"])
def test_what_is_no_jpeg_is_none(data: bytes) -> None:
    with pytest.raises(DamagedPixels):
        check_jpeg(data)


def one_page(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    return pdf_fixtures.pdf_of([jpeg()], change)


def deflated(pixels: bytes, width: int, height: int, **keys: object) -> Callable[[pikepdf.Pdf], None]:
    """The page's picture, deflated; `pixels` may be too few."""

    def change(pdf: pikepdf.Pdf) -> None:
        told = {"ColorSpace": pikepdf.Name.DeviceGray, "BitsPerComponent": 8, **keys}
        image = pdf.make_stream(pixels, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, **told)
        image.Width, image.Height = width, height
        pdf.pages[0].Resources.XObject.Im0 = image

    return change


async def looked(sandbox: ForkingSandbox, data: bytes) -> Pixels:
    return await check_pixels(sandbox, Stored(data))


def pages(found: Pixels) -> list[object]:
    return [finding.params["page"] for finding in found.findings if finding.code == "pdf.picture-damaged"]


@IN_MODULE
async def test_the_page_is_named(sandbox: ForkingSandbox) -> None:
    rotten = pdf_fixtures.rotten(jpeg(2), 0.5)
    found = await looked(sandbox, pdf_fixtures.pdf_of([jpeg(1), rotten, jpeg(3), rotten]))
    assert pages(found) == [2, 4]
    assert {finding.where for finding in found.findings} == {"page 2", "page 4"}
    assert all(each.blocks and each.rule_id == "G-03" for each in found.findings)
    assert (found.pictures, found.unknown) == (4, 0)


@IN_MODULE
async def test_one_picture_on_all_pages_is_decoded_once(sandbox: ForkingSandbox) -> None:
    data = pdf_fixtures.shared_resources(pages=5, extra=1000)
    found = await looked(sandbox, data)
    assert found.findings == ()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert found.pictures == len(pdf.pages[0].Resources.XObject)


@IN_MODULE
async def test_a_deflated_picture_with_too_few_pixels(sandbox: ForkingSandbox) -> None:
    compressed = {"compress_streams": True}
    whole = pdf_fixtures.pdf_of([jpeg()], deflated(bytes(100 * 50), 100, 50), **compressed)
    short = pdf_fixtures.pdf_of([jpeg()], deflated(bytes(100 * 50 - 1), 100, 50), **compressed)
    assert pages(await looked(sandbox, whole)) == []
    assert pages(await looked(sandbox, short)) == [1]


@IN_MODULE
async def test_a_picture_inside_a_form_is_looked_at(sandbox: ForkingSandbox) -> None:
    def nest(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        form = pdf.make_stream(b"/Im0 Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        form.BBox, form.Resources = pikepdf.Array([0, 0, 1, 1]), page.Resources
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm0=pdf.make_indirect(form)))

    whole, rotten = (pdf_fixtures.pdf_of([data], nest) for data in (jpeg(), pdf_fixtures.rotten(jpeg(), 0.5)))
    assert pages(await looked(sandbox, whole)) == []
    assert pages(await looked(sandbox, rotten)) == [1]


@IN_MODULE
async def test_a_form_that_holds_itself_ends(sandbox: ForkingSandbox) -> None:
    def loop(pdf: pikepdf.Pdf) -> None:
        form = pdf.make_stream(b"", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Fm0=form, Fm1=form))
        pdf.pages[0].Resources.XObject.Fm0 = form

    assert pages(await looked(sandbox, one_page(loop))) == []


@IN_MODULE
async def test_fax_and_jbig2_are_counted_and_not_judged(sandbox: ForkingSandbox) -> None:
    def fax(pdf: pikepdf.Pdf) -> None:
        image = pikepdf.Stream(
            pdf, b"\x00" * 40, Subtype=pikepdf.Name.Image, Width=8, Height=8, BitsPerComponent=1,
            Filter=pikepdf.Name.JBIG2Decode, ColorSpace=pikepdf.Name.DeviceGray,
        )  # fmt: skip
        pdf.pages[0].Resources.XObject.Im1 = image

    found = await looked(sandbox, one_page(fax))
    assert (found.pictures, found.unknown, found.findings) == (2, 1, ())


@IN_MODULE
async def test_jpeg_2000_is_decoded(sandbox: ForkingSandbox) -> None:
    written = io.BytesIO()
    Image.open(io.BytesIO(jpeg())).save(written, "JPEG2000")

    def with_data(data: bytes) -> bytes:
        def change(pdf: pikepdf.Pdf) -> None:
            image = pikepdf.Stream(pdf, data, Subtype=pikepdf.Name.Image, Width=1, Height=1)
            image.Filter = pikepdf.Name.JPXDecode
            pdf.pages[0].Resources.XObject.Im0 = image

        return one_page(change)

    assert pages(await looked(sandbox, with_data(written.getvalue()))) == []
    assert pages(await looked(sandbox, with_data(written.getvalue()[:5000]))) == [1]


@IN_MODULE
@pytest.mark.parametrize("name", ["photograph", "png", "rotten photograph"])
async def test_a_picture_by_itself(sandbox: ForkingSandbox, name: str) -> None:
    data = {
        "photograph": pdf_fixtures.photo_jpeg(),
        "png": pdf_fixtures.png(),
        "rotten photograph": pdf_fixtures.rotten(pdf_fixtures.photo_jpeg(), 0.5),
    }[name]
    found = await looked(sandbox, data)
    assert [finding.code for finding in found.findings] == (["image.damaged"] if name.startswith("rotten") else [])


@IN_MODULE
async def test_a_bomb_of_pixels_ends_in_a_finding(sandbox: ForkingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "PROFILE", replace(pixels.PROFILE, cpu_s=1, wall_s=3))
    bomb = deflated(bytes(2**24), 2**12, 2**12)
    data = pdf_fixtures.pdf_of([jpeg()], bomb, compress_streams=True)
    found = await looked(sandbox, data)
    assert {finding.code for finding in found.findings} <= {"pdf.too-complex"}


@IN_MODULE
async def test_files_as_they_come(sandbox: ForkingSandbox, tmp_path: Path) -> None:
    """Every honest document of the other tests."""
    for data in (pdf_fixtures.scanned_pdf(), pdf_fixtures.shared_font(), pdf_fixtures.signed(), pdf_fixtures.linked()):
        assert (await looked(sandbox, data)).findings == ()


@pytest.mark.parametrize("rotten", [False, True])
@pytest.mark.parametrize("around", [["FlateDecode"], ["ASCII85Decode", "FlateDecode"]], ids=str)
def test_a_jpeg_with_something_around_it_is_looked_at(around: list[str], rotten: bool) -> None:
    """As some programs write it: the library does not undo what stands around a JPEG."""
    data = zlib.compress(pdf_fixtures.rotten(jpeg()) if rotten else jpeg())
    data = base64.a85encode(data) + b"~>" if len(around) > 1 else data

    def wrap(pdf: pikepdf.Pdf) -> None:
        image = pdf.pages[0].obj.Resources.XObject.Im0
        image.write(data, filter=pikepdf.Array([pikepdf.Name(f"/{name}") for name in (*around, "DCTDecode")]))

    document = io.BytesIO(pdf_fixtures.pdf_of([jpeg()], wrap))
    told = look([document], {}, lambda _: None)  # type: ignore[list-item]  # in memory it is no raw file
    assert (told["damaged"], told["unknown"]) == ([1] if rotten else [], 0)


@IN_MODULE
@pytest.mark.parametrize(("side", "oversized"), [(17_320, []), (17_321, [1])])  # 300 million bytes, and a little more
async def test_a_picture_too_large_to_unpack_is_told(sandbox: ForkingSandbox, side: int, oversized: list[int]) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        image = pikepdf.Stream(pdf, b"", Subtype=pikepdf.Name.Image, Width=side, Height=side, BitsPerComponent=8)
        image.ColorSpace, image.Filter = pikepdf.Name.DeviceGray, pikepdf.Name.JBIG2Decode
        pdf.pages[0].Resources.XObject.Im0 = image

    found = await looked(sandbox, one_page(change))
    assert [each.params["page"] for each in found.findings if each.code == "pdf.picture-oversized"] == oversized
    assert all((each.limit, each.unit) == (300_000_000, "bytes") for each in found.findings)


@IN_MODULE
async def test_a_png_with_too_few_rows_is_damaged(sandbox: ForkingSandbox) -> None:
    found = await looked(sandbox, pictures.png_short())
    assert [finding.code for finding in found.findings] == ["image.damaged"]


@IN_MODULE
async def test_what_was_repaired_is_drawn_before_it_is_believed(sandbox: ForkingSandbox) -> None:
    assert (await looked(sandbox, pdf_fixtures.without_end())).findings == ()
