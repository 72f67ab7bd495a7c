"""Structured logs: a constant message, an `action` (see `actions`) and ids as fields, and nothing personal.

One line is one JSON object on standard error; on a terminal it is text for people. What the libraries log (gRPC,
uvicorn, SQLAlchemy, warnings) goes the same way. Every line passes `redaction`; how many pieces were taken out of it
stands in its field `redacted` (and in the metric of that name), so that an alert finds the code that logs what it must
not. A line written while something is traced carries `trace_id` and `span_id`.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

from services.kernel import metrics, trace_context
from services.kernel.redaction import clean_fields

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Libraries that bring handlers of their own; these are taken away, so that nothing is logged unredacted or twice.
_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "grpc", "grpc._cython", "alembic", "py.warnings")
#: Libraries that tell more than anybody wants to know.
_NOISY = ("sqlalchemy", "asyncio", "uvicorn.access", "httpx", "httpcore", "alembic", "multipart", "fontTools", "PIL")

#: Libraries that say the same again and again while a server is away, and how often one is heard.
_REPETITIVE = ("aiokafka",)
_AGAIN_AFTER_S = 30.0

EventDict = MutableMapping[str, Any]


class Sparing(logging.Filter):
    """Lets each sentence of a repetitive library through once in a while; our own lines say how long it lasts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds and never goes back."""
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told."""
        if not record.name.startswith(_REPETITIVE):
            return True
        sentence, now = (record.name, str(record.msg)), self._clock()
        if now - self._said.get(sentence, -_AGAIN_AFTER_S) < _AGAIN_AFTER_S:
            return False
        self._said[sentence] = now
        return True


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take personal data out of a log line and say in `redacted` how much it was."""
    fields, count = clean_fields(event)
    if count:
        metrics.LOG_LINES_REDACTED.inc()
    return {**fields, "redacted": count} if count else dict(fields)


def add_trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Say which trace and span the line belongs to."""
    context = trace_context.current()
    if not context.is_valid:
        return event
    return {**event, "trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def configure(*, service: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log of this process to `stream` (standard error). Safe to call again; the last call counts."""
    target = sys.stderr if stream is None else stream
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {**event, "service": service},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                add_trace,  # after it: now and then 18 of a trace's digits look like an ID number
                _renderer(target),
            ],
        )
    )
    _take_over(handler, level.upper())


def traceparent() -> str:
    """The trace context of what is being done, to be passed on with calls and events; "" outside of everything."""
    return trace_context.text(trace_context.current())


@contextmanager
def correlated(*, traceparent: str = "", request_id: str = "") -> Iterator[None]:
    """Every line logged inside carries the trace context (a fresh one unless a valid one is given) and request id.

    A malformed one of either is dropped, so nothing can be written into logs this way. No span is made: see `tracing`.
    """
    given = trace_context.parse(traceparent)
    known = {"request_id": request_id} if _REQUEST_ID.fullmatch(request_id) else {}
    span = trace_context.standing_for(given if given.is_valid else trace_context.fresh())
    with structlog.contextvars.bound_contextvars(**known), trace_context.within(span):
        yield


def _renderer(target: TextIO) -> Callable[..., Any]:
    if target.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _take_over(handler: logging.Handler, level: str) -> None:
    """Make `handler` the only one of the process."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    handler.addFilter(Sparing(time.monotonic))
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
