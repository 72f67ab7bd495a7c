"""An event survives the log; what is no event is told apart."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.gen.events.v1 import events_pb2
from services.kernel.events.envelope import Event, Undecodable, from_record, message_of, to_record
from services.kernel.events.port import Delivered

EVENT = Event(
    id="0190",
    type="shenbao.upload.file-stored.v1",
    source="upload",
    aggregate_id="f1",
    aggregate_version=7,
    time=datetime(2023, 6, 1, 8, 30, tzinfo=timezone(timedelta(hours=8))),
    payload=events_pb2.FileRejected(code="file.empty").SerializeToString(),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def delivered(headers: Mapping[str, str], payload: bytes = EVENT.payload) -> Delivered:
    return Delivered(
        topic="t", partition=0, offset=0, key="f1", payload=payload, headers=headers, appended_at=datetime.now(UTC)
    )


def test_an_event_comes_out_as_it_went_in() -> None:
    record = to_record(EVENT)
    assert (record.topic, record.key) == ("shenbao.upload", "f1")
    assert from_record(delivered(record.headers, record.payload)) == EVENT


def test_the_attributes_are_those_of_cloudevents_in_binary_mode() -> None:
    headers = to_record(EVENT).headers
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_type"] == EVENT.type
    assert headers["ce_subject"] == EVENT.aggregate_id
    assert headers["content-type"] == "application/protobuf"
    assert all(name.removeprefix("ce_").isalnum() for name in headers if name.startswith("ce_"))


def test_an_event_without_a_trace_has_no_such_attribute() -> None:
    headers = {name: value for name, value in to_record(EVENT).headers.items() if name != "ce_traceparent"}
    assert from_record(delivered(headers)).traceparent == ""


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_aggregateversion", "ce_time"])
def test_an_attribute_that_is_missing(missing: str) -> None:
    headers = {name: value for name, value in to_record(EVENT).headers.items() if name != missing}
    with pytest.raises(Undecodable, match=missing):
        from_record(delivered(headers))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_aggregateversion", "seven"),
        ("ce_time", "yesterday"),
        ("ce_time", "2023-06-01T08:30:00"),
        ("ce_id", ""),
        ("ce_source", ""),
        ("ce_subject", ""),
    ],
)
def test_an_attribute_that_says_nothing(name: str, value: str) -> None:
    with pytest.raises(Undecodable, match=name):
        from_record(delivered({**to_record(EVENT).headers, name: value}))


def test_the_reason_quotes_nothing_of_the_record() -> None:
    with pytest.raises(Undecodable) as caught:
        from_record(delivered({**to_record(EVENT).headers, "ce_aggregateversion": "张三"}))
    assert "张三" not in str(caught.value)


def test_the_payload_as_a_message() -> None:
    assert message_of(EVENT, events_pb2.FileRejected).code == "file.empty"


def test_a_payload_that_is_no_such_message() -> None:
    broken = from_record(delivered(to_record(EVENT).headers, b"\xff\xff\xff"))
    with pytest.raises(Undecodable, match=r"events\.v1\.FileRejected"):
        message_of(broken, events_pb2.FileRejected)
