"""Every form and page with wrong, empty, huge and script-carrying input: a page that says so, never a bug or script."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from services.gateway.pages import ROUTERS
from tests.e2e.conftest import Platform
from tests.small_dossier import another

pytestmark = pytest.mark.xdist_group("platform")
SCRIPT = "\"'><script>alert(1)</script>&lt;{{977*991}}"
BAD_VALUES = {
    "nothing": "", "script": SCRIPT, "huge": "汉" * 30_000, "nul": "a\x00b", "number": "-99999999999999999999",
    "newlines": "a\r\nSet-Cookie: x=1", "invisible": "a\u202eb\u200b",
}  # fmt: skip
#: Path → the fields of its form. A form that is not listed here fails a test below.
FORMS: dict[str, tuple[str, ...]] = {
    "/sign-in": ("login", "password", "to", "kept.name"),
    "/password": ("old", "new", "again"),
    "/profile": ("name", "id_number", "answers.education.0.path", "add", "remove", "political_score", "appointed_on"),
    "/dossiers/{dossier_id}/profile": ("name", "version", "add", "remove", "category"),
    "/dossiers/{dossier_id}/submission": ("version", "declaration"),
    "/dossiers/{dossier_id}/files/{file_id}/deletion": ("material_id",),
    "/dossiers/{dossier_id}/files/{file_id}/name": ("file_name",),
    "/dossiers/{dossier_id}/files/{file_id}/stages/{stage}/{action}": (),
    "/dossiers/{dossier_id}/files/{file_id}/title-card": ("seconds",),
    "/dossiers/{dossier_id}/files/{file_id}/title-card/adoption": ("new_id",),
    "/dossiers/{dossier_id}/materials/{material_id}/order": ("up",),
    "/dossiers/{dossier_id}/materials/{material_id}/arrangement": (
        "version", "leaf.0", "place.0", "turn.0", "component.0", "whole",
    ),
    "/dossiers/{dossier_id}/materials/{material_id}/arrangement/suggestions": (),
    "/dossiers/{dossier_id}/materials/{material_id}/components/{component_id}/text": ("text", "new_id"),
    "/dossiers/{dossier_id}/size-coach/{subject_id}/{action}": ("advice_id",),
    "/review/{dossier_id}/materials/{material_id}/confirmation": (
        "manifest", "compared_with_original", "legible", "authentic",
    ),
    "/review/{dossier_id}/materials/{material_id}/defect": ("reason",),
    "/review/{dossier_id}/forwarding": ("version", "eligible", "comment", "decision_id"),
    "/review/{dossier_id}/return": ("version", "comment", "decision_id"),
    "/operation/accounts": ("login", "name", "role", "organisation_id"),
    "/operation/accounts/{account_id}/{action}": ("q",),
    "/operation/organisations": ("organisation_id", "parent_id", "name", "level", "kind"),
    "/operation/import/{sort}": ("text", "apply"),
    "/operation/events/letters": ("letter_id", "action"),
    "/operation/jobs/{service}/{job_id}/{action}": (),
}  # fmt: skip
#: JSON, and a form without fields.
OTHERS = {"/dossiers/{dossier_id}/suggestions", "/sign-out"}
LOGINS = {"/review": "unit", "/operation": "operator"}


def routes(method: str) -> Iterator[str]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and method in (route.methods or ()):
                yield route.path


class Window:
    """A signed-in person at the pages, without a browser's help."""

    def __init__(self, platform: Platform, login: str) -> None:
        self.http = httpx.Client(
            base_url=platform.url, timeout=60, trust_env=False, headers={"Accept": "text/html", "Accept-Language": "zh"}
        )
        platform.opened.append(self.http)
        body = {"login": login, "password": platform.passwords[login]}
        self.csrf = self.http.post("/api/v1/session", json=body).json()["csrf_token"]

    def post(self, path: str, fields: dict[str, str]) -> httpx.Response:
        return self.http.post(path, data={"csrf": self.csrf, **fields})


@pytest.fixture(scope="module")
def ids(platform: Platform) -> dict[str, str]:
    """A dossier that is there, and ids that are not."""
    person = platform.client("applicant-other")
    found = person.send("GET", "/api/v1/dossiers")["dossiers"]
    if not found:
        profile = another("周药师", "51010619860101222")
        found = [person.send("POST", "/api/v1/dossiers", json={"profile": profile})]
    dossier = person.dossier(found[0]["dossier_id"])
    return {
        "dossier_id": dossier["dossier_id"], "material_id": dossier["materials"][0]["material_id"],
        "file_id": "01a20000-0000-7000-8000-000000000000", "account_id": "nobody", "action": "reset",
        "sort": "accounts", "service": "video", "job_id": "nothing", "stage": "look",
        "subject_id": dossier["materials"][0]["material_id"], "component_id": "intro",
    }  # fmt: skip


