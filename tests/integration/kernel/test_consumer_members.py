"""What only the embedded log can be asked: who holds which partition, and until when."""

import asyncio

from services.kernel.db.roles import role_of
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.embedded_member import Member
from services.kernel.events.port import PARTITIONS
from tests.cluster import Cluster
from tests.integration.kernel.conftest import SERVICE
from tests.integration.kernel.facts import DEADLINE_S, TOPIC, event, everything, publish


async def balanced(*members: Member) -> None:
    """Let each of them look around until every partition has an owner and the shares are even."""
    async with asyncio.timeout(DEADLINE_S):
        while [len(member.partitions) for member in members] != [PARTITIONS // len(members)] * len(members):
            for member in members:
                await member.fetch(max_records=1, timeout_s=0.05)


async def test_members_share_evenly_and_again_when_one_leaves(log: EmbeddedLog) -> None:
    members = [await log.subscribe("group", [TOPIC]) for _ in range(3)]
    await balanced(*members)
    owned = [partition for member in members for partition in member.partitions]
    assert sorted(owned) == list(range(PARTITIONS))
    await members.pop().close()
    await balanced(*members)
    for member in members:
        await member.close()


async def test_a_frozen_member_is_cut_off_and_its_share_taken(log: EmbeddedLog) -> None:
    """It says nothing while it is frozen; the server ends its session, and with it its locks."""
    frozen = await log.subscribe("group", [TOPIC])
    silence = await frozen.connection().fetchval("SHOW idle_session_timeout")
    assert silence == "10s"
    await publish(log, event(1))
    (held,) = await everything(frozen, 1)
    await frozen.connection().execute("SET idle_session_timeout = '50ms'")
    other = await log.subscribe("group", [TOPIC])
    (again,) = await everything(other, 1)
    assert again == held
    await other.close()
    await frozen.close()


async def test_the_same_group_in_another_database_is_another_group(
    cluster: Cluster, database_url: str, log: EmbeddedLog
) -> None:
    elsewhere = EmbeddedLog(cluster.url(role_of(SERVICE), await cluster.fresh()))
    there = await elsewhere.subscribe("group", [TOPIC])
    here = await log.subscribe("group", [TOPIC])
    assert here.partitions == there.partitions == frozenset(range(PARTITIONS))
    await here.close()
    await there.close()
    await elsewhere.close()
