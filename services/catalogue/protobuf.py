"""Findings to and from their protobuf form, for every service that sends or receives them."""

from collections.abc import Iterable

from services.catalogue.findings import Finding, Scalar
from services.gen.common.v1 import common_pb2


def _to_scalar(value: Scalar) -> common_pb2.Scalar | None:
    match value:
        case None:
            return None
        case str():
            return common_pb2.Scalar(text=value)
        case int():
            return common_pb2.Scalar(integer=value)
        case _:
            return common_pb2.Scalar(number=value)


def _from_scalar(message: common_pb2.Scalar) -> Scalar:
    match message.WhichOneof("kind"):
        case "text":
            return message.text
        case "integer":
            return message.integer
        case "number":
            return message.number
        case _:
            return None


def to_proto(finding: Finding) -> common_pb2.Finding:
    """The finding as a message."""
    message = common_pb2.Finding(
        code=finding.code,
        rule_id=finding.rule_id,
        measured=_to_scalar(finding.measured),
        limit=_to_scalar(finding.limit),
        unit=finding.unit or "",
        where=finding.where or "",
    )
    for key, value in finding.params.items():
        message.params[key].CopyFrom(_to_scalar(value) or common_pb2.Scalar())
    return message


def from_proto(message: common_pb2.Finding) -> Finding:
    """The finding in a message. Raises `KeyError` for a code that this release does not know."""
    return Finding(
        code=message.code,
        rule_id=message.rule_id,
        measured=_from_scalar(message.measured),
        limit=_from_scalar(message.limit),
        unit=message.unit or None,
        where=message.where or None,
        params={key: _from_scalar(value) for key, value in message.params.items()},
    )


def all_to_proto(findings: Iterable[Finding]) -> list[common_pb2.Finding]:
    """Several."""
    return [to_proto(finding) for finding in findings]


def all_from_proto(messages: Iterable[common_pb2.Finding]) -> tuple[Finding, ...]:
    """Several."""
    return tuple(from_proto(message) for message in messages)
