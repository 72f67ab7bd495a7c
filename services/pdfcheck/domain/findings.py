"""Facts and limits in, findings out: the one place that says what is wrong with a document or picture. Pure.

The limits come from the catalogue's item (G-07: each page, G-08: the whole item, records excepted); the finding codes
and their levels from :mod:`services.catalogue.findings`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.catalogue.findings import Finding
from services.catalogue.sniff import DOCUMENT_PARTS, PICTURES
from services.pdfcheck.domain.excess import Excess
from services.pdfcheck.domain.facts import DocumentFacts, Health, Lock
from services.pdfcheck.domain.signatures import SignatureKind, signers
from services.pdfcheck.domain.structure import MOST_UNITS, Structure

RULE_CLEAR = "G-03"
RULE_FORMAT = "G-04"
RULE_PAGE = "G-07"
RULE_ITEM = "G-08"
_LOCKED: Mapping[Lock, str] = MappingProxyType(
    {
        Lock.PASSWORD: "pdf.encrypted",
        Lock.CERTIFICATE: "pdf.encrypted-for-others",
        Lock.UNKNOWN: "pdf.encrypted-unknown",
    }
)
#: What one picture may unpack to: a scan of A3 at 600 dpi in colour takes 210 million bytes.
MOST_SAMPLE_BYTES = 300_000_000
#: Pages or signers that one message names.
_NAMED = 10


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
        params = {"media_type": facts.media_type, "reason": facts.media_type}
        return Finding(code="pdf.not-pdf", rule_id=RULE_FORMAT, params=params)
    if facts.health is Health.DAMAGED:
        return _damaged(facts)
    if facts.health is Health.LOCKED:
        return Finding(code=_LOCKED[facts.lock or Lock.PASSWORD], rule_id=RULE_FORMAT)
    if facts.health is Health.TOO_COMPLEX:
        return too_complex(facts.excess)
    if not facts.pages:
        return Finding(code="pdf.empty", rule_id=RULE_FORMAT, measured=0, limit=1, unit="pages")
    return None


def too_complex(excess: Excess | None) -> Finding:
    """Of a file that hit a limit before it was looked through."""
    if excess is None:
        return Finding(code="pdf.too-complex", rule_id=RULE_FORMAT, params={"reason": "unknown"})
    return Finding(
        code="pdf.too-complex",
        rule_id=RULE_FORMAT,
        measured=excess.found or None,
        limit=excess.allowed or None,
        unit=excess.unit,
        params={"reason": excess.limit.value},
    )


def _damaged(facts: DocumentFacts) -> Finding:
    if facts.media_type in PICTURES:
        return Finding(code="image.damaged", rule_id=RULE_FORMAT)
    if facts.missing_bytes:
        return Finding(
            code="pdf.damaged",
            rule_id=RULE_FORMAT,
            measured=facts.size_bytes,
            limit=facts.size_bytes + facts.missing_bytes,
            unit="bytes",
            params={"reason": "incomplete"},
        )
    return Finding(code="pdf.damaged", rule_id=RULE_FORMAT, params={"reason": "cut-off" if facts.cut_off else "broken"})


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
    yield from _framed(facts.structure)
    yield from _signed(facts)
    if facts.owner_restricted:
        yield Finding(code="pdf.owner-restricted", rule_id=RULE_FORMAT)


def _framed(structure: Structure) -> Iterator[Finding]:
    """What a collection, layers, odd pages and foreign bytes keep from being seen."""
    if structure.portfolio:
        yield Finding(code="pdf.portfolio", rule_id=RULE_FORMAT)
    for code, pages in (
        ("pdf.page-without-size", structure.sizeless),
        ("pdf.page-outsized", structure.outsized),
        ("pdf.page-without-content", structure.without_content),
    ):
        if pages:
            yield Finding(
                code=code,
                rule_id=RULE_FORMAT,
                measured=len(pages),
                limit=MOST_UNITS if code == "pdf.page-outsized" else None,
                where=f"page {pages[0]}",
                params={"pages": _numbers(pages)},
            )
    if structure.hidden_layers:
        yield Finding(code="pdf.hidden-layers", rule_id=RULE_FORMAT, measured=structure.hidden_layers, limit=0)
    if structure.bytes_before or structure.bytes_behind:
        yield Finding(
            code="pdf.foreign-bytes",
            rule_id=RULE_FORMAT,
            measured=structure.bytes_before + structure.bytes_behind,
            limit=0,
            unit="bytes",
            params={"reason": "before" if structure.bytes_before else "behind"},
        )


def _signed(facts: DocumentFacts) -> Iterator[Finding]:
    """Who signed; whether the file was added to since, and whether a signature can be one of this file."""
    made = [each for each in facts.signatures if each.kind is not SignatureKind.USAGE_RIGHTS]
    if any(not each.fits for each in made):
        yield Finding(code="pdf.signature-broken", rule_id=RULE_FORMAT, measured=sum(not each.fits for each in made))
    elif made and not any(each.whole for each in made):
        yield Finding(code="pdf.changed-after-signing", rule_id=RULE_FORMAT)
    if facts.signed:
        names = signers(facts.signatures)
        certified = any(each.kind is SignatureKind.CERTIFICATION for each in facts.signatures)
        reason = "unnamed" if not names else "certified" if certified else "named"
        params = {"signers": "、".join(names[:_NAMED]), "reason": reason}
        yield Finding(code="pdf.signed", rule_id=RULE_FORMAT, params=params)


def _numbers(pages: Sequence[int]) -> str:
    return ", ".join(map(str, pages[:_NAMED])) + (" …" if len(pages) > _NAMED else "")
