"""An introduction is typed: counted, refused when too long, merged and shown as every part, corrected, replaced."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest
from fastapi.routing import APIRoute

from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from services.cli.person import Refused
from services.gateway.routes import texts
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.checked_demo import CONFORMANCE, Checked
from tests.e2e.conformance import method_of
from tests.e2e.conftest import Platform
from tests.e2e.test_forms import Window
from tests.small_dossier import another, fill, materials, owed, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 60
ITEM = "surgery_video_docs"
LONGEST = "".join(chr(0x4E00 + number) for number in range(2000))


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Checked]:
    enrol(platform, "writer", "李川明", "applicant", "jc-h1")
    client = Checked(platform.url, "writer", platform.passwords["writer"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier_id(person: Client) -> str:
    profile = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    return str(person.send("POST", "/api/v1/dossiers", json={"profile": profile})["dossier_id"])


def of(person: Client, dossier_id: str) -> Data:
    return materials(person.dossier(dossier_id))[ITEM]


def address(person: Client, dossier_id: str, component: str = "intro") -> str:
    material_id = of(person, dossier_id)["material_id"]
    return f"/dossiers/{dossier_id}/materials/{material_id}/components/{component}/text"


def put(person: Client, dossier_id: str, text: str) -> Data:
    return person.send("PUT", f"/api/v1{address(person, dossier_id)}", json={"text": text})


def refused(person: Client, dossier_id: str, text: str) -> tuple[int, Data]:
    with pytest.raises(Refused) as error:
        person.ask("PUT", f"/api/v1{address(person, dossier_id)}", json={"text": text})
    return error.value.answer.status_code, error.value.answer.json()


def eventually(person: Client, dossier_id: str, enough: Callable[[Data], bool]) -> Data:
    return materials(person.wait(dossier_id, lambda told: enough(materials(told)[ITEM]), deadline_s=DEADLINE_S))[ITEM]


def text_of(person: Client, dossier_id: str, file_id: str) -> str:
    answer = person._http.get(f"/dossiers/{dossier_id}/files/{file_id}/original", follow_redirects=True)
    document = pdfium.PdfDocument(answer.content)
    try:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def test_nothing_was_typed_yet(person: Client, dossier_id: str) -> None:
    with pytest.raises(Refused) as error:
        person.ask("GET", f"/api/v1{address(person, dossier_id)}")
    assert error.value.answer.status_code == 404


def test_one_character_more_is_refused_with_what_was_found_and_allowed(person: Client, dossier_id: str) -> None:
    status, told = refused(person, dossier_id, LONGEST + "。")
    assert (status, told["code"]) == (400, "text.over-limit")
    assert "2001" in told["detail"]
    assert "2000" in told["detail"]
    for wrong, code in (
        (" \n", "text.nothing"), ("手术\u202e简介", "text.not-shown"), ("𠮷", "text.not-shown"),
        ("字" * 300_000, "text.over-limit"),
    ):  # fmt: skip
        status, told = refused(person, dossier_id, wrong)
        assert (status, told["code"]) == (400, code)
    half = person._http.put(
        f"/api/v1{address(person, dossier_id)}", content='{"text": "术\\ud800"}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert (half.status_code, half.json()["code"]) == (400, "text.not-shown")
    assert not of(person, dossier_id)["files"]


def test_exactly_the_limit_is_counted_in_its_pages_and_passes(person: Client, dossier_id: str) -> None:
    made = put(person, dossier_id, LONGEST)
    assert made["characters"] == 2000
    path = f"/api/v1/dossiers/{dossier_id}/files/{made['file_id']}/report"

    def is_counted(material: Data) -> bool:
        files = {file["file_id"]: file for file in material["files"]}
        return bool(files.get(made["file_id"], {}).get("verdict")) and not person.send("GET", path)["pending"]

    material = eventually(person, dossier_id, is_counted)
    assert [file["verdict"] for file in material["files"]] == ["pass"]
    assert sum(person.send("GET", path)["facts"]["page_characters"]) == 2000
    assert not [each for each in material["findings"] if each["code"].startswith("text.")]


def test_it_is_merged_with_the_other_parts_under_its_bookmark(
    person: Client, dossier_id: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("records")
    for component in ("op_record", "original_record"):
        path = folder / f"{component}.pdf"
        path.write_bytes(pdf_fixtures.scanned_pdf(1, component))
        person.upload(dossier_id, of(person, dossier_id)["material_id"], component, path)
    made = put(person, dossier_id, "患者张三。\n腹腔镜胆囊切除术。")
    assert text_of(person, dossier_id, made["file_id"]) == "患者张三。腹腔镜胆囊切除术。"
    material = eventually(person, dossier_id, lambda told: is_whole(told, made["file_id"]))
    assert [file["file_name"] for file in material["files"] if file["file_id"] == made["file_id"]] == ["手术简介.pdf"]
    answer = person._http.get(
        f"/dossiers/{dossier_id}/materials/{material['material_id']}/merged.pdf", follow_redirects=True
    )
    with pikepdf.open(io.BytesIO(answer.content)) as pdf, pdf.open_outline() as outline:
        assert len(pdf.pages) == 3
        titles = [(entry.title, [part.title for part in entry.children]) for entry in outline.root]
    assert ("手术简介（2000字以内）", ["手术简介"]) in titles


def is_whole(material: Data, file_id: str) -> bool:
    """Merged of three files, one of which is this."""
    ids = {file["file_id"] for file in material["files"]}
    return bool(
        len(ids) == 3 and file_id in ids and material["merged"] and material["merged"]["pages"] == 3
        and material["status"] == "passed"
    )  # fmt: skip


def test_corrected_it_is_replaced(person: Client, dossier_id: str) -> None:
    before = person.send("GET", f"/api/v1{address(person, dossier_id)}")
    assert before["text"] == "患者张三。\n腹腔镜胆囊切除术。"
    made = put(person, dossier_id, before["text"].replace("张三", "李四"))
    assert made["file_id"] != before["file_id"]
    material = eventually(person, dossier_id, lambda told: is_whole(told, made["file_id"]))
    assert before["file_id"] not in {file["file_id"] for file in material["files"]}
    assert "李四" in text_of(person, dossier_id, made["file_id"])
    where = f"/api/v1/dossiers/{dossier_id}/materials/{material['material_id']}"
    merged = person.send("GET", f"{where}/merged")
    assert (made["file_id"], 1) in [(each["file_id"], each["page"]) for each in merged["page_map"]]


def test_a_reviewer_sees_the_page(platform: Platform, tmp_path: Path) -> None:
    """Of a patent's introduction, and nobody changes what is handed in."""
    enrol(platform, "inventor", "何发明", "applicant", "jc-h1")
    inventor = platform.client("inventor")
    profile = another("何发明", "51010619870707555")
    profile["answers"] = {**profile["answers"], "patent": [{}]}
    made = inventor.send("POST", "/api/v1/dossiers", json={"profile": profile})
    dossier_id, patent = made["dossier_id"], materials(made)["patent"]["material_id"]
    where = f"/api/v1/dossiers/{dossier_id}/materials/{patent}"
    typed = inventor.send("PUT", f"{where}/components/intro/text", json={"text": "一种用于腹腔镜的吻合器。"})
    certificate = tmp_path / "专利证书.pdf"
    certificate.write_bytes(pdf_fixtures.scanned_pdf(1, "certificate"))
    inventor.upload(dossier_id, patent, "certificate", certificate)
    inventor.wait(dossier_id, lambda told: bool(materials(told)["patent"]["files"]), deadline_s=DEADLINE_S)
    fill(inventor, inventor.dossier(dossier_id), owed(tmp_path))
    submit(inventor, dossier_id)
    reviewer = platform.client("unit")
    seen = materials(reviewer.dossier(dossier_id))["patent"]
    [number] = [
        at
        for at, each in enumerate(reviewer.send("GET", f"{where}/merged")["page_map"], start=1)
        if each["file_id"] == typed["file_id"]
    ]
    for document, page in ((f"files/{typed['file_id']}", 1), (f"materials/{seen['material_id']}", number)):
        picture = reviewer._http.get(f"/dossiers/{dossier_id}/{document}/page.jpg?page={page}&width=1200")
        assert picture.headers["content-type"] == "image/jpeg"
    shown = reviewer._http.get(f"/review/{dossier_id}/materials/{patent}", headers={"Accept": "text/html"})
    assert "专利简介.pdf" in shown.text
    assert reviewer.send("GET", f"{where}/components/intro/text")["text"] == "一种用于腹腔镜的吻合器。"
    for client in (inventor, reviewer):
        with pytest.raises(Refused) as error:
            client.ask("PUT", f"{where}/components/intro/text", json={"text": "改"})
        assert error.value.answer.status_code in (403, 404, 409)
        client.close()


