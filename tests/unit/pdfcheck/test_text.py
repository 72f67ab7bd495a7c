"""The text layer: read with its places in the real sandbox, bounded, kept sealed, searched across line ends."""

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest
from pikepdf import Array, Pdf

from services.kernel.crypto import KeyRing, SealKey
from services.kernel.errors import AppError
from services.kernel.sandbox.port import SandboxFailed, SandboxTimeout
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.port import ObjectStore
from services.pdfcheck.domain import text
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.text import Box, DocumentText, Line
from services.pdfcheck.tools import text as reading
from services.pdfcheck.usecases.pictures import DocumentGone, Pictured
from services.pdfcheck.usecases.text import PRELOAD, READ, Texts, search
from tests.assets import pdf_fixtures as made
from tests.contract.storages import localdir
from tests.unit.pdfcheck.test_usecases import InMemory, Scripted

FOLDER = "derived/pdfcheck/dossiers/d/m/abc/"
KEYS = KeyRing([SealKey(key_id="k", secret=b"k" * 32)], b"l" * 32)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    async with localdir(tmp_path) as under_test:
        yield under_test.store


@pytest.fixture
async def sandbox() -> AsyncIterator[ForkingSandbox]:
    box = ForkingSandbox(PRELOAD)
    yield box
    await box.close()


async def always() -> bool:
    return True


def pictured(content: bytes, pages: int = 1) -> Pictured:
    return Pictured(source=InMemory(content), folder=FOLDER, pages=pages, is_there=always)


def read(content: bytes) -> DocumentText:
    return text.from_json(reading.read([io.BytesIO(content)], {}, lambda _: None))  # type: ignore[list-item]


def words(document: DocumentText, page: int = 1) -> list[str]:
    return [line.text for line in document.pages[page - 1]]


def line(words: str, top: int = 1000) -> Line:
    starts = tuple(100 * number for number in range(len(words)))
    return Line(text=words, box=Box(left=0, top=top, right=100 * len(words), bottom=top + 200), starts=starts)


def document(*pages: list[str]) -> DocumentText:
    return DocumentText(pages=tuple(tuple(line(each, 300 * row) for row, each in enumerate(page)) for page in pages))


def test_lines_are_read_with_their_places() -> None:
    found = read(made.written_pdf([["学历证书", "姓名：王申报"], ["Second page"]]))
    assert (words(found, 1), words(found, 2)) == (["学历证书", "姓名：王申报"], ["Second page"])
    first, second = found.pages[0]
    assert first.box.left == pytest.approx(1000, abs=60)
    assert first.box.top == pytest.approx(1000, abs=120)
    assert first.box.bottom <= second.box.top + 100
    assert (found.pages_with_text, found.cut) == (2, False)


@pytest.mark.parametrize(("change", "where"), [
    (lambda page: None, (1000, 1000)),
    (lambda page: page.__setattr__("Rotate", 180), (9000, 9000)),
    (lambda page: page.__setattr__("Rotate", 90), (9000, 1000)),
    (lambda page: page.__setattr__("CropBox", Array([0, 421, 595, 842])), (1000, 2000)),
])  # fmt: skip
def test_places_are_as_the_page_is_seen(change: Callable[[pikepdf.Object], None], where: tuple[int, int]) -> None:
    with Pdf.open(io.BytesIO(made.written_pdf([["学历证书"]]))) as pdf:
        change(pdf.pages[0].obj)
        turned = made.saved(pdf)
    boxes = [each.box for each in read(turned).pages[0]]
    corners = [(x, y) for box in boxes for x in (box.left, box.right) for y in (box.top, box.bottom)]
    assert any(abs(x - where[0]) < 150 and abs(y - where[1]) < 250 for x, y in corners), corners


def test_a_scan_and_a_photograph_have_no_text() -> None:
    assert read(made.scanned_pdf(2)) == DocumentText(pages=((), ()))
    assert read(made.photo_jpeg(6, (62, 88))) == DocumentText(pages=((),))


def test_a_file_that_does_not_open_raises() -> None:
    with pytest.raises(pdfium.PdfiumError):
        read(made.encrypted(user="secret"))


@pytest.mark.parametrize(("characters", "cut"), [(40, False), (41, True)])
def test_text_is_bounded_by_page(monkeypatch: pytest.MonkeyPatch, characters: int, cut: bool) -> None:
    monkeypatch.setattr(reading, "MOST_OF_A_PAGE", 40)
    found = read(made.written_pdf([["字" * characters]]))
    assert (len(words(found)[0]), found.cut) == (40, cut)


def test_text_is_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OF_ALL", 30)
    found = read(made.written_pdf([["字" * 20], ["字" * 20], ["字" * 20]]))
    assert ([sum(len(each.text) for each in page) for page in found.pages], found.cut) == ([20, 10, 0], True)


def test_what_is_handed_back_stays_below_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_COST", 100)
    found = read(made.written_pdf([["字" * 20], ["字" * 20]]))
    assert ([bool(page) for page in found.pages], found.cut) == ([True, False], True)


