"""A consumer has each record's effect exactly once and in order, waits out what passes, and never skips."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.events import consumer as module
from services.kernel.events.consumer import Consumer, Handler, InvariantBroken, TooManyDeadLetters
from services.kernel.events.deadletters import DeadLetters
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.envelope import Event, Undecodable, to_record
from services.kernel.events.outbox import Outbox
from services.kernel.events.port import Delivered, EventLog, EventLogUnavailable, Record, Subscription
from services.kernel.events.topics import dead_letter_topic
from tests.integration.kernel.facts import TOPIC, TYPE, SetClock, Watched, event, note, notes, publish, run_until

GROUP = "group"
LETTERS = dead_letter_topic(TOPIC, GROUP)


class Pauses:
    """Instead of sleeping: remembers that there was a pause."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def made(
    database: Database, log: EventLog, handler: Handler, *, pauses: Pauses | None = None, clock: SetClock | None = None
) -> Consumer:
    return Consumer(
        group=GROUP,
        handlers={TYPE: handler},
        database=database,
        events=log,
        clock=clock or SetClock(),
        pause=pauses or Pauses(),
    )


async def consume(
    records: int,
    database: Database,
    log: EventLog,
    handler: Handler,
    *,
    pauses: Pauses | None = None,
    clock: SetClock | None = None,
) -> None:
    """Run a consumer until it has passed `records` records."""
    watched = Watched(log)
    await run_until(made(database, watched, handler, pauses=pauses, clock=clock).run, watched.commits(records))


