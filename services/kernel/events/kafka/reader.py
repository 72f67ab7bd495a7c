"""Reads a Kafka topic without a group: what is there now, and how far the partitions go."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.kernel.events.kafka.connection import Cluster, outages_translated

_PAGE_RECORDS = 500
_WAIT_MS = 1000


class Reader:
    """An asynchronous context manager over a client of its own. Everything raises `EventLogUnavailable`."""

    def __init__(self, cluster: Cluster) -> None:
        """Nothing connects yet."""
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=_PAGE_RECORDS, **cluster.client
        )

    async def __aenter__(self) -> Self:
        """Connect."""
        try:
            with outages_translated():
                await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def ends(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset that the next record of each partition will have."""
        with outages_translated():
            return dict(await self._consumer.end_offsets(partitions))

    async def until_now(
        self, partitions: Sequence[TopicPartition], after: Mapping[int, int]
    ) -> AsyncIterator[ConsumerRecord]:
        """The records that are there now, after an offset per partition, in order per partition."""
        with outages_translated():
            ends = await self._consumer.end_offsets(partitions)
            begins = await self._consumer.beginning_offsets(partitions)
        starts = {tp: max(begins[tp], after.get(tp.partition, -1) + 1) for tp in partitions}
        left = {tp: ends[tp] for tp in partitions if starts[tp] < ends[tp]}
        if not left:
            return
        self._consumer.assign(list(left))
        for tp in left:
            self._consumer.seek(tp, starts[tp])
        while left:
            with outages_translated():
                found = await self._consumer.getmany(*left, timeout_ms=_WAIT_MS)
            for tp, records in found.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
                if records[-1].offset + 1 >= ends[tp]:
                    del left[tp]
