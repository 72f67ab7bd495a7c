"""The size coach, as its people use it: a page that is too large, an item that is, and what takes their place."""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import pikepdf
import pytest
from fastapi.routing import APIRoute
from PIL import Image

from services.cli.demo.client import Client, Data
from services.cli.person import Refused
from services.gateway.routes import coaching
from tests.assets import large_pages, pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.checked_demo import CONFORMANCE, Checked
from tests.e2e.conformance import method_of
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, materials

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]
DEADLINE_S = 120
_Seen = TypeVar("_Seen")


@pytest.fixture(scope="module")
def person(platform: Platform) -> Iterator[Checked]:
    enrol(platform, "coached", "何缩小", "applicant", "jc-h1")
    client = Checked(platform.url, "coached", platform.passwords["coached"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def dossier_id(person: Client) -> str:
    made = person.send("POST", "/api/v1/dossiers", json={"profile": another("何缩小", "51010619870707333")})
    return str(made["dossier_id"])


def eventually(ask: Callable[[], _Seen], enough: Callable[[_Seen], bool]) -> _Seen:
    ends = time.monotonic() + DEADLINE_S
    while True:
        try:
            seen = ask()
            if enough(seen):
                return seen
        except Refused as error:
            if error.answer.status_code != 404:
                raise
            seen = None
        assert time.monotonic() < ends, seen
        time.sleep(0.1)


def measured(person: Client, path: str) -> Data:
    return eventually(lambda: person.send("GET", path), lambda told: bool(told["state"] == "done"))


@pytest.fixture(scope="module")
def too_large(person: Client, dossier_id: str, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A material of two files, the first with a page that is too large; as it is once it was refused."""
    folder = tmp_path_factory.mktemp("large")
    material_id = materials(person.dossier(dossier_id))["education"]["material_id"]
    for name, content in (("毕业证.pdf", large_pages.too_large_scan()), ("学位证.pdf", pdf_fixtures.scanned_pdf())):
        path = folder / name
        path.write_bytes(content)
        person.upload(dossier_id, material_id, COMPONENTS["education"], path)
    seen = person.wait(
        dossier_id,
        lambda d: len(materials(d)["education"]["files"]) == 2 and all(
            file["verdict"] for file in materials(d)["education"]["files"]
        ),
        deadline_s=DEADLINE_S,
    )  # fmt: skip
    return materials(seen)["education"]


def test_it_is_told_why_a_page_is_so_large_and_what_it_would_be(
    person: Client, dossier_id: str, too_large: Data
) -> None:
    file_id = too_large["files"][0]["file_id"]
    base = f"/api/v1/dossiers/{dossier_id}/files/{file_id}/size-advice"
    told = measured(person, base)
    [page] = told["pages"]
    assert (page["page"], page["refusal"]) == (2, "")
    assert page["size_bytes"] > pdf_fixtures.PAGE_LIMIT
    assert "quality" in page["reasons"]
    visual = next(offer for offer in page["offers"] if offer["method"] == "visual")
    assert visual["fits"]
    assert visual["page_bytes"] <= 5_000_000
    assert 0.985 <= visual["ssim"] < 1
    shown = {}
    for query in ("", "&method=visual", "&crop=true", "&method=visual&crop=true"):
        answer = person._http.get(f"{base}/picture?file_id={file_id}&page=2{query}")
        shown[query] = Image.open(io.BytesIO(answer.content)).size
    assert shown[""] == shown["&method=visual"] == (1200, 1699)
    assert shown["&crop=true"] == shown["&method=visual&crop=true"]
    assert all(abs(side - due) <= 1 for side, due in zip(shown["&crop=true"], (640, 420), strict=True))
    assert person._http.get(f"{base}/picture?file_id={file_id}&page=1").status_code == 404


def test_it_can_be_stopped_and_measured_again(person: Client, dossier_id: str, too_large: Data) -> None:
    base = f"/api/v1/dossiers/{dossier_id}/files/{too_large['files'][0]['file_id']}/size-advice"
    before = measured(person, base)
    assert person.send("POST", base)["state"] in ("queued", "leased")
    stopped = person.send("POST", f"{base}/cancellation")
    assert stopped["advice_id"] == before["advice_id"]
    eventually(lambda: person.send("GET", base), lambda told: told["state"] in ("cancelled", "done"))
    person.send("POST", base)
    again = eventually(lambda: person.send("GET", base), lambda told: told["state"] == "done")
    assert again["advice_id"] != before["advice_id"]
    assert again["pages"][0]["size_bytes"] == before["pages"][0]["size_bytes"]


def test_what_is_not_too_large_is_not_advised_on(person: Client, dossier_id: str, too_large: Data) -> None:
    path = f"/api/v1/dossiers/{dossier_id}/files/{too_large['files'][1]['file_id']}/size-advice"
    with pytest.raises(Refused) as refused:
        person.ask("POST", path)
    assert refused.value.answer.json()["code"] == "coach.not-too-large"


def test_on_the_applicants_word_it_takes_the_originals_place(
    platform: Platform, person: Client, dossier_id: str, too_large: Data
) -> None:
    """By the page's form, as a browser without scripts sends it."""
    original, other = too_large["files"]
    base = f"/api/v1/dossiers/{dossier_id}/files/{original['file_id']}"
    advice = measured(person, f"{base}/size-advice")
    material = f"/dossiers/{dossier_id}/materials/{too_large['material_id']}"
    shown = person._http.get(material).text
    assert "缩小助手" in shown
    assert f'id="coach-visual-{original["file_id"]}"' in shown
    coach = f"/dossiers/{dossier_id}/size-coach/{original['file_id']}"
    part = person._http.get(coach)
    assert part.headers["hx-trigger"] == "live"  # nothing runs: the page around it may be renewed
    form = {"csrf": csrf(platform), "advice_id": advice["advice_id"]}
    pressed = browser(platform).post(f"{coach}/visual", data=form)
    assert pressed.status_code == 303, pressed.text
    assert pressed.headers["location"].startswith(material)
    seen = person.wait(dossier_id, lambda d: materials(d)["education"]["status"] == "passed", deadline_s=DEADLINE_S)
    first, second = materials(seen)["education"]["files"]
    assert (first["file_name"], second["file_id"]) == ("毕业证.pdf", other["file_id"])
    assert first["file_id"] != original["file_id"]
    derivation = person.send("GET", f"/api/v1/dossiers/{dossier_id}/files/{first['file_id']}/derivation")
    sent = large_pages.too_large_scan()
    assert derivation["from_file_id"] == original["file_id"]
    assert derivation["from_sha256"] == hashlib.sha256(sent).hexdigest() == original["sha256"]
    assert (derivation["method"], [page["page"] for page in derivation["pages"]]) == ("visual", [2])
    assert derivation["asked_by"] == platform_account(person)
    assert derivation["tools"]["pikepdf"] == pikepdf.__version__
    made = downloaded(person, dossier_id, first["file_id"])
    assert derivation["sha256"] == hashlib.sha256(made).hexdigest()
    assert pdf_fixtures.single_page_bytes(made, 1) <= 5_000_000
    assert streams(made, 0) == streams(sent, 0)
    assert streams(made, 2) == streams(sent, 2)
    kept = browser(platform).get(f"/dossiers/{dossier_id}/files/{original['file_id']}/original")
    assert httpx.get(httpx.URL(platform.url).join(kept.headers["location"]), trust_env=False).content == sent
    assert "由原文件缩小而来" in person._http.get(material).text
    audit = person.send("GET", f"/api/v1/dossiers/{dossier_id}/audit")
    assert any(original["file_id"] in str(entry) and first["file_id"] in str(entry) for entry in audit["entries"])


def test_what_was_replaced_cannot_be_asked_for_again(person: Client, dossier_id: str, too_large: Data) -> None:
    base = f"/api/v1/dossiers/{dossier_id}/files/{too_large['files'][0]['file_id']}/size-advice"
    told = person.send("GET", base)
    assert [made["state"] for made in told["shrinking"]] == ["done"]
    with pytest.raises(Refused) as refused:
        person.ask("POST", f"{base}/application", json={"advice_id": "another", "method": "visual"})
    assert refused.value.answer.json()["code"] == "coach.changed"
    again = person.send("POST", f"{base}/application", json={"advice_id": told["advice_id"], "method": "visual"})
    assert [made["file_id"] for made in again["shrinking"]] == [made["file_id"] for made in told["shrinking"]]


def test_an_item_that_is_too_large_comes_below_its_limit(person: Client, dossier_id: str, tmp_path: Path) -> None:
    """One byte above 40 MiB: the pages that save most, and no more of them than are needed."""
    path = tmp_path / "推荐.pdf"
    path.write_bytes(pdf_fixtures.item_of_bytes(pdf_fixtures.ITEM_LIMIT + 1))
    material_id = materials(person.dossier(dossier_id))["recommendation"]["material_id"]
    person.upload(dossier_id, material_id, COMPONENTS["recommendation"], path)
    person.wait(dossier_id, lambda d: materials(d)["recommendation"]["status"] == "failed", deadline_s=DEADLINE_S)
    base = f"/api/v1/dossiers/{dossier_id}/materials/{material_id}/size-advice"
    told = measured(person, base)
    assert told["over_bytes"] > 0
    plan = next(plan for plan in told["plans"] if plan["method"] == "visual")
    assert plan["suffices"]
    assert len(plan["pages"]) == 1
    person.send("POST", f"{base}/application", json={"advice_id": told["advice_id"], "method": "visual"})
    seen = person.wait(
        dossier_id, lambda d: materials(d)["recommendation"]["status"] == "passed", deadline_s=DEADLINE_S
    )
    assert materials(seen)["recommendation"]["merged"]["size_bytes"] <= 40_000_000


def test_every_route_of_the_coach_was_held_against_its_description() -> None:
    routes = [route for route in coaching.router.routes if isinstance(route, APIRoute)]
    pictures = {"GET /api/v1/dossiers/{dossier_id}/{kind}/{subject_id}/size-advice/picture"}
    assert {f"{method_of(route)} {route.path}" for route in routes} - pictures <= CONFORMANCE.seen


_WINDOWS: dict[str, tuple[httpx.Client, str]] = {}


def browser(platform: Platform) -> httpx.Client:
    if platform.url not in _WINDOWS:
        http = httpx.Client(base_url=platform.url, timeout=60, trust_env=False, headers={"Accept": "text/html"})
        platform.opened.append(http)
        answer = http.post("/api/v1/session", json={"login": "coached", "password": platform.passwords["coached"]})
        _WINDOWS[platform.url] = (http, answer.json()["csrf_token"])
    return _WINDOWS[platform.url][0]


def csrf(platform: Platform) -> str:
    browser(platform)
    return _WINDOWS[platform.url][1]


def platform_account(person: Client) -> str:
    return str(person.send("GET", "/api/v1/session")["account_id"])


def downloaded(person: Client, dossier_id: str, file_id: str) -> bytes:
    link = person.send("GET", f"/api/v1/dossiers/{dossier_id}/files/{file_id}/download")
    return person._http.get(link["url"]).content


def streams(document: bytes, page: int) -> list[bytes]:
    with pikepdf.open(io.BytesIO(document)) as pdf:
        drawn = pdf.pages[page].obj.Resources.XObject
        return [pdf.pages[page].obj.Contents.read_raw_bytes(), *(each.read_raw_bytes() for each in drawn.values())]
