"""The size of a single page is that of the file that holds it alone (G-07)."""

import io
from typing import Self, cast

import pikepdf
import pytest

from services.pdfcheck.domain.facts import PageSize
from services.pdfcheck.tools import pages
from services.pdfcheck.tools.inspect import facts_of
from services.pdfcheck.tools.survey import TooComplexError, survey
from tests.assets import pdf_fixtures as made

LIMIT = made.PAGE_LIMIT


def sizes(content: bytes, limit: int = LIMIT) -> tuple[PageSize, ...]:
    return facts_of(io.BytesIO(content), limit).pages


@pytest.mark.parametrize("difference", [-1, 0, 1])
def test_exact_at_the_limit_and_one_byte_around_it(difference: int) -> None:
    measured = sizes(made.page_of_bytes(LIMIT + difference))
    assert measured[1] == PageSize(size_bytes=LIMIT + difference, exact=True)
    assert not measured[0].exact


def test_exact_from_sixteen_kibibytes_below() -> None:
    assert sizes(made.page_of_bytes(LIMIT - pages.NEAR_BYTES + 1))[1].exact
    assert not sizes(made.page_of_bytes(LIMIT - 2 * pages.NEAR_BYTES))[1].exact


@pytest.mark.parametrize(
    "content",
    [made.scanned_pdf, made.signed, made.javascript, made.launching, made.with_attachments, made.encrypted, made.xfa],
)
def test_the_walk_never_says_too_little(content: object) -> None:
    assert callable(content)
    document = content()
    for index, page in enumerate(sizes(document)):
        alone = made.single_page_bytes(document, index)
        assert alone <= page.size_bytes <= alone + 2048


@pytest.mark.parametrize("index", [0, 1, 2])
def test_splitting_agrees_with_the_published_method(index: int) -> None:
    document = made.scanned_pdf()
    with pikepdf.open(io.BytesIO(document)) as pdf:
        assert pages.alone_bytes(pdf.pages[index]) == made.single_page_bytes(document, index)


def test_a_shared_dictionary_does_not_put_every_picture_on_every_page() -> None:
    document = made.shared_resources()
    measured = sizes(document)
    assert len(document) > LIMIT
    assert max(page.size_bytes for page in measured) < LIMIT // 8


def test_a_shared_dictionary_still_shows_the_one_page_that_is_too_large() -> None:
    document = made.shared_resources(3, LIMIT)
    measured = sizes(document)
    assert [page.size_bytes for page in measured] == [made.single_page_bytes(document, index) for index in range(3)]
    assert all(page.size_bytes > LIMIT for page in measured)


def test_inherited_resources_count() -> None:
    with pikepdf.open(io.BytesIO(made.page_of_bytes(LIMIT + 1))) as pdf:
        del pdf.pages[2], pdf.pages[0]
        page = pdf.pages[0].obj
        pdf.Root.Pages.Resources = pdf.make_indirect(page.Resources)
        del page.Resources
        document = made.saved(pdf)
    assert b"/Kids [ 3 0 R ] /Resources" in document
    assert sizes(document)[0].size_bytes > LIMIT


def test_a_font_of_many_pages_is_divided_among_them() -> None:
    measured = sizes(made.shared_font(pages=4, font_bytes=8 * made.MB))
    assert all(2 * made.MB < page.size_bytes < 2 * made.MB + 8192 for page in measured)
    assert all(page.shared_font_bytes == 6 * made.MB for page in measured)


def test_a_font_of_one_page_is_its_own() -> None:
    measured = sizes(made.shared_font(pages=1, font_bytes=8 * made.MB))
    assert measured[0].shared_font_bytes == 0
    assert measured[0].size_bytes > 8 * made.MB


def test_a_font_whose_share_is_still_too_large_acquits_nobody() -> None:
    document = made.shared_font(pages=2, font_bytes=11 * made.MB)
    measured = sizes(document)
    assert measured[0] == PageSize(size_bytes=made.single_page_bytes(document, 0))


def test_a_repaired_file_is_split_not_trusted() -> None:
    assert all(page.exact for page in sizes(made.lying_length()))
    assert sizes(made.lying_length())[0].size_bytes > 30_000


def test_nesting_without_end_is_too_complex() -> None:
    deep = b"[" * 300 + b"]" * 300
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].obj.Deep = pikepdf.Object.parse(deep)
        with pytest.raises(TooComplexError):
            survey(pdf)


class Forgetful:
    """A document that says in the end that there was no memory for some of it."""

    def __init__(self, pdf: pikepdf.Pdf, said: list[str]) -> None:
        self._pdf, self._said = pdf, said

    def __getattr__(self, name: str) -> object:
        return getattr(self._pdf, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pdf.close()

    def get_warnings(self) -> list[str]:
        return self._said


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        (["object 3/0: error reading object: std::bad_alloc"], True),
        (["(object 3 0): treating object as null because of error during parsing: std::bad_alloc"], True),
        (["error decoding stream data for object 4 0: std::bad_alloc"], False),  # its resources stay: it weighs more
        (["object 3/0: error reading object: something else"], False),
        ([], False),
    ],
)
def test_a_copy_without_memory_for_all_of_it_acquits_nobody(said: list[str], *, lost: bool) -> None:
    data = made.pdf_of([made.padded(made.scan_jpeg(1), 60_000)])

    def reopen() -> pikepdf.Pdf:
        return cast("pikepdf.Pdf", Forgetful(pikepdf.open(io.BytesIO(data)), said))

    if lost:
        with pytest.raises(TooComplexError, match="memory"):
            pages.judge(None, reopen, 50_000)
    else:
        assert len(pages.judge(None, reopen, 50_000)) == 1
