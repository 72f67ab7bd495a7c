"""The FastAPI application: routes, errors, and what every answer carries."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import pages, problems
from services.gateway.guard import Gateway
from services.gateway.limits import BodyLimit
from services.gateway.observing import Observed
from services.gateway.pages.visitor import PasswordDue, SignInNeeded, on_password_due, on_sign_in_needed
from services.gateway.routes import (
    coaching,
    dossiers,
    filming,
    health,
    objects,
    openings,
    operating,
    previews,
    reviewing,
    session,
    texts,
    uploads,
)
from services.gateway.schemas.openapi import DescribedApp
from services.kernel.errors import AppError

#: Parts are sent to the object store and videos play from it; pictures come from here.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src {objects}; script-src 'self'; worker-src 'self'; "
    "connect-src {objects}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Static(StaticFiles):
    """Files whose address names their content are kept for ever, the others are asked for again each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See the base class."""
        response = await super().get_response(path, scope)
        named = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if named else "no-cache"
        return response


class Application(DescribedApp):
    """FastAPI whose every answer carries the platform's headers, also the one to a bug."""

    #: Where the object store answers browsers, if that is not here.
    objects_origin: str | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette answers bugs outside of all added middleware, so these headers go around its whole stack."""
        return Observed(EveryAnswer(super().build_middleware_stack(), self.objects_origin))


def make_app(gateway: Gateway, start: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]]) -> FastAPI:
    """The application over its parts; `start` and `close` run in its lifespan."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await start()
        yield
        await close()

    app = Application(
        title="Shenbao 申报",
        version="1",
        summary="Evidence for senior health titles: upload, checks, sign-off",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.gateway = gateway
    app.objects_origin = gateway.objects_origin
    first = (session, dossiers, uploads, openings, filming, coaching, texts, previews)
    for routes in (*first, reviewing, operating, objects, health):
        app.include_router(routes.router)
    for router in pages.ROUTERS:
        app.include_router(router)
    app.mount("/static", Static(directory=Path(__file__).parent / "static"))
    app.add_exception_handler(SignInNeeded, on_sign_in_needed)
    app.add_exception_handler(PasswordDue, on_password_due)
    app.add_exception_handler(AppError, problems.on_app_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    for failure in (SQLAlchemyError, asyncpg.PostgresError, OSError):
        app.add_exception_handler(failure, problems.on_failed_call)
    app.add_exception_handler(Exception, problems.on_bug)
    app.add_middleware(BodyLimit)
    return app


class EveryAnswer:
    """ASGI middleware: a request id for every request, the headers that every answer carries.

    Written on the protocol itself: parts of files pass through it untouched.
    """

    def __init__(self, app: ASGIApp, objects_origin: str | None) -> None:
        """Around the whole application."""
        self._app = app
        objects = "'self'" if objects_origin is None else f"'self' {objects_origin}"
        self._headers = {"Content-Security-Policy": _POLICY.format(objects=objects), **_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and add to the answer's head."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, answering)
