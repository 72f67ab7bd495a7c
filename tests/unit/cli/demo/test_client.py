"""What is refused for now is asked again, as the pages do; what is refused for good is told."""

import functools
from contextlib import closing
from typing import Any

import httpx
import pytest

from services.cli.demo import client
from services.cli.demo.client import Client, DemoFailed

DONE = httpx.Response(200, json={"done": True})


def refusal(status: int, *, retryable: bool) -> httpx.Response:
    return httpx.Response(status, json={"code": "service.unavailable", "retryable": retryable})


class Platform:
    """Gives the answers it was given, one after the other, and keeps the keys of the requests."""

    def __init__(self) -> None:
        self.answers = [httpx.Response(200, json={"account_id": "a", "csrf_token": "t"})]
        self.keys: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        return self.answers.pop(0)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    answering = Platform()
    monkeypatch.setattr(client, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(httpx, "Client", functools.partial(httpx.Client, transport=httpx.MockTransport(answering)))
    return answering


def sent() -> Any:
    with closing(Client("http://platform", "applicant", "x")) as person:
        return person.send("POST", "/x", key="k")


@pytest.mark.parametrize("first", [refusal(503, retryable=True), httpx.Response(502, html="<p>bad gateway</p>")])
def test_what_is_refused_for_now_is_asked_again_as_the_same_request(platform: Platform, first: httpx.Response) -> None:
    platform.answers += [first, first, DONE]
    assert sent() == {"done": True}
    assert platform.keys == [None, "k", "k", "k"]


def test_patience_ends(platform: Platform) -> None:
    platform.answers += [refusal(503, retryable=True)] * 3 + [DONE]
    with pytest.raises(DemoFailed, match="503"):
        sent()
    assert platform.answers == [DONE]


@pytest.mark.parametrize(
    "answer", [refusal(409, retryable=False), httpx.Response(400, json=[]), httpx.Response(500, text="not JSON")]
)
def test_what_is_refused_for_good_is_told_at_once(platform: Platform, answer: httpx.Response) -> None:
    platform.answers += [answer, DONE]
    with pytest.raises(DemoFailed, match=str(answer.status_code)):
        sent()
    assert platform.answers == [DONE]
