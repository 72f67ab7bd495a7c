"""Hints about pages, from the upload to the applicant's page and the REST API; a dossier waits for none of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cli.demo.client import Client, Data
from tests.assets import pdf_fixtures
from tests.assets import quality_pages as drawn
from tests.e2e.browser.conftest import enrol
from tests.e2e.conformance import Conformance
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 150


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Client]:
    enrol(platform, "photographer", "郑拍照", "applicant", "jc-h1")
    client = platform.client("photographer")
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier(person: Client) -> Data:
    return person.send("POST", "/api/v1/dossiers", json={"profile": another("郑拍照", "51010619870707153")})


def sent(person: Client, dossier: Data, folder: Path, item: str, data: bytes) -> None:
    path = folder / f"{item}.pdf"
    path.write_bytes(data)
    person.upload(dossier["dossier_id"], materials(dossier)[item]["material_id"], COMPONENTS[item], path)


def hinted(person: Client, dossier: Data, item: str, enough: Callable[[list[Data]], bool]) -> Data:
    def is_hinted(told: Data) -> bool:
        return any(enough(file["findings"]) for file in materials(told)[item]["files"])

    return materials(person.wait(dossier["dossier_id"], is_hinted, deadline_s=DEADLINE_S))[item]


def codes(material: Data) -> list[tuple[str, str | None]]:
    return [(each["code"], each["where"]) for file in material["files"] for each in file["findings"]]


def test_hints_reach_the_applicant_and_keep_nothing_up(person: Client, dossier: Data, tmp_path: Path) -> None:
    blurred = drawn.blurred(drawn.letter())
    pages = [drawn.jpeg(each) for each in (drawn.letter(), drawn.bare(), blurred)]
    sent(person, dossier, tmp_path, "annual_assessment", pdf_fixtures.pdf_of(pages))
    material = hinted(person, dossier, "annual_assessment", lambda found: len(found) >= 3)
    assert material["status"] == "passed"
    assert codes(material) == [
        ("pdf.blank-page", "page 2"), ("pdf.blurred", "page 3"), ("pdf.no-colour", "page 3"),
    ]  # fmt: skip
    [file] = material["files"]
    place = file["findings"][1]["place"]
    assert (place["page"], place["left"], place["width"]) == (3, 0, 1)
    assert 0.5 < place["confidence"] < 1

    path = f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file['file_id']}/quality"
    told = person.send("GET", path)
    Conformance().check("GET", path, 200, told)
    assert [each["page"] for each in told["pages"]] == [1, 2, 3]
    assert [each["code"] for each in told["findings"]] == ["pdf.blank-page", "pdf.blurred"]

    address = f"/dossiers/{dossier['dossier_id']}/materials/{material['material_id']}"
    text = person._http.get(address).text
    assert f"/files/{file['file_id']}/page.jpg?page=3&amp;width=240" in text
    assert 'class="frame"' in text
    assert "第 3 页可能没有对准焦" in text


def test_a_page_that_is_there_twice(person: Client, dossier: Data, tmp_path: Path) -> None:
    page = drawn.letter(heading="荣誉证书", seal=True)
    sent(person, dossier, tmp_path, "qualification", pdf_fixtures.pdf_of([drawn.jpeg(page)]))
    again = drawn.jpeg((page * 0.93).astype("uint8"), 60)
    sent(person, dossier, tmp_path, "appointment", pdf_fixtures.pdf_of([drawn.jpeg(drawn.letter()), again]))
    material = hinted(
        person, dossier, "appointment", lambda found: any(f["code"] == "pdf.duplicate-page" for f in found)
    )
    [found] = [each for each in material["files"][0]["findings"] if each["code"] == "pdf.duplicate-page"]
    assert (found["where"], found["place"]["other_page"]) == ("page 2", 1)
    other = materials(person.dossier(dossier["dossier_id"]))["qualification"]["files"][0]["file_id"]
    assert found["place"]["other_file_id"] == other

    person.send("DELETE", f"/api/v1/dossiers/{dossier['dossier_id']}/files/{other}")
    left = person.wait(
        dossier["dossier_id"],
        lambda told: "pdf.duplicate-page" not in str(materials(told)["appointment"]["files"]),
        deadline_s=DEADLINE_S,
    )
    assert materials(left)["appointment"]["status"] in ("passed", "processing")
