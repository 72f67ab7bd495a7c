"""One signed-in person at a running platform, as a browser is: cookie, CSRF token, Origin."""

from typing import Any

import httpx

Data = dict[str, Any]


class Refused(Exception):
    """The platform answered with an error; `answer` has the problem in the person's language."""

    def __init__(self, what: str, answer: httpx.Response) -> None:
        """`what` was asked."""
        super().__init__(f"{what}: {answer.status_code} {answer.text[:600]}")
        self.answer = answer

    @property
    def retryable(self) -> bool:
        """Whether the platform says that the same request may succeed later."""
        try:
            told = self.answer.json()
        except ValueError:  # a proxy's page
            return self.answer.status_code in (502, 503, 504)
        return isinstance(told, dict) and told.get("retryable") is True


class Person:
    """Made by signing in, and closed at the end."""

    def __init__(self, url: str, login: str, password: str, *, lang: str = "zh") -> None:
        """Sign in. Raises as `ask`."""
        self._http = httpx.Client(
            base_url=url, headers={"Origin": url, "Accept-Language": lang}, timeout=60, trust_env=False
        )
        self.login = login
        try:
            who = self.ask("POST", "/api/v1/session", json={"login": login, "password": password})
        except BaseException:
            self.close()
            raise
        self.account_id = str(who["account_id"])
        self._http.headers["X-CSRF-Token"] = who["csrf_token"]
        self._tag = ""

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> Data:
        """One call; its JSON. Raises `Refused`, and httpx's transport errors when nobody answers."""
        answer = self._http.request(method, path, headers=headers, **rest)
        if answer.status_code >= 400:
            raise Refused(f"{self.login}: {method} {path.split('?')[0]}", answer)
        self._tag = answer.headers.get("etag", "")
        return dict(answer.json()) if answer.content else {}

    def sign_out(self) -> None:
        """End the session, too; what then goes wrong does not matter any more."""
        try:
            self._http.delete("/api/v1/session")
        except httpx.HTTPError:
            return
        finally:
            self.close()

    def close(self) -> None:
        """Close the connections; the session stays until it expires."""
        self._http.close()
