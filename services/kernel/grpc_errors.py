"""Carries an `AppError` across gRPC: status code for machines, the error itself in the trailing metadata."""

import json

import grpc

from services.kernel.errors import KINDS, AppError, Kind

METADATA_KEY = "shenbao-error-bin"
_FALLBACK = {
    grpc.StatusCode.UNAVAILABLE: ("service.unavailable", Kind.UNAVAILABLE, True),
    grpc.StatusCode.DEADLINE_EXCEEDED: ("service.deadline", Kind.TIMEOUT, True),
    grpc.StatusCode.RESOURCE_EXHAUSTED: ("service.too-large-message", Kind.TOO_LARGE, False),
}


def status_of(error: AppError) -> grpc.StatusCode:
    """The gRPC status of the error's kind."""
    return grpc.StatusCode[KINDS[error.kind].grpc]


def encode(error: AppError) -> bytes:
    """The error as JSON, for the trailing metadata."""
    body = {"code": error.code, "kind": error.kind, "retryable": error.retryable, "params": dict(error.params)}
    return json.dumps(body, ensure_ascii=True).encode()


def decode(error: grpc.aio.AioRpcError) -> AppError:
    """The `AppError` that the other side raised, or one that says how the call failed."""
    for key, value in error.trailing_metadata() or ():
        if key == METADATA_KEY:
            body = json.loads(value)
            return AppError(body["code"], Kind(body["kind"]), retryable=body["retryable"], **body["params"])
    code, kind, retryable = _FALLBACK.get(error.code(), ("service.failed", Kind.INTERNAL, False))
    return AppError(code, kind, retryable=retryable)
