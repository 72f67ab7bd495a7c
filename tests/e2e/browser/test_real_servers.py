"""The pages on real servers: a browser sends its parts straight to the S3 server and fetches from there, and the pages'
policy lets it talk to that origin and to no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.assets import pdf_fixtures
from tests.e2e.browser.conftest import Person
from tests.e2e.conftest import WITHOUT_BACKGROUND, Platform, on_real_servers
from tests.small_dossier import PROFILE, materials

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(240)]
CHECK_MS = 60_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Kafka, PostgreSQL, S3 and ten processes."""
    with on_real_servers(tmp_path_factory.mktemp("real") / "data", **WITHOUT_BACKGROUND) as running:
        yield running


@pytest.fixture
def objects(platform: Platform) -> str:
    """The origin of the S3 server."""
    ports = json.loads((platform.folder.root / "stack-secrets.json").read_text("utf-8"))["ports"]
    return f"http://127.0.0.1:{ports['objects']}"


def test_parts_go_straight_to_the_store_and_survive_a_lost_network(
    person: Person, platform: Platform, objects: str, tmp_path: Path
) -> None:
    made = platform.client("applicant").send("POST", "/api/v1/dossiers", json={"profile": PROFILE})
    material = materials(made)["annual_assessment"]
    large = tmp_path / "考核三页.pdf"
    pages = [pdf_fixtures.scan_jpeg(seed=n, title=str(n), size=(620, 877)) for n in range(2)]
    large.write_bytes(pdf_fixtures.pdf_of(pages) + b"%" + b"x" * (36 * 2**20) + b"\n")
    sent: list[str] = []
    cut = False

    def answer(route: Route) -> None:
        nonlocal cut
        number = re.search(r"partNumber=(\d+)", route.request.url)
        assert number is not None
        if number[1] == "2" and not cut:
            cut = True
            route.abort("internetdisconnected")
        else:
            if route.request.method == "PUT":
                sent.append(number[1])
            route.continue_()

    person.watch.expected += ["ERR_INTERNET_DISCONNECTED", "net::ERR", f"another host: {objects}/shenbao/"]
    person.sign_in("applicant")
    page = person.page
    page.route(re.compile(re.escape(objects)), answer)
    answered = page.goto(f"/dossiers/{made['dossier_id']}/materials/{material['material_id']}")
    assert answered is not None
    policy = dict(part.strip().partition(" ")[::2] for part in answered.headers["content-security-policy"].split(";"))
    assert policy["connect-src"] == f"'self' {objects}"
    with page.expect_file_chooser() as choosing:
        page.locator(".drop").first.click()
    choosing.value.set_files([str(large)])
    expect(page.locator(".files a").first).to_have_text("考核三页.pdf", timeout=CHECK_MS)
    expect(page.locator(".tag").first).to_have_text("机检通过", timeout=CHECK_MS)
    assert sorted(sent) == ["1", "2", "3"]


def test_a_download_comes_from_the_store_as_an_attachment(platform: Platform, objects: str) -> None:
    person = platform.client("applicant")
    [dossier] = person.send("GET", "/api/v1/dossiers?limit=1")["dossiers"]
    found = person.dossier(dossier["dossier_id"])
    file_id = materials(found)["annual_assessment"]["files"][0]["file_id"]
    asked = person.send("GET", f"/api/v1/dossiers/{dossier['dossier_id']}/files/{file_id}/download")
    request = asked.get("request", asked)
    assert request["url"].startswith(f"{objects}/shenbao/")
    answer = httpx.get(request["url"], headers={"range": "bytes=0-4"}, trust_env=False)
    assert (answer.status_code, answer.content) == (206, b"%PDF-")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "filename*=UTF-8''%E8%80%83%E6%A0%B8" in answer.headers["content-disposition"]
    assert httpx.get(f"{platform.url}/objects/files/x", trust_env=False).status_code == 404
