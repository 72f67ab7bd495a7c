"""What is refused for now is asked again, as the pages do; what is refused for good is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from services.cli.demo import client
from services.cli.demo.client import Client, DemoFailed

Answer = tuple[int, bytes]
SIGNED_IN: Answer = (200, json.dumps({"account_id": "a", "csrf_token": "t"}).encode())
DONE: Answer = (200, b'{"done": true}')


def refusal(status: int, *, retryable: bool) -> Answer:
    return status, json.dumps({"code": "service.unavailable", "retryable": retryable}).encode()


class Platform(ThreadingHTTPServer):
    """Gives the answers it was given, one after the other, and keeps the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [SIGNED_IN]
        self.keys: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    server: Platform

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.keys.append(self.headers.get("Idempotency-Key"))
        status, body = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(client, "PAUSES_S", (0.0, 0.0))
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sent(platform: Platform) -> Any:
    with closing(Client(f"http://127.0.0.1:{platform.server_port}", "applicant", "x")) as person:
        return person.send("POST", "/x", key="k")


@pytest.mark.parametrize("first", [refusal(503, retryable=True), (502, b"<html>bad gateway</html>")])
def test_what_is_refused_for_now_is_asked_again_as_the_same_request(platform: Platform, first: Answer) -> None:
    platform.answers += [first, first, DONE]
    assert sent(platform) == {"done": True}
    assert platform.keys == [None, "k", "k", "k"]


def test_patience_ends(platform: Platform) -> None:
    platform.answers += [refusal(503, retryable=True)] * 3 + [DONE]
    with pytest.raises(DemoFailed, match="503"):
        sent(platform)
    assert platform.answers == [DONE]


@pytest.mark.parametrize("answer", [refusal(409, retryable=False), (400, b"[]"), (500, b"not JSON")])
def test_what_is_refused_for_good_is_told_at_once(platform: Platform, answer: Answer) -> None:
    platform.answers += [answer, DONE]
    with pytest.raises(DemoFailed, match=str(answer[0])):
        sent(platform)
    assert platform.answers == [DONE]
