"""What is told of events on their way: spans for sending and handling, counters, how long they took."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from opentelemetry.trace import SpanKind

from services.kernel import metrics, tracing
from services.kernel.events.envelope import Event
from services.kernel.events.port import Delivered, Record, Subscription
from services.kernel.tracing import Attribute


@contextmanager
def publishing(records: Sequence[Record]) -> Iterator[None]:
    """The records are appended inside: a span each, in the trace in which each event was made.

    An event keeps the trace context that it was made with, so what is sent twice is the same twice.
    """
    began = time.time_ns()
    yield
    for event, number in Counter(record.headers.get("ce_type", "") for record in records).items():
        metrics.EVENTS_PUBLISHED.labels(event=event).inc(number)
    if tracing.installed():
        for record in records:
            _published(record, began)


def _published(record: Record, began_ns: int) -> None:
    event = record.headers.get("ce_type", "")
    named = {
        Attribute.EVENT_ID: record.headers.get("ce_id", ""), Attribute.EVENT_TYPE: event,
        Attribute.TOPIC: record.topic,
    }  # fmt: skip
    parent = record.headers.get("ce_traceparent", "")
    tracing.begin(f"publish {event}", SpanKind.PRODUCER, parent=parent, attributes=named, started_ns=began_ns).end()


@contextmanager
def handling(event: Event, group: str, now: datetime) -> Iterator[None]:
    """The event has its effect inside, in the trace in which it was made."""
    named = {
        Attribute.EVENT_ID: event.id, Attribute.EVENT_TYPE: event.type, Attribute.TOPIC: event.topic,
        Attribute.CONSUMER_GROUP: group,
    }  # fmt: skip
    metrics.EVENT_DELIVERY.labels(event=event.type).observe(max(0.0, (now - event.time).total_seconds()))
    with tracing.span(f"{group} hears {event.type}", SpanKind.CONSUMER, parent=event.traceparent, attributes=named):
        yield
    metrics.EVENTS_CONSUMED.labels(event=event.type).inc()


def about_subscription(subscription: Subscription) -> None:
    """How many partitions this member owns, of all its topics together."""
    metrics.CONSUMER_PARTITIONS.set(len(subscription.assigned))


def about_dead_letter(record: Delivered) -> None:
    """One was set aside."""
    metrics.EVENTS_DEAD_LETTERED.labels(topic=record.topic).inc()
