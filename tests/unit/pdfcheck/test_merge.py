"""Ordered parts become one PDF: bookmarks, untouched pictures, nothing private or active, the same bytes every time."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import pikepdf
import pytest

from services.pdfcheck.domain.facts import Json, from_json
from services.pdfcheck.domain.merging import RESULT, source_path
from services.pdfcheck.tools import content
from services.pdfcheck.tools import merge as tool
from services.pdfcheck.tools.inspect import facts_of
from services.pdfcheck.tools.survey import survey
from tests.assets import pdf_fixtures as made

PARTS: Sequence[Json] = [["毕业证书.pdf", "学历证书"], ["照片", "学历证书"], ["截图", "学信网报告"], ["其他", None]]


def merge(scratch: Path, contents: Sequence[bytes], parts: Sequence[Json] | None = None) -> dict[str, Json]:
    """A part that names no file is the whole of the one at its place."""
    scratch.mkdir(exist_ok=True)
    given = parts if parts is not None else [[f"第{number}部分", None] for number in range(len(contents))]
    told = [
        [*entry, number, []] if isinstance(entry, list) and len(entry) == 2 else entry
        for number, entry in enumerate(given)
    ]
    for number, data in enumerate(contents):
        source_path(scratch, number).write_bytes(data)
    arguments: dict[str, Json] = {
        "scratch": str(scratch),
        "parts": told,
        "page_limit_bytes": made.PAGE_LIMIT,
        "files": len(contents),
        "opened": [],
    }
    return tool.merge((), arguments, lambda _: None)


def pictures(pdf: pikepdf.Pdf) -> list[bytes]:
    return [data for page in pdf.pages for data in pictures_of(page)]


def pictures_of(page: pikepdf.Page) -> list[bytes]:
    images = page.get_images().values()
    return [image.read_raw_bytes() for image in images if image.get("/Filter") == pikepdf.Name.DCTDecode]


def page_number(item: pikepdf.OutlineItem) -> int:
    """Where a bookmark leads, from 0."""
    assert isinstance(item.destination, pikepdf.Array)
    return pikepdf.Page(item.destination[0]).index


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Json]]:
    scratch = tmp_path_factory.mktemp("merge")
    parts = [made.scanned_pdf(3), made.photo_jpeg(6), made.png("RGBA"), made.encrypted()]
    return scratch / RESULT, merge(scratch, parts, PARTS)


def test_pages_and_identity(whole: tuple[Path, dict[str, Json]]) -> None:
    path, told = whole
    assert told["page_counts"] == [3, 1, 1, 2]
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    facts = told["facts"]
    assert isinstance(facts, dict)
    measured = from_json(facts)
    assert (len(measured.pages), measured.size_bytes, measured.encrypted) == (7, path.stat().st_size, False)


def test_the_result_is_sound(whole: tuple[Path, dict[str, Json]]) -> None:
    with pikepdf.open(whole[0]) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert not pdf.is_encrypted


def test_a_bookmark_per_component_and_per_part_below_it(whole: tuple[Path, dict[str, Json]]) -> None:
    with pikepdf.open(whole[0]) as pdf, pdf.open_outline() as outline:
        told = [(item.title, [child.title for child in item.children]) for item in outline.root]
        pages = [page_number(child) for item in outline.root for child in item.children]
    assert told == [("学历证书", ["毕业证书.pdf", "照片"]), ("学信网报告", ["截图"]), ("其他", [])]
    assert pages == [0, 3, 4]


def test_jpeg_data_is_untouched(whole: tuple[Path, dict[str, Json]]) -> None:
    scans = [made.scan_jpeg(10 + number, "学历证书", (620, 877)) for number in range(3)]
    with pikepdf.open(whole[0]) as pdf:
        assert pictures(pdf)[:3] == scans


def test_a_photograph_keeps_its_picture_and_loses_what_is_private(whole: tuple[Path, dict[str, Json]]) -> None:
    photo = made.photo_jpeg(6)
    scan = photo[photo.index(b"\xff\xda") :]
    with pikepdf.open(whole[0]) as pdf:
        inside = pictures(pdf)[3]
        width, height = (float(value) for value in pdf.pages[3].mediabox[2:])
    assert inside.endswith(scan)
    content = whole[0].read_bytes()
    assert b"PrivateCamera" in photo
    for private in (b"PrivateCamera", b"Exif\x00", b"private comment"):
        assert private not in content
    assert height > width


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    contents = [made.scanned_pdf(2), made.photo_jpeg(3), made.png("P"), made.signed(), made.with_attachments()]
    assert merge(tmp_path / "one", contents)["sha256"] == merge(tmp_path / "two", contents)["sha256"]


def test_the_order_given_is_the_order_of_the_pages(tmp_path: Path) -> None:
    first, second = made.scan_jpeg(10, "学历证书", (620, 877)), made.scan_jpeg(30, "二", (310, 438))
    merge(tmp_path, [made.pdf_of([second]), made.pdf_of([first]), made.pdf_of([second])])
    with pikepdf.open(tmp_path / RESULT) as pdf:
        assert pictures(pdf) == [second, first, second]


def test_active_content_and_attachments_stay_out_and_links_stay_in(tmp_path: Path) -> None:
    merge(tmp_path, [made.javascript(), made.launching(), made.with_attachments()])
    with (tmp_path / RESULT).open("rb") as file:
        facts = facts_of(file, made.PAGE_LIMIT)
    assert (facts.active, facts.embedded_files) == ((), 0)
    with pikepdf.open(tmp_path / RESULT) as pdf:
        actions = [str(note.A.S) for note in pdf.pages[1].Annots if "/A" in note]
    assert actions == ["/URI"]


def test_the_original_of_a_signed_part_is_attached_unchanged(tmp_path: Path) -> None:
    merge(tmp_path, [made.scanned_pdf(1), made.signed()])
    with pikepdf.open(tmp_path / RESULT) as pdf:
        assert [spec.get_file().read_bytes() for spec in pdf.attachments.values()] == [made.signed()]
        assert list(pdf.attachments) == ["signed-original-part-2.pdf"]
        assert not content.of(pdf, survey(pdf)).signed


def test_of_two_pictures_in_one_file_the_first_is_taken(tmp_path: Path) -> None:
    assert merge(tmp_path, [made.mpo()])["page_counts"] == [1]
    with pikepdf.open(tmp_path / RESULT) as pdf:
        assert len(pictures(pdf)) == 1


@pytest.mark.parametrize(
    "bad",
    [
        lambda: made.scan_jpeg()[:-1000],
        lambda: made.png()[:-1000],
        made.cyclic,
        lambda: made.encrypted(user="1234"),
    ],
)
def test_a_part_that_cannot_be_taken_is_named_and_nothing_is_written(bad: object, tmp_path: Path) -> None:
    assert callable(bad)
    assert merge(tmp_path, [made.scanned_pdf(1), bad()]) == {"failed_part": 1}
    assert not (tmp_path / RESULT).exists()


WRONG: list[Json] = [
    [],
    "x",
    [["a"]],
    [[1, None]],
    [["a", 2]],
    [["a", None], ["b", None]],
    [["a", None, 0, [[0, 0]]]],
    [["a", None, 0, [[2, 0]]]],
    [["a", None, 0, [[1, 45]]]],
    [["a", None, 0, [[1]]]],
    [["a", None, -1, []]],
    [["a", None, 1, []]],
]


@pytest.mark.parametrize("parts", WRONG)
def test_arguments_are_checked(parts: Json, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        merge(tmp_path, [made.scanned_pdf(1)], parts)  # type: ignore[arg-type]  # wrong on purpose


def test_pages_are_chosen_put_in_order_and_turned(tmp_path: Path) -> None:
    """Two files, three components: pages of the first stand under two of them, one page twice, one not at all."""
    parts: list[Json] = [
        ["一", "甲", 0, [[3, 90], [1, 0]]],
        ["二", "乙", 1, []],
        ["一", "丙", 0, [[1, 270]]],
    ]
    scan = made.scanned_pdf(3)
    told = merge(tmp_path, [scan, made.photo_jpeg(1)], parts)
    assert told["page_counts"] == [2, 1, 1]
    with pikepdf.open(tmp_path / RESULT) as pdf, pikepdf.open(io.BytesIO(scan)) as before:
        wanted = [pictures_of(before.pages[number]) for number in (2, 0, 0)]
        assert [pictures_of(pdf.pages[number]) for number in (0, 1, 3)] == wanted
        assert [page.obj.get("/Rotate", 0) for page in pdf.pages] == [90, 0, 0, 270]
        with pdf.open_outline() as outline:
            assert [(item.title, page_number(item)) for item in outline.root] == [("甲", 0), ("乙", 2), ("丙", 3)]


def test_a_page_that_was_turned_before_is_turned_from_there(tmp_path: Path) -> None:
    def turn(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj.Rotate = 90

    merge(tmp_path, [made.pdf_of([made.scan_jpeg()], turn)], [["a", None, 0, [[1, 270]]]])
    with pikepdf.open(tmp_path / RESULT) as pdf:
        assert int(pdf.pages[0].obj.Rotate) % 360 == 0


def test_labels_fields_and_links_of_chosen_pages_stay(tmp_path: Path) -> None:
    scan = made.pdf_of([made.scan_jpeg(1), made.scan_jpeg(2)], labelled)
    merge(tmp_path, [scan, made.linked()], [["a", None, 0, [[2, 0], [1, 0]]], ["b", None, 1, []]])
    with pikepdf.open(tmp_path / RESULT) as pdf:
        assert [page.label for page in pdf.pages][:2] == ["B-8", "B-7"]
        assert [field.T for field in pdf.Root.AcroForm.Fields] == ["姓名"]
        assert "/Annots" in pdf.pages[2].obj


def labelled(pdf: pikepdf.Pdf) -> None:
    """Page labels from B-7 and a form field on the second page."""
    style = pikepdf.Dictionary(S=pikepdf.Name.D, P=pikepdf.String("B-"), St=7)
    pdf.Root.PageLabels = pikepdf.Dictionary(Nums=pikepdf.Array([0, style]))
    field = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T=pikepdf.String("姓名"),
            V=pikepdf.String("张三"),
            Rect=pikepdf.Array([10, 10, 90, 30]),
            P=pdf.pages[1].obj,
        )
    )
    pdf.pages[1].obj.Annots = pikepdf.Array([field])
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGB", "RGBA"])
def test_every_kind_of_png(mode: str, tmp_path: Path) -> None:
    merge(tmp_path, [made.png(mode)])
    with pikepdf.open(tmp_path / RESULT) as pdf:
        found = next(iter(pdf.pages[0].get_images().values()))
        assert isinstance(found, pikepdf.Stream)
        image = pikepdf.PdfImage(found)
        assert (image.width, image.height) == (620, 877)
        assert "/SMask" not in image.obj
        corner = image.as_pil_image().convert("RGB").getpixel((5, 5))
    assert corner == (255, 255, 255) if "A" in mode else corner is not None
