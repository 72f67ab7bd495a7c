"""Nothing leaves but what is allowed; a collector that is away is told of once and holds nobody up."""

import logging
import threading
from collections.abc import Iterator, Sequence

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from services.cli.embedded.platform import free_ports
from services.kernel import metrics, trace_export, tracing
from services.kernel.redaction import REDACTED
from services.kernel.trace_export import Sending, cleaned, provider_of
from services.kernel.tracing import Attribute, span
from tests import otlp

ID_NUMBER = "510123197803150026"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """No tracer and the library's log as it was."""
    library = logging.getLogger("opentelemetry")
    level = library.level
    yield
    tracing.install(None)
    library.setLevel(level)


def ended(name: str, **attributes: str | float | bool | Sequence[str]) -> ReadableSpan:
    made = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span(name)
    made.set_attributes({key.replace("__", "."): value for key, value in attributes.items()})
    made.add_event("exception", {"exception.message": "张三"})
    made.set_status(Status(StatusCode.ERROR, "张三"))
    made.end()
    assert isinstance(made, ReadableSpan)
    return made


@pytest.mark.parametrize(
    "key", ["url.full", "url.query", "db.statement", "http.target", "user_agent.original", "http.request.header.cookie"]
)
def test_a_key_that_is_not_listed_is_dropped(key: str) -> None:
    left = cleaned(ended("x", **{key: "whatever", Attribute.HTTP_ROUTE: "/a/{b}"}))
    assert dict(left.attributes or {}) == {Attribute.HTTP_ROUTE: "/a/{b}"}


@pytest.mark.parametrize("text", ["张三", f"{ID_NUMBER}.mp4", "a\nb", "x" * 201])
def test_a_value_that_may_be_personal_is_taken_out(text: str) -> None:
    left = cleaned(ended("x", **{Attribute.JOB_ID: text}))
    assert dict(left.attributes or {}) == {Attribute.JOB_ID: REDACTED}


def test_numbers_stay_unless_they_are_id_numbers_and_lists_go() -> None:
    given = {Attribute.JOB_ATTEMPT: 3, Attribute.HTTP_STATUS: int(ID_NUMBER), Attribute.TOPIC: ["a"]}
    left = cleaned(ended("x", **given))  # type: ignore[arg-type]
    assert dict(left.attributes or {}) == {
        Attribute.JOB_ATTEMPT: 3, Attribute.HTTP_STATUS: REDACTED, Attribute.TOPIC: REDACTED
    }  # fmt: skip


def test_a_query_string_is_cut_off_and_events_and_texts_go() -> None:
    left = cleaned(ended("GET /objects?name=a", **{Attribute.HTTP_ROUTE: "/objects?filename=a&x=b"}))
    assert left.name == "GET /objects?…"
    assert dict(left.attributes or {}) == {Attribute.HTTP_ROUTE: "/objects?…"}
    assert left.events == ()
    assert left.links == ()
    assert (left.status.status_code, left.status.description) == (StatusCode.ERROR, None)


def test_a_name_that_is_a_value_is_taken_out() -> None:
    assert cleaned(ended("下载 张三.pdf")).name == REDACTED


def test_ids_times_and_kind_stay() -> None:
    made = ended("x")
    left = cleaned(made)
    assert (left.context, left.parent, left.kind) == (made.context, made.parent, made.kind)
    assert (left.start_time, left.end_time) == (made.start_time, made.end_time)


def test_every_exporter_stands_behind_the_cleaning() -> None:
    kept = InMemorySpanExporter()
    provider = provider_of(kept, service="upload", roles=("api",))
    tracing.install(provider.get_tracer("test"))
    with span("x", attributes={Attribute.JOB_ID: "张三"}) as opened:
        opened.set_attribute("url.full", "https://x/?filename=a")
    provider.shutdown()
    [sent] = kept.get_finished_spans()
    assert dict(sent.attributes or {}) == {Attribute.JOB_ID: REDACTED}
    assert sent.resource.attributes["service.name"] == "upload"


def test_a_share_of_nothing_sends_nothing() -> None:
    kept = InMemorySpanExporter()
    provider = provider_of(kept, service="upload", roles=("api",), share=0.0)
    tracing.install(provider.get_tracer("test"))
    with span("x"):
        pass
    provider.shutdown()
    assert kept.get_finished_spans() == ()


class Moody(SpanExporter):
    """Answers as it is told to."""

    def __init__(self, *results: SpanExportResult) -> None:
        self._results = list(results)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._results.pop(0)


def test_a_collector_that_is_away_is_told_of_once_and_once_when_it_is_back() -> None:
    good, bad = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
    sending = Sending(Moody(good, bad, bad, bad, good, good, bad))
    lost = metrics.REGISTRY.get_sample_value("shenbao_spans_exported_total", {"outcome": "lost"}) or 0
    with structlog.testing.capture_logs() as lines:
        for _ in range(7):
            sending.export([ended("x"), ended("y")])
    away, back = "trace.collector-away", "trace.collector-back"
    assert [line["action"] for line in lines] == [away, back, away]
    assert metrics.REGISTRY.get_sample_value("shenbao_spans_exported_total", {"outcome": "lost"}) == lost + 8


def test_spans_arrive_at_a_real_collector_and_the_last_ones_at_the_end() -> None:
    with otlp.collecting() as collector:
        stop = trace_export.start(collector.address, service="video", roles=("api", "worker"), share=1.0)
        with span("outer", attributes={Attribute.JOB_STAGE: "disc"}), span("inner"):
            pass
        stop()
        told = collector.wait(lambda spans: len(spans) == 2)
    assert {(one.service, one.span.name) for one in told} == {("video", "outer"), ("video", "inner")}
    assert len({one.trace_id for one in told}) == 1
    assert [one.attributes for one in told if one.span.name == "outer"] == [{Attribute.JOB_STAGE: "disc"}]


def test_where_nobody_listens_the_end_is_not_held_up_the_library_is_silent_and_no_thread_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    [port] = free_ports(1)
    before = set(threading.enumerate())
    stop = trace_export.start(f"http://127.0.0.1:{port}", service="video", roles=(), share=1.0)
    for _ in range(trace_export.QUEUE_SPANS + 100):
        with span("lost"):
            pass
    ending = threading.Thread(target=stop)
    ending.start()
    ending.join(trace_export.FLUSH_S + trace_export.ENDING_S + 30)
    assert not ending.is_alive()
    assert set(threading.enumerate()) <= before
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []
