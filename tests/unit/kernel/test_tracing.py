"""Which trace a span belongs to, with and without somewhere to send it, and what an error leaves on it."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from services.kernel import telemetry, trace_context, tracing
from services.kernel.errors import AppError, Kind
from services.kernel.tracing import Attribute, begin, span
from tests.spans import Recorded, id_of, parent_of, recorded, trace_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@pytest.fixture
def kept() -> Iterator[Recorded]:
    with recorded() as found:
        yield found


def test_without_a_collector_a_given_trace_is_carried_on() -> None:
    with span("outer", parent=TRACE):
        assert telemetry.traceparent() == TRACE
        with span("inner"):
            assert telemetry.traceparent() == TRACE
    assert telemetry.traceparent() == ""


def test_without_a_collector_a_new_trace_is_begun_once() -> None:
    with span("outer"):
        begun = telemetry.traceparent()
        assert trace_context.parse(begun).is_valid
        with span("inner"):
            assert telemetry.traceparent() == begun
        with span("another", parent=""):
            assert telemetry.traceparent() not in ("", begun)


@pytest.mark.parametrize("parent", ["", "nonsense", TRACE.upper()])
def test_a_new_trace_begins_where_none_is_named_even_inside_another(kept: Recorded, parent: str) -> None:
    with span("outer"), span("fresh", parent=parent):
        pass
    fresh = kept.named("fresh")
    assert parent_of(fresh) == 0
    assert trace_of(fresh) != trace_of(kept.named("outer"))


def test_a_span_continues_what_is_current_and_what_it_is_given(kept: Recorded) -> None:
    with span("outer", parent=TRACE), span("inner"):
        assert trace_context.parse(telemetry.traceparent()).span_id != 0
    outer, inner = kept.named("outer"), kept.named("inner")
    assert f"{trace_of(outer):032x}" == f"{trace_of(inner):032x}" == TRACE_ID
    assert f"{parent_of(outer):016x}" == TRACE.split("-")[2]
    assert parent_of(inner) == id_of(outer)


def test_correlated_and_spans_agree(kept: Recorded) -> None:
    with telemetry.correlated(traceparent=TRACE), span("inside"):
        inside = telemetry.traceparent()
    assert f"{trace_of(kept.named('inside')):032x}" == TRACE_ID
    assert inside == f"00-{TRACE_ID}-{id_of(kept.named('inside')):016x}-01"


def test_a_trace_that_is_not_kept_is_passed_on_as_such(kept: Recorded) -> None:
    with span("dropped", parent=TRACE.removesuffix("01") + "00"):
        assert telemetry.traceparent().endswith("-00")
        assert TRACE_ID in telemetry.traceparent()
    assert kept.spans == ()


async def test_tasks_that_run_at_once_keep_their_traces_apart(kept: Recorded) -> None:
    gate = asyncio.Barrier(2)

    async def work(name: str) -> str:
        with span(name, parent=""):
            await gate.wait()
            return telemetry.traceparent()

    one, other = await asyncio.gather(work("one"), work("other"))
    assert one.startswith(f"00-{trace_of(kept.named('one')):032x}-{id_of(kept.named('one')):016x}-")
    assert one.split("-")[1] != other.split("-")[1]


async def test_the_span_of_a_task_stays_current_to_the_end_of_the_task(kept: Recorded) -> None:
    async def work() -> str:
        with pytest.raises(LookupError), tracing.task_span("work", SpanKind.SERVER, parent=TRACE):
            raise LookupError
        return telemetry.traceparent()

    last = await asyncio.create_task(work())
    assert trace_context.parse(last).span_id == id_of(kept.named("work"))
    assert (kept.named("work").attributes or {})[Attribute.ERROR_TYPE] == "LookupError"
    assert telemetry.traceparent() == ""


def test_a_span_that_was_begun_is_not_current(kept: Recorded) -> None:
    opened = begin("apart", SpanKind.CLIENT, parent=TRACE)
    assert telemetry.traceparent() == ""
    opened.end()
    assert kept.named("apart").kind is SpanKind.CLIENT


@pytest.mark.parametrize(
    ("error", "told", "status"),
    [
        (AppError("request.not-found", Kind.NOT_FOUND), "request.not-found", StatusCode.UNSET),
        (AppError("service.unavailable", Kind.UNAVAILABLE), "service.unavailable", StatusCode.ERROR),
        (LookupError("张三 510123197803150026"), "LookupError", StatusCode.ERROR),
        (asyncio.CancelledError(), "CancelledError", StatusCode.UNSET),
    ],
)
def test_an_error_leaves_its_code_and_no_text(
    kept: Recorded, error: BaseException, told: str, status: StatusCode
) -> None:
    with pytest.raises(type(error)), span("broken"):
        raise error
    broken = kept.named("broken")
    assert dict(broken.attributes or {}) == {Attribute.ERROR_TYPE: told}
    assert broken.status.status_code is status
    assert broken.status.description is None
    assert broken.events == ()


def test_a_method_of_a_contract_in_three_attributes() -> None:
    assert tracing.rpc("/upload.v1.UploadService/CompleteUpload") == {
        Attribute.RPC_SYSTEM: "grpc",
        Attribute.RPC_SERVICE: "upload.v1.UploadService",
        Attribute.RPC_METHOD: "CompleteUpload",
    }
