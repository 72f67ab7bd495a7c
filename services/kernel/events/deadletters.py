"""What a group could not have an effect from: kept with reason and origin, for an operator to look at and settle.

A group's dead letters for a topic are a topic themselves, of one partition. A log cannot take a record away, so a
letter is settled by another record in the same topic that names it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.kernel.clock import Clock
from services.kernel.errors import not_found
from services.kernel.events.port import Delivered, EventLog, Record
from services.kernel.events.topics import dead_letter_topic, is_dead_letter_topic

_MARK = "dlq_"


def is_letter(record: Delivered) -> bool:
    """Whether a record of a dead letter topic is a letter, and not the mark that settles one."""
    return "dlq_reason" in record.headers


async def bury(log: EventLog, record: Delivered, *, group: str, reason: str, at: datetime) -> None:
    """Append `record` to the group's dead letters, with where it came from. Raises `EventLogUnavailable`."""
    headers = {
        **record.headers,
        "dlq_reason": reason,
        "dlq_group": group,
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_at": at.isoformat(),
    }
    topic = dead_letter_topic(record.topic, group)
    await log.append([Record(topic=topic, key=record.key, payload=record.payload, headers=headers)])


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """One record that was set aside."""

    #: "<dead letter topic>/<offset>".
    letter_id: str
    reason: str
    group: str
    #: Where the record was when the group met it.
    topic: str
    partition: int
    offset: int
    at: datetime
    key: str
    payload: bytes
    #: The record's own headers (`ce_*`).
    headers: Mapping[str, str]


class DeadLetters:
    """The operator's view of every group's dead letters."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        """`clock` dates what is settled."""
        self._log = log
        self._clock = clock

    async def waiting(self) -> Sequence[DeadLetter]:
        """Letters that nobody has settled, oldest first in each topic. Raises `EventLogUnavailable`."""
        found: list[DeadLetter] = []
        for topic in await self._log.topics():
            if is_dead_letter_topic(topic):
                found += await self._waiting_in(topic)
        return found

    async def _waiting_in(self, topic: str) -> Sequence[DeadLetter]:
        records = [record async for record in self._log.scan(topic)]
        settled = {record.headers["dlq_settled"] for record in records if "dlq_settled" in record.headers}
        return [_letter(record) for record in records if is_letter(record) and str(record.offset) not in settled]

    async def get(self, letter_id: str) -> DeadLetter:
        """A letter that waits. Raises `AppError` request.not-found."""
        for letter in await self._waiting_in(letter_id.rpartition("/")[0]):
            if letter.letter_id == letter_id:
                return letter
        raise not_found("dead letter")

    async def replay(self, letter_id: str, *, by: str) -> DeadLetter:
        """Append the record to its topic again and settle the letter; `by` is the operator's account id.

        Groups that had their effect from it know it by their inbox; the group that had not gets another chance. When
        that group has had a newer version of the aggregate since, the record has no effect: it would be an older state.
        Raises `AppError` request.not-found.
        """
        letter = await self.get(letter_id)
        again = Record(topic=letter.topic, key=letter.key, payload=letter.payload, headers=letter.headers)
        await self._log.append([again])
        await self._settle(letter, by=by, how="replayed")
        return letter

    async def dismiss(self, letter_id: str, *, by: str) -> DeadLetter:
        """Settle a letter without another try. Raises `AppError` request.not-found."""
        letter = await self.get(letter_id)
        await self._settle(letter, by=by, how="dismissed")
        return letter

    async def _settle(self, letter: DeadLetter, *, by: str, how: str) -> None:
        topic, _, offset = letter.letter_id.rpartition("/")
        mark = {"dlq_settled": offset, "dlq_how": how, "dlq_by": by, "dlq_at": self._clock.now().isoformat()}
        await self._log.append([Record(topic=topic, key=letter.key, payload=b"", headers=mark)])


def _letter(record: Delivered) -> DeadLetter:
    headers = record.headers
    return DeadLetter(
        letter_id=f"{record.topic}/{record.offset}",
        reason=headers["dlq_reason"],
        group=headers["dlq_group"],
        topic=headers["dlq_topic"],
        partition=int(headers["dlq_partition"]),
        offset=int(headers["dlq_offset"]),
        at=datetime.fromisoformat(headers["dlq_at"]),
        key=record.key,
        payload=record.payload,
        headers={name: value for name, value in headers.items() if not name.startswith(_MARK)},
    )
