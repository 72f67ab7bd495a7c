"""Which trace this is part of. The current span of OpenTelemetry's context is the one source: logs, events, jobs and
calls take it from here, whether spans are exported or not.

Text form is W3C's `traceparent`; `tracestate` and baggage are neither read nor passed on.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, Span, SpanContext, TraceFlags

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def current() -> SpanContext:
    """Of what is being done; one that is not valid outside of everything."""
    return trace.get_current_span().get_span_context()


def fresh() -> SpanContext:
    """A trace that nobody has continued yet, sampled."""
    return _context(secrets.token_hex(16), secrets.token_hex(8), TraceFlags.SAMPLED)


def parse(traceparent: str) -> SpanContext:
    """The context that the text names; one that is not valid when it names none."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return INVALID_SPAN_CONTEXT
    return _context(found[1], found[2], int(found[3], 16) & TraceFlags.SAMPLED)


def text(context: SpanContext) -> str:
    """As `traceparent`; "" when the context is not valid."""
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


@contextmanager
def within(span: Span) -> Iterator[None]:
    """Make it the current one."""
    token = otel.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        otel.detach(token)


def enter(span: Span) -> None:
    """Make it the current one for the rest of this task."""
    otel.attach(trace.set_span_in_context(span))


def _context(trace_id: str, span_id: str, flags: int) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(flags))


def standing_for(context: SpanContext) -> Span:
    """A span that records nothing, for a context that came from elsewhere or from nowhere."""
    return NonRecordingSpan(context)
