"""Raw calls for tests that want to see refusals."""

from typing import Any

import httpx

from tests.e2e.conftest import Platform


class Raw:
    """A browser that may leave things out."""

    def __init__(self, platform: Platform, login: str = "") -> None:
        """Signed in when a login is given."""
        self.http = httpx.Client(base_url=platform.url, timeout=30, trust_env=False)
        platform.opened.append(self.http)
        self.csrf = ""
        if login:
            body = {"login": login, "password": platform.passwords[login]}
            answer = self.http.post("/api/v1/session", json=body)
            assert answer.status_code == 200, answer.text
            self.csrf = answer.json()["csrf_token"]

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> httpx.Response:
        """One call with the CSRF token."""
        given = {"X-CSRF-Token": self.csrf, **(headers or {})}
        return self.http.request(method, path, headers={k: v for k, v in given.items() if v}, **rest)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem details, checked for their shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["fix"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body
