"""Documents whose structure is sound: every picture is decoded before anything is merged or handed in (G-03)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.demo.client import Client, Data
from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]
DEADLINE_S = 60


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Client]:
    enrol(platform, "scanner", "周扫描", "applicant", "jc-h1")
    client = platform.client("scanner")
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier(person: Client) -> Data:
    return person.send("POST", "/api/v1/dossiers", json={"profile": another("周扫描", "51010619870707111")})


def sent(person: Client, dossier: Data, folder: Path, item: str, data: bytes) -> Data:
    """The material once all is said of its file."""
    path = folder / f"{item}.pdf"
    path.write_bytes(data)
    dossier_id = dossier["dossier_id"]
    person.upload(dossier_id, materials(dossier)[item]["material_id"], COMPONENTS[item], path)

    def all_is_said(told: Data) -> bool:
        material = materials(told)[item]
        reasons = any(file["findings"] for file in material["files"])  # they follow the verdict in a moment
        return material["status"] == "passed" or (material["status"] == "failed" and reasons)

    return materials(person.wait(dossier_id, all_is_said, deadline_s=DEADLINE_S))[item]


def report(person: Client, dossier: Data, material: Data) -> Data:
    [file] = material["files"]
    return person.send("GET", f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file['file_id']}/report")


def test_bits_that_rotted_inside_a_picture_are_found(person: Client, dossier: Data, tmp_path: Path) -> None:
    material = sent(person, dossier, tmp_path, "education", pdf_fixtures.rotten_pdf())
    assert material["status"] == "failed"
    [finding] = material["files"][0]["findings"]
    assert (finding["code"], finding["where"], finding["rule"]) == ("pdf.picture-damaged", "page 2", "G-03")
    told = report(person, dossier, material)
    assert (told["pending"], told["verdict"], told["facts"]["pictures"]) == (False, "fail", 3)
    assert material["merged"] is None


def test_a_sound_scan_passes_with_all_its_pictures(person: Client, dossier: Data, tmp_path: Path) -> None:
    material = sent(person, dossier, tmp_path, "recommendation", pdf_fixtures.scanned_pdf())
    assert material["status"] == "passed"
    told = report(person, dossier, material)
    assert (told["pending"], told["version"], told["facts"]["pictures"]) == (False, 2, 3)
    assert told["facts"]["unknown_pictures"] == 0


def test_signers_are_shown_and_that_nobody_verified_them(person: Client, dossier: Data, tmp_path: Path) -> None:
    material = sent(person, dossier, tmp_path, "qualification", pdf_fixtures.signed())
    told = report(person, dossier, material)
    [signature] = told["facts"]["signatures"]
    assert (signature["kind"], signature["subject"], signature["issuer"]) == ("approval", "张三", "测试 CA")
    assert (signature["signed_at"], signature["whole"]) == ("2024-05-01T09:30:00+08:00", True)
    assert [finding["code"] for finding in told["findings"]] == ["pdf.signed"]
    address = f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}"
    text = person._http.get(address).text
    assert "电子签名（1）" in text
    assert "<bdi>张三</bdi>" in text
    assert "未验证证书是否可信" in text


def test_the_page_shows_what_each_page_weighs(person: Client, dossier: Data) -> None:
    """Of both materials above: G-07's limit beside what was measured."""
    for item in ("education", "recommendation"):
        address = f"/dossiers/{dossier['dossier_id']}/materials/{materials(dossier)[item]['material_id']}"
        text = person._http.get(address).text
        assert "每页大小：最大" in text
        assert "上限 5.00 MB" in text
        assert text.partition('class="weights"')[2].partition("</ol>")[0].count("<meter") == 3