@pytest.fixture(scope="module")
def windows(platform: Platform) -> dict[str, Window]:
    return {login: Window(platform, login) for login in ("applicant-other", "unit-province", "operator")}


def window_for(path: str, windows: dict[str, Window]) -> Window:
    if path.startswith("/operation"):
        return windows["operator"]
    return windows["unit-province" if path.startswith("/review") else "applicant-other"]


def address(path: str, ids: dict[str, str]) -> str:
    action = "retry" if "/jobs/" in path or "/stages/" in path else ids["action"]
    action = "visual" if "/size-coach/" in path else action
    return path.format(**{**ids, "action": action})


def is_fine(answer: httpx.Response) -> None:
    """A page or a redirect within this site; nothing typed comes back as markup."""
    assert answer.status_code < 500, answer.text[:500]
    if answer.is_redirect:
        assert re.match(r"/(?!/)", answer.headers["location"])
        return
    assert answer.headers["content-type"].startswith("text/html"), answer.text[:300]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script>alert" not in answer.text
    shown = answer.text.partition("<main")[2].partition("</main>")[0].replace(SCRIPT, "")
    assert str(977 * 991) not in shown
    assert "Set-Cookie" not in answer.headers.get("set-cookie", "").replace("shenbao", "")


def test_every_form_is_in_the_table() -> None:
    assert set(routes("POST")) == set(FORMS) | OTHERS


@pytest.mark.parametrize("bad", BAD_VALUES)
@pytest.mark.parametrize("path", [path for path in FORMS if path != "/password"])
def test_bad_input_gets_a_page(path: str, bad: str, ids: dict[str, str], windows: dict[str, Window]) -> None:
    window = window_for(path, windows)
    is_fine(window.post(address(path, ids), dict.fromkeys(FORMS[path], BAD_VALUES[bad])))


@pytest.mark.parametrize("bad", [bad for bad in BAD_VALUES if bad != "nothing"])
def test_a_wrong_password_form_gets_a_page(bad: str, windows: dict[str, Window]) -> None:
    value = BAD_VALUES[bad]
    is_fine(windows["applicant-other"].post("/password", {"old": value, "new": value, "again": f"{value}!"}))


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_changes_nothing(path: str, ids: dict[str, str], windows: dict[str, Window]) -> None:
    if path == "/sign-in":
        pytest.skip("whoever signs in has no token yet")
    window = window_for(path, windows)
    answer = window.http.post(address(path, ids), data={"csrf": "forged", **dict.fromkeys(FORMS[path], "x")})
    assert answer.status_code == 403
    is_fine(answer)


@pytest.mark.parametrize("path", sorted(set(routes("GET"))))
@pytest.mark.parametrize("wrong", ["..%2f..%2fetc", "%00", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "x" * 3000])
def test_wrong_addresses_get_a_page(path: str, wrong: str, platform: Platform, windows: dict[str, Window]) -> None:
    if path in ("/events", "/language/{lang}"):
        pytest.skip("no page")
    window = window_for(path, windows)
    filled = re.sub(r"\{\w+\}", wrong, path)
    answer = window.http.get(filled, params={"q": SCRIPT, "cursor": wrong, "organisation": wrong, "dossier": SCRIPT})
    is_fine(answer)


def test_what_was_typed_survives_an_expired_session(platform: Platform, ids: dict[str, str]) -> None:
    """Signed out in another tab: one signs in again, and sends the same with one click."""
    window = Window(platform, "applicant-other")
    window.http.post("/sign-out", data={"csrf": window.csrf})
    kept = {"name": SCRIPT, "employer": "青原县人民医院", "version": "1"}
    asked = window.post(f"/dossiers/{ids['dossier_id']}/profile", kept)
    assert asked.status_code == 401
    assert 'name="kept.employer" value="青原县人民医院"' in asked.text
    assert "<script>alert" not in asked.text
    told: dict[str, Any] = {
        "login": "applicant-other", "password": platform.passwords["applicant-other"],
        "to": f"/dossiers/{ids['dossier_id']}/profile", **{f"kept.{name}": value for name, value in kept.items()},
    }  # fmt: skip
    again = window.http.post("/sign-in", data=told)
    assert again.status_code == 200
    assert 'name="employer" value="青原县人民医院"' in again.text
    assert f'action="/dossiers/{ids["dossier_id"]}/profile"' in again.text
    assert "password" not in re.findall(r'name="([^"]+)"', again.text.partition("<main")[2])


@pytest.mark.parametrize("paths", [[], ["x"] * 501, ["x" * 1001], [""], [1], "x", None, [SCRIPT]])
def test_suggestions_take_names_only(paths: Any, ids: dict[str, str], windows: dict[str, Window]) -> None:
    window = windows["applicant-other"]
    answer = window.http.post(
        f"/dossiers/{ids['dossier_id']}/suggestions", json={"paths": paths}, headers={"X-CSRF-Token": window.csrf}
    )
    assert answer.status_code < 500
    assert (answer.status_code == 200) == (paths == [SCRIPT])
