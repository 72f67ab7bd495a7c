"""Sends spans to an OTLP collector, cleaned; a collector that is away or slow costs the platform nothing but the spans.

One place decides what leaves the process: `cleaned` keeps the attributes of `tracing.Attribute` and of them only what
`redaction` and plain ASCII let through (a person's or a file's name is Chinese, an id never is); events, links, states'
texts and anything a library added are dropped.
"""

import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

from services.kernel import metrics, tracing
from services.kernel.redaction import REDACTED, clean_text

#: Spans that wait to be sent; more are dropped.
QUEUE_SPANS = 4096
BATCH_SPANS = 512
SEND_EVERY_MS = 1000
#: How long one batch may take, and how long the end of the process waits for the last ones.
SEND_TIMEOUT_S = 3.0
FLUSH_S = 3.0
#: How long the exporter may take to give up after that.
ENDING_S = 1.0
_ALLOWED = frozenset(str(key) for key in tracing.Attribute)
_PLAIN = re.compile(r"[\x20-\x7e]{0,200}")
log = structlog.get_logger()


def start(endpoint: str, *, service: str, roles: Sequence[str], share: float) -> Callable[[], None]:
    """Export this process's spans to `endpoint` (`http://host:port` in clear, `https://…` with TLS) from now on.

    `share` of the new traces is kept. Returns what sends the rest and stops, within `FLUSH_S + ENDING_S`.
    """
    # The SDK tells of every batch and every dropped span; `Sending` tells when it begins and when it ends.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http:"), timeout=SEND_TIMEOUT_S)
    provider = provider_of(Sending(exporter), service=service, roles=roles, share=share)
    tracing.install(provider.get_tracer("shenbao"))

    def stop() -> None:
        tracing.install(None)
        last = threading.Thread(target=provider.shutdown, name="trace-flush", daemon=True)
        last.start()
        last.join(FLUSH_S)
        if last.is_alive():
            exporter.shutdown()  # ends its retries: what is still queued fails at once
            last.join(ENDING_S)

    return stop


def provider_of(exporter: SpanExporter, *, service: str, roles: Sequence[str], share: float = 1.0) -> TracerProvider:
    """Spans of this process, cleaned, in batches to `exporter`."""
    resource = Resource(
        {
            "service.namespace": "shenbao",
            "service.name": service,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            "shenbao.roles": ",".join(roles),
        }
    )
    sampler = ParentBased(TraceIdRatioBased(share))
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(
            Cleaning(exporter),
            max_queue_size=QUEUE_SPANS,
            max_export_batch_size=BATCH_SPANS,
            schedule_delay_millis=SEND_EVERY_MS,
        )
    )
    return provider


class Cleaning(SpanExporter):
    """Hands on cleaned spans: nothing reaches an exporter around it."""

    def __init__(self, inner: SpanExporter) -> None:
        """`inner` gets what is left."""
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the base class."""
        return self._inner.export([cleaned(span) for span in spans])

    def shutdown(self) -> None:
        """See the base class."""
        self._inner.shutdown()


class Sending(SpanExporter):
    """Says once that the collector is away, and once that it is back; counts what was sent and what was lost."""

    def __init__(self, inner: SpanExporter) -> None:
        """`inner` talks to the collector."""
        self._inner = inner
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the base class."""
        result = self._inner.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        metrics.SPANS_EXPORTED.labels(outcome="lost" if failed else "sent").inc(len(spans))
        if failed and not self._away:
            log.warning("spans are lost until the collector answers", action="trace.collector-away")
        if self._away and not failed:
            log.info("the collector answers again", action="trace.collector-back")
        self._away = failed
        return result

    def shutdown(self) -> None:
        """See the base class."""
        self._inner.shutdown()


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """The span with nothing but what is allowed."""
    attributes = {key: _value(value) for key, value in (span.attributes or {}).items() if key in _ALLOWED}
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _value(value: AttributeValue) -> AttributeValue:
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if _text(str(value)) == str(value) else REDACTED
    return _text(value) if isinstance(value, str) else REDACTED


def _text(text: str) -> str:
    return clean_text(text)[0] if _PLAIN.fullmatch(text) else REDACTED
