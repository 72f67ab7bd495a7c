"""What a document's frame tells: odd pages, hidden layers, foreign bytes, locks, endings; each at its edge."""

import io
from functools import partial

import pytest

from services.pdfcheck.domain import excess, structure
from services.pdfcheck.domain.excess import Excess, Limit
from services.pdfcheck.domain.facts import DocumentFacts, Health, Lock
from services.pdfcheck.domain.structure import MOST_UNITS, NOTHING_ODD, Structure
from services.pdfcheck.tools import pdf
from services.pdfcheck.tools.inspect import facts_of
from tests.assets import pdf_fixtures as made
from tests.assets.hostile import bombs, carried, lies, sealed
from tests.assets.raw_pdf import document, page, stream


def facts(content: bytes) -> DocumentFacts:
    return facts_of(io.BytesIO(content), made.PAGE_LIMIT)


@pytest.mark.parametrize(
    "content",
    [made.scanned_pdf, made.linked, made.shared_font, made.signed, sealed.linearised, partial(document, page())],
)
def test_an_honest_document_has_nothing_odd(content: object) -> None:
    assert callable(content)
    assert facts(content()).structure == NOTHING_ODD


@pytest.mark.parametrize(
    ("box", "odd"),
    [
        (b"[ 0 0 %d 10 ]" % MOST_UNITS, Structure()),
        (b"[ 0 0 10 %d.5 ]" % MOST_UNITS, Structure(outsized=(1,))),
        (b"[ -20000 0 -5000 10 ]", Structure(outsized=(1,))),
        (b"[ 595 842 0 0 ]", Structure()),
        (b"[ 5 5 5 10 ]", Structure(sizeless=(1,))),
    ],
)
def test_sizes_of_pages(box: bytes, odd: Structure) -> None:
    assert facts(lies.box(box)).structure == odd


def test_a_size_is_inherited() -> None:
    objects = page(box=b"")
    objects[2] = b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 /MediaBox [ 0 0 99999 9 ] >>"
    assert facts(document(objects)).structure.outsized == (1,)


@pytest.mark.parametrize(
    ("contents", "keys", "empty"),
    [
        (stream(b"0 0 m"), b"", False),
        (stream(b""), b"", True),
        (b"[ ]", b"", True),
        (b"[ 10 0 R ]", b"", False),
        (b"null", b"", True),
        (b"null", b"/Annots [ ]", False),
    ],
)
def test_pages_without_content(contents: bytes, keys: bytes, empty: bool) -> None:
    told = facts(document({**page(keys, contents=contents), 10: stream(b"0 0 m")}))
    assert bool(told.structure.without_content) == empty


@pytest.mark.parametrize(
    ("properties", "hidden"),
    [
        (b"<< /OCGs [ 10 0 R ] /D << /OFF [ 10 0 R ] >> >>", 1),
        (b"<< /OCGs [ 10 0 R ] /D << /OFF [ ] >> >>", 0),
        (b"<< /OCGs [ 10 0 R 11 0 R ] /D << /BaseState /OFF /ON [ 10 0 R ] >> >>", 1),
        (b"<< /OCGs 7 /D << /BaseState /OFF >> >>", 0),
        (b"<< /D 7 >>", 0),
        (b"(x)", 0),
    ],
)
def test_hidden_layers(properties: bytes, hidden: int) -> None:
    objects = page()
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /OCProperties %b >>" % properties
    objects |= {10: b"<< /Type /OCG /Name (x) >>", 11: b"<< /Type /OCG /Name (y) >>"}
    assert facts(document(objects)).structure.hidden_layers == hidden


def test_a_portfolio_is_told() -> None:
    assert facts(carried.portfolio()).structure.portfolio


@pytest.mark.parametrize(
    ("content", "before", "behind"),
    [
        (b"\xef\xbb\xbf" + document(page()), 0, 0),
        (b"\n  \x00" + document(page()), 0, 0),
        (document(page(), front=b"junk"), 4, 0),
        (document(page()) + b"\r\n\x00\x00\x1a", 0, 0),
        (document(page()) + b"PK\x05\x06", 0, 4),
        (document(page()) + b"x" * 5_000, 0, 5_000),
    ],
)
def test_foreign_bytes(content: bytes, before: int, behind: int) -> None:
    told = facts(content).structure
    assert (told.bytes_before, told.bytes_behind) == (before, behind)


