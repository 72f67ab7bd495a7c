"""One error type and one table that says what each kind of error is on every wire.

Every layer may raise :class:`AppError`; this module imports no framework. `grpc_server`, the gateway and the
command line turn the kind into a gRPC status, an HTTP status and an exit code by :data:`KINDS`, nowhere else.
The text for people is looked up by code in `docs/errors.md`'s source, never built from a stack trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

Param = str | int | float | bool | None


class Kind(StrEnum):
    """What sort of failure it is, seen by the caller."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    PRECONDITION_REQUIRED = "precondition-required"
    STALE = "stale"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    UNPROCESSABLE = "unprocessable"
    LIMITED = "limited"
    GONE = "gone"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """How a kind travels: name of the gRPC status, HTTP status, exit code of the command line."""

    grpc: str
    http: int
    exit_code: int


KINDS: Mapping[Kind, Mapped] = MappingProxyType(
    {
        Kind.INVALID: Mapped(grpc="INVALID_ARGUMENT", http=400, exit_code=2),
        Kind.UNAUTHENTICATED: Mapped(grpc="UNAUTHENTICATED", http=401, exit_code=2),
        Kind.FORBIDDEN: Mapped(grpc="PERMISSION_DENIED", http=403, exit_code=2),
        Kind.NOT_FOUND: Mapped(grpc="NOT_FOUND", http=404, exit_code=2),
        Kind.CONFLICT: Mapped(grpc="ALREADY_EXISTS", http=409, exit_code=1),
        Kind.PRECONDITION: Mapped(grpc="FAILED_PRECONDITION", http=409, exit_code=1),
        Kind.PRECONDITION_REQUIRED: Mapped(grpc="INVALID_ARGUMENT", http=428, exit_code=2),
        Kind.STALE: Mapped(grpc="ABORTED", http=412, exit_code=1),
        Kind.TOO_LARGE: Mapped(grpc="OUT_OF_RANGE", http=413, exit_code=1),
        Kind.UNSUPPORTED: Mapped(grpc="INVALID_ARGUMENT", http=415, exit_code=1),
        Kind.UNPROCESSABLE: Mapped(grpc="FAILED_PRECONDITION", http=422, exit_code=1),
        Kind.LIMITED: Mapped(grpc="RESOURCE_EXHAUSTED", http=429, exit_code=1),
        Kind.GONE: Mapped(grpc="NOT_FOUND", http=410, exit_code=1),
        Kind.INTERNAL: Mapped(grpc="INTERNAL", http=500, exit_code=3),
        Kind.UNAVAILABLE: Mapped(grpc="UNAVAILABLE", http=503, exit_code=3),
        Kind.TIMEOUT: Mapped(grpc="DEADLINE_EXCEEDED", http=504, exit_code=3),
    }
)


class AppError(Exception):
    """A failure with a code that `docs/errors.md` explains.

    `code` is dotted and stable ("upload.part-damaged"); `params` are the measured and allowed values the text
    needs, never personal data nor text read from a file; `retryable` says that the same call may succeed later.
    """

    def __init__(self, code: str, kind: Kind, *, retryable: bool = False, **params: Param) -> None:
        """`params` become the placeholders of the code's text."""
        super().__init__(code)
        self.code = code
        self.kind = kind
        self.retryable = retryable
        self.params: Mapping[str, Param] = MappingProxyType(dict(params))

    def __str__(self) -> str:
        """Code and parameters, for logs."""
        return " ".join([self.code, *(f"{key}={value!r}" for key, value in self.params.items())])


def not_found(what: str) -> AppError:
    """The answer for anything that is not there or that the caller may not know to be there."""
    return AppError("request.not-found", Kind.NOT_FOUND, what=what)


def stale(*, current: int, given: int) -> AppError:
    """The caller acted on a version that has since been replaced."""
    return AppError("request.stale-version", Kind.STALE, current=current, given=given)
