"""CloudEvents 1.0 in binary mode: attributes as `ce_*` headers, a protobuf message as payload."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import DecodeError, Message

from services.gen.events.v1 import events_pb2
from services.kernel.events.port import Delivered, Record
from services.kernel.events.topics import topic_of

M = TypeVar("M", bound=Message)


class Undecodable(Exception):
    """A record that no later version of this code could read either; it goes to the dead letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One fact. `type` is "shenbao.<service>.<fact>.v<n>"; the topic is the service's."""

    id: str
    type: str
    #: The service that publishes it.
    source: str
    #: Key of the topic: facts of one aggregate keep their order.
    aggregate_id: str
    #: Grows with every change of the aggregate at its source.
    aggregate_version: int
    time: datetime
    payload: bytes
    traceparent: str = ""

    @property
    def topic(self) -> str:
        """See `topics.topic_of`."""
        return topic_of(self.type)


def to_record(event: Event) -> Record:
    """The event as a record for the log."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.id,
        "ce_type": event.type,
        "ce_source": event.source,
        "ce_subject": event.aggregate_id,
        "ce_aggregateversion": str(event.aggregate_version),
        "ce_time": event.time.isoformat(),
        "content-type": "application/protobuf",
    }
    if event.traceparent:
        headers["ce_traceparent"] = event.traceparent
    return Record(topic=event.topic, key=event.aggregate_id, payload=event.payload, headers=headers)


def from_record(record: Delivered) -> Event:
    """The event in a record. Raises `Undecodable` when an attribute is missing or malformed."""
    headers = record.headers
    try:
        event = Event(
            id=headers["ce_id"],
            type=headers["ce_type"],
            source=headers["ce_source"],
            aggregate_id=headers["ce_subject"],
            aggregate_version=int(headers["ce_aggregateversion"]),
            time=datetime.fromisoformat(headers["ce_time"]),
            payload=record.payload,
            traceparent=headers.get("ce_traceparent", ""),
        )
    except KeyError as error:
        raise Undecodable(f"attribute {error} is missing") from error
    except ValueError as error:
        raise Undecodable("ce_aggregateversion is no number, or ce_time no time") from error
    if not (event.id and event.source and event.aggregate_id):
        raise Undecodable("ce_id, ce_source or ce_subject is empty")  # an empty id would be every other event's too
    if event.time.tzinfo is None:
        raise Undecodable("ce_time has no offset")
    return event


def json_of(event: Event) -> str:
    """The payload as JSON for an operator's eyes: ids, hashes and codes, events hold nothing else.

    Raises `Undecodable`.
    """
    fact = event.type.rpartition(".v")[0].rpartition(".")[2]
    name = "".join(word.capitalize() for word in fact.split("-"))
    message = getattr(events_pb2, name, None)
    if message is None:
        raise Undecodable(f"no message for {event.type}")
    return str(MessageToJson(message_of(event, message), preserving_proto_field_name=True, indent=2))


def message_of(event: Event, message: type[M]) -> M:
    """The payload as `message`. Raises `Undecodable`."""
    try:
        return message.FromString(event.payload)
    except DecodeError as error:
        raise Undecodable(f"payload is no {message.DESCRIPTOR.full_name}") from error
