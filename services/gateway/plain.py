"""Protobuf messages as plain data for JSON: numbers stay numbers, moments are ISO 8601, findings get their words."""

from datetime import UTC
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.catalogue.findings import Finding
from services.catalogue.protobuf import from_proto
from services.catalogue.wording import Lang, word
from services.gen.common.v1 import common_pb2

Data = dict[str, Any]


def plain(message: Message, lang: Lang) -> Data:
    """Every field of the message, unset ones with their defaults; unset messages as None."""
    return {field.name: _field(message, field, lang) for field in message.DESCRIPTOR.fields}


def _field(message: Message, field: Any, lang: Lang) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {key: _value(item, lang) for key, item in value.items()}
    if field.is_repeated:
        return [_value(item, lang) for item in value]
    if field.message_type is not None and not message.HasField(field.name):
        return None
    return _value(value, lang)


def _value(value: Any, lang: Lang) -> Any:
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, common_pb2.Finding):
        return finding(value, lang)
    if isinstance(value, Message):
        return plain(value, lang)
    return value


def finding(message: common_pb2.Finding, lang: Lang) -> Data:
    """A finding as `cli.md` shows it: measured, limit, message, fix."""
    found = from_proto(message)
    worded = word(found, lang)
    return {
        "code": found.code,
        "level": found.level.value,
        "measured": found.measured,
        "limit": found.limit,
        "unit": found.unit,
        "where": found.where,
        "rule": found.rule_id,
        "message": worded.message,
        "fix": worded.fix,
        "place": _place(found),
    }


def _place(found: Finding) -> Data | None:
    """Where on which page, and how sure; None for what has no page."""
    if not isinstance(found.params.get("page"), int) or "left" not in found.params:
        return None
    page = {name: found.params[name] for name in ("page", "left", "top", "width", "height", "confidence")}
    other = {"other_file_id": found.params.get("other_file_id", ""), "other_page": found.params.get("other_page", 0)}
    return {**page, **other}
