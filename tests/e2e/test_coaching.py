"""The size coach, as its people use it: a page that is too large, an item that is, and what takes their place."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pikepdf
import pytest
from fastapi.routing import APIRoute
from PIL import Image

from services.catalogue import id_number
from services.cli.demo import sample
from services.cli.demo.client import Client, Data
from services.cli.person import Refused
from services.gateway.routes import coaching
from tests.assets import large_pages, pdf_fixtures
from tests.e2e.browser.conftest import enrol
from tests.e2e.checked_demo import CONFORMANCE, Checked
from tests.e2e.coached import DEADLINE_S, eventually, measured, of_first_file
from tests.e2e.conformance import method_of
from tests.e2e.conftest import Platform
from tests.small_dossier import COMPONENTS, another, fill, materials, owed, submit

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(240)]


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
    arranged = arrange(person, dossier_id, original["file_id"], other["file_id"])
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
    assert leaves(seen) == [(first["file_id"] if of == original["file_id"] else of, *rest) for of, *rest in arranged]
    assert materials(seen)["education"]["merged"]["pages"] == len(arranged)
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


def test_the_original_is_taken_back_in_one_press(
    platform: Platform, person: Client, dossier_id: str, too_large: Data
) -> None:
    original, other = too_large["files"]
    base = f"/api/v1/dossiers/{dossier_id}/files"
    before = person.send("GET", f"{base}/{original['file_id']}/size-advice")
    smaller = materials(person.dossier(dossier_id))["education"]["files"][0]["file_id"]
    material = f"/dossiers/{dossier_id}/materials/{too_large['material_id']}"
    assert f'id="restoration-{smaller}"' in person._http.get(material).text
    for _ in range(2):  # pressed twice is pressed once
        restoration = f"/dossiers/{dossier_id}/size-coach/{smaller}/restoration"
        pressed = browser(platform).post(restoration, data={"csrf": csrf(platform)})
        assert (pressed.status_code, pressed.headers["location"]) == (303, material)
    assert person.send("POST", f"{base}/{smaller}/restoration")["file_id"] == original["file_id"]
    seen = person.wait(dossier_id, lambda d: is_back(d, original["file_id"]), deadline_s=DEADLINE_S)
    first, second = materials(seen)["education"]["files"]
    for name in ("file_id", "file_name", "sha256", "state", "verdict", "pages"):
        assert first[name] == original[name]
    assert second["file_id"] == other["file_id"]
    assert {file_id for file_id, *_ in leaves(seen)} == {original["file_id"], other["file_id"]}
    again = person.send("GET", f"{base}/{original['file_id']}/size-advice")
    assert (again["advice_id"], again["plans"]) == (before["advice_id"], before["plans"])  # at once, without measuring
    assert again["shrinking"] == []
    offered = f'id="coach-visual-{original["file_id"]}"'  # as soon as the texts of its report are fetched
    person.wait(dossier_id, lambda _: offered in person._http.get(material).text, deadline_s=DEADLINE_S)
    with pytest.raises(Refused) as gone:
        person.ask("GET", f"{base}/{smaller}/download")
    assert gone.value.answer.status_code == 404
    [kept] = person.send("GET", f"/api/v1/dossiers/{dossier_id}/derivations")["derivations"]
    assert (kept["file_id"], kept["from_file_id"]) == (smaller, original["file_id"])
    assert kept["adopted_at"] < kept["taken_back_at"]
    with pytest.raises(Refused) as none:
        person.ask("POST", f"{base}/{original['file_id']}/restoration")
    assert none.value.answer.status_code == 404


def is_back(dossier: Data, file_id: str) -> bool:
    """Checked anew, and what was seen on its pages is told as before."""
    file = materials(dossier)["education"]["files"][0]
    told = {"pdf.page-too-large", "pdf.low-resolution"} <= codes(file)
    return bool(file["file_id"] == file_id and file["state"] == "verified" and file["file_name"] and told)


def codes(file: Data) -> set[str]:
    return {finding["code"] for finding in file["findings"]}


def test_once_taken_back_it_may_be_made_smaller_otherwise(person: Client, dossier_id: str, too_large: Data) -> None:
    original = too_large["files"][0]
    base = f"/api/v1/dossiers/{dossier_id}/files/{original['file_id']}/size-advice"
    advice_id = person.send("GET", base)["advice_id"]
    person.send("POST", f"{base}/application", json={"advice_id": advice_id, "method": "lossless"})
    seen = person.wait(dossier_id, lambda d: materials(d)["education"]["status"] == "passed", deadline_s=DEADLINE_S)
    made = materials(seen)["education"]["files"][0]["file_id"]
    first, second = person.send("GET", f"/api/v1/dossiers/{dossier_id}/derivations")["derivations"]
    assert (first["method"], second["method"], second["file_id"]) == ("visual", "lossless", made)
    assert second["ssim"] == 1
    assert second["taken_back_at"] is None


def test_an_item_of_several_files_comes_below_its_limit(person: Client, dossier_id: str, tmp_path: Path) -> None:
    """The pages that save most, whichever file they are in, and no more of them than are needed."""
    material_id = materials(person.dossier(dossier_id))["recommendation"]["material_id"]
    for seed, name in ((21, "推荐一.pdf"), (22, "推荐二.pdf")):
        path = tmp_path / name
        path.write_bytes(half_of_an_item(seed))
        person.upload(dossier_id, material_id, COMPONENTS["recommendation"], path)
    person.wait(dossier_id, lambda d: materials(d)["recommendation"]["status"] == "failed", deadline_s=DEADLINE_S)
    base = f"/api/v1/dossiers/{dossier_id}/materials/{material_id}/size-advice"
    told = measured(person, base)
    assert told["over_bytes"] > 0
    plan = next(plan for plan in told["plans"] if plan["method"] == "visual")
    assert plan["suffices"]
    files = [file["file_id"] for file in materials(person.dossier(dossier_id))["recommendation"]["files"]]
    assert sorted((page["file_id"], page["page"]) for page in plan["pages"]) == sorted((each, 2) for each in files)
    person.send("POST", f"{base}/application", json={"advice_id": told["advice_id"], "method": "visual"})

    def both_smaller(told: Data) -> bool:
        own = materials(told)["recommendation"]
        return own["status"] == "passed" and not {file["file_id"] for file in own["files"]} & set(files)

    seen = person.wait(dossier_id, both_smaller, deadline_s=DEADLINE_S)
    assert materials(seen)["recommendation"]["merged"]["size_bytes"] <= 40_000_000
    assert not {file["file_id"] for file in materials(seen)["recommendation"]["files"]} & set(files)


def half_of_an_item(seed: int) -> bytes:
    """Nine pages that are more than half of what an item may have, the second of them just within a page's limit."""
    jpeg = pdf_fixtures.scan_jpeg(seed, "推荐", (310, 438))
    pages = [pdf_fixtures.padded(jpeg, 2_200_000)] * 9
    pages[1] = pdf_fixtures.padded(jpeg, pdf_fixtures.PAGE_LIMIT - len(jpeg) - 10_000)
    return pdf_fixtures.pdf_of(pages)


