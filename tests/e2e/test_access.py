"""Who may do what, and what is refused: sessions, CSRF, Origin, organisations, presigned URLs, versions, repeats."""

import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import grpc
import httpx
import psutil
import pytest

from services.catalogue import id_number
from services.gen.review.v1 import review_pb2, review_pb2_grpc
from services.kernel.clock import SystemClock
from services.kernel.tokens import Claims, TokenKey, Tokens
from tests.assets import pdf_fixtures
from tests.e2e.api import Raw, problem
from tests.e2e.conftest import Platform

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]
_SEVENTEEN = "51010619900202123"
#: Right but for its check digit.
WRONG_ID_NUMBER = _SEVENTEEN + ("1" if id_number.check_digit(_SEVENTEEN) != "1" else "2")
PROFILE: dict[str, Any] = {
    "name": "吴青原",
    "id_number": _SEVENTEEN + id_number.check_digit(_SEVENTEEN),
    "target_level": "正高级",
    "category": "药学",
    "workload_register": "pharmacy",
    "specialty": "医院药学",
    "employer": "青原县人民医院",
    "department": "药学部",
    "title": "副主任药师",
    "affiliation": "县属",
    "counterpart_support_due": False,
}


@pytest.fixture(scope="module")
def owner(platform: Platform) -> Raw:
    """The applicant of the other county."""
    return Raw(platform, "applicant-other")


