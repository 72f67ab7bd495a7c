"""The same scan, saved again, in two dossiers: their reviewer is told once both were handed in, and nobody else."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli.demo.client import Client, Data
from tests.assets import pdf_fixtures
from tests.assets import quality_pages as drawn
from tests.e2e.api import Raw, problem
from tests.e2e.browser.conftest import enrol
from tests.e2e.conformance import Conformance
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, fill, materials, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 150
ITEM = "annual_assessment"
SAID = "二〇二二年度考核等次为优秀，本证明仅用于高级职称申报，逐页加盖公章后有效，复印无效，特此说明以备查验核实。"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two applicants of one hospital and what they sent."""

    first: Data
    second: Data


def sent(person: Client, folder: Path, name: str, seventeen: str, scans: list[bytes]) -> Data:
    """A whole dossier, not handed in: the scans as one item, next to nothing as all others."""
    made = person.send("POST", "/api/v1/dossiers", json={"profile": another(name, seventeen)})
    files = {item: folder / f"{made['dossier_id']}-{item}.pdf" for item in COMPONENTS}
    for shade, (item, path) in enumerate(files.items(), start=240):
        path.write_bytes(pdf_fixtures.pdf_of(scans if item == ITEM else [drawn.jpeg(drawn.bare(shade)[:438, :310])]))
    fill(person, made, files)
    return made


@pytest.fixture(scope="module")
def people(platform: Platform) -> Iterator[tuple[Client, Client]]:
    enrol(platform, "twin-one", "孙同页", "applicant", "jc-h1")
    enrol(platform, "twin-two", "钱同页", "applicant", "jc-h1")
    found = platform.client("twin-one"), platform.client("twin-two")
    yield found
    for client in found:
        client.close()


@pytest.fixture(scope="module")
def pair(platform: Platform, people: tuple[Client, Client], tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The first one is handed in; the second one's page 2 is the first one's page, darker and saved again."""
    folder, scan = tmp_path_factory.mktemp("twins"), drawn.letter(heading="考核证明", said=SAID)
    again = drawn.jpeg((scan * 0.95).astype("uint8"), 60)
    first = sent(people[0], folder, "孙同页", "51010619860606111", [drawn.jpeg(scan)])
    submit(people[0], first["dossier_id"])
    own = drawn.jpeg(drawn.letter(said="本人近五年内在基层服务累计满一年，日常表现由服务单位考核，结果合格。"))
    second = sent(people[1], folder, "钱同页", "51010619860606222", [own, again])
    people[1].wait(second["dossier_id"], lambda told: told["status"] == "passed", deadline_s=60)
    until(lambda: stages(platform, second), lambda found: found.get("twins") == 8)
    return Pair(first, second)


def until(ask: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    ends = time.monotonic() + DEADLINE_S
    while not done(found := ask()):
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found


def stages(platform: Platform, dossier: Data) -> dict[str, int]:
    """How many jobs of each stage are done, as an operator sees it."""
    path = f"/api/v1/jobs?service=pdfcheck&state=done&dossier={dossier['dossier_id']}&limit=200"
    told = Raw(platform, "operator").call("GET", path).json()["jobs"]
    names = [each["stage"] for each in told]
    return {name: names.count(name) for name in names}


def address(dossier: Data) -> str:
    return f"/api/v1/dossiers/{dossier['dossier_id']}/twins"


def of_item(dossier: Data) -> Data:
    return materials(dossier)[ITEM]


def test_before_both_are_handed_in_nobody_is_told(platform: Platform, pair: Pair) -> None:
    assert Raw(platform, "unit").call("GET", address(pair.first)).json() == {"twins": []}
    problem(Raw(platform, "unit").call("GET", address(pair.second)), 404, "request.not-found")


def test_then_the_reviewer_of_both_is(platform: Platform, people: tuple[Client, Client], pair: Pair) -> None:
    submit(people[1], pair.second["dossier_id"], wait=False)
    unit = Raw(platform, "unit")
    path = f"{address(pair.first)}?material={of_item(pair.first)['material_id']}"
    told = unit.call("GET", path).json()
    Conformance().check("GET", path, 200, told)
    [twin] = [each for each in told["twins"] if each["other_dossier_id"] == pair.second["dossier_id"]]
    assert (twin["page"], twin["other_page"], twin["other_applicant_name"]) == (1, 2, "钱同页")
    assert twin["other_organisation_name"] == "锦川县人民医院"
    assert twin["other_material_id"] == of_item(pair.second)["material_id"]
    assert twin["likeness"] >= 0.7

    [back] = [
        each for each in unit.call("GET", address(pair.second)).json()["twins"]
        if each["other_dossier_id"] == pair.first["dossier_id"]
    ]  # fmt: skip
    assert (back["page"], back["other_page"], back["other_file_id"]) == (2, 1, twin["file_id"])

    text = unit.http.get(f"/review/{pair.first['dossier_id']}/materials/{of_item(pair.first)['material_id']}").text
    theirs = f"/dossiers/{pair.second['dossier_id']}/files/{twin['other_file_id']}/page.jpg?page=2"
    assert f'src="{theirs}&amp;width=240"' in text
    assert f'href="/review/{pair.second["dossier_id"]}/materials/{twin["other_material_id"]}"' in text
    assert "盖章表格、团队共有的证书等可以出现在几份档案中" in text
    shown = unit.http.get(f"{theirs}&width=240")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    [file] = of_item(unit.call("GET", f"/api/v1/dossiers/{pair.first['dossier_id']}").json())["files"]
    assert file["verdict"] == "pass"
    assert "twin" not in str(file["findings"])


def test_neither_applicant_is(platform: Platform, people: tuple[Client, Client], pair: Pair) -> None:
    for login, own, other in (("twin-one", pair.first, pair.second), ("twin-two", pair.second, pair.first)):
        person = Raw(platform, login)
        problem(person.call("GET", address(own)), 403, "review.own-dossier")
        problem(person.call("GET", address(other)), 404, "request.not-found")
        for kind in ("dossiers", "review"):
            shown = person.http.get(f"/{kind}/{own['dossier_id']}/materials/{of_item(own)['material_id']}")
            assert other["dossier_id"] not in shown.text
            assert "twin-" not in shown.text
        said = person.http.get(f"/api/v1/dossiers/{own['dossier_id']}").text
        assert other["dossier_id"] not in said


@pytest.mark.parametrize("login", ["county", "unit-other", "operator", "applicant-other"])
def test_nor_is_whoever_may_not_review_it(platform: Platform, pair: Pair, login: str) -> None:
    problem(Raw(platform, login).call("GET", address(pair.first)), 404, "request.not-found")
