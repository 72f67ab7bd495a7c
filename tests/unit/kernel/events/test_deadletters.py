"""An operator sees what waits, tries it again or lets it go, once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from services.kernel.errors import AppError
from services.kernel.events.deadletters import DeadLetters, bury
from services.kernel.events.port import AppliedTopic, Delivered, EventLog, Record, Subscription, Topic
from services.kernel.events.port import Lag as PortLag
from services.kernel.events.topics import dead_letter_topic

NOW = datetime(2023, 6, 1, 8, 0, tzinfo=UTC)
TOPIC = "shenbao.upload"
LETTERS = "shenbao.upload.review.dlq"
ORIGINAL = Delivered(
    topic=TOPIC, partition=3, offset=17, key="f1", payload=b"\x01", headers={"ce_id": "e1"}, appended_at=NOW
)


class StoppedClock:
    def now(self) -> datetime:
        return NOW


class ListLog:
    """Topics of one partition as lists."""

    def __init__(self) -> None:
        self.records: dict[str, list[Delivered]] = {}

    async def append(self, records: Sequence[Record]) -> None:
        for r in records:
            topic = self.records.setdefault(r.topic, [])
            topic.append(
                Delivered(
                    topic=r.topic, partition=0, offset=len(topic), key=r.key, payload=r.payload, headers=r.headers,
                    appended_at=NOW,
                )
            )  # fmt: skip

    async def scan(self, topic: str, *, after: Mapping[int, int] | None = None) -> AsyncIterator[Delivered]:
        for record in self.records.get(topic, []):
            yield record

    async def topics(self) -> Sequence[str]:
        return sorted(self.records)

    async def apply_topics(self, topics: Sequence[Topic]) -> Sequence[AppliedTopic]:
        raise NotImplementedError

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        raise NotImplementedError

    async def lag(self) -> Sequence[PortLag]:
        return []

    async def close(self) -> None:
        return


@pytest.fixture
async def log() -> ListLog:
    filled = ListLog()
    await filled.append([Record(topic=TOPIC, key="f1", payload=b"\x01", headers={"ce_id": "e1"})])
    await bury(filled, ORIGINAL, group="review", reason="InvariantBroken: no dossier", at=NOW)
    return filled


def operator(log: EventLog) -> DeadLetters:
    return DeadLetters(log, StoppedClock())


def test_the_topic_names_whose_letters_they_are() -> None:
    assert dead_letter_topic(TOPIC, "review") == LETTERS


async def test_a_letter_says_why_and_where_from(log: ListLog) -> None:
    (letter,) = await operator(log).waiting()
    assert (letter.letter_id, letter.reason, letter.group) == (f"{LETTERS}/0", "InvariantBroken: no dossier", "review")
    assert (letter.topic, letter.partition, letter.offset, letter.at) == (TOPIC, 3, 17, NOW)
    assert (letter.key, letter.payload, dict(letter.headers)) == ("f1", b"\x01", {"ce_id": "e1"})
    assert await operator(log).get(letter.letter_id) == letter


async def test_replay_appends_the_very_record_and_settles_the_letter(log: ListLog) -> None:
    await operator(log).replay(f"{LETTERS}/0", by="account-1")
    again = log.records[TOPIC][-1]
    assert (again.key, again.payload, dict(again.headers)) == ("f1", b"\x01", {"ce_id": "e1"})
    assert not await operator(log).waiting()
    mark = log.records[LETTERS][-1].headers
    assert (mark["dlq_how"], mark["dlq_by"], mark["dlq_at"]) == ("replayed", "account-1", NOW.isoformat())


async def test_dismissing_sends_nothing(log: ListLog) -> None:
    await operator(log).dismiss(f"{LETTERS}/0", by="account-1")
    assert len(log.records[TOPIC]) == 1
    assert not await operator(log).waiting()


async def test_a_letter_is_settled_once(log: ListLog) -> None:
    await operator(log).replay(f"{LETTERS}/0", by="account-1")
    for settle in (operator(log).replay, operator(log).dismiss):
        with pytest.raises(AppError, match=r"request\.not-found"):
            await settle(f"{LETTERS}/0", by="account-1")
    assert len(log.records[TOPIC]) == 2


@pytest.mark.parametrize("letter_id", ["", "nothing", f"{LETTERS}/1", f"{LETTERS}/x", "other.dlq/0"])
async def test_a_letter_that_is_not_there(log: ListLog, letter_id: str) -> None:
    with pytest.raises(AppError, match=r"request\.not-found"):
        await operator(log).get(letter_id)


async def test_a_record_that_fails_again_is_another_letter(log: ListLog) -> None:
    await operator(log).replay(f"{LETTERS}/0", by="account-1")
    await bury(log, log.records[TOPIC][-1], group="review", reason="InvariantBroken: still", at=NOW)
    (letter,) = await operator(log).waiting()
    assert (letter.letter_id, letter.reason) == (f"{LETTERS}/2", "InvariantBroken: still")
