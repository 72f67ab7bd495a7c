"""A span and a measurement for every request, named for its route's template and never for what stands in its address.

A trace begins here. What a stranger's `traceparent` says is not read: it could join its requests to somebody else's
trace, or decide that they are all kept.
"""

import time

from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kernel import metrics, tracing
from services.kernel.tracing import Attribute

#: Probes and files that every page asks for: measured, but not worth a trace each.
_UNTRACED = ("/healthz", "/readyz", "/static/")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
_GONE = 499


class Observed:
    """ASGI middleware, outermost: what it measures ends with the last byte."""

    def __init__(self, app: ASGIApp) -> None:
        """Around the whole application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and look at what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(_UNTRACED):
            await self._measure(scope, receive, send)
            return
        with tracing.task_span("request", SpanKind.SERVER, parent="") as span:
            try:
                status = await self._measure(scope, receive, send)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                span.set_attribute(Attribute.HTTP_STATUS, status)
            finally:
                _name(span, scope)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The status that was sent; 500 when the application broke before it sent one, 499 when that was because the
        other side went away.
        """
        status, gone = 0, False

        async def receiving() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = _GONE if gone and message["status"] >= 500 else message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receiving, sending)
        finally:
            status = status or (_GONE if gone else 500)
            labels = {"method": method_of(scope), "route": route_of(scope), "status": f"{status // 100}xx"}
            metrics.HTTP_DURATION.labels(**labels).observe(time.perf_counter() - began)
        return status


def method_of(scope: Scope) -> str:
    """The request's method; a stranger's invention is "other"."""
    method = str(scope["method"])
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """The template of the route that matched."""
    if scope["path"].startswith("/static/"):
        return "/static/{path}"
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


def _name(span: Span, scope: Scope) -> None:
    method, route = method_of(scope), route_of(scope)
    span.update_name(f"{method} {route}")
    span.set_attribute(Attribute.HTTP_METHOD, method)
    span.set_attribute(Attribute.HTTP_ROUTE, route)
    span.set_attribute(Attribute.REQUEST_ID, str(scope.get("state", {}).get("request_id", "")))
