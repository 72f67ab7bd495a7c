"""Pages of a material are put in order, turned, left out and moved without being sent again (G-05)."""

import io
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from services.cli.demo.client import Client, Data, DemoFailed
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]
DEADLINE_S = 60
ITEM = "annual_assessment"


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Client]:
    enrol(platform, "arranger", "钱整理", "applicant", "jc-h1")
    client = platform.client("arranger")
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier(person: Client, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """With a material of two files: three pages and one."""
    folder = tmp_path_factory.mktemp("arranging")
    made = person.send("POST", "/api/v1/dossiers", json={"profile": another("钱整理", "51010619870606112")})
    for name, pages in (("扫描.pdf", 3), ("补充.pdf", 1)):
        (folder / name).write_bytes(pdf_fixtures.scanned_pdf(pages, name))
        person.upload(made["dossier_id"], of(made)["material_id"], COMPONENTS[ITEM], folder / name)
    return person.wait(made["dossier_id"], lambda told: merged_pages(told) == 4, deadline_s=DEADLINE_S)


def of(dossier: Data) -> Data:
    return materials(dossier)[ITEM]


def merged_pages(dossier: Data) -> int:
    found = of(dossier)
    return int(found["merged"]["pages"]) if found["merged"] and found["status"] == "passed" else 0


def arrange(person: Client, dossier: Data, leaves: list[Data], *, version: int | None = None) -> Data:
    material = of(person.dossier(dossier["dossier_id"]))
    person._tag = f'"v{version if version is not None else material["version"]}.0"'
    address = f"/api/v1/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}/pages"
    return person.send("PUT", address, json={"leaves": leaves}, version=True)


def downloaded(person: Client, dossier: Data) -> pikepdf.Pdf:
    material_id = of(dossier)["material_id"]
    answer = person._http.get(
        f"/dossiers/{dossier['dossier_id']}/materials/{material_id}/merged.pdf", follow_redirects=True
    )
    return pikepdf.open(io.BytesIO(answer.content))


def test_pages_in_another_order_turned_and_left_out(person: Client, dossier: Data) -> None:
    scan, more = (file["file_id"] for file in of(dossier)["files"])
    component = COMPONENTS[ITEM]
    leaves = [
        {"file_id": more, "page": 1, "turn": 90, "component_id": component},
        {"file_id": scan, "page": 3, "turn": 0, "component_id": component},
        {"file_id": scan, "page": 1, "turn": 180, "component_id": component},
    ]
    arranged = arrange(person, dossier, leaves)
    assert arranged["leaves"] == leaves
    after = person.wait(dossier["dossier_id"], lambda told: merged_pages(told) == 3, deadline_s=DEADLINE_S)
    with downloaded(person, after) as pdf:
        assert [int(page.obj.get("/Rotate", 0)) for page in pdf.pages] == [90, 0, 180]
    told = person.send("GET", f"/api/v1/dossiers/{dossier['dossier_id']}/materials/{of(dossier)['material_id']}/merged")
    assert [(origin["file_id"], origin["page"]) for origin in told["page_map"]] == [(more, 1), (scan, 3), (scan, 1)]
    assert [file["sha256"] for file in of(after)["files"]] == [file["sha256"] for file in of(dossier)["files"]]
    arrange(person, dossier, [])
    person.wait(dossier["dossier_id"], lambda told: merged_pages(told) == 4, deadline_s=DEADLINE_S)


def test_what_is_wrong_is_refused_in_words_and_nothing_changes(person: Client, dossier: Data) -> None:
    [scan, _] = of(dossier)["files"]
    good = {"file_id": scan["file_id"], "page": 1, "turn": 0, "component_id": COMPONENTS[ITEM]}
    for wrong, status in (
        ({**good, "page": 4}, 400), ({**good, "turn": 45}, 400), ({**good, "component_id": "nothing"}, 400),
        ({**good, "file_id": "nothing"}, 400), ({**good, "page": 0}, 400),
    ):  # fmt: skip
        with pytest.raises(DemoFailed, match=str(status)):
            arrange(person, dossier, [wrong])
    with pytest.raises(DemoFailed, match="412"):
        arrange(person, dossier, [good], version=999)
    assert of(person.dossier(dossier["dossier_id"]))["leaves"] == []


def test_the_page_works_as_a_plain_form(person: Client, dossier: Data, tmp_path: Path) -> None:
    """Without any script: fields are numbers and lists; a page that belongs nowhere is left out."""
    material = of(person.dossier(dossier["dossier_id"]))
    address = f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}/arrangement"
    text = person._http.get(address).text
    assert text.count('class="leaf"') == 4
    csrf = text.partition('name="csrf" value="')[2].partition('"')[0]
    scan = material["files"][0]["file_id"]
    component = COMPONENTS[ITEM]
    fields = {"csrf": csrf, "version": str(material["version"])}
    typed = [(1, "2", "0", component), (2, "1", "90", component), (3, "", "0", "")]
    for number, (page, place, turn, of_) in enumerate(typed):
        fields |= {f"leaf.{number}": f"{scan}:{page}", f"place.{number}": place, f"turn.{number}": turn}
        fields[f"component.{number}"] = of_
    answer = person._http.post(address, data=fields, headers={"Origin": str(person._http.base_url).rstrip("/")})
    assert answer.status_code in (200, 303), answer.text
    leaves = of(person.dossier(dossier["dossier_id"]))["leaves"]
    assert [(leaf["page"], leaf["turn"]) for leaf in leaves] == [(2, 90), (1, 0)]
    shown = person._http.get(address).text
    assert shown.partition('id="left-out"')[2].count('class="leaf"') == 2


def test_headings_suggest_where_pages_belong(person: Client, dossier: Data, tmp_path: Path) -> None:
    """One scan of two papers, one of them as text: read, suggested, put there by the link, and kept only when saved."""
    scan = tmp_path / "一次扫描.pdf"
    sheets = pdf_fixtures.pdf_of([pdf_fixtures.scan_jpeg(1, "学历验证报告"), pdf_fixtures.scan_jpeg(2, "学历证书封面")])
    scan.write_bytes(sheets)
    material = materials(dossier)["education"]
    person.upload(dossier["dossier_id"], material["material_id"], "chsi_report", scan)

    def counted(told: Data) -> bool:
        return [file["pages"] for file in materials(told)["education"]["files"]] == [2]

    [file] = materials(person.wait(dossier["dossier_id"], counted, deadline_s=DEADLINE_S))["education"]["files"]
    address = f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file['file_id']}/suggestions"
    with pytest.raises(DemoFailed, match="404"):
        person.send("GET", address)
    for _ in range(2):  # asked for again, nothing changes
        person.ask("POST", address, json={"item_id": "education"})
    assert person.send("GET", address)["state"] in ("working", "ready")
    person.wait(dossier["dossier_id"], lambda _: person.send("GET", address)["state"] == "ready", deadline_s=DEADLINE_S)
    found = person.send("GET", address)["suggestions"]
    assert [(each["page"], each["component_id"]) for each in found] == [(1, "chsi_report"), (2, "cover")]
    page = f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}/arrangement"
    assert 'id="as-suggested"' in person._http.get(page).text
    shown = person._http.get(f"{page}?suggested=1").text
    cover = shown.partition('data-component="cover"')[2].partition("</section>")[0]
    assert "标题：学历证书封面" in cover
    assert materials(person.dossier(dossier["dossier_id"]))["education"]["leaves"] == []
