"""Facts and limits give findings; each has words in both languages that say found, allowed and what to do."""

import io
from dataclasses import replace

import pytest

from services.catalogue.findings import LEVELS, Finding, Level, Scalar
from services.catalogue.wording import Lang, word
from services.pdfcheck.domain.facts import DocumentFacts, Health, Lock, PageSize, too_complex
from services.pdfcheck.domain.findings import DocumentLimits, findings_of
from services.pdfcheck.domain.signatures import Signature, SignatureKind
from services.pdfcheck.domain.structure import Structure
from services.pdfcheck.tools.inspect import facts_of
from tests.assets import pdf_fixtures as made

LIMITS = DocumentLimits(page_bytes=made.PAGE_LIMIT, item_bytes=made.ITEM_LIMIT)
EXEMPT = DocumentLimits(page_bytes=made.PAGE_LIMIT, item_bytes=None)
SOUND = DocumentFacts(
    size_bytes=1000, media_type="application/pdf", health=Health.SOUND, pages=(PageSize(size_bytes=900),) * 3
)


def codes(content: bytes, limits: DocumentLimits = LIMITS) -> list[str]:
    return [finding.code for finding in findings_of(facts_of(io.BytesIO(content), limits.page_bytes), limits)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (made.scanned_pdf, []),
        (made.scan_jpeg, []),
        (lambda: b"", ["file.empty"]),
        (made.html, ["pdf.not-pdf"]),
        (made.truncated, ["pdf.damaged"]),
        (made.cyclic, ["pdf.damaged"]),
        (made.no_pages, ["pdf.empty"]),
        (lambda: made.encrypted(user="1234"), ["pdf.encrypted"]),
        (made.encrypted, ["pdf.owner-restricted"]),
        (made.without_end, ["pdf.repaired"]),
        (made.javascript, ["pdf.active-content"]),
        (made.with_attachments, ["pdf.embedded-files"]),
        (made.xfa, ["pdf.xfa"]),
        (made.signed, ["pdf.signed"]),
        (made.shared_font, ["pdf.shared-fonts"]),
        (lambda: made.scan_jpeg()[:-1000], ["image.damaged"]),
        (lambda: made.page_of_bytes(made.PAGE_LIMIT), []),
        (lambda: made.page_of_bytes(made.PAGE_LIMIT + 1), ["pdf.page-too-large"]),
        (lambda: made.item_of_bytes(made.ITEM_LIMIT), []),
        (lambda: made.item_of_bytes(made.ITEM_LIMIT + 1), ["pdf.item-too-large"]),
    ],
)
def test_each_fixture_gives_its_code_and_no_other(content: object, expected: list[str]) -> None:
    assert callable(content)
    assert codes(content()) == expected


def test_records_are_exempt_from_the_total_but_not_from_the_page() -> None:
    assert codes(made.item_of_bytes(made.ITEM_LIMIT + 1), EXEMPT) == []
    assert codes(made.page_of_bytes(made.PAGE_LIMIT + 1), EXEMPT) == ["pdf.page-too-large"]


def test_a_page_over_the_limit_says_which_and_how_much() -> None:
    (finding,) = findings_of(facts_of(io.BytesIO(made.page_of_bytes(made.PAGE_LIMIT + 1)), made.PAGE_LIMIT), LIMITS)
    assert (finding.where, finding.measured, finding.limit) == ("page 2", made.PAGE_LIMIT + 1, made.PAGE_LIMIT)
    assert (finding.unit, finding.rule_id) == ("bytes", "G-07")


def test_every_page_over_the_limit_is_named() -> None:
    pages = tuple(PageSize(size_bytes=made.PAGE_LIMIT + extra) for extra in (1, 0, 2))
    found = findings_of(replace(SOUND, pages=pages), LIMITS)
    assert [finding.where for finding in found] == ["page 1", "page 3"]


def test_limits_hit_is_its_own_word() -> None:
    facts = too_complex(size_bytes=5, media_type="application/pdf")
    assert [finding.code for finding in findings_of(facts, LIMITS)] == ["pdf.too-complex"]


