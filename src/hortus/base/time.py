"""The port to the clock, and how an instant is written: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the real one lives in `app`, a manual one in `testkit`."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that only grow, for measuring durations."""
        ...


def utc_day(instant_ms: int) -> date:
    """Return the day (UTC) on which an instant lies.

    >>> utc_day(86_400_000).isoformat()
    '1970-01-02'
    """
    return datetime.fromtimestamp(instant_ms / 1000, tz=UTC).date()


def format_utc(instant_ms: int) -> str:
    """Return the instant as RFC 3339 with milliseconds, such as `2026-11-23T08:00:00.000Z`."""
    moment = datetime.fromtimestamp(instant_ms / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
