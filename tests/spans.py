"""Spans of this process, kept in memory as an exporter would get them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.kernel import tracing
from services.kernel.trace_export import Cleaning


class Recorded:
    """What ended so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """In the order in which they ended."""
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        """The only one of that name."""
        [found] = [span for span in self.spans if span.name == name]
        return found


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Keep every span that ends in the block."""
    provider = TracerProvider(shutdown_on_exit=False)
    kept = Recorded()
    provider.add_span_processor(SimpleSpanProcessor(Cleaning(kept.exporter)))
    tracing.install(provider.get_tracer("test"))
    try:
        yield kept
    finally:
        tracing.install(None)
        provider.shutdown()


def parent_of(span: ReadableSpan) -> int:
    """The id of its parent, 0 when it has none."""
    return int(span.parent.span_id) if span.parent else 0


def id_of(span: ReadableSpan) -> int:
    """Its own id."""
    assert span.context is not None
    return int(span.context.span_id)


def trace_of(span: ReadableSpan) -> int:
    """The id of its trace."""
    assert span.context is not None
    return int(span.context.trace_id)