def test_a_page_of_a_record_is_helped_as_any_other(platform: Platform, tmp_path: Path) -> None:
    """Records are exempt from an item's limit (G-08), not from a page's (G-07)."""
    enrol(platform, "recorded", "李记录", "applicant", "jc-h1")
    surgeon = platform.client("recorded")
    made = surgeon.send("POST", "/api/v1/dossiers", json={"profile": surgeons_profile()})
    path = tmp_path / "病案首页.pdf"
    path.write_bytes(large_pages.bloated_scan())
    material_id = materials(made)["clinical_case"]["material_id"]
    surgeon.upload(made["dossier_id"], material_id, "front_page", path)
    sent = surgeon.wait(
        made["dossier_id"],
        lambda d: any("pdf.page-too-large" in codes(file) for file in materials(d)["clinical_case"]["files"]),
        deadline_s=DEADLINE_S,
    )
    [original] = materials(sent)["clinical_case"]["files"]
    advice = of_first_file(sent, "clinical_case")
    told = measured(surgeon, advice)
    surgeon.send("POST", f"{advice}/application", json={"advice_id": told["advice_id"], "method": "lossless"})
    seen = surgeon.wait(
        made["dossier_id"],
        lambda d: [f["verdict"] for f in materials(d)["clinical_case"]["files"]] == ["pass"],
        deadline_s=DEADLINE_S,
    )
    assert materials(seen)["clinical_case"]["files"][0]["file_id"] != original["file_id"]


