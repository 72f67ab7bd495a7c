"""Holds what the API really answers against what its OpenAPI document says."""

import re
from typing import Any

from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.gateway.routes import (
    coaching,
    dossiers,
    filming,
    openings,
    operating,
    previews,
    reviewing,
    session,
    texts,
    uploads,
)

ROUTERS = (
    session.router,
    dossiers.router,
    uploads.router,
    openings.router,
    filming.router,
    coaching.router,
    texts.router,
    previews.router,
    reviewing.router,
    operating.router,
)


def routes() -> list[APIRoute]:
    """Every route of the API."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def method_of(route: APIRoute) -> str:
    """Its one method."""
    return min(route.methods or {""})


class Conformance:
    """Checks answers and remembers which routes were seen."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._routes = routes()

    def matching(self, method: str, path: str) -> list[APIRoute]:
        """The routes that answer this request; the first one does."""
        plain = path.split("?")[0]
        return [r for r in self._routes if method == method_of(r) and re.fullmatch(r.path_regex.pattern, plain)]

    def check(self, method: str, path: str, status: int, body: Any) -> None:
        """Raises `AssertionError` for an unknown route or status, pydantic's `ValidationError` for another form."""
        found = self.matching(method, path)
        assert found, f"no such route: {method} {path}"
        route = found[0]
        self.seen.add(f"{method} {route.path}")
        assert status == (route.status_code or 200), f"{method} {route.path} answered {status}"
        if route.status_code == 204:
            assert body is None
        else:
            TypeAdapter(route.response_model).validate_python(body, strict=True)
