"""Time as something that is handed in, so that a test decides what time it is."""

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

#: The zone in which the notice's days begin and end.
CHINA = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


def china_date(moment: datetime) -> date:
    """The calendar day in China at `moment`."""
    return moment.astimezone(CHINA).date()
