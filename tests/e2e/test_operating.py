"""An operator's hands on a running platform: dead letters, jobs, lag, each looked at and changed by command."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from services.cli.embedded.platform import DATABASE
from services.kernel.db.embedded import EmbeddedPostgres
from services.kernel.db.roles import role_of
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.envelope import Event, to_record
from services.kernel.jobs.tables import jobs
from tests.e2e.api import Raw, problem
from tests.e2e.conformance import Conformance
from tests.e2e.conftest import Platform

pytestmark = [pytest.mark.xdist_group("platform"), pytest.mark.timeout(180)]
DEADLINE_S = 60
TYPE = "shenbao.upload.file-deleted.v1"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(platform: Platform) -> Run:
    """A command as the operator."""

    def call(*arguments: str, login: str = "operator", url: str = "", **environment: str) -> Any:
        options = ["--url", url or platform.url, "--accounts", str(platform.folder.accounts), "--login", login]
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments, *options], capture_output=True, text=True,
            timeout=60, check=False, env={**os.environ, **environment},
        )  # fmt: skip

    return call


def told(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def until(attempt: Callable[[], Any]) -> Any:
    """What it gives, once it gives something."""
    ends = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends:
        found = attempt()
        if found:
            return found
    raise AssertionError("never happened")


async def letter(platform: Platform, number: int) -> str:
    """Publish an event that nobody can read; its key."""
    drawn = platform.folder.secrets()
    postgres = EmbeddedPostgres(platform.folder.root, drawn.superuser)
    key = f"unreadable-{uuid.uuid4()}"
    event = Event(
        id=str(uuid.uuid4()), type=TYPE, source="upload", aggregate_id=key, aggregate_version=number,
        time=datetime(2023, 6, 1, tzinfo=UTC), payload=b"\xff\xff\xff",
    )  # fmt: skip
    log = EmbeddedLog(postgres.url(role_of("upload"), drawn.passwords[role_of("upload")], DATABASE))
    await log.append([to_record(event)])
    await log.close()
    return event.id


async def job(platform: Platform, state: str, *, dossier: str, stage: str = "verdict") -> str:
    """A job of `video` about a file that is not there, which ends without an effect when it is done."""
    job_id = str(uuid.uuid4())
    values = {
        "job_id": job_id, "dedup_key": job_id, "stage": stage, "organisation_path": "/sc/", "dossier_id": dossier,
        "subject_id": str(uuid.uuid4()), "argument": "m/surgery_video/c", "state": state, "last_error": "test.broken",
        "run_after": datetime.now(UTC) + timedelta(days=1),
    }  # fmt: skip
    engine = create_async_engine(platform.superuser_url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("SET LOCAL search_path = video"))
        await connection.execute(sa.insert(jobs).values(values))
    await engine.dispose()
    return f"video/{job_id}"


async def test_dead_letters_are_listed_shown_sent_again_and_dismissed(platform: Platform, run: Run) -> None:
    sent = [await letter(platform, 1) for _ in range(3)]

    def waiting() -> list[dict[str, Any]]:
        found = told(run("dlq", "list", "--group", "review", "--all", "--json"))["letters"]
        return [each for each in found if each["event_id"] in sent]

    letters = until(lambda: found if len(found := waiting()) == 3 else None)
    assert {each["event_type"] for each in letters} == {TYPE}
    shown = told(run("dlq", "show", letters[0]["letter_id"], "--json"))["letter"]
    assert shown == letters[0]
    for lang, word in (("zh", "消费组"), ("en", "GROUP")):
        text = run("dlq", "list", "--group", "review", "--all", "--lang", lang).stdout
        assert word in text.splitlines()[0]
        assert letters[0]["letter_id"] in text
    assert told(run("dlq", "replay", letters[0]["letter_id"], "--json"))["done"] == [letters[0]["letter_id"]]
    again = until(lambda: [x for x in waiting() if x["letter_id"] not in {each["letter_id"] for each in letters}])
    assert again[0]["event_id"] == letters[0]["event_id"]
    twice = run("dlq", "dismiss", letters[0]["letter_id"], letters[1]["letter_id"], "--json")
    assert twice.returncode == 2
    assert json.loads(twice.stdout)["done"] == [letters[1]["letter_id"]]
    assert "request.not-found" in json.loads(twice.stdout)["refused"][letters[0]["letter_id"]]
    assert told(run("dlq", "list", "--group", "nobody", "--json")) == {"letters": [], "next": ""}
    done = told(run("dlq", "dismiss", "--all", "--group", "review", "--json"))["done"]
    assert {again[0]["letter_id"], letters[2]["letter_id"]} <= set(done)
    assert waiting() == []


async def test_letters_come_in_pages(platform: Platform, run: Run) -> None:
    sent = {await letter(platform, 1) for _ in range(3)}
    everything = until(lambda: _whole(told(run("dlq", "list", "--all", "--json"))["letters"], sent))
    page = told(run("dlq", "list", "--limit", "2", "--json"))
    assert page["letters"] == everything[:2]
    rest = told(run("dlq", "list", "--limit", "200", "--cursor", page["next"], "--json"))
    assert rest["letters"] == everything[2:]
    assert rest["next"] == ""
    told(run("dlq", "dismiss", "--all", "--json"))


def _whole(found: list[dict[str, Any]], sent: set[str]) -> list[dict[str, Any]] | None:
    return found if sent <= {each["event_id"] for each in found} else None


async def test_a_dead_job_is_put_back_and_runs(platform: Platform, run: Run) -> None:
    dossier = str(uuid.uuid4())
    dead = [await job(platform, "dead", dossier=dossier) for _ in range(2)]
    listed = told(run("jobs", "list", "--dossier", dossier, "--state", "dead", "--json"))["jobs"]
    assert {f"{each['service']}/{each['job_id']}" for each in listed} == set(dead)
    assert {each["last_error"] for each in listed} == {"test.broken"}
    assert "失败" in run("jobs", "list", "--dossier", dossier).stdout
    assert told(run("jobs", "retry", dead[0], "--json"))["done"] == [dead[0]]
    until(lambda: told(run("jobs", "show", dead[0], "--json"))["job"]["state"] == "done")
    assert told(run("jobs", "show", dead[1], "--json"))["job"]["state"] == "dead"
    assert told(run("jobs", "retry", "--all", "--dossier", dossier, "--json"))["done"] == [dead[1]]
    until(lambda: told(run("jobs", "show", dead[1], "--json"))["job"]["state"] == "done")


async def test_waiting_jobs_are_cancelled_by_dossier_or_one_by_one(platform: Platform, run: Run) -> None:
    dossier = str(uuid.uuid4())
    waiting = [await job(platform, "queued", dossier=dossier, stage=stage) for stage in ("verdict", "disc", "disc")]
    page = told(run("jobs", "list", "--service", "video", "--dossier", dossier, "--limit", "2", "--json"))
    rest = told(run("jobs", "list", "--service", "video", "--dossier", dossier, "--cursor", page["next"], "--json"))
    assert [each["job_id"] for each in page["jobs"] + rest["jobs"]] == sorted(
        (each.partition("/")[2] for each in waiting), reverse=True
    )
    assert told(run("jobs", "cancel", waiting[0], "--json"))["done"] == [waiting[0]]
    done = told(run("jobs", "cancel", "--all", "--dossier", dossier, "--stage", "disc", "--json"))["done"]
    assert sorted(done) == sorted(waiting[1:])
    states = {each["state"] for each in told(run("jobs", "list", "--dossier", dossier, "--all", "--json"))["jobs"]}
    assert states == {"cancelled"}


def test_lag_names_every_group(run: Run) -> None:
    lags = told(run("lag", "--json"))["lags"]
    assert {each["group"] for each in lags} >= {"review", "video", "pdfcheck"}
    assert all(each["records"] >= 0 for each in lags)
    assert "EVENTS BEHIND" in run("lag", "--lang", "en").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("dlq", "show", "no-letter"),
        ("dlq", "replay", "a/b/1"),
        ("dlq", "replay"),
        ("dlq", "replay", "a/1", "--all"),
        ("jobs", "show", "nothing/1"),
        ("jobs", "retry", "video/../../x"),
        ("jobs", "retry"),
        ("jobs", "cancel", "--all"),
        ("jobs", "list", "--cursor", "x"),
        ("jobs", "list", "--state", "gone"),
        ("dlq", "list", "--limit", "0"),
        ("dlq", "show", "shenbao.nothing.review.dlq/7"),
        ("jobs", "show", "video/00000000-0000-0000-0000-000000000000"),
    ],
)
def test_wrong_usage_and_what_is_not_there_end_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert done.stdout == ""


def test_who_is_no_operator_or_not_reached_is_told(run: Run, platform: Platform) -> None:
    refused = run("lag", login="unit", url="")
    assert refused.returncode == 2
    assert "review.not-operator" in refused.stderr
    wrong = run("lag", SHENBAO_OPERATOR_PASSWORD="wrong", LANG="C")
    assert wrong.returncode == 2
    assert "account.wrong-password" in wrong.stderr
    right = run("lag", "--json", SHENBAO_OPERATOR_PASSWORD=platform.passwords["operator"])
    assert right.returncode == 0
    nobody = run("lag", "--lang", "en", url="http://127.0.0.1:1")
    assert nobody.returncode == 2
    assert "does not answer" in nobody.stderr
    unknown = run("lag", login="nobody")
    assert unknown.returncode == 2
    assert "SHENBAO_OPERATOR_PASSWORD" in unknown.stderr


@pytest.fixture
def operator(platform: Platform) -> Raw:
    return Raw(platform, "operator")


async def test_the_calls_answer_as_the_document_says(platform: Platform, operator: Raw) -> None:
    conformance = Conformance()
    made = await job(platform, "dead", dossier="conformance")
    await letter(platform, 1)
    letters = until(lambda: operator.call("GET", "/api/v1/dead-letters").json()["letters"])
    letter_path = f"/api/v1/dead-letters/{letters[0]['letter_id']}"
    for method, path in (
        ("GET", "/api/v1/lag"),
        ("GET", "/api/v1/dead-letters?limit=1"),
        ("GET", letter_path),
        ("POST", f"{letter_path}/dismissal"),
        ("GET", "/api/v1/jobs?service=review&limit=1"),
        ("GET", f"/api/v1/jobs/{made}"),
        ("POST", f"/api/v1/jobs/{made}/retry"),
        ("POST", f"/api/v1/jobs/{made}/cancellation"),
    ):
        answer = operator.call(method, path)
        body = answer.json() if answer.content else None
        conformance.check(method, path, answer.status_code, body)
    problem(operator.call("POST", f"{letter_path}/replay"), 404, "request.not-found")
    problem(operator.call("GET", "/api/v1/dead-letters?cursor=nonsense"), 404, "request.not-found")
    problem(operator.call("GET", "/api/v1/dead-letters/x/-1"), 400, "request.invalid")
    problem(Raw(platform, "unit").call("GET", "/api/v1/dead-letters"), 403, "review.not-operator")
    problem(Raw(platform, "unit").call("GET", "/api/v1/lag"), 403, "review.not-operator")
