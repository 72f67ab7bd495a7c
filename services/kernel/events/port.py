"""The event log as the services see it: ordered per key, durable, delivered at least once.

Shaped by Kafka; `embedded` keeps the same promises in PostgreSQL. Exactly-once *effects* come from the inbox
(`inbox.py`), not from here. Decoding happens in the handler, never in an adapter.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

PARTITIONS = 24
#: What became of a topic that was to be as declared; "refused" when it has another number of partitions.
Outcome = Literal["created", "changed", "kept", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """How a topic is to be. Its number of partitions never changes: it decides where a key lies."""

    name: str
    partitions: int = PARTITIONS
    #: For how long a record is kept at least; None keeps it for ever.
    retention: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedTopic:
    """What was done about a topic, and how many partitions it has now."""

    name: str
    outcome: Outcome
    partitions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record to append: CloudEvents in binary mode, so `headers` are the `ce_*` attributes."""

    topic: str
    key: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    key: str
    payload: bytes
    headers: Mapping[str, str]
    appended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """How far a group is behind on one partition, in records."""

    group: str
    topic: str
    partition: int
    committed: int
    end: int

    @property
    def records(self) -> int:
        """Records appended and not yet committed by the group."""
        return max(0, self.end - self.committed)


class EventLogUnavailable(Exception):
    """The log did not answer; the same call may succeed later."""


class TopicMissing(EventLogUnavailable):
    """A topic that an operator has yet to create (`shenbao topics apply`); the message names it."""


class Subscription(Protocol):
    """One member of a consumer group."""

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        """Records of the partitions owned now, in order per partition; empty after `timeout_s`.

        Never raises for a lost partition: what was fetched from it comes again to its next owner.
        Raises `EventLogUnavailable`.
        """
        ...

    async def commit(self, *records: Delivered) -> None:
        """The group will not see the records, nor anything before them on their partitions, again.

        A commit for a partition that has gone to another member is dropped: the inbox absorbs the repeat.
        Raises `EventLogUnavailable`.
        """
        ...

    async def stay(self) -> None:
        """Show the group that this member lives although it fetches nothing, as while a handler waits.

        Raises `EventLogUnavailable`.
        """
        ...

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        """(topic, partition) owned now."""
        ...

    async def close(self) -> None:
        """Leave the group at once, so that another member takes over without waiting for a timeout."""
        ...


class EventLog(Protocol):
    """Append and subscribe."""

    async def append(self, records: Sequence[Record]) -> None:
        """Append durably, in order per key. All or a prefix per partition; repeats are possible after an error.

        Raises `EventLogUnavailable`.
        """
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join `group`; a group new to a topic starts at its beginning."""
        ...

    async def lag(self) -> Sequence[Lag]:
        """Every group's position on every partition that holds records."""
        ...

    def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        """Every retained record of `topic` without a group, for an operator's look at dead letters."""
        ...

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        """Create what is missing and bring retention into line, in the order given. Raises `EventLogUnavailable`."""
        ...

    async def topics(self) -> Sequence[str]:
        """Every topic there is, by name. Raises `EventLogUnavailable`."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Prunable(Protocol):
    """A log that must be told to drop old records; a broker does so by itself."""

    async def prune(self, older_than: timedelta) -> None:
        """Drop older records that every group has passed, never one that a group has yet to read.

        Raises `EventLogUnavailable`.
        """
        ...
