"""Which instant people mean by `7d`, `2026-11`, `2026-11-01` or `2026-11-01T12:00`, in their time zone. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

import msgspec

from hortus.control.errors import Invalid

LAST_MS = 250_000_000_000_000
"""In the year 9892: calendars end with 9999."""

_LENGTH = re.compile(r"([0-9]{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].{4,30}")
_MS = re.compile(r"[0-9]{10,15}")


class Reading(msgspec.Struct, frozen=True):
    """How a text is to be read.

    Attributes:
        path: The member that it stands in, for errors.
        is_end: A day, month or year means its end, not its beginning.
    """

    path: str
    now_ms: int
    zone: tzinfo
    is_end: bool = False


def read_instant(text: str, reading: Reading) -> int:
    """Return milliseconds since 1970 (UTC).

    Raises:
        Invalid: It is none of the forms, or no day of any calendar.
    """
    if length := _LENGTH.fullmatch(text):
        return max(reading.now_ms - int(length[1]) * _HOURS[length[2]] * 3_600_000, 0)
    try:
        found_ms = _read(text, reading)
    except (ValueError, OverflowError) as error:
        raise _unread(text, reading) from error
    if found_ms is None or not 0 <= found_ms <= LAST_MS:
        raise _unread(text, reading)
    return found_ms


def _read(text: str, reading: Reading) -> int | None:
    if _MS.fullmatch(text):
        return int(text)
    if date := _DATE.fullmatch(text):
        return _of_date(date, reading)
    if _MOMENT.fullmatch(text):
        moment = datetime.fromisoformat(text)
        return _ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=reading.zone))
    return None


def _of_date(date: re.Match[str], reading: Reading) -> int:
    year, month, day = date.groups()
    begin = datetime(int(year), int(month or 1), int(day or 1), tzinfo=reading.zone)
    if not reading.is_end:
        return _ms(begin)
    if day is not None:
        return _ms(begin + timedelta(days=1))
    next_month = begin + timedelta(days=31 if month is not None else 366)
    return _ms(next_month.replace(day=1, month=next_month.month if month is not None else 1))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _unread(text: str, reading: Reading) -> Invalid:
    hint = "Use a length such as 24h, 7d or 4w, or 2026, 2026-11, 2026-11-01 or 2026-11-01T12:00."
    return Invalid(f"`{text[:40]}` is no time.", path=reading.path, hint=hint)