async def noting(connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
    await note(connection, got.id)


async def letters(log: EventLog) -> list[Delivered]:
    return [each async for each in log.scan(LETTERS)]


async def test_effects_are_had_in_order(database: Database, log: EmbeddedLog) -> None:
    await publish(log, *(event(number) for number in range(1, 21)))
    await consume(20, database, log, noting)
    assert await notes(database) == [f"aggregate-{number}" for number in range(1, 21)]


async def test_a_record_that_comes_again_has_no_second_effect(database: Database, log: EmbeddedLog) -> None:
    await publish(log, event(1), event(2), event(1), event(2), event(3))
    await consume(5, database, log, noting)
    assert await notes(database) == ["aggregate-1", "aggregate-2", "aggregate-3"]


async def test_death_between_the_effect_and_the_commit(database: Database, log: EmbeddedLog) -> None:
    """The offset is not committed; the next consumer gets the records again, and the inbox knows them."""
    await publish(log, event(1), event(2))
    handled = asyncio.Event()

    async def dying(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        await noting(connection, outbox, got)
        if got.aggregate_version == 2:
            handled.set()
            await asyncio.Event().wait()

    first = asyncio.create_task(made(database, log, dying).run(asyncio.Event()))
    await handled.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await notes(database) == ["aggregate-1"]
    async with database.transaction() as connection:  # as if the first commit had been lost as well
        await connection.execute(text("UPDATE events.positions SET next_offset = 0"))
    await consume(2, database, log, noting)
    assert await notes(database) == ["aggregate-1", "aggregate-2"]


async def test_an_older_version_has_no_effect_after_a_newer_one(database: Database, log: EmbeddedLog) -> None:
    await publish(log, event(2), event(1), event(3), event(1, key="other"))
    await consume(4, database, log, noting)
    assert set(await notes(database)) == {"aggregate-2", "aggregate-3", "other-1"}


async def test_a_cause_comes_before_its_effect_in_another_topic(database: Database, log: EmbeddedLog) -> None:
    """However late the reader is, and whatever the topics are called."""
    later, earlier = "shenbao.aaa.checked.v1", "shenbao.zzz.stored.v1"
    for number in range(1, 31):
        await publish(log, event(number, event_type=earlier, event_id=f"stored-{number}", key=f"file-{number % 7}"))
        await publish(log, event(number, event_type=later, event_id=f"checked-{number}", key=f"file-{number % 7}"))
    order: list[str] = []

    async def remember(_connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
        order.append(got.id)

    watched = Watched(log)
    handlers = {earlier: remember, later: remember}
    consumer = Consumer(group=GROUP, handlers=handlers, database=database, events=watched, clock=SetClock())
    await run_until(consumer.run, watched.commits(60))
    # Cause and effect have the same source and version: only the first of the two counts, and that must be the cause.
    assert sorted(order) == sorted(f"stored-{number}" for number in range(1, 31))


async def test_types_without_a_handler_are_passed_over(database: Database, log: EmbeddedLog) -> None:
    await publish(log, event(1, event_type="shenbao.test.happened.v2"), event(2))
    await consume(2, database, log, noting)
    assert await notes(database) == ["aggregate-2"]


async def test_what_a_handler_publishes_is_committed_with_its_effect(database: Database, log: EmbeddedLog) -> None:
    async def answering(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        await note(connection, got.id)
        outbox.add(event(1, key=f"answer-to-{got.id}"))

    await publish(log, event(1))
    await consume(1, database, log, answering)
    async with database.transaction() as connection:
        sent = (await connection.execute(text("SELECT event_id FROM outbox"))).scalars().all()
    assert sent == ["answer-to-aggregate-1-1"]


class Failing:
    """A handler that fails `times` times at version 2, after it has written."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error = error
        self.left = times

    async def __call__(self, connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        await noting(connection, outbox, got)
        if got.aggregate_version == 2 and self.left:
            self.left -= 1
            raise self.error


@pytest.mark.parametrize(
    "error",
    [
        AppError("review.report-behind", Kind.UNAVAILABLE, retryable=True),
        ConnectionRefusedError("no database"),
        EventLogUnavailable("no log"),
    ],
)
async def test_what_passes_is_waited_out_in_place(database: Database, log: EmbeddedLog, error: Exception) -> None:
    await publish(log, event(1), event(2), event(3))
    pauses = Pauses()
    await consume(3, database, log, Failing(error, 9), pauses=pauses)
    assert await notes(database) == ["aggregate-1", "aggregate-2", "aggregate-3"]
    assert len(pauses.seconds) == 9
    assert pauses.seconds == sorted(pauses.seconds)
    assert pauses.seconds[-1] == 5.0
    assert not await letters(log)


async def test_a_connection_cut_inside_a_handler_is_waited_out(database: Database, log: EmbeddedLog) -> None:
    cut = iter([True, True])

    async def cutting(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        await noting(connection, outbox, got)
        if next(cut, False):
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await publish(log, event(1), event(2))
    await consume(2, database, log, cutting)
    assert await notes(database) == ["aggregate-1", "aggregate-2"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Undecodable("payload is no FileStored"), "Undecodable: payload is no FileStored"),
        (InvariantBroken("no material m1"), "InvariantBroken: no material m1"),
        (AppError("review.unknown", Kind.PRECONDITION, item=1), "AppError: review.unknown item=1"),
    ],
)
async def test_what_can_never_succeed_is_set_aside(
    database: Database, log: EmbeddedLog, error: Exception, reason: str
) -> None:
    await publish(log, event(1), event(2), event(3))
    await consume(3, database, log, Failing(error, 99))
    assert await notes(database) == ["aggregate-1", "aggregate-3"]
    (letter,) = await letters(log)
    told = {name: letter.headers[name] for name in ("dlq_reason", "dlq_group", "dlq_topic", "dlq_offset", "ce_id")}
    assert told == {
        "dlq_reason": reason,
        "dlq_group": GROUP,
        "dlq_topic": TOPIC,
        "dlq_offset": "1",
        "ce_id": "aggregate-2",
    }


@pytest.mark.parametrize(
    "headers",
    [{}, {"ce_id": "1", "ce_type": TYPE}, {**to_record(event(1)).headers, "ce_id": ""}],
)
async def test_a_record_without_its_attributes_is_set_aside(
    database: Database, log: EmbeddedLog, headers: Mapping[str, str]
) -> None:
    await log.append([Record(topic=TOPIC, key="key", payload=b"\xff\x00", headers=headers)])
    await publish(log, event(1))
    await consume(2, database, log, noting)
    assert await notes(database) == ["aggregate-1"]
    (letter,) = await letters(log)
    assert (letter.payload, letter.key) == (b"\xff\x00", "key")


async def test_a_constraint_broken_again_and_again_is_set_aside(database: Database, log: EmbeddedLog) -> None:
    async def clashing(connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
        await note(connection, "the same" if got.aggregate_version == 2 else got.id)

    async with database.transaction() as connection:
        await note(connection, "the same")
    await publish(log, event(1), event(2), event(3))
    await consume(3, database, log, clashing)
    assert await notes(database) == ["the same", "aggregate-1", "aggregate-3"]
    (letter,) = await letters(log)
    assert letter.headers["dlq_reason"] == "IntegrityError"


async def test_a_constraint_broken_by_a_race_is_tried_again(database: Database, log: EmbeddedLog) -> None:
    attempts = iter(["the same", "mine"])

    async def racing(connection: AsyncConnection, _outbox: Outbox, _got: Event) -> None:
        await note(connection, next(attempts))

    async with database.transaction() as connection:
        await note(connection, "the same")
    await publish(log, event(1))
    await consume(1, database, log, racing)
    assert await notes(database) == ["the same", "mine"]
    assert not await letters(log)


@pytest.mark.parametrize("statement", ["", "SELECT 1 / 0"])
async def test_a_bug_stops_the_consumer_and_skips_nothing(database: Database, log: EmbeddedLog, statement: str) -> None:
    tried: list[str] = []

    async def broken(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        await noting(connection, outbox, got)
        tried.append(got.id)
        if got.aggregate_version == 2:
            if statement:
                await connection.execute(text(statement))
            raise KeyError("a bug")

    await publish(log, event(1), event(2), event(3))
    with pytest.raises(Exception, match=r"a bug|division by zero"):
        await made(database, log, broken).run(asyncio.Event())
    assert tried == ["aggregate-1", *["aggregate-2"] * module.MOST_ATTEMPTS]
    assert await notes(database) == ["aggregate-1"]
    assert not await letters(log)
    await consume(2, database, log, noting)  # the mended version goes on where it stopped
    assert await notes(database) == ["aggregate-1", "aggregate-2", "aggregate-3"]


async def broken_invariant(_connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
    raise InvariantBroken(got.id)


async def test_as_many_dead_letters_as_allowed(database: Database, log: EmbeddedLog) -> None:
    await publish(log, *(event(number) for number in range(module.MOST_DEAD_LETTERS)))
    await consume(module.MOST_DEAD_LETTERS, database, log, broken_invariant)
    assert len(await letters(log)) == module.MOST_DEAD_LETTERS


async def test_one_dead_letter_too_many_stops_the_consumer(database: Database, log: EmbeddedLog) -> None:
    """Also after a restart, which would otherwise set twenty more aside each time."""
    await publish(log, *(event(number) for number in range(module.MOST_DEAD_LETTERS + 5)))
    for _ in range(2):
        with pytest.raises(TooManyDeadLetters, match=GROUP):
            await made(database, log, broken_invariant).run(asyncio.Event())
    assert len(await letters(log)) == module.MOST_DEAD_LETTERS
    await consume(5, database, log, noting)
    assert len(await notes(database)) == 5


async def test_dead_letters_count_for_a_window_only(database: Database, log: EmbeddedLog) -> None:
    clock = SetClock()

    async def slowly_failing(_connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
        clock.advance(module.DEAD_LETTER_WINDOW / (module.MOST_DEAD_LETTERS - 1))
        raise InvariantBroken(got.id)

    total = 2 * module.MOST_DEAD_LETTERS
    await publish(log, *(event(number) for number in range(total)))
    await consume(total, database, log, slowly_failing, clock=clock)
    assert len(await letters(log)) == total


class Interrupted(Watched):
    """A log that is away for the first appends."""

    def __init__(self, log: EventLog, times: int) -> None:
        super().__init__(log)
        self.left = times

    async def append(self, records: Sequence[Record]) -> None:
        if self.left:
            self.left -= 1
            raise EventLogUnavailable("away")
        await super().append(records)


async def test_a_dead_letter_is_written_however_long_the_log_is_away(database: Database, log: EmbeddedLog) -> None:
    await publish(log, event(1), event(2))
    away = Interrupted(log, 4)
    await consume(2, database, away, broken_invariant)
    assert [letter.headers["ce_id"] for letter in await letters(log)] == ["aggregate-1", "aggregate-2"]


async def test_stop_finishes_what_is_being_handled(database: Database, log: EmbeddedLog) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        entered.set()
        await leave.wait()
        await noting(connection, outbox, got)

    await publish(log, event(1), event(2))
    stop = asyncio.Event()
    task = asyncio.create_task(made(database, log, slow).run(stop))
    await entered.wait()
    stop.set()
    leave.set()
    await task
    assert await notes(database) == ["aggregate-1"]
    assert sum(lag.committed for lag in await log.lag()) == 1


async def test_rounds_share_a_commit_and_stop_commits_the_rest(
    database: Database, log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMIT_EVERY_S", 3600)
    monkeypatch.setattr(module, "ROUND_RECORDS", 1)
    last, before = asyncio.Event(), []

    async def looking(_connection: AsyncConnection, _outbox: Outbox, got: Event) -> None:
        before.append(sum(lag.committed for lag in await log.lag()))
        if got.aggregate_version == 3:
            last.set()

    async def waits() -> None:
        await last.wait()

    await publish(log, event(1), event(2), event(3))
    await run_until(made(database, log, looking).run, waits())
    assert before == [0, 1, 1]
    assert sum(lag.committed for lag in await log.lag()) == 3


class Forgetful(Watched):
    """A log whose members cannot commit the first time."""

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        member = await super().subscribe(group, topics)
        commit, refusals = member.commit, [EventLogUnavailable("away")]

        async def refusing(*records: Delivered) -> None:
            if refusals:
                raise refusals.pop()
            await commit(*records)

        member.commit = refusing  # type: ignore[method-assign]
        return member


async def test_what_could_not_be_committed_is_committed_later_without_another_record(
    database: Database, log: EmbeddedLog
) -> None:
    await publish(log, event(1), event(2))
    watched = Forgetful(log)
    await run_until(made(database, watched, noting).run, watched.commits(2))
    assert sum(lag.committed for lag in await log.lag()) == 2


async def test_stop_is_heard_while_waiting_in_place(database: Database, log: EmbeddedLog) -> None:
    waiting = asyncio.Event()

    async def endless(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    consumer = Consumer(
        group=GROUP, handlers={TYPE: Failing(OSError("away"), 99)}, database=database, events=log, clock=SetClock(),
        pause=endless,
    )  # fmt: skip
    await publish(log, event(2))

    async def waits() -> None:
        await waiting.wait()

    await run_until(consumer.run, waits())
    assert not sum(lag.committed for lag in await log.lag())


async def test_a_replayed_letter_has_its_effect_in_the_group_that_had_none(
    database: Database, log: EmbeddedLog
) -> None:
    async def without_the_second(connection: AsyncConnection, outbox: Outbox, got: Event) -> None:
        if got.id == "b-1":
            raise InvariantBroken("not yet")
        await noting(connection, outbox, got)

    await publish(log, event(1, key="a"), event(1, key="b"))
    await consume(2, database, log, without_the_second)
    operator = DeadLetters(log, SetClock())
    (letter,) = await operator.waiting()
    await operator.replay(letter.letter_id, by="account")
    await consume(1, database, log, noting)
    assert await notes(database) == ["a-1", "b-1"]
    assert not await operator.waiting()


async def test_the_marks_of_settled_letters_are_no_letters(database: Database, log: EmbeddedLog) -> None:
    """Marks lie in the same topic; only letters count after a restart."""
    await publish(log, *(event(number) for number in range(module.MOST_DEAD_LETTERS - 1)))
    await consume(module.MOST_DEAD_LETTERS - 1, database, log, broken_invariant)
    operator = DeadLetters(log, SetClock())
    for letter in await operator.waiting():
        await operator.dismiss(letter.letter_id, by="account")
    await publish(log, event(module.MOST_DEAD_LETTERS))
    await consume(1, database, log, broken_invariant)
    assert [each.headers["ce_id"] for each in await operator.waiting()] == [f"aggregate-{module.MOST_DEAD_LETTERS}"]
