"""Every item of the catalogue that becomes one PDF: bookmarks, page map and bytes of its merge (G-05, generated)."""

import hashlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
import pytest_asyncio

from services.catalogue import load
from services.catalogue.model import Item
from services.kernel.sandbox.in_memory import BytesSource
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.pdfcheck.domain.findings import DocumentLimits
from services.pdfcheck.domain.merging import RESULT, Part
from services.pdfcheck.usecases.measure import PRELOAD
from services.pdfcheck.usecases.merge import MergeInput, merge_parts
from tests.assets import pdf_fixtures as made

pytestmark = pytest.mark.asyncio(loop_scope="module")
CATALOGUE = load.default()
MERGED = [item for item in CATALOGUE.items if not item.is_video]
#: A scan, a photograph and a picture of a screen, as sources that parts may share.
PAGES = made.pdf_of([made.scan_jpeg(seed, size=(310, 438)) for seed in range(3)])
SCAN, PHOTOGRAPH, SCREENSHOT = BytesSource(PAGES), BytesSource(made.photo_jpeg(6, (400, 300))), BytesSource(made.png())
TURNS = (0, 90, 180, 270)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


def inputs(item: Item) -> Sequence[MergeInput]:
    """Of each component something else: a whole scan, a photograph, two pages of the scan in another order."""
    found = []
    for place, component in enumerate(item.components):
        source = (SCAN, PHOTOGRAPH, SCREENSHOT)[place % 3]
        pages = ((3, TURNS[place % 4]), (1, 0)) if source is SCAN and place else ()
        part = Part(title=f"文件{place}", component=component.zh, pages=pages)
        found.append(MergeInput(part=part, source=source))
    return found


@pytest.mark.parametrize("item", MERGED, ids=lambda item: item.id)
async def test_bookmarks_page_map_and_bytes(sandbox: ForkingSandbox, item: Item, tmp_path: Path) -> None:
    parts = inputs(item)
    limit = CATALOGUE.page_bytes(item)
    assert limit is not None
    limits = DocumentLimits(page_bytes=limit, item_bytes=CATALOGUE.item_bytes(item))
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    merged = (await merge_parts(sandbox, parts, limits, one)).merged
    again = (await merge_parts(sandbox, [replace(part, checked=True) for part in parts], limits, two)).merged
    assert merged is not None
    assert again == merged
    assert {hashlib.sha256((each / RESULT).read_bytes()).hexdigest() for each in (one, two)} == {merged.sha256}
    expected = [
        (number, page)
        for number, entry in enumerate(parts)
        for page in ([page for page, _ in entry.part.pages] or range(1, 4 if entry.source is SCAN else 2))
    ]
    assert [(origin.part, origin.page) for origin in merged.page_map] == expected
    with pikepdf.open(one / RESULT) as pdf:
        assert len(pdf.pages) == len(expected)
        check_bookmarks(pdf, item, [number for number, _ in expected])
        check_pictures(pdf, parts, expected)


def check_bookmarks(pdf: pikepdf.Pdf, item: Item, part_of: Sequence[int]) -> None:
    """One per component, at its first page, with its title in the notice's words."""
    with pdf.open_outline() as outline:
        found = []
        for mark in outline.root:
            assert isinstance(mark.destination, pikepdf.Array)
            found.append((mark.title, pikepdf.Page(mark.destination[0]).index))
            assert len(mark.children) == 1
    assert found == [(component.zh, part_of.index(place)) for place, component in enumerate(item.components)]


def check_pictures(pdf: pikepdf.Pdf, parts: Sequence[MergeInput], expected: Sequence[tuple[int, int]]) -> None:
    """Every scanned page is where the page map says, identical byte for byte."""
    with pikepdf.open(io.BytesIO(PAGES)) as scan:
        before = [pictures_of(page) for page in scan.pages]
    for page, (number, of_scan) in zip(pdf.pages, expected, strict=True):
        if parts[number].source is SCAN:
            assert pictures_of(page) == before[of_scan - 1]


def pictures_of(page: pikepdf.Page) -> list[bytes]:
    return [image.read_raw_bytes() for image in page.get_images().values()]
