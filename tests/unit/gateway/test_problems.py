"""What a caller is told of errors that no route foresaw."""

import html
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Form
from sqlalchemy import exc

from services.gateway import problems
from services.kernel.errors import AppError, Kind

RAISED: dict[str, Exception] = {
    "away": ConnectionRefusedError("the server's socket"),
    "pool": exc.TimeoutError("every connection is in use"),
    "starting": asyncpg.CannotConnectNowError("starting up"),
    "bug": LookupError("510106198001011239"),
    "wrong": exc.ProgrammingError("SELECT nonsense", {}, Exception("510106198001011239")),
    "limited": AppError("account.locked", Kind.LIMITED, retryable=True, seconds=42),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    async def broken(how: str) -> None:
        raise RAISED[how]

    app.add_api_route("/{how}", broken)

    async def sent(how: str, text: Annotated[str, Form()] = "") -> None:
        raise RAISED[how]

    app.add_api_route("/{how}", sent, methods=["POST"])
    app.add_exception_handler(AppError, problems.on_app_error)
    for failure in (exc.SQLAlchemyError, asyncpg.PostgresError, OSError):
        app.add_exception_handler(failure, problems.on_failed_call)
    app.add_exception_handler(Exception, problems.on_bug)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as opened:
        yield opened


@pytest.mark.parametrize("how", ["away", "pool", "starting"])
async def test_an_outage_may_be_waited_for(client: httpx.AsyncClient, how: str) -> None:
    answer = await client.get(f"/{how}")
    assert answer.status_code == 503
    assert (answer.json()["code"], answer.json()["retryable"]) == ("service.unavailable", True)


@pytest.mark.parametrize("how", ["bug", "wrong"])
async def test_a_bug_keeps_its_text_to_itself(client: httpx.AsyncClient, how: str) -> None:
    answer = await client.get(f"/{how}")
    assert answer.status_code == 500
    assert answer.json()["code"] == "service.failed"
    assert "510106198001011239" not in answer.text


async def test_a_limit_says_when_to_come_again(client: httpx.AsyncClient) -> None:
    answer = await client.get("/limited")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "42"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "zh-CN"), ("zh", "zh-CN"), ("en-GB,en;q=0.9", "en"), ("fr", "zh-CN"), ("\x00", "zh-CN"), ("EN", "en")],
)
async def test_chinese_unless_english_is_asked_for(client: httpx.AsyncClient, accepted: str, language: str) -> None:
    answer = await client.get("/limited", headers={"Accept-Language": accepted})
    assert answer.headers["content-language"] == language


TYPED = "术前诊断：\n“胆囊结石” <b>"
PAGE = {"Accept": "text/html"}


async def test_what_was_typed_can_be_sent_again_after_an_outage(client: httpx.AsyncClient) -> None:
    answer = await client.post("/away?lang=zh", data={"csrf": "token", "text": TYPED}, headers=PAGE)
    assert answer.status_code == 503
    assert '<form method="post" action="/away?lang=zh">' in answer.text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    assert {name: html.unescape(value) for name, value in fields.items()} == {"csrf": "token", "text": TYPED}


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"csrf": "token", "old": "secret", "new": "geheim"}},
        {"data": {"login": "zhang", "password": "secret"}},
        {"data": {"text": TYPED}},
        {"data": {"csrf": "token"}, "files": {"file": b"%PDF-"}},
    ],
    ids=["password", "door", "no session", "file"],
)
async def test_what_must_not_be_kept_is_not(client: httpx.AsyncClient, sent: dict[str, Any]) -> None:
    answer = await client.post("/away", **sent, headers=PAGE)
    assert answer.status_code == 503
    assert "<form" not in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("how", ["bug", "limited"])
async def test_a_bug_is_not_sent_again(client: httpx.AsyncClient, how: str) -> None:
    answer = await client.post(f"/{how}", data={"csrf": "token", "text": TYPED}, headers=PAGE)
    assert ("<form" in answer.text) == (how == "limited")