@pytest.mark.parametrize(
    ("media_type", "expected", "accepted", "code"),
    [
        ("application/pdf", "application/pdf", None, None),
        ("image/jpeg", "application/pdf", None, "file.type-mismatch"),
        ("application/pdf", "image/png", None, "file.type-mismatch"),
        ("image/jpeg", "application/pdf", frozenset({"application/pdf"}), "pdf.not-pdf"),
        ("video/mp4", "application/pdf", None, "pdf.not-pdf"),
        ("image/gif", None, None, "pdf.not-pdf"),
        ("image/tiff", None, None, None),
        ("image/jpeg", None, None, None),
    ],
)
def test_wrong_container_or_wrong_extension(
    media_type: str, expected: str | None, accepted: frozenset[str] | None, code: str | None
) -> None:
    found = findings_of(replace(SOUND, media_type=media_type), LIMITS, expected=expected, accepted=accepted)
    assert [finding.code for finding in found] == ([code] if code else [])


EXAMPLES = [
    finding
    for facts in (
        replace(SOUND, health=Health.EMPTY_FILE),
        replace(SOUND, health=Health.NOT_A_DOCUMENT, media_type="text/html"),
        replace(SOUND, health=Health.DAMAGED),
        replace(SOUND, health=Health.DAMAGED, media_type="image/png"),
        replace(SOUND, health=Health.LOCKED),
        replace(SOUND, health=Health.LOCKED, lock=Lock.CERTIFICATE),
        replace(SOUND, health=Health.LOCKED, lock=Lock.UNKNOWN),
        replace(SOUND, health=Health.TOO_COMPLEX),
        replace(SOUND, health=Health.NO_PAGES, pages=()),
        replace(
            SOUND,
            health=Health.REPAIRED,
            size_bytes=made.ITEM_LIMIT + 1,
            pages=(PageSize(size_bytes=made.PAGE_LIMIT + 1, shared_font_bytes=1),),
            xfa=True,
            active=("javascript", "launch"),
            embedded_files=2,
            signed=True,
            owner_restricted=True,
            structure=Structure(
                portfolio=True, hidden_layers=1, sizeless=(1,), outsized=(1,), without_content=(1,), bytes_behind=7
            ),
        ),
        replace(SOUND, signed=True, signatures=(Signature(kind=SignatureKind.APPROVAL, fits=False, whole=False),)),
        replace(SOUND, signed=True, signatures=(Signature(kind=SignatureKind.APPROVAL, whole=False),)),
    )
    for finding in findings_of(facts, LIMITS, expected="image/jpeg")
]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("finding", EXAMPLES, ids=lambda finding: finding.code)
def test_every_finding_has_words(finding: Finding, lang: Lang) -> None:
    wording = word(finding, lang)
    assert wording.message
    assert finding.rule_id in wording.message
    assert finding.level is Level.INFO or wording.fix
    assert "{" not in wording.message + wording.fix


def test_the_examples_cover_every_code_that_is_made_here() -> None:
    later = {code for code in LEVELS if code.startswith(("pdf.", "image."))} - {finding.code for finding in EXAMPLES}
    assert later == {
        "pdf.low-resolution", "pdf.blurred", "pdf.blank-page", "pdf.no-colour", "pdf.no-seal", "pdf.upside-down",
        "pdf.duplicate-page", "pdf.name-mismatch", "pdf.copy-suspected", "pdf.picture-damaged",
        "pdf.picture-oversized", "pdf.page-undrawable",
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("code", sorted(code for code in LEVELS if code.startswith(("file.", "pdf.", "image."))))
def test_codes_of_later_checks_have_words_too(code: str, lang: Lang) -> None:
    params: dict[str, Scalar] = {
        "page": 1,
        "media_type": "text/html",
        "kinds": "javascript",
        "pages": "1",
        "over": "1",
        "expected": "x",
        "other_page": 1,
        "who": "x",
    }
    finding = Finding(code=code, rule_id="G-03", measured=1, limit=2, where="page 1", params=params)
    assert word(finding, lang).message


@pytest.mark.parametrize(("lang", "found", "allowed"), [("zh", "第 2 页", "不得超过"), ("en", "Page 2", "at most")])
def test_a_message_says_found_and_allowed(lang: Lang, found: str, allowed: str) -> None:
    (finding,) = findings_of(facts_of(io.BytesIO(made.page_of_bytes(6 * made.MB)), made.PAGE_LIMIT), LIMITS)
    message = word(finding, lang).message
    assert found in message
    assert "6.00 MB" in message
    assert allowed in message
    assert "5.00 MB" in message
