"""A service's gRPC server: token, errors, deadline and log in one interceptor; health and reflection beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import SpanKind

from services.kernel import grpc_errors, metrics, tracing
from services.kernel.db.outage import is_outage
from services.kernel.errors import AppError, Kind
from services.kernel.storage.port import StoreFull, StoreUnavailable
from services.kernel.tokens import Claims, Tokens

TOKEN_METADATA = "authorization"  # noqa: S105 - the name of a header
TRACE_METADATA = "traceparent"
#: The health service's name for whether the process lives; the others say whether it is ready.
ALIVE = "shenbao.alive"
_OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
MAX_MESSAGE_BYTES = 8 * 2**20

#: What a servicer's method is handed beside its request.
Context = grpc.aio.ServicerContext[Any, Any]
_caller: ContextVar[Claims] = ContextVar("caller")
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
log = structlog.get_logger()


def caller() -> Claims:
    """The verified claims of the call that is being answered. Raises `LookupError` outside one."""
    return _caller.get()


def time_left_s() -> float | None:
    """Seconds until the deadline of the call being answered; None outside one or without deadline."""
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def dossier_of_caller(dossier_id: str) -> Claims:
    """The caller's claims, provided the token names this dossier.

    Raises `AppError` request.not-found otherwise: what one may not see is not there.
    """
    claims = caller()
    if not dossier_id or claims.dossier_id != dossier_id:
        raise AppError("request.not-found", Kind.NOT_FOUND, what="dossier")
    return claims


def owner_of_dossier(dossier_id: str) -> Claims:
    """The claims of a caller who may change the dossier's files now.

    Raises `AppError` request.not-found, token.wrong-action.
    """
    claims = dossier_of_caller(dossier_id)
    if claims.action not in ("upload", "delete"):
        raise AppError("token.wrong-action", Kind.FORBIDDEN, action=claims.action)
    return claims


@dataclass(frozen=True, kw_only=True, slots=True)
class Servicer:
    """One gRPC service to be served: its full name and the generated registration with the servicer bound."""

    name: str
    register: Callable[[grpc.aio.Server], None]


class _Guard(grpc.aio.ServerInterceptor):
    """Verifies the token, keeps the deadline for further calls and turns errors into statuses."""

    def __init__(self, tokens: Tokens, audience: str) -> None:
        self._tokens = tokens
        self._audience = audience

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_OPEN_SERVICES):
            return handler
        unary: Callable[..., Awaitable[Any]] | None = handler.unary_unary
        stream: Callable[..., AsyncIterator[Any]] | None = cast("Any", handler.unary_stream)
        if unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(unary, method), handler.request_deserializer, handler.response_serializer
            )
        if stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                self._stream(stream, method), handler.request_deserializer, handler.response_serializer
            )
        raise TypeError(f"{method}: client streaming is not part of any contract here")

    def _enter(self, context: Context) -> str:
        """The trace that the call continues: believed of those only who have a token."""
        metadata = dict(context.invocation_metadata() or ())
        token = str(metadata.get(TOKEN_METADATA, ""))
        if not token:
            raise AppError("token.missing", Kind.UNAUTHENTICATED, audience=self._audience)
        _caller.set(self._tokens.verify(token.removeprefix("Bearer "), audience=self._audience))
        # None when the caller set no deadline, whatever the stub says.
        left = cast("float | None", context.time_remaining())
        _deadline.set(None if left is None else time.monotonic() + left)
        return str(metadata.get(TRACE_METADATA, ""))

    def _unary(self, behaviour: Callable[..., Awaitable[Any]], method: str) -> Callable[..., Awaitable[Any]]:
        async def guarded(request: Any, context: Context) -> Any:
            with _answering(method) as watch:
                try:
                    with _refusing(method):
                        parent = self._enter(context)
                    named = tracing.rpc(method)
                    with tracing.span(method[1:], SpanKind.SERVER, parent=parent, attributes=named), _refusing(method):
                        return await behaviour(request, context)
                except AppError as error:
                    await _abort(context, error, watch)

        return guarded

    def _stream(self, behaviour: Callable[..., AsyncIterator[Any]], method: str) -> Callable[..., AsyncIterator[Any]]:
        async def guarded(request: Any, context: Context) -> AsyncIterator[Any]:
            with _answering(method) as watch:
                try:
                    with _refusing(method):
                        parent = self._enter(context)
                    async for answer in _traced(behaviour(request, context), method, parent):
                        yield answer
                except AppError as error:
                    await _abort(context, error, watch)

        return guarded


async def _traced(answers: AsyncIterator[Any], method: str, parent: str) -> AsyncIterator[Any]:
    named = tracing.rpc(method)
    with tracing.task_span(method[1:], SpanKind.SERVER, parent=parent, attributes=named), _refusing(method):
        async for answer in answers:
            yield answer


@contextmanager
def _refusing(method: str) -> Iterator[None]:
    """The boundary: log why the call is refused; no text of an error leaves the service, only an `AppError` does."""
    try:
        yield
    except AppError as error:
        log.info("grpc call refused", action="grpc.refused", method=method, code=error.code)
        raise
    except Exception as error:
        raise _unforeseen(error, method) from error


def _unforeseen(error: Exception, method: str) -> AppError:
    """What the caller is told: that waiting may help, or that it is a bug, which the log describes."""
    if isinstance(error, StoreFull):
        log.warning("grpc call met an outage", action="grpc.outage", method=method, error=type(error).__name__)
        return AppError("upload.store-full", Kind.UNAVAILABLE, retryable=True)
    if is_outage(error) or isinstance(error, StoreUnavailable):
        log.warning("grpc call met an outage", action="grpc.outage", method=method, error=type(error).__name__)
        return AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True)
    log.error("grpc call failed", action="grpc.failed", method=method, exc_info=error)
    return AppError("service.failed", Kind.INTERNAL)


@contextmanager
def _answering(method: str) -> Iterator[metrics.Watch]:
    """Measure one call; one that is neither answered nor refused was given up by its caller."""
    with metrics.timed(metrics.GRPC_SERVER_DURATION, method[1:], outcome="OK") as watch:
        try:
            yield watch
        except (asyncio.CancelledError, GeneratorExit):
            watch.outcome = grpc.StatusCode.CANCELLED.name
            raise


async def _abort(context: Context, error: AppError, watch: metrics.Watch) -> None:
    watch.outcome = grpc_errors.status_of(error).name
    metadata = ((grpc_errors.METADATA_KEY, grpc_errors.encode(error)),)
    await context.abort(grpc_errors.status_of(error), error.code, trailing_metadata=metadata)


class GrpcServer:
    """Serves the given servicers on one address until stopped."""

    def __init__(self, *, address: str, audience: str, tokens: Tokens, servicers: Sequence[Servicer]) -> None:
        """`address` is host:port; port 0 picks a free one."""
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
            ("grpc.max_connection_age_ms", 300_000),
        ]
        self._server = grpc.aio.server(interceptors=[_Guard(tokens, audience)], options=options)
        self._health = health.aio.HealthServicer()
        self._names = [servicer.name for servicer in servicers]
        for servicer in servicers:
            servicer.register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection([*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self.port = self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Listen; health says NOT_SERVING until `ready`."""
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
        await self.say_stalled(())
        await self._server.start()

    async def say_stalled(self, loops: Sequence[str]) -> None:
        """Say under the name `ALIVE` whether the process lives: no loop of it is frozen."""
        state = health_pb2.HealthCheckResponse.NOT_SERVING if loops else health_pb2.HealthCheckResponse.SERVING
        await self._health.set(ALIVE, state)

    async def ready(self) -> None:
        """Say SERVING for the whole server and every service."""
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, let running calls end for `grace_s`, then cut them."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)