def test_the_same_again_changes_nothing(person: Client, dossier_id: str) -> None:
    kept = person.send("GET", f"/api/v1{address(person, dossier_id)}")
    assert put(person, dossier_id, kept["text"]) == kept


def test_the_form_works_without_scripts_and_gives_back_what_it_refuses(
    platform: Platform, person: Client, dossier_id: str
) -> None:
    window, path = Window(platform, "writer"), address(person, dossier_id)
    kept = person.send("GET", f"/api/v1{path}")
    shown = window.http.get(path)
    assert kept["text"] in shown.text
    assert f"/ {2000} 字" in shown.text
    wrong = window.post(path, {"text": "字" * 2001, "new_id": "x" * 36})
    assert wrong.status_code == 400
    assert "字" * 2001 in wrong.text
    assert "共 2001 字，最多 2000 字" in wrong.text
    new_id = "01a20ae9-c721-7579-a030-9881d174f058"
    for _ in range(2):  # a double click
        saved = window.post(path, {"text": "患者王五。\r\n胆囊切除。", "new_id": new_id})
        assert saved.headers["location"] == f"{path.partition('/components')[0]}#component-intro"
    told = person.send("GET", f"/api/v1{path}")
    assert (told["file_id"], told["text"], told["characters"]) == (new_id, "患者王五。\n胆囊切除。", 10)
    material = eventually(person, dossier_id, lambda told: is_whole(told, new_id))
    assert len(material["files"]) == 3
    link = window.http.get(path.partition("/components")[0])
    assert path in link.text


def test_no_other_part_is_typed_and_nobody_else_types(platform: Platform, person: Client, dossier_id: str) -> None:
    window = Window(platform, "writer")
    other = address(person, dossier_id, "op_record")
    assert window.http.get(other).status_code == 404
    assert window.post(other, {"text": "记录"}).status_code == 404
    answer = person._http.put(f"/api/v1{other}", json={"text": "记录"}, headers={"X-CSRF-Token": window.csrf})
    assert answer.status_code in (403, 409)
    stranger = Window(platform, "applicant-other")
    path = address(person, dossier_id)
    assert stranger.http.get(path).status_code == 404
    assert stranger.post(path, {"text": "外人"}).status_code == 404


def test_deleted_with_its_file(person: Client, dossier_id: str) -> None:
    kept = person.send("GET", f"/api/v1{address(person, dossier_id)}")
    person.send("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{kept['file_id']}")
    with pytest.raises(Refused) as error:
        person.ask("GET", f"/api/v1{address(person, dossier_id)}")
    assert error.value.answer.status_code == 404


def test_every_call_of_it_was_made() -> None:
    due = {f"{method_of(route)} {route.path}" for route in texts.router.routes if isinstance(route, APIRoute)}
    assert due <= CONFORMANCE.seen
