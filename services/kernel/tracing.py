"""Spans: what was done for a request or a file, in every process that it passed through.

`trace_export.start` installs a tracer that sends them somewhere; without one a span costs nothing but carries the
trace on all the same. What a span may say is the list `Attribute`; the exporter drops everything else. The name of a
span is a constant or a template ("GET /api/v1/dossiers/{dossier_id}"), never a value.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode, Tracer

from services.kernel import trace_context
from services.kernel.errors import AppError, Kind

#: Kinds of refusals that are the platform's fault, not the caller's.
_FAULTS = frozenset({Kind.INTERNAL, Kind.UNAVAILABLE, Kind.TIMEOUT})


class Attribute(StrEnum):
    """Every key that a span may have. Values are numbers, constants of the code, and ids that mean nothing outside."""

    HTTP_METHOD = "http.request.method"
    #: The template, "" when no route matched.
    HTTP_ROUTE = "http.route"
    HTTP_STATUS = "http.response.status_code"
    REQUEST_ID = "shenbao.request_id"
    RPC_SYSTEM = "rpc.system"
    RPC_SERVICE = "rpc.service"
    RPC_METHOD = "rpc.method"
    #: Class of the exception, or code of the `AppError`, that ended the span.
    ERROR_TYPE = "error.type"
    EVENT_ID = "cloudevents.event_id"
    EVENT_TYPE = "cloudevents.event_type"
    TOPIC = "messaging.destination.name"
    CONSUMER_GROUP = "messaging.consumer.group.name"
    DOSSIER_ID = "shenbao.dossier_id"
    #: Of the file or material that a job is about.
    SUBJECT_ID = "shenbao.subject_id"
    JOB_ID = "shenbao.job.id"
    JOB_STAGE = "shenbao.job.stage"
    JOB_ATTEMPT = "shenbao.job.attempt"
    #: One of `metrics.JobOutcome`.
    JOB_OUTCOME = "shenbao.job.outcome"
    STORAGE_OPERATION = "shenbao.storage.operation"
    SANDBOX_PROFILE = "shenbao.sandbox.profile"
    SANDBOX_FUNCTION = "shenbao.sandbox.function"


Attributes = Mapping[Attribute, str | int | float | bool]
_tracer: Tracer = NoOpTracer()


def install(tracer: Tracer | None) -> None:
    """Make spans with it from now on; None makes none."""
    global _tracer
    _tracer = tracer if tracer is not None else NoOpTracer()


def installed() -> bool:
    """Whether spans are made; where there are many at once and nobody continues them, they need not be begun."""
    return not isinstance(_tracer, NoOpTracer)


def begin(
    name: str,
    kind: SpanKind,
    *,
    parent: str | None = None,
    attributes: Attributes | None = None,
    started_ns: int | None = None,
) -> Span:
    """A span that is not made current; whoever began it ends it.

    `parent` is the `traceparent` that it continues; "" (or a malformed one) begins a new trace, None continues what is
    current. `started_ns` is Unix time.
    """
    if not installed():
        carried = trace_context.current() if parent is None else trace_context.parse(parent)
        return trace_context.standing_for(carried if carried.is_valid else trace_context.fresh())
    context = _parent(parent)
    named = {str(key): value for key, value in (attributes or {}).items()}
    span = _tracer.start_span(name, context, kind, named, start_time=started_ns)
    if not span.get_span_context().is_valid:
        return trace_context.standing_for(trace_context.fresh())
    return span


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, *, parent: str | None = None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """As `begin`; current inside, ended after, marked when an exception leaves it."""
    opened = begin(name, kind, parent=parent, attributes=attributes)
    with _ending(opened), trace_context.within(opened):
        yield opened


@contextmanager
def task_span(
    name: str, kind: SpanKind, *, parent: str | None = None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """As `span`, for what a task was made for: it stays current after its end. So what is logged last still belongs to
    it, and a generator may be closed by another task.
    """
    opened = begin(name, kind, parent=parent, attributes=attributes)
    trace_context.enter(opened)
    with _ending(opened):
        yield opened


@contextmanager
def _ending(opened: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        mark_failed(opened, error)
        raise
    finally:
        opened.end()


def mark_failed(span: Span, error: BaseException) -> None:
    """Say what ended it: a code or the class of the exception, never its text."""
    span.set_attribute(Attribute.ERROR_TYPE, error.code if isinstance(error, AppError) else type(error).__name__)
    refused = isinstance(error, AppError) and error.kind not in _FAULTS
    if isinstance(error, Exception) and not refused:
        span.set_status(Status(StatusCode.ERROR))


def rpc(method: str) -> Attributes:
    """Of "/upload.v1.UploadService/CompleteUpload"."""
    service, _, name = method.lstrip("/").partition("/")
    return {Attribute.RPC_SYSTEM: "grpc", Attribute.RPC_SERVICE: service, Attribute.RPC_METHOD: name}


def _parent(parent: str | None) -> Context | None:
    if parent is None:
        return None
    return trace.set_span_in_context(trace_context.standing_for(trace_context.parse(parent)), Context())