def surgeons_profile() -> Data:
    profile: Data = json.loads(sample.profile().model_dump_json(exclude_defaults=True))
    seventeen = "51010619790909777"
    return {**profile, "id_number": seventeen + id_number.check_digit(seventeen)}


def test_at_submission_the_original_is_kept_as_evidence_and_shown_to_reviewers(
    platform: Platform, person: Client, dossier_id: str, too_large: Data, tmp_path: Path
) -> None:
    original = too_large["files"][0]
    fill(person, person.dossier(dossier_id), owed(tmp_path))
    submit(person, dossier_id)
    made = materials(person.dossier(dossier_id))["education"]["files"][0]
    smaller = made["file_id"]
    both = [made["sha256"], original["sha256"]]
    eventually(
        lambda: evidence_of(platform, smaller) + evidence_of(platform, original["file_id"]), lambda kept: kept == both
    )
    with pytest.raises(Refused):
        person.ask("POST", f"/api/v1/dossiers/{dossier_id}/files/{smaller}/restoration")
    unit = platform.client("unit")
    screen = unit._http.get(f"/review/{dossier_id}/materials/{too_large['material_id']}").text
    assert f'id="derivation-{smaller}"' in screen
    assert "restoration-" not in screen
    of_original = f"/dossiers/{dossier_id}/files/{original['file_id']}"
    assert f"{of_original}/page.jpg?page=2" in screen
    shown = unit._http.get(f"{of_original}/page.jpg?page=2&width=1200")
    assert shown.status_code == 200
    assert Image.open(io.BytesIO(shown.content)).width >= 1200
    kept = unit._http.get(f"{of_original}/original", follow_redirects=True)
    assert hashlib.sha256(kept.content).hexdigest() == original["sha256"]


def test_every_route_of_the_coach_was_held_against_its_description() -> None:
    routes = [route for route in coaching.router.routes if isinstance(route, APIRoute)]
    pictures = {"GET /api/v1/dossiers/{dossier_id}/{kind}/{subject_id}/size-advice/picture"}
    assert {f"{method_of(route)} {route.path}" for route in routes} - pictures <= CONFORMANCE.seen


def evidence_of(platform: Platform, file_id: str) -> list[str]:
    """SHA-256 of what lies in the evidence area of a file; folders may go while this looks."""
    found = os.walk(platform.folder.root / "objects")
    blobs = [Path(at) / name for at, _, names in found for name in names if file_id in at and "/evidence/" in at]
    return [hashlib.sha256(blob.read_bytes()).hexdigest() for blob in blobs]


def arrange(person: Client, dossier_id: str, first: str, second: str) -> list[tuple[str, int, int]]:
    """A page of the second file before two of the first, one of them turned."""
    chosen = [(second, 1, 0), (first, 2, 90), (first, 3, 0)]
    component = COMPONENTS["education"]
    told = [{"file_id": file, "page": page, "turn": turn, "component_id": component} for file, page, turn in chosen]
    material = materials(person.dossier(dossier_id))["education"]
    person._tag = f'"v{material["version"]}.0"'
    path = f"/api/v1/dossiers/{dossier_id}/materials/{material['material_id']}/pages"
    person.send("PUT", path, json={"leaves": told}, version=True)
    return chosen


def leaves(dossier: Data) -> list[tuple[str, int, int]]:
    return [(leaf["file_id"], leaf["page"], leaf["turn"]) for leaf in materials(dossier)["education"]["leaves"]]


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
