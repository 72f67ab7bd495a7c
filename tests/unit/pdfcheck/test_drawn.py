"""The pictures of a page: where they hang, how fine they are printed, and another in their place."""

import io

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from services.pdfcheck.tools import drawn
from tests.assets import large_pages as made
from tests.assets import pdf_fixtures


def opened(document: bytes) -> Pdf:
    return pikepdf.open(io.BytesIO(document))


def test_resolution_is_what_is_printed() -> None:
    with opened(pdf_fixtures.scanned_pdf()) as pdf:
        [picture] = drawn.pictures_of(pdf.pages[0])
    assert picture.dpi == pytest.approx(620 / 595 * 72, abs=0.1)
    assert picture.paths == (("/Resources", "/XObject", "/Im0"),)


def test_through_forms_with_matrices_of_their_own() -> None:
    with opened(made.shared_document()) as pdf:
        form = pdf.pages[0].obj.Resources.XObject.Shown
        form.Matrix = Array([0.5, 0, 0, 0.5, 0, 0])
        [picture] = drawn.pictures_of(pdf.pages[0])
    assert picture.paths == (("/Resources", "/XObject", "/Shown", "/Resources", "/XObject", "/Inner"),)
    assert picture.dpi == pytest.approx(310 / (595 / 2) * 72, abs=0.1)


def test_where_it_is_drawn_twice_the_larger_counts_and_turning_changes_nothing() -> None:
    with Pdf.new() as pdf:
        picture = made.jpeg_stream(pdf, made.grainy_jpeg())
        made.page_of(pdf, {"A": picture, "B": picture})
        pdf.pages[0].obj.Contents = Stream(pdf, b"q 0 100 -100 0 0 0 cm /A Do Q q 300 0 0 400 0 0 cm /B Do Q")
        [found] = drawn.pictures_of(pdf.pages[0])
    assert found.paths == (("/Resources", "/XObject", "/A"), ("/Resources", "/XObject", "/B"))
    assert found.dpi == pytest.approx(310 / 300 * 72, abs=0.1)


def test_a_soft_mask_is_a_picture_of_its_own() -> None:
    with opened(made.masked_document()) as pdf:
        picture, mask = drawn.pictures_of(pdf.pages[0])
        assert (picture.is_mask, mask.is_mask, mask.dpi) == (False, True, 0)
        assert mask.paths == (("/Resources", "/XObject", "/Im0", "/SMask"),)


@pytest.mark.parametrize(
    "content", [b"/Im0 Do", b"q q q Q Q Q Q Q /Im0 Do", b"cm Do", b"(x) cm [1] Do /No Do", b"\xff\x00((", b"q " * 5000]
)
def test_instructions_that_make_no_sense_tell_nothing(content: bytes) -> None:
    with opened(pdf_fixtures.scanned_pdf()) as pdf:
        pdf.pages[0].obj.Contents = Stream(pdf, content)
        [picture] = drawn.pictures_of(pdf.pages[0])
        assert picture.dpi in (0, 620 * 72)


def test_forms_that_contain_themselves_end() -> None:
    with opened(made.shared_document()) as pdf:
        form = pdf.pages[0].obj.Resources.XObject.Shown
        form.Resources.XObject.Again = form
        assert len(drawn.pictures_of(pdf.pages[0])) == 1


def test_resources_of_the_tree_above_are_found_and_become_the_pages_own() -> None:
    with opened(pdf_fixtures.scanned_pdf()) as pdf:
        pdf.Root.Pages.Resources = pdf.pages[0].obj.Resources
        for page in pdf.pages:
            del page.obj["/Resources"]
        [picture] = drawn.pictures_of(pdf.pages[0])
        other = made.jpeg_stream(pdf, made.grainy_jpeg(75))
        drawn.put(pdf, pdf.pages[0], picture.paths, other, set())
        assert drawn.pictures_of(pdf.pages[0])[0].stream.objgen == other.objgen
        assert drawn.pictures_of(pdf.pages[1])[0].stream.objgen == picture.stream.objgen


def test_what_pages_share_is_not_changed() -> None:
    """Two pages draw one picture through one form; only the first gets another."""
    with opened(made.shared_document()) as pdf:
        [picture] = drawn.pictures_of(pdf.pages[0])
        before = picture.stream.read_raw_bytes()
        other = made.jpeg_stream(pdf, made.grainy_jpeg(75))
        drawn.put(pdf, pdf.pages[0], picture.paths, other, set())
        saved = pdf_fixtures.saved(pdf)
    with opened(saved) as pdf:
        assert drawn.pictures_of(pdf.pages[0])[0].stream.read_raw_bytes() == made.grainy_jpeg(75)
        assert drawn.pictures_of(pdf.pages[1])[0].stream.read_raw_bytes() == before


def test_what_belongs_to_the_page_already_is_not_copied_again() -> None:
    with Pdf.new() as pdf:
        made.page_of(pdf, {name: made.jpeg_stream(pdf, made.grainy_jpeg()) for name in ("A", "B")})
        own: set[drawn.Ref] = set()
        for picture in drawn.pictures_of(pdf.pages[0]):
            drawn.put(pdf, pdf.pages[0], picture.paths, made.jpeg_stream(pdf, made.grainy_jpeg(75)), own)
        assert len(own) == 4  # two pictures, the resources and what hangs in them


def test_a_path_that_leads_nowhere_is_said() -> None:
    with opened(pdf_fixtures.scanned_pdf()) as pdf:
        page, picture = pdf.pages[0], pdf.make_stream(b"")
        with pytest.raises(KeyError):
            drawn.at(page, ("/Resources", "/XObject", "/Im9"))
        with pytest.raises(KeyError):
            drawn.put(pdf, page, [("/Resources", "/XObject", "/Im9")], picture, set())
        page.obj.Resources.XObject.Im9 = Dictionary(Type=Name.XObject)
        with pytest.raises(KeyError):
            drawn.at(page, ("/Resources", "/XObject", "/Im9"))
