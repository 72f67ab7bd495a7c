"""How much of a quota is used. S3 has no call for it, so the bucket's listing is added up, at most once a minute."""

from datetime import datetime, timedelta

from services.kernel.clock import Clock
from services.kernel.storage.port import Room
from services.kernel.storage.s3.steps import Steps

_FRESH_FOR = timedelta(minutes=1)


class Measure:
    """What is left of `quota_bytes`."""

    def __init__(self, steps: Steps, quota_bytes: int | None, clock: Clock) -> None:
        """Nothing is asked yet."""
        self._steps = steps
        self._quota_bytes = quota_bytes
        self._clock = clock
        self._measured: tuple[datetime, int] | None = None

    def room(self) -> Room | None:
        """Blocking; what came within the last minute may not be counted. Raises `StoreUnavailable`."""
        if self._quota_bytes is None:
            return None
        now = self._clock.now()
        if self._measured is None or now - self._measured[0] >= _FRESH_FOR:
            self._measured = now, sum(info.size_bytes for info in self._steps.pages(""))
        free_bytes = max(0, self._quota_bytes - self._measured[1])
        return Room(free_bytes=free_bytes, total_bytes=self._quota_bytes)
