"""A member of a consumer group on Kafka.

It never cancels a fetch (a cancelled one switches off the detection of a stuck consumer in aiokafka 0.14), commits only
what it owns, and begins to be a member again when its client has broken.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.kernel.events.kafka.connection import (
    MAX_POLL_INTERVAL_MS,
    REBALANCE_TIMEOUT_MS,
    Cluster,
    outages_translated,
)
from services.kernel.events.port import Delivered, EventLogUnavailable

#: How long leaving may take before the broker is left to find out by itself.
_LEAVE_S = 5.0


class _Shares(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Notes that the member's share is another one; both calls return at once, or they would hold up the group."""

    def __init__(self) -> None:
        self.changed = True

    def on_partitions_revoked(self, _revoked: set[TopicPartition]) -> None:
        self.changed = True

    def on_partitions_assigned(self, _assigned: set[TopicPartition]) -> None:
        self.changed = True


class KafkaMember:
    """One member of a group; made by `KafkaLog.subscribe`."""

    def __init__(self, cluster: Cluster, group: str, topics: Sequence[str]) -> None:
        """`topics` are the cluster's names. Nothing is asked of the cluster before `join`."""
        self._cluster = cluster
        self._group = group
        self._topics = list(topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._shares = _Shares()
        #: Where the group stands on each partition that was owned when the share was last looked at.
        self._places: dict[TopicPartition, int] = {}

    async def join(self) -> None:
        """Become a member and wait for a share. Raises `EventLogUnavailable`."""
        self._shares = _Shares()
        # The assignor keeps its memory in class attributes, so each consumer has a class of its own.
        assignor = type("Sticky", (StickyPartitionAssignor,), {})
        consumer = AIOKafkaConsumer(
            group_id=self._cluster.theirs(self._group),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=[assignor],
            session_timeout_ms=self._cluster.session_timeout_s * 1000,
            heartbeat_interval_ms=self._cluster.heartbeat_ms,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            fetch_max_wait_ms=500,
            **self._cluster.client,
        )
        consumer.subscribe(self._topics, listener=self._shares)
        try:
            with outages_translated(", ".join(self._topics)):
                await consumer.start()
        except BaseException:
            await _left(consumer)
            raise
        self._consumer = consumer

    @property
    def assigned(self) -> frozenset[tuple[str, int]]:
        """(topic, partition) owned now."""
        if self._consumer is None:
            return frozenset()
        return frozenset((tp.topic, tp.partition) for tp in self._consumer.assignment())

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivered]:
        """See the port."""
        consumer = await self._live()
        try:
            with outages_translated():
                await self._take_shares(consumer)
                found = await consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        except EventLogUnavailable:
            await self._drop()
            raise
        return [delivered(self._cluster, record) for batch in found.values() for record in batch]

    async def stay(self) -> None:
        """See the port: a poll with every partition paused, which brings no records."""
        consumer = await self._live()
        paused = consumer.assignment()
        with outages_translated():
            consumer.pause(*paused)
            try:
                await consumer.getmany(timeout_ms=0)
            finally:
                consumer.resume(*(paused & consumer.assignment()))

    async def commit(self, *records: Delivered) -> None:
        """See the port. Never takes the group back, also when a partition went and came back meanwhile."""
        consumer = self._consumer
        if consumer is None:
            return
        wanted: dict[TopicPartition, int] = {}
        for record in records:
            tp = TopicPartition(self._cluster.theirs(record.topic), record.partition)
            wanted[tp] = max(wanted.get(tp, 0), record.offset + 1)
        with outages_translated():
            await self._take_shares(consumer)
            ahead = {tp: place for tp, place in wanted.items() if place > self._places.get(tp, place)}
            if not ahead:
                return
            try:
                await consumer.commit(ahead)
            except (CommitFailedError, IllegalStateError):  # gone to somebody else meanwhile
                self._shares.changed = True
                return
        self._places.update(ahead)

    async def close(self) -> None:
        """See the port."""
        await self._drop()

    async def _live(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            await self.join()
        consumer = self._consumer
        if consumer is None:
            raise EventLogUnavailable("the member has no client")
        return consumer

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._places.clear()
        if consumer is not None:
            await _left(consumer)

    async def _take_shares(self, consumer: AIOKafkaConsumer) -> None:
        """After a change, ask where the group stands on what is owned now; and put its place on record where it has
        none: what it has not read is lag from the beginning.
        """
        if not self._shares.changed:
            return
        self._shares.changed = False
        found = {tp: await consumer.committed(tp) for tp in consumer.assignment()}
        self._places = {tp: place for tp, place in found.items() if place is not None}
        missing = [tp for tp, place in found.items() if place is None]
        if missing:
            begins = dict(await consumer.beginning_offsets(missing))
            try:
                await consumer.commit(begins)
            except (CommitFailedError, IllegalStateError):  # the group shares anew; so shall we
                self._shares.changed = True
            else:
                self._places.update(begins)


def delivered(cluster: Cluster, record: ConsumerRecord) -> Delivered:
    """A record of the cluster as the port has it; what is not text is replaced, for the handler to refuse."""
    topic = cluster.ours(record.topic)
    return Delivered(
        topic=record.topic if topic is None else topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(errors="replace"),
        payload=record.value or b"",
        headers={name: value.decode(errors="replace") for name, value in record.headers},
        appended_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


async def _left(consumer: AIOKafkaConsumer) -> None:
    """Leave the group in time, whatever the cluster says."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(_LEAVE_S):
            await consumer.stop()
