"""Topics and positions of a Kafka cluster, as its administrator sees them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from services.kernel.events.kafka.connection import Cluster, outages_translated
from services.kernel.events.port import AppliedTopic, EventLogUnavailable, Topic
from services.kernel.events.topics import applied_topic

USUAL_COPIES = 3
#: How long a new topic may take until every partition has a leader.
_LEADERS_S = 30.0
_POLL_S = 0.05


class Topics:
    """Asks a cluster of its topics and groups, and makes topics as they are declared."""

    def __init__(self, cluster: Cluster) -> None:
        """Nothing connects before the first call."""
        self._cluster = cluster
        self._admin: AIOKafkaAdminClient | None = None
        self._turn = asyncio.Lock()

    async def _connected(self) -> AIOKafkaAdminClient:
        async with self._turn:
            if self._admin is None:
                admin = AIOKafkaAdminClient(**self._cluster.client)
                try:
                    with outages_translated():
                        await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            return self._admin

    async def names(self) -> Sequence[str]:
        """Our topics, by name. Raises `EventLogUnavailable`."""
        admin = await self._connected()
        with outages_translated():
            found = await admin.list_topics()
        return sorted(name for name in map(self._cluster.ours, found) if name is not None)

    async def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """The partitions of one of our topics, none when it is not there. Raises `EventLogUnavailable`."""
        if topic not in await self.names():
            return []
        width = (await self._widths([topic]))[topic]
        return [TopicPartition(self._cluster.theirs(topic), number) for number in range(width)]

    async def stands(self) -> Mapping[str, Mapping[TopicPartition, int]]:
        """Our groups, and where each stands. Raises `EventLogUnavailable`."""
        admin = await self._connected()
        stands = {}
        with outages_translated():
            for name, *_ in await admin.list_consumer_groups():
                group = self._cluster.ours(name)
                if group is not None:
                    places = await admin.list_consumer_group_offsets(name)
                    stands[group] = {tp: place.offset for tp, place in places.items()}
        return stands

    async def apply(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        """See the port."""
        created = await self._create(topics)
        await self._await_leaders([topic.name for topic in topics])
        changed = await self._configure([topic for topic in topics if topic.name not in created])
        widths = await self._widths([topic.name for topic in topics])
        return [
            applied_topic(topic, widths[topic.name], created=topic.name in created, changed=topic.name in changed)
            for topic in topics
        ]

    async def _create(self, topics: Sequence[Topic]) -> set[str]:
        """Make those that are missing; their names."""
        there = await self.names()
        missing = [topic for topic in topics if topic.name not in there]
        if not missing:
            return set()
        copies = self._cluster.replication or min(USUAL_COPIES, await self._brokers())
        wanted = [
            NewTopic(
                self._cluster.theirs(topic.name),
                topic.partitions,
                copies,
                topic_configs=dict(_configuration(topic)),
            )
            for topic in missing
        ]
        with outages_translated():
            answer = await (await self._connected()).create_topics(wanted)
            for _, code, *_ in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise for_code(code)
        return {topic.name for topic in missing}

    async def _brokers(self) -> int:
        admin = await self._connected()
        with outages_translated():
            return len((await admin.describe_cluster())["brokers"])

    async def _await_leaders(self, names: Sequence[str]) -> None:
        """Right after a topic was made the first sends would find no leader and be tried again."""
        try:
            async with asyncio.timeout(_LEADERS_S):
                while not all(_is_led(told) for told in await self._described(names)):
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise EventLogUnavailable("partitions without a leader") from error

    async def _described(self, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        admin = await self._connected()
        with outages_translated():
            found: Sequence[Mapping[str, Any]] = await admin.describe_topics([self._cluster.theirs(n) for n in names])
        return found

    async def _widths(self, names: Sequence[str]) -> Mapping[str, int]:
        told = await self._described(names)
        return {self._cluster.ours(each["topic"]) or "": len(each["partitions"]) for each in told}

    async def _configure(self, topics: Sequence[Topic]) -> set[str]:
        """Bring retention into line where it is another one; the names of those that were changed."""
        admin = await self._connected()
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, self._cluster.theirs(t.name), dict(_configuration(t)))
            for t in topics
        ]
        if not asked:
            return set()
        found: dict[str, dict[str, str]] = {}
        with outages_translated():
            for answer in await admin.describe_configs(asked):
                for _, _, _, name, entries in answer.resources:
                    found[name] = {entry[0]: entry[1] for entry in entries}
            differing = [each for each in asked if found[each.name] != each.configs]
            if differing:
                for answer in await admin.alter_configs(differing):
                    for code, *_ in answer.resources:
                        if code:
                            raise for_code(code)
        return {self._cluster.ours(each.name) or "" for each in differing}

    async def close(self) -> None:
        """Disconnect."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await admin.close()


def _configuration(topic: Topic) -> Mapping[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": _milliseconds(topic.retention), "retention.bytes": "-1"}


def _milliseconds(retention: timedelta | None) -> str:
    return "-1" if retention is None else str(int(retention.total_seconds() * 1000))


def _is_led(told: Mapping[str, Any]) -> bool:
    return not told["error_code"] and all(each["leader"] >= 0 for each in told["partitions"])
