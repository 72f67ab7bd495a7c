"""Checks a local PDF or picture by the rules of an item, with the very code that the services use."""

from services.catalogue.model import Catalogue, Item
from services.catalogue.sniff import DOCUMENT_PARTS, MediaType
from services.cli.local import LocalFile
from services.cli.report import FileReport
from services.kernel.sandbox.port import Sandbox
from services.pdfcheck.domain.findings import DocumentLimits, findings_of
from services.pdfcheck.usecases.expectation import expected_type
from services.pdfcheck.usecases.measure import measure
from services.pdfcheck.usecases.pixels import Pixels, check_pixels

_BY_NAME: dict[str, MediaType] = {kind.name.lower(): kind for kind in MediaType}


def limits_of(catalogue: Catalogue, item: Item) -> DocumentLimits:
    """The limits of an item's documents; the general limit of a page where the item's own page has none."""
    page_bytes = catalogue.page_bytes(item) or catalogue.page_bytes(catalogue.generic)
    if page_bytes is None:
        raise ValueError("the catalogue sets no limit of a page")
    return DocumentLimits(page_bytes=page_bytes, item_bytes=catalogue.item_bytes(item))


def accepted_by(catalogue: Catalogue, item: Item) -> frozenset[str]:
    """The media types that the item takes as parts and that can be merged today."""
    taken = {_BY_NAME[name] for name in item.part_media if name in catalogue.mergeable and name in _BY_NAME}
    return frozenset(kind.value for kind in taken & DOCUMENT_PARTS)


async def check_pdf(
    file: LocalFile, *, catalogue: Catalogue, item: Item | None, sandbox: Sandbox, sha256: str
) -> FileReport:
    """The report on one document. Without `item` the general rules hold. Raises `UnreadablePathError`."""
    of = catalogue.generic if item is None else item
    limits = limits_of(catalogue, of)
    source = file.source()
    try:
        facts = await measure(sandbox, source, limits.page_bytes)
        pixels = await check_pixels(sandbox, source) if facts.usable else Pixels(findings=())
    finally:
        source.close()
    expected = expected_type(file.path.name)
    found = findings_of(facts, limits, expected=expected, accepted=accepted_by(catalogue, of))
    return FileReport(
        path=file.shown,
        sha256=sha256,
        size_bytes=facts.size_bytes,
        media_type=facts.media_type,
        facts={**facts.shown(), "pictures": pixels.pictures, "unknown_pictures": pixels.unknown},
        findings=(*found, *pixels.findings),
    )
