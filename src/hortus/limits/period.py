"""Which period of a limit an instant lies in, and the name of its pool. Days may have 23 or 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from hortus.limits.limit import Limit

_MINUTE_MS = 60_000
_MONTHS = 12


class Period(msgspec.Struct, frozen=True):
    """From its first millisecond to the first one after it; without an end where that never comes."""

    start_ms: int
    end_ms: int | None = None


ALWAYS = Period(0)
"""The period of totals, and of what runs at the same time."""


def period_of(limit: Limit, at_ms: int) -> Period:
    """Return the period of a limit that an instant lies in.

    Callers that ask for every request keep the last answer until its `end_ms`.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: There is no such time zone on this machine.
    """
    if limit.period == "minute":
        start_ms = at_ms - at_ms % _MINUTE_MS
        return Period(start_ms, start_ms + _MINUTE_MS)
    if limit.period in {"total", "none"}:
        return ALWAYS
    zone = _zone(limit.timezone)
    # Whole seconds: a float of milliseconds may round up into the next period
    local = datetime.fromtimestamp(at_ms // 1000, tz=zone)
    start, end = _bounds(limit, local)
    return Period(_instant(start, zone), _instant(end, zone))


def pool_id(limit_id: str, start_ms: int) -> str:
    """Return the name of a limit's pool in the period that begins then."""
    return f"{limit_id}@{start_ms}"


def split_pool_id(pool: str) -> tuple[str, int]:
    """Return the limit's id and the start of the period.

    Raises:
        ValueError: It is no pool's name.

    >>> split_pool_id("team@home@1795000000000")
    ('team@home', 1795000000000)
    """
    limit_id, _, start = pool.rpartition("@")
    if not limit_id:
        raise ValueError(f"not the name of a pool: {pool}")
    return limit_id, int(start)


@lru_cache(64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _bounds(limit: Limit, local: datetime) -> tuple[datetime, datetime]:
    """Return the first day of the period and the one after its last, as dates without a zone."""
    day = datetime(local.year, local.month, local.day)  # noqa: DTZ001 -- a date; the zone comes with `_instant`
    if limit.period == "day":
        return day, day + timedelta(days=1)
    if limit.period == "month":
        return _first_of(day.year, day.month), _first_of(day.year, day.month + 1)
    year = day.year - (day.month < limit.year_starts_in)
    return _first_of(year, limit.year_starts_in), _first_of(year + 1, limit.year_starts_in)


def _first_of(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // _MONTHS, (month - 1) % _MONTHS + 1, 1)  # noqa: DTZ001 -- likewise a date


def _instant(date: datetime, zone: tzinfo) -> int:
    """Return the first instant of a date in a zone: the first of two midnights; one o'clock where midnight is left out.

    (`fold=0` reads a time that is left out by the clock of before, which is the instant at which it is put forward.)
    """
    return int(date.replace(tzinfo=zone).timestamp()) * 1000
