"""What every event log promises: order per key, at least once, groups, takeover, lag."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

import pytest

from services.kernel.events.port import PARTITIONS, Delivered, EventLog, Record, Subscription, Topic
from tests.contract.event_logs import DEADLINE_S, TOPICS, LogUnderTest, fetched

TOPIC, OTHER = TOPICS
KEYS = [f"key-{number}" for number in range(60)]


def record(key: str, payload: bytes = b"", topic: str = TOPIC) -> Record:
    return Record(topic=topic, key=key, payload=payload, headers={"ce_id": f"{key}/{payload!r}"})


def per_key(records: Iterable[Delivered]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    for each in records:
        found[each.key].append(each.payload)
    return found


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


async def drained(member: Subscription) -> Sequence[Delivered]:
    """Everything that is there for this member now, committed."""
    found: list[Delivered] = []
    while records := await member.fetch(max_records=1000, timeout_s=0):
        found += records
    for each in found:
        await member.commit(each)
    return found


async def shared(first: Subscription, second: Subscription, log: EventLog) -> tuple[list[Delivered], list[Delivered]]:
    """Append one record per key and drain both members, until each of them has had records of its own."""
    mine: list[Delivered] = []
    yours: list[Delivered] = []
    async with asyncio.timeout(DEADLINE_S):
        while not (mine and yours):
            mine.clear()
            yours.clear()
            await log.append([record(key) for key in KEYS])
            while len(mine) + len(yours) < len(KEYS):
                mine += await drained(first)
                yours += await drained(second)
                yours += await second.fetch(max_records=1000, timeout_s=0.1)
    return mine, yours


async def test_a_record_comes_as_it_was_appended(event_log: LogUnderTest) -> None:
    sent = Record(topic=TOPIC, key="张三", payload=bytes(range(256)), headers={"ce_id": "1", "ce_note": "合格"})
    member = await event_log.log.subscribe("group", [TOPIC])
    await event_log.log.append([sent])
    (got,) = await fetched(member, 1)
    assert (got.topic, got.key, got.payload, dict(got.headers)) == (sent.topic, sent.key, sent.payload, sent.headers)
    assert got.appended_at.tzinfo is not None
    await member.close()


async def test_records_of_a_key_come_in_their_order(event_log: LogUnderTest) -> None:
    for number in range(5):
        await event_log.log.append([record(key, b"%d" % (2 * number)) for key in KEYS[:7]])
        await event_log.log.append([record(key, b"%d" % (2 * number + 1)) for key in KEYS[:7]])
    member = await event_log.log.subscribe("group", [TOPIC])
    found = per_key(await fetched(member, 70))
    assert found == {key: numbered(10) for key in KEYS[:7]}
    await member.close()


async def test_a_key_stays_in_its_partition_and_offsets_grow(event_log: LogUnderTest) -> None:
    await event_log.log.append([record(key, payload) for payload in numbered(3) for key in KEYS])
    member = await event_log.log.subscribe("group", [TOPIC])
    found = await fetched(member, 180)
    assert len({(each.key, each.partition) for each in found}) == len(KEYS)
    assert len({each.partition for each in found}) > PARTITIONS // 2
    for partition in range(PARTITIONS):
        offsets = [each.offset for each in found if each.partition == partition]
        assert offsets == sorted(set(offsets))
    await member.close()


async def test_nothing_is_lost_or_passed_over_when_many_append_at_once(event_log: LogUnderTest) -> None:
    """A reader that follows while 12 writers append must not step over a number that becomes visible late."""
    member = await event_log.log.subscribe("group", [TOPIC])

    async def write(writer: str) -> None:
        for payload in numbered(25):
            await event_log.log.append([record(f"{writer}-{k}", payload) for k in range(4)])

    writers = [asyncio.create_task(write(f"writer-{number}")) for number in range(12)]
    found = await fetched(member, 12 * 25 * 4)
    await asyncio.gather(*writers)
    assert len(found) == 12 * 25 * 4
    assert all(payloads == numbered(25) for payloads in per_key(found).values())
    await member.close()


async def test_a_group_goes_on_where_it_committed(event_log: LogUnderTest) -> None:
    await event_log.log.append([record("key", payload) for payload in numbered(10)])
    member = await event_log.log.subscribe("group", [TOPIC])
    found = await fetched(member, 10)
    await member.commit(found[3])
    await member.close()
    member = await event_log.another().subscribe("group", [TOPIC])
    assert [each.payload for each in await fetched(member, 6)] == numbered(10)[4:]
    await member.close()


async def test_a_commit_says_nothing_of_other_topics_and_partitions(event_log: LogUnderTest) -> None:
    await event_log.log.append([record(key, topic=topic) for topic in (TOPIC, OTHER) for key in KEYS])
    member = await event_log.log.subscribe("group", [TOPIC, OTHER])
    found = await fetched(member, 2 * len(KEYS))
    await member.commit(found[-1])
    await member.close()
    settled = [
        each
        for each in found
        if (each.topic, each.partition) == (found[-1].topic, found[-1].partition) and each.offset <= found[-1].offset
    ]
    member = await event_log.log.subscribe("group", [TOPIC, OTHER])
    assert len(await fetched(member, len(found) - len(settled))) == len(found) - len(settled)
    await member.close()


async def test_groups_do_not_see_each_other_and_a_new_one_starts_at_the_beginning(event_log: LogUnderTest) -> None:
    await event_log.log.append([record("key", payload) for payload in numbered(4)])
    for group in ("one", "two"):
        member = await event_log.log.subscribe(group, [TOPIC])
        found = await fetched(member, 4)
        assert [each.payload for each in found] == numbered(4)
        await member.commit(found[-1])
        await member.close()


async def test_fetch_returns_empty_handed_when_nothing_comes(event_log: LogUnderTest) -> None:
    member = await event_log.log.subscribe("group", [TOPIC])
    assert not await member.fetch(max_records=10, timeout_s=0)
    await member.close()


async def test_a_waiting_fetch_is_woken_by_an_append(event_log: LogUnderTest) -> None:
    member = await event_log.log.subscribe("group", [TOPIC])
    waiting = asyncio.create_task(member.fetch(max_records=10, timeout_s=DEADLINE_S))
    await event_log.another().append([record("key", b"1")])
    async with asyncio.timeout(DEADLINE_S):
        assert [each.payload for each in await waiting] == [b"1"]
    await member.close()


async def test_fetch_takes_no_more_than_asked_and_goes_on_after_it(event_log: LogUnderTest) -> None:
    await event_log.log.append([record("key", payload) for payload in numbered(7)])
    member = await event_log.log.subscribe("group", [TOPIC])
    pages = [await member.fetch(max_records=3, timeout_s=5) for _ in range(3)]
    assert [[each.payload for each in page] for page in pages] == [numbered(3), numbered(6)[3:], numbered(7)[6:]]
    await member.close()


async def test_two_members_share_and_neither_has_what_the_other_has(event_log: LogUnderTest) -> None:
    first = await event_log.log.subscribe("group", [TOPIC])
    second = await event_log.another().subscribe("group", [TOPIC])
    mine, yours = await shared(first, second, event_log.log)
    assert not {each.partition for each in mine} & {each.partition for each in yours}
    await first.close()
    await second.close()


@pytest.mark.parametrize("ending", ["close", "crash"])
async def test_another_member_takes_over_what_was_not_committed(event_log: LogUnderTest, ending: str) -> None:
    await event_log.log.append([record(key, payload) for payload in numbered(2) for key in KEYS])
    first = await event_log.log.subscribe("group", [TOPIC])
    await fetched(first, 2 * len(KEYS))
    await (first.close() if ending == "close" else event_log.crash(first))
    second = await event_log.another().subscribe("group", [TOPIC])
    assert per_key(await fetched(second, 2 * len(KEYS))) == {key: numbered(2) for key in KEYS}
    await second.close()
    await first.close()


async def test_a_member_that_lost_its_connection_joins_again(event_log: LogUnderTest) -> None:
    await event_log.log.append([record(key) for key in KEYS])
    member = await event_log.log.subscribe("group", [TOPIC])
    await fetched(member, len(KEYS))
    await event_log.crash(member)
    assert {each.key for each in await fetched(member, len(KEYS))} == set(KEYS)
    await member.close()


async def test_a_commit_on_a_lost_partition_is_dropped(event_log: LogUnderTest) -> None:
    """The old owner, late, must not move the group on over records that the new owner has in hand."""
    await event_log.log.append([record(key, payload) for payload in numbered(2) for key in KEYS])
    first = await event_log.log.subscribe("group", [TOPIC])
    held = await fetched(first, 2 * len(KEYS))
    second = await event_log.another().subscribe("group", [TOPIC])
    yours: list[Delivered] = []
    async with asyncio.timeout(DEADLINE_S):
        while not yours:
            await first.fetch(max_records=1, timeout_s=0)
            yours += await second.fetch(max_records=1000, timeout_s=0.1)
    lost = yours[0].partition
    await first.commit([each for each in held if each.partition == lost][-1])
    positions = {lag.partition: lag.committed for lag in await event_log.log.lag()}
    assert positions[lost] == 0
    await first.close()
    await second.close()


async def test_lag_counts_what_a_group_has_yet_to_read(event_log: LogUnderTest) -> None:
    await event_log.log.append([record("key", payload) for payload in numbered(5)])
    member = await event_log.log.subscribe("group", [TOPIC])
    found = await fetched(member, 5)
    before = [(lag.group, lag.topic, lag.records) for lag in await event_log.log.lag() if lag.records]
    await member.commit(found[2])
    after = [(lag.partition, lag.committed, lag.end, lag.records) for lag in await event_log.log.lag() if lag.end]
    await member.commit(found[-1])
    assert before == [("group", TOPIC, 5)]
    assert after == [(found[0].partition, 3, 5, 2)]
    assert not sum(lag.records for lag in await event_log.log.lag())
    await member.close()


async def test_a_commit_never_takes_a_group_back(event_log: LogUnderTest) -> None:
    await event_log.log.append([record("key", payload) for payload in numbered(3)])
    member = await event_log.log.subscribe("group", [TOPIC])
    found = await fetched(member, 3)
    await member.commit(found[2])
    await member.commit(found[0])
    await member.close()
    assert not sum(lag.records for lag in await event_log.log.lag())


async def test_scan_reads_without_a_group_and_after_what_was_read(event_log: LogUnderTest) -> None:
    await event_log.log.apply_topics([Topic(name="letters", partitions=1)])
    await event_log.log.append([record(key, topic="letters") for key in KEYS])
    everything = [each async for each in event_log.log.scan("letters")]
    assert [each.key for each in everything] == KEYS
    rest = [each async for each in event_log.log.scan("letters", after={0: everything[9].offset})]
    assert [each.key for each in rest] == KEYS[10:]
    assert not await event_log.log.lag()


async def test_scan_of_a_topic_that_nobody_made_finds_nothing(event_log: LogUnderTest) -> None:
    assert not [each async for each in event_log.log.scan("nothing")]


async def test_topics_are_told_by_name(event_log: LogUnderTest) -> None:
    await event_log.log.apply_topics([Topic(name="letters", partitions=1)])
    await event_log.log.append([record("key")])
    assert set(await event_log.another().topics()) >= {"letters", TOPIC}


async def test_an_existing_topic_keeps_its_partitions(event_log: LogUnderTest) -> None:
    await event_log.log.apply_topics([Topic(name="letters", partitions=1)])
    await event_log.another().apply_topics([Topic(name="letters", partitions=8)])
    await event_log.another().append([record(key, topic="letters") for key in KEYS])
    assert {each.partition async for each in event_log.log.scan("letters")} == {0}


async def test_every_partition_of_a_wide_topic_is_read(event_log: LogUnderTest) -> None:
    await event_log.log.apply_topics([Topic(name="wide", partitions=2 * PARTITIONS)])
    await event_log.log.append([record(f"key-{number}", topic="wide") for number in range(400)])
    member = await event_log.log.subscribe("group", ["wide"])
    assert max(each.partition for each in await fetched(member, 400)) >= PARTITIONS
    await member.close()


async def test_what_was_appended_outlives_the_client(event_log: LogUnderTest) -> None:
    client = event_log.another()
    await client.append([record("key", b"kept")])
    await client.close()
    member = await event_log.another().subscribe("group", [TOPIC])
    assert [each.payload for each in await fetched(member, 1)] == [b"kept"]
    await member.close()
