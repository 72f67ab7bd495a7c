"""The relay sends every committed event in order, by one leader, whatever dies in between."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from services.kernel.db.engine import Database
from services.kernel.db.locking import Leadership, lead
from services.kernel.events import relay as module
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.port import EventLog, EventLogUnavailable, Record
from services.kernel.events.relay import Relay
from tests.integration.kernel.facts import DEADLINE_S, TOPIC, Watched, commit, event, everything, publish, run_until


async def received(log: EventLog, count: int) -> Sequence[str]:
    """Ids of at least `count` records in the log, in order."""
    member = await log.subscribe("looking", [TOPIC])
    found = await everything(member, count)
    await member.close()
    return [record.headers["ce_id"] for record in found]


async def arrive(log: EventLog, count: int) -> None:
    await received(log, count)


async def waiting(database: Database) -> int:
    """Events committed and not yet sent."""
    async with database.transaction() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one())


async def emptied(database: Database) -> None:
    """Return once nothing waits; the deletion follows the append."""
    async with asyncio.timeout(DEADLINE_S):
        while await waiting(database):
            pass


async def test_everything_is_sent_in_order_and_forgotten(database: Database, log: EmbeddedLog) -> None:
    for number in range(1, 31):
        await commit(database, event(number), event(number, key="other"))
    relay = Relay(database, log)
    assert await waiting(database) == 60
    await run_until(relay.run, emptied(database))
    found = await received(log, 60)
    for key in ("aggregate", "other"):
        assert [each for each in found if each.startswith(key)] == [f"{key}-{number}" for number in range(1, 31)]


async def test_an_event_committed_while_the_relay_runs_is_sent(database: Database, log: EmbeddedLog) -> None:
    async def publish_one_by_one() -> None:
        for number in range(1, 6):
            await commit(database, event(number))
            await received(log, number)

    await run_until(Relay(database, log).run, publish_one_by_one())


async def test_more_than_a_batch(database: Database, log: EmbeddedLog) -> None:
    await commit(database, *(event(number) for number in range(1, module.BATCH + 2)))
    async with lead(database.url, database.schema, "relay") as leadership:
        assert leadership is not None
        relay = Relay(database, log)
        assert [await relay.send_batch(leadership) for _ in range(3)] == [module.BATCH, 1, 0]


async def test_what_was_read_ahead_is_sent_in_order_and_once(database: Database, log: EmbeddedLog) -> None:
    """A batch that is not full follows two that are; more is committed after it was read ahead."""
    total = 2 * module.BATCH + 3
    await commit(database, *(event(number) for number in range(1, total - 1)))
    relay = Relay(database, log)
    async with lead(database.url, database.schema, "relay") as leadership:
        assert leadership is not None
        assert [await relay.send_batch(leadership) for _ in range(2)] == [module.BATCH, module.BATCH]
        await commit(database, event(total - 1), event(total))
        assert [await relay.send_batch(leadership) for _ in range(3)] == [1, 2, 0]
    assert await received(log, total) == [f"aggregate-{number}" for number in range(1, total + 1)]


async def test_what_was_read_ahead_is_forgotten_with_the_leadership(database: Database, log: EmbeddedLog) -> None:
    """Another leader has sent it meanwhile, and newer facts after it."""
    await commit(database, *(event(number) for number in range(1, module.BATCH + 3)))
    relay, other = Relay(database, log), Relay(database, log)
    for sender, sent in ((relay, module.BATCH), (other, 2), (relay, 0)):
        async with lead(database.url, database.schema, "relay") as leadership:
            assert leadership is not None
            assert await sender.send_batch(leadership) == sent
    assert await waiting(database) == 0
    assert len(await received(log, module.BATCH + 2)) == module.BATCH + 2


class Away(Watched):
    """A log whose append fails, before or after it has appended."""

    def __init__(self, log: EventLog, *, times: int, too_late: bool) -> None:
        super().__init__(log)
        self.left = times
        self._too_late = too_late

    async def append(self, records: Sequence[Record]) -> None:
        fails, self.left = self.left > 0, self.left - 1
        if not fails or self._too_late:
            await super().append(records)
        if fails:
            raise EventLogUnavailable("away")


@pytest.mark.parametrize("too_late", [False, True])
async def test_nothing_is_forgotten_before_it_is_in_the_log(
    database: Database, log: EmbeddedLog, *, too_late: bool
) -> None:
    """After a lost answer the batch is sent again; the inboxes absorb the repeat."""
    await commit(database, event(1), event(2))
    relay = Relay(database, Away(log, times=1, too_late=too_late))
    async with lead(database.url, database.schema, "relay") as leadership:
        assert leadership is not None
        with pytest.raises(EventLogUnavailable):
            await relay.send_batch(leadership)
        assert await waiting(database) == 2
        assert await relay.send_batch(leadership) == 2
    repeats = 2 if too_late else 1
    assert await received(log, 2 * repeats) == ["aggregate-1", "aggregate-2"] * repeats


async def test_a_full_batch_that_failed_is_sent_before_what_was_read_ahead(
    database: Database, log: EmbeddedLog
) -> None:
    total = module.BATCH + 2
    await commit(database, *(event(number) for number in range(1, total + 1)))
    relay = Relay(database, Away(log, times=1, too_late=False))
    async with lead(database.url, database.schema, "relay") as leadership:
        assert leadership is not None
        with pytest.raises(EventLogUnavailable):
            await relay.send_batch(leadership)
        assert [await relay.send_batch(leadership) for _ in range(2)] == [module.BATCH, 2]
    assert await received(log, total) == [f"aggregate-{number}" for number in range(1, total + 1)]


async def test_the_relay_waits_out_a_log_that_is_away(database: Database, log: EmbeddedLog) -> None:
    await commit(database, event(1))
    await run_until(Relay(database, Away(log, times=2, too_late=False)).run, arrive(log, 1))


async def cut_off(database: Database) -> None:
    """End the leader's connection, as the server does with a silent one."""
    async with database.transaction() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%-leader'")
        )


