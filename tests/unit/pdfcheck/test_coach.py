"""What a page would be otherwise, of every kind of page; and whole files with such pages in them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from services.pdfcheck.domain.coaching import LEAST_SSIM, page_from_json
from services.pdfcheck.tools import coach
from services.pdfcheck.tools.coach import CannotAdvise, ChangedSince
from services.pdfcheck.tools.inspect import facts_of
from tests.assets import large_pages as made
from tests.assets import pdf_fixtures

LIMIT = int(0.63 * len(made.grainy_jpeg()))


def advised(document: bytes, scratch: Path, page: int = 1, limit: int = LIMIT, *, most: bool = False) -> dict[str, Any]:
    arguments: dict[str, Any] = {"page": page, "limit_bytes": limit, "most": most, "scratch": str(scratch)}
    told = coach.advise([io.BytesIO(document)], arguments, lambda _: None)  # type: ignore[list-item]
    page_from_json({**told, "file_id": "f"})  # it is what it promises
    return told


def offer(told: dict[str, Any], method: str) -> dict[str, Any]:
    return next(each for each in told["offers"] if each["method"] == method)


def applied(document: bytes, told: dict[str, Any], method: str, scratch: Path) -> bytes:
    chosen = offer(told, method)
    page = io.BytesIO((scratch / chosen["keys"]["file"]).read_bytes())
    arguments: dict[str, Any] = {"scratch": str(scratch), "changes": [[told["page"], chosen["paths"]]]}
    coach.assemble([io.BytesIO(document), page], arguments, lambda _: None)  # type: ignore[list-item]
    return (scratch / coach.RESULT).read_bytes()


def judged(document: bytes, limit: int = LIMIT) -> tuple[int, ...]:
    return facts_of(io.BytesIO(document), limit).page_bytes


def streams(document: bytes, page: int) -> list[bytes]:
    """Everything that a page draws with, as it is stored."""
    with pikepdf.open(io.BytesIO(document)) as pdf:
        holder = pdf.pages[page].obj
        return [holder.Contents.read_raw_bytes(), *(x.read_raw_bytes() for x in holder.Resources.XObject.values())]


def of_three() -> bytes:
    small = [pdf_fixtures.scan_jpeg(number, size=(310, 438)) for number in (31, 32)]
    return pdf_fixtures.pdf_of([small[0], made.grainy_jpeg(), small[1]])


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any], Path]:
    """A document of three pages, what was told of its second one, and where that lies."""
    folder = tmp_path_factory.mktemp("coach")
    return of_three(), advised(of_three(), folder, 2), folder


def test_a_jpeg_page_without_loss_and_looking_the_same(second: tuple[bytes, dict[str, Any], Path]) -> None:
    document, told, folder = second
    assert told["size_bytes"] == pdf_fixtures.single_page_bytes(document, 1)
    assert (told["reasons"], told["refusal"]) == (["quality"], None)
    lossless, visual = offer(told, "lossless"), offer(told, "visual")
    assert lossless["page_bytes"] < told["size_bytes"]
    assert (lossless["ssim"], lossless["fits"]) == (1, False)
    assert visual["fits"]
    assert visual["page_bytes"] <= LIMIT
    assert LEAST_SSIM <= visual["ssim"] < 1
    for name in ("before.jpg", "before-crop.jpg", "visual-page.jpg", "visual-crop.jpg", "lossless-page.jpg"):
        assert (folder / name).read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("method", ["lossless", "visual"])
def test_only_that_page_changes_and_it_weighs_what_was_said(
    method: str, second: tuple[bytes, dict[str, Any], Path]
) -> None:
    document, told, folder = second
    result = applied(document, told, method, folder)
    assert judged(result, 2**10)[1] == offer(told, method)["page_bytes"]
    assert len(result) < len(document)
    for other in (0, 2):
        assert streams(result, other) == streams(document, other)
    assert applied(document, told, method, folder) == result  # the same bytes, however often it is made


def test_without_loss_not_one_pixel_changes(second: tuple[bytes, dict[str, Any], Path]) -> None:
    document, told, folder = second
    result = applied(document, told, "lossless", folder)
    before, after = (np.asarray(Image.open(io.BytesIO(streams(each, 1)[1]))) for each in (document, result))
    assert np.array_equal(before, after)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_pixels_without_loss_become_a_jpeg(mode: str, tmp_path: Path) -> None:
    document = made.flat_document(mode)
    told = advised(document, tmp_path, limit=int(0.75 * len(document)))
    assert "lossless" in told["reasons"]
    result = applied(document, told, "visual", tmp_path)
    with pikepdf.open(io.BytesIO(result)) as pdf:
        assert pdf.pages[0].obj.Resources.XObject.Im0.Filter == Name.DCTDecode


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_2000_becomes_a_jpeg_and_nothing_without_loss(mode: str, tmp_path: Path) -> None:
    document = made.jpeg2000_document(mode)
    told = advised(document, tmp_path, limit=int(0.8 * len(document)))
    assert [each["kind"] for each in told["pictures"]] == ["jpeg2000"]
    assert [(each["method"], each["fits"]) for each in told["offers"]] == [("visual", True)]
    assert told["offers"][0]["ssim"] >= LEAST_SSIM
    result = applied(document, told, "visual", tmp_path)
    with pikepdf.open(io.BytesIO(result)) as pdf:
        picture = pdf.pages[0].obj.Resources.XObject.Im0
        assert picture.Filter == Name.DCTDecode
        assert Image.open(io.BytesIO(picture.read_raw_bytes())).mode == mode
    assert pdf_fixtures.single_page_bytes(result, 0) == told["offers"][0]["page_bytes"]


@pytest.mark.parametrize(
    "entries",
    [{"ColorSpace": None}, {"ColorSpace": Name.DeviceGray}, {"ColorSpace": Name.DeviceCMYK}, {"SMaskInData": 1}],
    ids=str,
)
def test_a_jpeg_2000_that_says_nothing_of_its_colours_or_others_is_left_alone(
    entries: dict[str, object], tmp_path: Path
) -> None:
    told = advised(made.jpeg2000_document("RGB", entries), tmp_path, limit=100_000)
    assert (told["offers"], told["refusal"]) == ([], "not-enough")


def test_nothing_that_loses_pixels_is_offered_where_as_little_loses_none(tmp_path: Path) -> None:
    bloated = pdf_fixtures.pdf_of([pdf_fixtures.padded(pdf_fixtures.scan_jpeg(33, size=(310, 438)), 300_000)])
    told = advised(bloated, tmp_path, limit=200_000)
    assert [(each["method"], each["fits"]) for each in told["offers"]] == [("lossless", True)]
    assert told["refusal"] is None


def test_black_and_white_never_becomes_a_jpeg(tmp_path: Path) -> None:
    told = advised(made.flat_document("1", size=(620, 877)), tmp_path, limit=30_000)
    assert [each["method"] for each in told["offers"]] == ["lossless"]
    assert (told["reasons"], told["refusal"]) == (["bilevel"], "not-enough")


@pytest.mark.parametrize("coded", ["/JBIG2Decode", "/CCITTFaxDecode"])
def test_fax_pages_are_left_alone(coded: str, tmp_path: Path) -> None:
    def as_fax(pdf: Pdf) -> None:
        image = pdf.pages[0].obj.Resources.XObject.Im0
        image.write(b"\x00" * 400_000, filter=Name(coded))
        image.BitsPerComponent, image.ColorSpace = 1, Name.DeviceGray

    told = advised(pdf_fixtures.pdf_of([made.grainy_jpeg()], as_fax), tmp_path, limit=300_000)
    assert (told["offers"], told["refusal"], told["reasons"]) == ([], "not-enough", ["bilevel"])


def test_a_page_without_pictures_cannot_be_helped(tmp_path: Path) -> None:
    told = advised(made.drawing_document(300_000), tmp_path, limit=100_000)
    assert (told["offers"], told["refusal"], told["reasons"]) == ([], "no-pictures", ["other"])


def test_where_not_even_two_hundred_dots_fit_it_is_refused(tmp_path: Path) -> None:
    told = advised(of_three(), tmp_path, 2, limit=12_000)
    assert told["refusal"] == "not-enough"
    assert not any(each["fits"] for each in told["offers"])


def test_resolution_goes_down_only_where_quality_does_not_do(tmp_path: Path) -> None:
    """310 points across half an inch of paper are 600 dots to the inch."""
    with Pdf.new() as pdf:
        made.page_of(pdf, {"Im0": made.jpeg_stream(pdf, made.grainy_jpeg())}, width=37.2, height=52.56)
        document = pdf_fixtures.saved(pdf)
    told = advised(document, tmp_path, limit=LIMIT // 3)
    visual = offer(told, "visual")
    assert "resolution" in told["reasons"]
    assert visual["dpi"] == pytest.approx(400, abs=3)
    assert visual["fits"]
    assert offer(advised(document, tmp_path, limit=LIMIT), "visual")["dpi"] == pytest.approx(600, abs=1)


def test_a_soft_mask_stays_and_is_not_stored_twice(tmp_path: Path) -> None:
    document = made.masked_document()
    told = advised(document, tmp_path)
    result = applied(document, told, "visual", tmp_path)
    with pikepdf.open(io.BytesIO(document)) as before, pikepdf.open(io.BytesIO(result)) as after:
        masks = [pdf.pages[0].obj.Resources.XObject.Im0.SMask for pdf in (before, after)]
        assert masks[0].read_bytes() == masks[1].read_bytes()
    assert abs(len(document) - len(result) - (told["size_bytes"] - offer(told, "visual")["page_bytes"])) < 200


def test_a_picture_that_pages_share_changes_on_one_of_them(tmp_path: Path) -> None:
    document = made.shared_document()
    result = applied(document, advised(document, tmp_path, 1), "visual", tmp_path)
    sizes = judged(result, 2**10)
    assert sizes[0] <= LIMIT < sizes[1] == judged(document, 2**10)[1]


def test_text_and_small_pictures_stay_beside_the_large_one(tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        small = made.jpeg_stream(pdf, pdf_fixtures.scan_jpeg(9, size=(310, 438)))
        made.page_of(pdf, {"Large": made.jpeg_stream(pdf, made.grainy_jpeg()), "Small": small})
        document = pdf_fixtures.saved(pdf)
    told = advised(document, tmp_path)
    assert offer(told, "visual")["paths"] == [[["/Resources", "/XObject", "/Large"]]]
    before, after = streams(document, 0), streams(applied(document, told, "visual", tmp_path), 0)
    assert (before[0], before[2]) == (after[0], after[2])


def test_several_large_pictures_share_the_work(tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        pictures = {f"Im{n}": made.jpeg_stream(pdf, made.grainy_jpeg(seed=n)) for n in (1, 2)}
        made.page_of(pdf, pictures)
        document = pdf_fixtures.saved(pdf)
    told = advised(document, tmp_path, limit=2 * LIMIT)
    assert "several-pictures" in told["reasons"]
    assert (offer(told, "visual")["pictures"], offer(told, "visual")["fits"]) == (2, True)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_stays_one_and_the_side_that_is_up_stays_up(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "PrivateCamera"
    written = io.BytesIO()
    picture = Image.open(io.BytesIO(made.grainy_jpeg()))
    picture.save(written, "JPEG", quality=100, subsampling=0, exif=exif, dpi=(300, 300), icc_profile=b"p" * 500)
    photo = written.getvalue()
    told = advised(photo, tmp_path)
    assert told["size_bytes"] == judged(photo)[0]
    for method in ("lossless", "visual"):
        result = applied(photo, told, method, tmp_path)
        assert judged(result)[0] == offer(told, method)["page_bytes"]
        opened = Image.open(io.BytesIO(result))
        assert (opened.getexif()[0x0112] if orientation != 1 else 1) == orientation
        assert opened.info["icc_profile"] == b"p" * 500
        assert opened.info["dpi"] == (300, 300)
        assert b"PrivateCamera" not in result


def test_a_png_is_packed_better_or_becomes_a_jpeg(tmp_path: Path) -> None:
    png = made.grainy_png()
    told = advised(png, tmp_path)
    assert told["reasons"] == ["lossless"]
    packed = applied(png, told, "lossless", tmp_path)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), np.asarray(Image.open(io.BytesIO(packed))))
    assert Image.open(io.BytesIO(packed)).info["dpi"] == pytest.approx((300, 300), abs=0.1)
    result = applied(png, told, "visual", tmp_path)
    assert Image.open(io.BytesIO(result)).format == "JPEG"
    assert judged(result)[0] == offer(told, "visual")["page_bytes"] <= LIMIT


def test_a_tiff_becomes_the_document_that_a_merge_makes_of_it(tmp_path: Path) -> None:
    written = io.BytesIO()
    made.grainy().save(written, "TIFF", dpi=(300, 300), save_all=True, append_images=[made.grainy(seed=6)])
    tiff = written.getvalue()
    told = advised(tiff, tmp_path, 2, limit=judged(tiff)[1] * 3 // 4)
    assert told["size_bytes"] == judged(tiff)[1]
    result = applied(tiff, told, "visual", tmp_path)
    assert judged(result, 2**10)[1] == offer(told, "visual")["page_bytes"] < judged(tiff)[1]
    assert len(judged(result)) == 2


def test_an_owners_lock_and_a_repair_do_not_stand_in_the_way(tmp_path: Path) -> None:
    for document in (
        pdf_fixtures.pdf_of([made.grainy_jpeg()], encryption=pikepdf.Encryption(owner="o", user="")),
        pdf_fixtures.pdf_of([made.grainy_jpeg()]).replace(b"startxref", b"startnothing"),
    ):
        result = applied(document, advised(document, tmp_path), "visual", tmp_path)
        assert judged(result)[0] <= LIMIT


def test_as_little_as_looks_the_same_where_an_item_is_too_large(
    second: tuple[bytes, dict[str, Any], Path], tmp_path: Path
) -> None:
    fitting, least = second[1], advised(of_three(), tmp_path, 2, most=True)
    assert offer(least, "visual")["page_bytes"] < offer(fitting, "visual")["page_bytes"]
    assert offer(least, "visual")["ssim"] >= LEAST_SSIM


@pytest.mark.parametrize(("more", "fits"), [(0, True), (-1, False)])
def test_exactly_at_the_limit_is_within_it(
    more: int, fits: bool, second: tuple[bytes, dict[str, Any], Path], tmp_path: Path
) -> None:
    """Of the offer without loss, which does not depend on the limit."""
    size = offer(second[1], "lossless")["page_bytes"]
    assert offer(advised(of_three(), tmp_path, 2, limit=size + more), "lossless")["fits"] is fits


@pytest.mark.parametrize(
    "change",
    [
        {"Width": 60_000, "Height": 60_000}, {"Width": -1}, {"ColorSpace": Name.Nobody}, {"ColorSpace": Array([])},
        {"ColorSpace": Array([Name.Indexed, Name.DeviceRGB, 255, Name.Nothing])}, {"BitsPerComponent": 3},
        {"SMask": Dictionary()}, {"Filter": Array([Name.DCTDecode] * 3)}, {"DecodeParms": Array([1, 2])},
        {"Decode": Array([0, 300])},
    ],
    ids=str,
)  # fmt: skip
def test_pictures_that_lie_are_refused_or_left_alone(change: dict[str, object], tmp_path: Path) -> None:
    """Whatever is offered looks like the page and is smaller."""
    told = advised(made.flat_document("RGB", change), tmp_path, limit=150_000)
    assert told["refusal"] is not None or all(each["page_bytes"] < told["size_bytes"] for each in told["offers"])


@pytest.mark.parametrize(
    "document",
    [
        pdf_fixtures.pdf_of([pdf_fixtures.rotten(made.grainy_jpeg())]),
        pdf_fixtures.cyclic(),
        pdf_fixtures.no_pages(),
        made.grainy_jpeg()[:9_000],
        made.grainy_png()[:9_000],
        b"%PDF-1.7\n",
    ],
    ids=["rotten", "cyclic", "no pages", "cut JPEG", "cut PNG", "nothing"],
)
def test_broken_files_are_refused_in_so_many_words(document: bytes, tmp_path: Path) -> None:
    try:
        told = advised(document, tmp_path, limit=150_000)
    except CannotAdvise:
        return
    assert told["refusal"] in ("not-enough", "no-pictures")


def test_another_file_than_was_advised_on_is_not_changed(second: tuple[bytes, dict[str, Any], Path]) -> None:
    _, told, folder = second
    for other in (made.drawing_document(1000), made.shared_document(), pdf_fixtures.scanned_pdf(1)):
        with pytest.raises(ChangedSince):
            applied(other, told, "visual", folder)
