"""TIFF and HEIC become pages: upright, without loss where there was none, nothing private, the same each time."""

import io
import struct
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from services.catalogue.sniff import MediaType, media_type
from services.pdfcheck.domain.facts import Health
from services.pdfcheck.domain.merging import RESULT
from services.pdfcheck.tools import converted
from services.pdfcheck.tools.inspect import facts_of
from tests.assets import pdf_fixtures as made
from tests.unit.pdfcheck.test_merge import merge, page_number

SMALL = (310, 438)


def document(content: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(converted.document_of(content, media_type(content))))


def image_of(page: pikepdf.Page) -> Image.Image:
    [raw] = page.get_images().values()
    assert isinstance(raw, pikepdf.Stream)
    return pikepdf.PdfImage(raw).as_pil_image()


def filters_of(pdf: pikepdf.Pdf) -> set[str]:
    """What codes the pictures of its pages; a list of one is that one."""
    found = [image.Filter for page in pdf.pages for image in page.get_images().values()]
    return {str(told[0] if isinstance(told, pikepdf.Array) else told) for told in found}


def original(content: bytes, frame: int = 0) -> Image.Image:
    opened = Image.open(io.BytesIO(content))
    opened.seek(frame)
    return opened.copy()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_what_was_kept_without_loss_stays_pixel_for_pixel(mode: str) -> None:
    content = made.tiff(mode, size=SMALL, compression="mixed" if mode == "1" else "tiff_lzw")
    with document(content) as pdf:
        [page] = pdf.pages
        assert image_of(page).convert("RGB").tobytes() == original(content).convert("RGB").tobytes()


def test_black_and_white_is_a_fax_and_colour_is_deflated() -> None:
    with document(made.tiff("1", "1", size=SMALL, compression="mixed")) as pdf:
        assert filters_of(pdf) == {"/CCITTFaxDecode"}
    with document(made.tiff("RGB", size=SMALL)) as pdf:
        assert filters_of(pdf) == {"/FlateDecode"}


@pytest.mark.parametrize("mode", ["I;16", "CMYK", "RGBA", "LAB"])
def test_every_other_kind_becomes_a_page_that_looks_the_same(mode: str) -> None:
    content = made.tiff(mode, size=SMALL, compression="raw")
    with document(content) as pdf:
        shown = image_of(pdf.pages[0]).convert("L").resize((40, 56))
    plain = Image.open(io.BytesIO(made.scan_jpeg(0, size=SMALL))).convert("L").resize((40, 56))
    off = sum(abs(one - two) for one, two in zip(shown.tobytes(), plain.tobytes(), strict=True)) / 40 / 56
    assert off < 12


def test_a_jpeg_inside_becomes_a_jpeg_again() -> None:
    with document(made.tiff("RGB", size=SMALL, compression="jpeg")) as pdf:
        assert filters_of(pdf) == {"/DCTDecode"}


def test_every_page_of_a_scanners_file_is_a_page_of_its_own_size() -> None:
    facts = facts_of(io.BytesIO(made.tiff("RGB", "L", "RGB", size=SMALL)), made.PAGE_LIMIT)
    assert (facts.health, facts.media_type, len(facts.pages)) == (Health.SOUND, MediaType.TIFF, 3)
    assert all(page.exact for page in facts.pages)
    with document(made.tiff("RGB", "1", size=SMALL)) as pdf:
        sides = {tuple(round(float(side)) for side in page.mediabox[2:]) for page in pdf.pages}
    assert sides == {(round(310 * 72 / 150), round(438 * 72 / 150))}


@pytest.mark.parametrize(("orientation", "size"), [(1, (310, 438)), (3, (310, 438)), (6, (438, 310)), (8, (438, 310))])
def test_a_tiff_that_lies_on_its_side_is_put_upright(orientation: int, size: tuple[int, int]) -> None:
    facts = facts_of(io.BytesIO(made.tiff("RGB", size=SMALL, orientation=orientation)), made.PAGE_LIMIT)
    assert (facts.width_px, facts.height_px) == size


def test_a_telephones_photograph_loses_what_is_private() -> None:
    content = made.heic()
    assert media_type(content) is MediaType.HEIC
    assert b"Exif" in content
    page = converted.document_of(content, MediaType.HEIC)
    assert b"Exif" not in page
    facts = facts_of(io.BytesIO(content), made.PAGE_LIMIT)
    assert (facts.health, len(facts.pages), facts.width_px, facts.height_px) == (Health.SOUND, 1, 800, 600)


@pytest.mark.parametrize("content", [made.heic(), made.tiff("RGB", "1", size=SMALL)])
def test_the_same_picture_gives_the_same_bytes(content: bytes) -> None:
    kind = media_type(content)
    assert converted.document_of(content, kind) == converted.document_of(content, kind)


@pytest.mark.parametrize("content", [made.heic(), made.tiff("RGB", "L", size=SMALL)], ids=["heic", "tiff"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_one_that_is_cut_off_is_damaged(content: bytes, share: float) -> None:
    cut = content[: int(len(content) * share)]
    assert facts_of(io.BytesIO(cut), made.PAGE_LIMIT).health in (Health.DAMAGED, Health.NOT_A_DOCUMENT)


def test_a_tiff_that_promises_too_many_pixels_is_not_unpacked() -> None:
    """100 million are taken, one row more is not."""
    assert facts_of(io.BytesIO(_promising(10_000, 10_001)), made.PAGE_LIMIT).health is Health.TOO_COMPLEX
    assert facts_of(io.BytesIO(_promising(10_000, 10_000)), made.PAGE_LIMIT).health is Health.DAMAGED


def _promising(width: int, height: int) -> bytes:
    """A directory without data behind it."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + b"\x00" * 4


def test_a_directory_that_leads_back_to_itself_ends() -> None:
    content = bytearray(made.tiff("L", size=(8, 8), compression="raw"))
    [first] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    assert facts_of(io.BytesIO(bytes(content)), made.PAGE_LIMIT).health in (Health.SOUND, Health.DAMAGED)


def test_they_are_merged_with_a_bookmark_each(tmp_path: Path) -> None:
    told = merge(tmp_path, [made.tiff("RGB", "1", size=SMALL), made.heic(), made.scanned_pdf(1)])
    assert told["page_counts"] == [2, 1, 1]
    with pikepdf.open(tmp_path / RESULT) as pdf, pdf.open_outline() as outline:
        assert [page_number(mark) for mark in outline.root] == [0, 2, 3]
