"""Requests that no browser sends: each gets a problem that says what is wrong, none an internal error."""

import json

import pytest

from services.cli.demo.sample import PROFILE
from tests.e2e.api import Raw, problem
from tests.e2e.conftest import Platform

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(120)]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def person(platform: Platform) -> Raw:
    """Of a hospital that no other test works at."""
    return Raw(platform, "applicant-city")


@pytest.mark.parametrize(
    "path", ["dossiers/%00", "dossiers/x/files/%00", "dossiers/%00/checklist", "dossiers/x/uploads/%00"]
)
def test_a_null_character_in_an_address(person: Raw, path: str) -> None:
    answer = person.call("GET", f"/api/v1/{path}")
    assert answer.json()["code"] in {"request.unreadable-text", "request.not-found"}


@pytest.mark.parametrize(
    "identifier", ["x" * 5000, "../../etc/passwd", "'; DROP TABLE dossiers; --", "张三", "%F0%9F%92%A9"]
)
def test_no_such_dossier(person: Raw, identifier: str) -> None:
    problem(person.call("GET", f"/api/v1/dossiers/{identifier}".replace("/..", "%2F..")), 404, "request.not-found")


@pytest.mark.parametrize("field", ["login", "password"])
def test_a_null_character_at_the_door(person: Raw, field: str) -> None:
    body = {"login": "a", "password": "b", field: "a\0b"}
    answer = person.call("POST", "/api/v1/session", json=body)
    assert answer.status_code in (400, 401), answer.text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("张\0三", "name: character 2 (U+0000) cannot be seen"),
        ("\u202e三张", "name: character 1 (U+202E) cannot be seen"),
        ("", "name: has 0 characters, at least 1 are needed"),
        ("张" * 201, "name: has 201 characters, at most 200 are allowed"),
        (None, "name: is nothing, a text is expected"),
        (["张三"], "name: is a list, a text is expected"),
    ],
)
def test_a_name_that_is_none(person: Raw, value: object, said: str) -> None:
    body = json.dumps({"profile": {**PROFILE, "name": value}})
    for language, detail in (("en", said), ("zh", "")):
        answer = person.call("POST", "/api/v1/dossiers", content=body, headers={**JSON, "Accept-Language": language})
        told = problem(answer, 400, "profile.invalid")
        assert detail in told["detail"]
        assert told["params"]["problems"].startswith(said)


def test_half_a_character_is_no_text(person: Raw) -> None:
    body = b'{"profile": {"name": "\\ud800"}}'
    told = problem(person.call("POST", "/api/v1/dossiers", content=body, headers=JSON), 400, "profile.invalid")
    assert "name: holds characters that are no text" in told["params"]["problems"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "request.invalid"),
        (b"{", 400, "request.invalid"),
        (b"[]", 400, "request.invalid"),
        (b'{"profile": 1}', 400, "request.invalid"),
        (b"[" * 100_000, 400, "request.invalid"),
        (b"\xff\xfe", 400, "request.invalid"),
        (b'{"profile": {"x": "' + b"x" * 2**20 + b'"}}', 413, "request.too-large"),
    ],
    ids=["none", "half", "list", "number", "deep", "no-text", "huge"],
)
def test_a_body_of_another_form(person: Raw, content: bytes, status: int, code: str) -> None:
    problem(person.call("POST", "/api/v1/dossiers", content=content, headers=JSON), status, code)


def test_a_form_is_no_json(person: Raw) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(person.call("POST", "/api/v1/dossiers", content=b"profile=x", headers=headers), 400, "request.invalid")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "query.limit"),
        ("limit=201", "query.limit"),
        (f"limit={'9' * 5000}", "query.limit"),
        ("limit=x", "query.limit"),
    ],
)
def test_a_page_of_no_size(person: Raw, query: str, said: str) -> None:
    told = problem(person.call("GET", f"/api/v1/dossiers?{query}"), 400, "request.invalid")
    assert said in told["params"]["problems"]


@pytest.mark.parametrize("after", [-1, 2**63, "x"])
def test_a_change_that_can_have_no_number(person: Raw, after: object) -> None:
    told = problem(person.call("GET", f"/api/v1/dossiers/x/changes?after={after}"), 400, "request.invalid")
    assert told["params"]["problems"].startswith("query.after: ")


@pytest.mark.parametrize("size", [-1, 2**63, 1.5, "x", None])
def test_a_file_of_no_size(person: Raw, size: object) -> None:
    body = {"component": "a", "file_name": "a.pdf", "size_bytes": size}
    told = problem(person.call("POST", "/api/v1/dossiers/x/materials/y/uploads", json=body), 400, "request.invalid")
    assert told["params"]["problems"].startswith("body.size_bytes: ")


@pytest.mark.parametrize("cursor", ["zzz", "../..", "' OR 1=1 --", "9" * 200, "张三"])
def test_a_cursor_that_was_never_given_shows_nothing_of_others(person: Raw, cursor: str) -> None:
    answer = person.call("GET", "/api/v1/dossiers", params={"cursor": cursor})
    assert answer.status_code in (200, 400), answer.text
    assert answer.json().get("dossiers", []) == []


@pytest.mark.parametrize("tag", ["1", "*", '"v1"', '"v1.zz"', 'W/"v1.00"', f'"v{"9" * 40}.00"', '"v-1.00"'])
def test_a_version_that_was_never_given(person: Raw, tag: str) -> None:
    answer = person.call("PUT", "/api/v1/dossiers/x/profile", json={"profile": PROFILE}, headers={"If-Match": tag})
    assert answer.status_code in (400, 404, 412), answer.text
    assert answer.json()["code"] != "service.failed"
