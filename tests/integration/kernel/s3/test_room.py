"""A quota in the address is what the store tells as its room; without one it tells none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import Room
from services.kernel.storage.s3 import S3Store
from services.kernel.storage.s3.address import Address
from tests.object_server import ROOT


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = datetime(2023, 6, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


async def test_without_a_quota_there_is_nothing_to_tell(store: S3Store) -> None:
    assert await store.room() is None


async def test_a_quota_is_told_and_measured_again_after_a_minute(bucket: Address) -> None:
    clock = SetClock()
    store = S3Store(replace(bucket, quota_bytes=10), ROOT, clock, TimeOrderedIds())
    await store.put("a", b"1234567")
    assert await store.room() == Room(free_bytes=3, total_bytes=10)
    await store.put("b", b"1234567")
    clock.moment += timedelta(seconds=59)
    assert await store.room() == Room(free_bytes=3, total_bytes=10)
    clock.moment += timedelta(seconds=1)
    assert await store.room() == Room(free_bytes=0, total_bytes=10)
    store.close()