@pytest.mark.parametrize(
    ("content", "lock"),
    [
        (partial(made.encrypted, user="1"), Lock.PASSWORD),
        (partial(sealed.locked_by, b"Adobe.PubSec", b"/Recipients [ <30> ]"), Lock.CERTIFICATE),
        (partial(sealed.locked_by, b"EBX_HANDLER"), Lock.UNKNOWN),
        (made.encrypted, None),
    ],
)
def test_locks(content: object, lock: Lock | None) -> None:
    assert callable(content)
    assert facts(content()).lock is lock


def test_a_handler_of_a_later_version_is_unknown() -> None:
    assert facts(made.encrypted(user="1").replace(b"/V 5", b"/V 7")).lock is Lock.UNKNOWN


def test_what_is_cut_off_says_so_and_how_much_is_missing_where_it_can() -> None:
    whole = sealed.linearised()
    cut = facts(whole[: len(whole) * 2 // 3])
    assert (cut.health, cut.cut_off) == (Health.DAMAGED, True)
    assert cut.size_bytes + cut.missing_bytes == len(whole)
    assert (facts(whole).missing_bytes, facts(whole).cut_off) == (0, False)
    plain = facts(made.truncated())
    assert (plain.health, plain.cut_off, plain.missing_bytes) == (Health.DAMAGED, True, 0)
    assert not facts(made.lost_page()).cut_off


def test_a_page_without_resources_or_size_is_repaired_and_not_damaged() -> None:
    for objects in (page(box=b""), {**page(), 3: b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] >>"}):
        assert facts(document(objects)).health is Health.REPAIRED


@pytest.mark.parametrize(
    ("content", "hit"),
    [
        (partial(bombs.nesting_to_the_edge, 202), Excess(limit=Limit.NESTING, allowed=200)),
        (partial(bombs.nesting_to_the_edge, 201), None),
    ],
)
def test_which_limit_was_hit(content: object, hit: Excess | None) -> None:
    assert callable(content)
    assert facts(content()).excess == hit


@pytest.mark.parametrize(("pages", "hit"), [(3, None), (4, Excess(limit=Limit.PAGES, allowed=3, found=4))])
def test_pages_at_the_limit_and_one_more(monkeypatch: pytest.MonkeyPatch, pages: int, hit: Excess | None) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 3)
    assert facts(made.pdf_of([made.scan_jpeg(1, "小", (62, 88))] * pages)).excess == hit


def test_there_and_back_and_nothing_else() -> None:
    odd = Structure(portfolio=True, hidden_layers=2, sizeless=(1, 7), bytes_behind=9)
    assert structure.from_json(odd.to_json()) == odd
    hit = Excess(limit=Limit.TIME, allowed=10)
    assert excess.from_json(hit.to_json()) == hit
    assert excess.from_json(None) is None
    for wrong in ({}, {**odd.to_json(), "sizeless": [0]}, {**odd.to_json(), "outsized": "1"}):
        with pytest.raises(ValueError):
            structure.from_json(wrong)
    for bad in (["odd", 1, 1], ["time", -1, 0], ["time"], "time"):
        with pytest.raises(ValueError):
            excess.from_json(bad)


@pytest.mark.parametrize("value", [b"5", b"1.5", b"true", b"null", b"(x)", b"/Name", b"[ 1 ]", b"<< >>"])
def test_whatever_a_page_refers_to_is_sound(value: bytes) -> None:
    """Numbers by reference are what most scanners write for the length of a stream."""
    contents = stream(b"0 0 m", length=b"10 0 R" if value == b"5" else None)
    told = facts(document({**page(b"/Odd 10 0 R /None 99 0 R", contents=contents), 10: value}))
    assert (told.health, len(told.pages)) == (Health.SOUND, 1)


def test_what_a_page_inherits_may_be_a_number() -> None:
    objects = page(box=b"")
    objects[2] = b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 /Rotate 90 /MediaBox [ 0 0 595 842 ] >>"
    assert facts(document(objects)).health is Health.SOUND
