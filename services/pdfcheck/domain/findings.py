"""Facts and limits in, findings out: the one place that says what is wrong with a document or picture. Pure.

The limits come from the catalogue's item (G-07: each page, G-08: the whole item, records excepted); the finding codes
and their levels from :mod:`services.catalogue.findings`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.catalogue.findings import Finding
from services.catalogue.sniff import DOCUMENT_PARTS, PICTURES
from services.pdfcheck.domain.facts import DocumentFacts, Health

RULE_CLEAR = "G-03"
RULE_FORMAT = "G-04"
RULE_PAGE = "G-07"
RULE_ITEM = "G-08"


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentLimits:
    """`page_bytes` holds for every page, always; `item_bytes` is None for an exempt item (15.1, 15.2b)."""

    page_bytes: int
    item_bytes: int | None


def findings_of(
    facts: DocumentFacts, limits: DocumentLimits, *, expected: str | None = None, accepted: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """Everything there is to say about one file, worst for its use first.

    `expected` is the media type that the file's name or the caller promises (None: no promise). `accepted` are the
    media types that the item takes as parts (None: PDF and pictures).
    """
    taken = frozenset(kind.value for kind in DOCUMENT_PARTS) if accepted is None else accepted
    refused = _unusable(facts, taken)
    if refused is not None:
        return (refused,)
    return (*_mismatch(facts, expected), *_too_large(facts, limits), *_remarks(facts))


def _unusable(facts: DocumentFacts, accepted: frozenset[str]) -> Finding | None:
    """The one finding of content that no page can be taken from."""
    if facts.health is Health.EMPTY_FILE:
        return Finding(code="file.empty", rule_id=RULE_FORMAT, measured=0, unit="bytes")
    if facts.health is Health.NOT_A_DOCUMENT or facts.media_type not in accepted:
        return Finding(code="pdf.not-pdf", rule_id=RULE_FORMAT, params={"media_type": facts.media_type})
    if facts.health is Health.DAMAGED:
        code = "image.damaged" if facts.media_type in PICTURES else "pdf.damaged"
        return Finding(code=code, rule_id=RULE_FORMAT)
    if facts.health is Health.LOCKED:
        return Finding(code="pdf.encrypted", rule_id=RULE_FORMAT)
    if facts.health is Health.TOO_COMPLEX:
        return Finding(code="pdf.too-complex", rule_id=RULE_FORMAT)
    if not facts.pages:
        return Finding(code="pdf.empty", rule_id=RULE_FORMAT, measured=0, limit=1, unit="pages")
    return None


def _mismatch(facts: DocumentFacts, expected: str | None) -> Iterator[Finding]:
    if expected is not None and expected != facts.media_type:
        params = {"media_type": facts.media_type, "expected": expected}
        yield Finding(code="file.type-mismatch", rule_id=RULE_FORMAT, params=params)


def _too_large(facts: DocumentFacts, limits: DocumentLimits) -> Iterator[Finding]:
    """G-07 for each page, then G-08 for the whole."""
    for number, page in enumerate(facts.pages, start=1):
        if page.size_bytes > limits.page_bytes:
            yield Finding(
                code="pdf.page-too-large",
                rule_id=RULE_PAGE,
                measured=page.size_bytes,
                limit=limits.page_bytes,
                unit="bytes",
                where=f"page {number}",
                params={"page": number, "over": f"{page.size_bytes - limits.page_bytes:,}"},
            )
    if limits.item_bytes is not None and facts.size_bytes > limits.item_bytes:
        yield Finding(
            code="pdf.item-too-large",
            rule_id=RULE_ITEM,
            measured=facts.size_bytes,
            limit=limits.item_bytes,
            unit="bytes",
            params={"over": f"{facts.size_bytes - limits.item_bytes:,}"},
        )


def _remarks(facts: DocumentFacts) -> Iterator[Finding]:
    """What does not keep the pages from being used, except XFA: its pages are made by a program, not stored."""
    if facts.xfa:
        yield Finding(code="pdf.xfa", rule_id=RULE_FORMAT)
    if facts.health is Health.REPAIRED:
        yield Finding(code="pdf.repaired", rule_id=RULE_FORMAT)
    if facts.active:
        yield Finding(code="pdf.active-content", rule_id=RULE_FORMAT, params={"kinds": ", ".join(facts.active)})
    if facts.embedded_files:
        yield Finding(code="pdf.embedded-files", rule_id=RULE_FORMAT, measured=facts.embedded_files, limit=0)
    shared = tuple(number for number, page in enumerate(facts.pages, start=1) if page.shared_font_bytes)
    if shared:
        yield Finding(code="pdf.shared-fonts", rule_id=RULE_PAGE, measured=len(shared), unit="pages")
    if facts.signed:
        yield Finding(code="pdf.signed", rule_id=RULE_FORMAT)
    if facts.owner_restricted:
        yield Finding(code="pdf.owner-restricted", rule_id=RULE_FORMAT)