async def test_a_leader_that_was_cut_off_sends_nothing_more(database: Database, log: EmbeddedLog) -> None:
    await commit(database, event(1))
    async with lead(database.url, database.schema, "relay") as leadership:
        assert isinstance(leadership, Leadership)
        await cut_off(database)
        for _ in range(2):
            assert await Relay(database, log).send_batch(leadership) is None
    assert await waiting(database) == 1


async def test_a_relay_that_lost_its_leadership_leads_again(database: Database, log: EmbeddedLog) -> None:
    async def lose_and_publish() -> None:
        await commit(database, event(1))
        await received(log, 1)
        await cut_off(database)
        await commit(database, event(2))
        await received(log, 2)

    await run_until(Relay(database, log).run, lose_and_publish())


async def test_only_the_leader_sends(database: Database, log: EmbeddedLog) -> None:
    async with lead(database.url, database.schema, "relay") as first, lead(database.url, "other", "relay") as foreign:
        assert first is not None
        assert foreign is not None
        async with lead(database.url, database.schema, "relay") as second:
            assert second is None


_RELAY_PROCESS = """
import asyncio, sys
from services.kernel.db.engine import Database
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.relay import Relay

async def main():
    database, log = Database(sys.argv[1], schema=sys.argv[2]), EmbeddedLog(sys.argv[1])
    await Relay(database, log).run(asyncio.Event())

asyncio.run(main())
"""


async def test_another_takes_over_from_a_frozen_leader(database: Database, log: EmbeddedLog, tmp_path: Path) -> None:
    """A frozen process keeps its connection and with it a plain lock for ever; the server cuts a silent one off."""
    script = tmp_path / "relay.py"
    script.write_text(_RELAY_PROCESS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), database.url, database.schema, env=environment
    )
    try:
        await commit(database, event(1))
        assert await received(log, 1) == ["aggregate-1"]
        process.send_signal(signal.SIGSTOP)
        await commit(database, event(2))

        async def taken_over_and_thawed() -> None:
            await received(log, 2)
            process.send_signal(signal.SIGCONT)
            await commit(database, event(3))
            await received(log, 3)

        await run_until(Relay(database, log).run, taken_over_and_thawed())
        await commit(database, event(4))  # the thawed one is a relay like any other
        found = await received(log, 4)
        while "aggregate-4" not in found:  # the thawed one may have sent an event again; inboxes absorb that
            found = await received(log, len(found) + 1)
        assert list(dict.fromkeys(found)) == [f"aggregate-{number}" for number in range(1, 5)]
    finally:
        process.kill()
        await process.wait()


async def test_pruning_keeps_what_is_new_unread_or_dead(database: Database, log: EmbeddedLog) -> None:
    letters = f"{TOPIC}.group.dlq"
    await publish(log, event(1), event(2), event(3))
    await log.append([Record(topic=letters, key="key", payload=b"")])
    for group, read in (("slow", 2), ("fast", 3)):
        member = await log.subscribe(group, [TOPIC])
        await member.commit((await everything(member, 3))[read - 1])
        await member.close()
    await log.prune(timedelta(days=1))
    assert len([each async for each in log.scan(TOPIC)]) == 3
    await log.prune(timedelta(0))
    assert [each.headers["ce_id"] async for each in log.scan(TOPIC)] == ["aggregate-3"]
    assert len([each async for each in log.scan(letters)]) == 1


async def test_a_group_that_has_read_nothing_yet_holds_pruning_up(database: Database, log: EmbeddedLog) -> None:
    await publish(log, event(1))
    for group in ("reading", "not yet"):
        member = await log.subscribe(group, [TOPIC])
        if group == "reading":
            await member.commit((await everything(member, 1))[0])
        await member.close()
    await log.prune(timedelta(0))
    assert len([each async for each in log.scan(TOPIC)]) == 1