@pytest.fixture(scope="module")
def dossier(owner: Raw) -> dict[str, Any]:
    """That applicant's dossier."""
    answer = owner.call(
        "POST", "/api/v1/dossiers", json={"profile": PROFILE}, headers={"Idempotency-Key": "one-dossier"}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def material(dossier: dict[str, Any]) -> str:
    """The annual assessment's material."""
    return str(next(m["material_id"] for m in dossier["materials"] if m["item_id"] == "annual_assessment"))


def audit_paths(dossier_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The audit chain, which holds ids, codes and hashes only."""
    yield "GET", f"/api/v1/dossiers/{dossier_id}/audit", {}
    yield "GET", f"/api/v1/dossiers/{dossier_id}/audit/verification", {}


def paths(dossier_id: str, material_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    base = f"/api/v1/dossiers/{dossier_id}"
    upload = {"component": "assessment_proof", "file_name": "a.pdf", "size_bytes": 9}
    confirmation = {
        "manifest_sha256": "0" * 64, "compared_with_original": True, "legible": True, "authentic": True,
    }  # fmt: skip
    yield "GET", base, {}
    yield "GET", f"{base}/profile", {}
    yield "GET", f"{base}/checklist", {}
    yield "GET", f"{base}/twins", {}
    yield from audit_paths(dossier_id)
    yield "PUT", f"{base}/profile", {"profile": PROFILE}
    yield "POST", f"{base}/materials/{material_id}/uploads", upload
    yield "GET", f"{base}/materials/{material_id}/merged", {}
    yield "DELETE", f"{base}/files/nowhere", {}
    yield "POST", f"{base}/submission", {"declaration_accepted": True}
    yield "PUT", f"{base}/materials/{material_id}/confirmation", confirmation
    yield "POST", f"{base}/forwarding", {"eligible": True}
    yield "POST", f"{base}/return", {"defects": [{"material_id": material_id, "reason": "x"}]}


@pytest.mark.parametrize(
    "login", ["applicant", "unit", "county", "unit-city", "city", "province", "unit-other", "operator"]
)
def test_for_everybody_else_a_draft_is_not_there(
    platform: Platform, dossier: dict[str, Any], material: str, login: str
) -> None:
    stranger = Raw(platform, login)
    allowed = list(audit_paths(dossier["dossier_id"])) if login == "operator" else []
    for method, path, body in paths(dossier["dossier_id"], material):
        answer = stranger.call(method, path, json=body or None, headers={"If-Match": '"v1.0"'})
        if (method, path, body) in allowed:
            assert answer.status_code == 200
            assert PROFILE["name"] not in answer.text
            assert PROFILE["id_number"] not in answer.text
        else:
            problem(answer, 404, "request.not-found")
    listed = stranger.call("GET", "/api/v1/dossiers").json()["dossiers"]
    assert dossier["dossier_id"] not in [d["dossier_id"] for d in listed]


def test_without_a_session_nothing_is_answered(platform: Platform, dossier: dict[str, Any], material: str) -> None:
    nobody = Raw(platform)
    for method, path, body in paths(dossier["dossier_id"], material):
        problem(nobody.call(method, path, json=body or None), 401, "session.missing")


def test_a_forged_session_is_none(platform: Platform) -> None:
    forger = Raw(platform)
    forger.http.cookies.set("shenbao", "x" * 43)
    problem(forger.call("GET", "/api/v1/dossiers"), 401, "session.missing")


def test_a_change_without_csrf_token_is_refused(platform: Platform, owner: Raw) -> None:
    for token in ("", "wrong"):
        answer = owner.call("POST", "/api/v1/dossiers", json={"profile": PROFILE}, headers={"X-CSRF-Token": token})
        problem(answer, 403, "request.csrf")


def test_a_foreign_origin_is_refused_even_at_sign_in(platform: Platform, owner: Raw) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    problem(
        owner.call("POST", "/api/v1/dossiers", json={"profile": PROFILE}, headers=foreign),
        403,
        "request.foreign-origin",
    )
    body = {"login": "unit", "password": platform.passwords["unit"]}
    problem(Raw(platform).call("POST", "/api/v1/session", json=body, headers=foreign), 403, "request.foreign-origin")


def test_signing_out_ends_the_session(platform: Platform) -> None:
    person = Raw(platform, "unit-city")
    assert person.call("DELETE", "/api/v1/session").status_code == 204
    problem(person.call("GET", "/api/v1/dossiers"), 401, "session.missing")


def test_five_wrong_passwords_lock_the_account_without_telling_which_exist(platform: Platform) -> None:
    guesser = Raw(platform)
    for login in ("county-other", "nobody-here"):
        answer = guesser.call("POST", "/api/v1/session", json={"login": login, "password": "wrong"})
        problem(answer, 401, "account.wrong-password")
    for _ in range(4):
        guesser.call("POST", "/api/v1/session", json={"login": "county-other", "password": "wrong"})
    right = {"login": "county-other", "password": platform.passwords["county-other"]}
    answer = guesser.call("POST", "/api/v1/session", json=right)
    problem(answer, 429, "account.locked")
    assert int(answer.headers["retry-after"]) > 0


def test_a_first_password_must_be_changed(platform: Platform) -> None:
    operator = Raw(platform, "operator")
    wanted = {"login": "new-unit", "name": "新审核", "role": "reviewer", "organisation_id": "qy-h1"}
    made = operator.call("POST", "/api/v1/accounts", json=wanted)
    assert made.status_code == 201, made.text
    first = made.json()["first_password"]
    fresh = Raw(platform)
    answer = fresh.call("POST", "/api/v1/session", json={"login": "new-unit", "password": first})
    fresh.csrf = answer.json()["csrf_token"]
    assert answer.json()["must_change_password"]
    problem(fresh.call("GET", "/api/v1/dossiers"), 403, "account.must-change-password")
    short = fresh.call("POST", "/api/v1/session/password", json={"old": first, "new": "short"})
    problem(short, 400, "account.weak-password")
    changed = fresh.call("POST", "/api/v1/session/password", json={"old": first, "new": "long enough for all"})
    assert changed.status_code == 200
    fresh.csrf = changed.json()["csrf_token"]
    assert fresh.call("GET", "/api/v1/dossiers").status_code == 200


@pytest.mark.parametrize("login", ["applicant", "unit", "province"])
def test_only_operators_operate(platform: Platform, login: str) -> None:
    person = Raw(platform, login)
    wanted = {"login": "x", "name": "x", "role": "operator", "organisation_id": "sc"}
    problem(person.call("POST", "/api/v1/accounts", json=wanted), 403, "review.not-operator")
    problem(person.call("GET", "/api/v1/jobs"), 403, "review.not-operator")
    problem(person.call("GET", "/api/v1/audit/verification"), 403, "review.not-operator")
    assert Raw(platform, "operator").call("GET", "/api/v1/jobs").status_code == 200


def announce(owner: Raw, dossier_id: str, material_id: str, body: bytes, **changes: Any) -> httpx.Response:
    told = {"component": "assessment_proof", "file_name": "考核.pdf", "size_bytes": len(body), **changes}
    return owner.call("POST", f"/api/v1/dossiers/{dossier_id}/materials/{material_id}/uploads", json=told)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"file_name": "a.exe"}, 415, "upload.media-not-accepted"),
        ({"size_bytes": 0}, 422, "file.empty"),
        ({"size_bytes": 4 * 40 * 2**20 + 1}, 413, "upload.too-large"),
        ({"component": "nowhere"}, 400, "catalogue.no-such-component"),
        ({"component": ""}, 400, "request.invalid"),
    ],
)
def test_what_an_item_does_not_take_is_refused_before_a_byte_moves(
    owner: Raw, dossier: dict[str, Any], material: str, changes: dict[str, Any], status: int, code: str
) -> None:
    problem(announce(owner, dossier["dossier_id"], material, b"x" * 9, **changes), status, code)


def presigned(owner: Raw, dossier_id: str, upload_id: str, part: bytes, number: int = 1) -> dict[str, Any]:
    wanted = [{"number": number, "size_bytes": len(part), "sha256": hashlib.sha256(part).hexdigest()}]
    answer = owner.call("POST", f"/api/v1/dossiers/{dossier_id}/uploads/{upload_id}/parts", json={"parts": wanted})
    assert answer.status_code == 200, answer.text
    request: dict[str, Any] = answer.json()["parts"][0]["request"]
    return request


def put(request: dict[str, Any], body: bytes, **changes: str) -> httpx.Response:
    parts = urlsplit(request["url"])
    query = {key: value[0] for key, value in parse_qs(parts.query, keep_blank_values=True).items()} | changes
    url = parts._replace(query=urlencode(query)).geturl()
    return httpx.put(url, content=body, headers=request["headers"], trust_env=False)


def test_a_presigned_part_takes_exactly_its_bytes_and_nothing_else(
    owner: Raw, dossier: dict[str, Any], material: str
) -> None:
    body = pdf_fixtures.scanned_pdf(pages=1)
    made = announce(owner, dossier["dossier_id"], material, body).json()
    request = presigned(owner, dossier["dossier_id"], made["upload_id"], body)
    for changes in (
        {"partNumber": "2"},
        {"uploadId": "other"},
        {"X-Expires": "99999999999"},
        {"X-Signature": "0" * 64},
    ):
        problem(put(request, body, **changes), 403, "objects.refused")
    problem(put(request, b"x" * len(body)), 422, "upload.part-damaged")
    problem(put(request, body[:-1]), 403, "objects.refused")
    other = {**request, "headers": {}}
    problem(put(other, body), 403, "objects.refused")
    assert put(request, body).status_code == 200
    assert put(request, body).status_code == 200  # the same bytes again change nothing
    base = f"/api/v1/dossiers/{dossier['dossier_id']}"
    first = owner.call("POST", f"{base}/uploads/{made['upload_id']}/completion", json={})
    again = owner.call("POST", f"{base}/uploads/{made['upload_id']}/completion", json={})
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert first.json()["sha256"] == hashlib.sha256(body).hexdigest()
    problem(put(request, body), 410, "upload.ended")
    late = owner.call("POST", f"{base}/uploads/{made['upload_id']}/parts", json={"parts": [
        {"number": 1, "size_bytes": len(body), "sha256": "0" * 64}]})  # fmt: skip
    problem(late, 410, "upload.ended")
    file_id = first.json()["file_id"]
    link = owner.call("GET", f"{base}/files/{file_id}/download").json()
    fetched = httpx.get(link["url"], trust_env=False)
    assert fetched.content == body
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert "attachment" in fetched.headers["content-disposition"]
    assert httpx.get(link["url"].replace("mediaType", "mediatype"), trust_env=False).status_code == 403
    assert owner.call("DELETE", f"{base}/files/{file_id}").status_code == 204
    assert owner.call("DELETE", f"{base}/files/{file_id}").status_code == 204
    problem(owner.call("GET", f"{base}/files/{file_id}"), 404, "request.not-found")


def test_an_interrupted_upload_goes_on_where_it_stopped(owner: Raw, dossier: dict[str, Any], material: str) -> None:
    body = b"%PDF-1.7\n" + b"0" * (20 * 2**20)
    dossier_id = dossier["dossier_id"]
    made = announce(owner, dossier_id, material, body).json()
    size = made["part_size_bytes"]
    assert (made["part_count"], made["parts"]) == (2, [])
    assert put(presigned(owner, dossier_id, made["upload_id"], body[:size]), body[:size]).status_code == 200
    again = announce(owner, dossier_id, material, body).json()
    assert again["upload_id"] == made["upload_id"]
    assert [part["number"] for part in again["parts"]] == [1]
    early = owner.call("POST", f"/api/v1/dossiers/{dossier_id}/uploads/{made['upload_id']}/completion", json={})
    problem(early, 409, "upload.parts-missing")
    assert put(presigned(owner, dossier_id, made["upload_id"], body[size:], 2), body[size:]).status_code == 200
    done = owner.call("POST", f"/api/v1/dossiers/{dossier_id}/uploads/{made['upload_id']}/completion", json={})
    assert done.status_code == 200, done.text
    owner.call("DELETE", f"/api/v1/dossiers/{dossier_id}/files/{done.json()['file_id']}")


def test_a_repeated_key_answers_the_same_and_another_request_under_it_is_refused(
    owner: Raw, dossier: dict[str, Any]
) -> None:
    again = owner.call(
        "POST", "/api/v1/dossiers", json={"profile": PROFILE}, headers={"Idempotency-Key": "one-dossier"}
    )
    assert again.status_code == 201
    assert again.json()["dossier_id"] == dossier["dossier_id"]
    other = {**PROFILE, "department": "另一科室"}
    answer = owner.call("POST", "/api/v1/dossiers", json={"profile": other}, headers={"Idempotency-Key": "one-dossier"})
    problem(answer, 422, "request.idempotency-mismatch")
    fresh = owner.call("POST", "/api/v1/dossiers", json={"profile": PROFILE})
    problem(fresh, 409, "dossier.exists")


def test_changes_name_the_version_that_was_seen(owner: Raw, dossier: dict[str, Any]) -> None:
    path = f"/api/v1/dossiers/{dossier['dossier_id']}"
    problem(owner.call("PUT", f"{path}/profile", json={"profile": PROFILE}), 428, "request.if-match-missing")
    stale = owner.call("PUT", f"{path}/profile", json={"profile": PROFILE}, headers={"If-Match": '"v99.0"'})
    problem(stale, 412, "request.stale-version")
    bad = owner.call("PUT", f"{path}/profile", json={"profile": PROFILE}, headers={"If-Match": "x"})
    problem(bad, 400, "request.bad-if-match")
    again = 200
    for _ in range(50):  # a job of an earlier test may still change the dossier between the two calls
        seen = owner.call("GET", path)
        again = owner.call("GET", path, headers={"If-None-Match": seen.headers["etag"]}).status_code
        if again == 304:
            break
    assert again == 304
    masked = owner.call("GET", f"{path}/profile").json()["profile"]["id_number"]
    assert masked.startswith("510***********")


def test_a_wrong_profile_is_refused_with_every_problem(platform: Platform) -> None:
    person = Raw(platform, "applicant-city")
    wrong = {**PROFILE, "id_number": WRONG_ID_NUMBER, "category": "x", "extra": 1}
    body = problem(person.call("POST", "/api/v1/dossiers", json={"profile": wrong}), 400, "profile.invalid")
    told = body["params"]["problems"]
    assert "id_number" in told
    assert "category" in told
    assert "extra" in told
    assert WRONG_ID_NUMBER not in told


def test_associate_titles_of_county_units_are_not_within_this_system(platform: Platform) -> None:
    person = Raw(platform, "applicant-city")
    wanted = {**PROFILE, "target_level": "副高级"}
    problem(person.call("POST", "/api/v1/dossiers", json={"profile": wanted}), 422, "dossier.may-not-apply")


@pytest.mark.parametrize("token", ["", "forged", "expired", "for another service"])
async def test_a_service_refuses_what_no_colleague_signed(platform: Platform, token: str) -> None:
    address = _review_address(platform)
    clock = SystemClock()
    ours = TokenKey(key_id="a", secret=platform.folder.secrets().token)
    claims = Claims(actor="service:gateway", audience="review", action="operate")

    class Past:
        def now(self) -> Any:
            return clock.now().replace(year=2020)

    given = {
        "": "",
        "forged": Tokens([TokenKey(key_id="a", secret="x" * 40)], clock).mint(claims),
        "expired": Tokens([ours], Past()).mint(claims),
        "for another service": Tokens([ours], clock).mint(Claims(actor="x", audience="upload")),
    }[token]
    async with grpc.aio.insecure_channel(address) as channel:
        stub = review_pb2_grpc.ReviewServiceStub(channel)
        metadata = (("authorization", f"Bearer {given}"),) if given else ()
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.ListOrganisations(review_pb2.ListOrganisationsRequest(), metadata=metadata)
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED


def _review_address(platform: Platform) -> str:
    """Read from the running service's own environment, as a colleague would be told it."""
    for child in psutil.Process(platform.pid).children(recursive=True):
        if "services.review" in child.cmdline():
            return str(child.environ()["SHENBAO_LISTEN"])
    raise AssertionError("review does not run")
