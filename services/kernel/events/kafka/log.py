"""The event log on Apache Kafka.

Records are sent in batches made here, one at a time per partition: when one fails, nothing behind it on its partition
has been sent, so a repeat never puts an older fact behind a newer one. The producer is idempotent, and is thrown away
after a failure: what it does not know of its last batch must not decide about the next.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from services.kernel.events.kafka.connection import Cluster, outages_translated
from services.kernel.events.kafka.member import KafkaMember, delivered
from services.kernel.events.kafka.reader import Reader
from services.kernel.events.kafka.topics import Topics
from services.kernel.events.port import AppliedTopic, Delivered, Lag, Record, Topic, TopicMissing

#: Bytes of one batch; a broker takes 1 MiB unless told otherwise.
BATCH_BYTES = 512 * 1024
#: How long a batch may take. A producer that waits for a partition's leader asks for it without a pause (aiokafka
#: 0.14), so it does not wait for long; the relay tries again with a new one.
SEND_TIMEOUT_MS = 10_000
_partition_of = DefaultPartitioner()


class KafkaLog:
    """The `EventLog` over a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        """Nothing connects before the first call."""
        self._cluster = cluster
        self._producer: AIOKafkaProducer | None = None
        self._topics = Topics(cluster)
        self._turn = asyncio.Lock()

    async def append(self, records: Sequence[Record]) -> None:
        """See the port. Raises `TopicMissing` before anything is sent."""
        async with self._turn:
            try:
                with outages_translated():
                    producer = await self._connected()
                    groups = await self._by_partition(producer, records)
                    sent = [self._send(producer, tp, members) for tp, members in groups.items()]
                    failed = [e for e in await asyncio.gather(*sent, return_exceptions=True) if e is not None]
                    for error in failed:
                        raise error
            except TopicMissing:
                raise
            except BaseException:
                await self._discard()
                raise

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            told = {**self._cluster.client, "request_timeout_ms": SEND_TIMEOUT_MS}
            producer = AIOKafkaProducer(enable_idempotence=True, max_batch_size=BATCH_BYTES, **told)
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _by_partition(
        self, producer: AIOKafkaProducer, records: Sequence[Record]
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        """Raises `TopicMissing`."""
        widths = {topic: await self._width(producer, topic) for topic in {record.topic for record in records}}
        groups: dict[TopicPartition, list[Record]] = defaultdict(list)
        for record in records:
            everywhere = range(widths[record.topic])
            partition = _partition_of(record.key.encode(), everywhere, everywhere)
            groups[TopicPartition(self._cluster.theirs(record.topic), partition)].append(record)
        return groups

    async def _width(self, producer: AIOKafkaProducer, topic: str) -> int:
        """Partitions of a topic. Known topics are not asked for again: their width never changes."""
        name = self._cluster.theirs(topic)
        partitions = producer.client.cluster.partitions_for_topic(name)
        if partitions is None:
            if topic not in await self._topics.names():
                raise TopicMissing(f"no topic {topic}; run `shenbao topics apply`")
            partitions = await producer.partitions_for(name)
        return len(partitions)

    async def _send(self, producer: AIOKafkaProducer, tp: TopicPartition, records: Sequence[Record]) -> None:
        """All records of one partition, a batch after the other."""
        waiting = list(reversed(records))
        while waiting:
            batch = producer.create_batch()
            while waiting and _added(batch, waiting[-1]):
                waiting.pop()
            batch.close()
            await (await producer.send_batch(batch, tp.topic, partition=tp.partition))

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaMember:
        """See the port. Raises `TopicMissing`."""
        there = await self._topics.names()
        if missing := [topic for topic in topics if topic not in there]:
            raise TopicMissing(f"no topic {', '.join(missing)}; run `shenbao topics apply`")
        member = KafkaMember(self._cluster, group, [self._cluster.theirs(topic) for topic in topics])
        await member.join()
        return member

    async def lag(self) -> Sequence[Lag]:
        """See the port."""
        stands = await self._topics.stands()
        partitions = sorted(set(chain.from_iterable(stands.values())))
        if not partitions:
            return []
        async with Reader(self._cluster) as reader:
            ends = await reader.ends(partitions)
        return [
            Lag(
                group=group,
                topic=self._cluster.ours(tp.topic) or tp.topic,
                partition=tp.partition,
                committed=committed,
                end=ends[tp],
            )
            for group, places in sorted(stands.items())
            for tp, committed in sorted(places.items())
            if ends[tp]
        ]

    async def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        """See the port."""
        partitions = await self._topics.partitions(topic)
        if not partitions:
            return
        async with Reader(self._cluster) as reader:
            async for record in reader.until_now(partitions, after or {}):
                yield delivered(self._cluster, record)

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        """See the port."""
        return await self._topics.apply(topics)

    async def topics(self) -> Sequence[str]:
        """See the port."""
        return await self._topics.names()

    async def close(self) -> None:
        """See the port."""
        await self._discard()
        await self._topics.close()


def _added(batch: BatchBuilder, record: Record) -> bool:
    """Whether the record still went into the batch."""
    headers = [(name, value.encode()) for name, value in record.headers.items()]
    return batch.append(key=record.key.encode(), value=record.payload, timestamp=None, headers=headers) is not None