def test_controls_and_what_turns_directions_are_not_shown() -> None:
    assert text.shown("a\u202eb\x00c\ud800d") == "a b c d"
    assert len(text.shown("\u200f" * 9)) == 9


@pytest.mark.parametrize("data", [
    None, {}, {"pages": 1, "cut": False}, {"pages": [[["字", 0, 0, 0, 0, []]]], "cut": False},
    {"pages": [[["字", -1, 0, 0, 0, [0]]]], "cut": False}, {"pages": [[["字", 0, 0, 10_001, 0, [0]]]], "cut": False},
    {"pages": [[["", 0, 0, 0, 0, []]]], "cut": False}, {"pages": [[["字", 0, 0, 0, 0, [True]]]], "cut": False},
    {"pages": ["text"], "cut": False}, {"pages": [[["字" * 400_001, 0, 0, 0, 0, [0] * 400_001]]], "cut": False},
])  # fmt: skip
def test_a_child_that_says_something_else_is_not_believed(data: Json) -> None:
    with pytest.raises(ValueError):
        text.from_json(data)


def test_a_word_is_found_on_its_pages_with_its_place() -> None:
    found = text.search(document(["姓名：王申报"], ["无"], ["王申报同志，王申报"]), "王申报")
    assert [(hit.page, hit.before, hit.text, hit.behind) for hit in found.hits] == [
        (1, "姓名：", "王申报", ""), (3, "", "王申报", "同志，王申报"), (3, "王申报同志，", "王申报", ""),
    ]  # fmt: skip
    assert found.hits[0].boxes == (Box(left=300, top=0, right=600, bottom=200),)


@pytest.mark.parametrize(("written", "query"), [
    (["ＡＢＣ 12"], "abc12"), (["abc"], "ＡＢＣ"), (["ﬁnal"], "FINAL"), (["申 报 人"], "申报人"),
    (["申报人"], "申 报\u3000人"), (["县人民", "医院普外科"], "人民医院"), (["Straße"], "STRASSE"),
])  # fmt: skip
def test_width_case_spaces_and_line_ends_make_no_difference(written: list[str], query: str) -> None:
    assert text.search(document(written), query).count == 1


def test_a_hit_over_two_lines_has_a_box_on_each() -> None:
    [hit] = text.search(document(["县人民", "医院"]), "民医").hits
    assert hit.boxes == (Box(left=200, top=0, right=300, bottom=200), Box(left=0, top=300, right=100, bottom=500))


def test_places_do_not_overlap_and_more_than_are_told_are_counted() -> None:
    assert text.search(document(["啊啊啊"]), "啊啊").count == 1
    found = text.search(document(["中" * (text.MOST_HITS + 1)]), "中")
    assert (len(found.hits), found.count) == (text.MOST_HITS, text.MOST_HITS + 1)


@pytest.mark.parametrize("query", ["", "  \u3000", "长" * 101])
async def test_a_query_of_nothing_or_too_much_is_refused(query: str) -> None:
    with pytest.raises(AppError) as refused:
        await search(document(["字"]), query)
    assert refused.value.code == "search.bad-query"
    assert (await search(document(["长" * 100]), "长" * 100)).count == 1


async def test_it_is_read_once_and_kept_sealed(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    texts = Texts(store, sandbox, KEYS)
    first = await texts.of(pictured(made.written_pdf([["姓名：王申报"]])))
    assert await texts.of(pictured(b"nothing that could be read")) == first
    sealed = await store.read(f"{FOLDER}text.sealed", 0, 10_000)
    assert "王申报".encode() not in sealed
    assert b"\\u738b" not in sealed


@pytest.mark.parametrize("trouble", [SandboxTimeout("CPU"), SandboxFailed("PdfiumError", "")])
async def test_what_cannot_be_read_has_none_and_says_that_there_may_be_more(
    store: ObjectStore, trouble: Exception
) -> None:
    found = await Texts(store, Scripted({READ: trouble}), KEYS).of(pictured(b"", pages=2))
    assert found == DocumentText(pages=((), ()), cut=True)


async def test_a_bug_of_ours_is_not_kept_as_no_text(store: ObjectStore) -> None:
    with pytest.raises(SandboxFailed):
        await Texts(store, Scripted({READ: SandboxFailed("NameError", "")}), KEYS).of(pictured(b""))
    assert [kept async for kept in store.list(FOLDER)] == []


async def test_nothing_stays_of_a_document_that_went(store: ObjectStore, sandbox: ForkingSandbox) -> None:
    async def gone() -> bool:
        return False

    what = Pictured(source=InMemory(made.scanned_pdf(1)), folder=FOLDER, pages=1, is_there=gone)
    with pytest.raises(DocumentGone):
        await Texts(store, sandbox, KEYS).of(what)
    assert [kept async for kept in store.list(FOLDER)] == []
