"""Calls to other services: a token each, a deadline each, retries only where they are harmless."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import grpc
from opentelemetry.trace import Span, SpanKind

from services.kernel import grpc_errors, metrics, trace_context, tracing
from services.kernel.errors import AppError
from services.kernel.grpc_server import MAX_MESSAGE_BYTES, TOKEN_METADATA, TRACE_METADATA, time_left_s

Request = TypeVar("Request")
Response = TypeVar("Response")
Metadata = tuple[tuple[str, str], ...]

DEFAULT_TIMEOUT_S = 10.0
_RETRIES = 4
_FIRST_PAUSE_S = 0.05


class UnaryMethod(Protocol[Request, Response]):
    """A unary method of a generated stub."""

    def __call__(
        self, request: Request, /, *, timeout: float | None = None, metadata: tuple[tuple[str, str], ...] | None = None
    ) -> grpc.aio.UnaryUnaryCall[Request, Response]:
        """Start the call."""
        ...


class StreamMethod(Protocol[Request, Response]):
    """A server-streaming method of a generated stub."""

    def __call__(
        self, request: Request, /, *, timeout: float | None = None, metadata: tuple[tuple[str, str], ...] | None = None
    ) -> grpc.aio.UnaryStreamCall[Request, Response]:
        """Start the call."""
        ...


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel that spreads calls over every address behind the name and notices dead peers."""
    options = [
        ("grpc.lb_policy_name", "round_robin"),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_http_proxy", 0),
    ]
    return grpc.aio.insecure_channel(address, options=options)


def _timeout(asked_s: float) -> float:
    left = time_left_s()
    return asked_s if left is None else min(asked_s, left)


async def call(
    method: UnaryMethod[Request, Response],
    request: Request,
    *,
    token: str,
    idempotent: bool = False,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Response:
    """Call and return the answer. Raises the `AppError` that the other side raised, or one of `service.*`.

    Only an idempotent call is repeated, and only when the other side was not there at all (UNAVAILABLE).
    """
    name = _name(method)
    with (
        _calling(name) as watch,
        tracing.span(name, SpanKind.CLIENT, attributes=tracing.rpc(name)) as span,
    ):
        metadata = _metadata(token, span)
        return await _answer(method, request, metadata, watch, idempotent=idempotent, timeout_s=timeout_s)


async def _answer(
    method: UnaryMethod[Request, Response],
    request: Request,
    metadata: Metadata,
    watch: metrics.Watch,
    *,
    idempotent: bool,
    timeout_s: float,
) -> Response:
    pause_s = _FIRST_PAUSE_S
    for attempt in range(_RETRIES + 1):
        try:
            return await method(request, timeout=_timeout(timeout_s), metadata=metadata)
        except grpc.aio.AioRpcError as error:
            last = attempt == _RETRIES or not idempotent or error.code() is not grpc.StatusCode.UNAVAILABLE
            if last:
                watch.outcome = error.code().name
                raise grpc_errors.decode(error) from error
        await asyncio.sleep(pause_s)
        pause_s *= 2
    raise AssertionError("the last attempt returned or raised")


async def stream(
    method: StreamMethod[Request, Response], request: Request, *, token: str, timeout_s: float
) -> AsyncGenerator[Response, None]:
    """The answers of a server-streaming call until it ends or its deadline passes (which ends it quietly)."""
    name = _name(method)
    # Not made current: between two answers the caller does other things.
    span = tracing.begin(name, SpanKind.CLIENT, attributes=tracing.rpc(name))
    call_ = method(request, timeout=timeout_s, metadata=_metadata(token, span))
    try:
        with _calling(name) as watch:
            try:
                async for answer in call_:
                    yield answer
            except grpc.aio.AioRpcError as error:
                watch.outcome = error.code().name
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                    return
                raised: AppError = grpc_errors.decode(error)
                tracing.mark_failed(span, raised)
                raise raised from error
    finally:
        call_.cancel()
        span.end()


def _name(method: object) -> str:
    """ "upload.v1.UploadService/CompleteUpload" of a stub's method; a stand-in for one has no name."""
    path = getattr(method, "_method", b"unnamed/unnamed")
    return str(path, "ascii").lstrip("/")


def _metadata(token: str, span: Span) -> Metadata:
    trace = trace_context.text(span.get_span_context())
    return ((TOKEN_METADATA, f"Bearer {token}"), (TRACE_METADATA, trace))


@contextmanager
def _calling(name: str) -> Iterator[metrics.Watch]:
    """Measure a call; one that is given up here is cancelled."""
    with metrics.timed(metrics.GRPC_CLIENT_DURATION, name, outcome="OK") as watch:
        try:
            yield watch
        except (asyncio.CancelledError, GeneratorExit):
            watch.outcome = grpc.StatusCode.CANCELLED.name
            raise
