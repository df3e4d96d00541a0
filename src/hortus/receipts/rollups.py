"""What receipts add up to, and by what it can be asked: the words that store, admin API and command line share.

Pure. Sums are kept by the quarter of an hour (UTC), so that days of every time zone in use are exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from hortus.canon.usage import Usage

QUARTER_MS = 900_000
DAY_MS = 86_400_000

Span = Literal["hour", "day", "month", "year"]

SPANS: tuple[Span, ...] = ("hour", "day", "month", "year")
"""Stretches of time by which usage can be asked, in any time zone."""

DIMENSIONS = (
    "project", "key", "route", "dialect", "operation", "endpoint", "model", "maker", "host", "status",
)  # fmt: skip
"""By what else. Project and key are ids; of a refusal, what no host was asked for is empty."""

MOST_PERIODS = 10_000
MOST_GROUPS = 50_000
"""More than any person reads: what is asked by so many is asked wrongly, and memory has an end."""

_FORMS = MappingProxyType({"hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"})
_HOUR_MS = 3_600_000


class TooMany(Exception):  # noqa: N818 -- an answer, which the operation turns into words
    """What is asked has more periods or groups than anybody can use."""


class Period(msgspec.Struct, frozen=True):
    """A stretch of time with its name in the time zone that was asked for; `end_ms` is not part of it."""

    label: str
    start_ms: int
    end_ms: int


class Question(msgspec.Struct, frozen=True):
    """Which usage, and how it is divided.

    Attributes:
        periods: One after another; usage of each is apart. One for all where time does not divide.
        by: Members of DIMENSIONS.
        only: Values that these of DIMENSIONS must have.
        currency: Only what was priced in it.
    """

    periods: tuple[Period, ...]
    by: tuple[str, ...] = ()
    only: Mapping[str, str] = MappingProxyType({})
    currency: str | None = None


class Cost(msgspec.Struct, frozen=True):
    """Exact amount in one currency, and the part of it that is reckoned by estimate or at the reservation."""

    amount: Decimal
    estimated: Decimal


class Sums(msgspec.Struct, frozen=True):
    """What some receipts add up to.

    Attributes:
        requests: Receipts, counted where their last attempt is.
        refused: Those of them that no host was asked for.
        attempts: Upstream calls.
        estimated: Those of them whose usage is estimated, or that were interrupted and charged at their reservation.
        without_cost: Those of them whose price is unknown.
        usage: Tokens and other units of the attempts.
        took_ms: From opening to end, of the `took_count` attempts that ended.
        first_byte_ms: From opening to the host's first byte, of the `first_byte_count` attempts that had one.
        costs: By currency; never added across.
    """

    requests: int = 0
    refused: int = 0
    attempts: int = 0
    estimated: int = 0
    without_cost: int = 0
    usage: Usage = Usage()
    took_ms: int = 0
    took_count: int = 0
    first_byte_ms: int = 0
    first_byte_count: int = 0
    costs: Mapping[str, Cost] = MappingProxyType({})


class Group(msgspec.Struct, frozen=True):
    """One part of the usage: its period, its value of each member of `by`, its sums."""

    period: Period
    names: tuple[str, ...]
    sums: Sums


class Answer(msgspec.Struct, frozen=True):
    """Usage by groups, in no order, and all of it."""

    groups: tuple[Group, ...]
    total: Sums


def quarter_before(instant_ms: int) -> int:
    """Return the beginning of the quarter of an hour in which an instant lies."""
    return instant_ms - instant_ms % QUARTER_MS


def whole_quarters(since_ms: int, until_ms: int) -> tuple[int, int]:
    """Return the bounds of the quarters of an hour that two instants touch.

    >>> whole_quarters(1, 900_001)
    (0, 1800000)
    """
    return quarter_before(since_ms), quarter_before(until_ms + QUARTER_MS - 1)


def periods_between(since_ms: int, until_ms: int, *, span: Span, zone: tzinfo) -> tuple[Period, ...]:
    """Return the hours, days, months or years of a time zone that lie between two instants; first and last are cut.

    Raises:
        TooMany: They are more than MOST_PERIODS.
    """
    found: list[Period] = []
    for start_ms, end_ms in _local(since_ms, until_ms, span=span, zone=zone):
        if len(found) == MOST_PERIODS:
            raise TooMany
        label = _label(start_ms, span=span, zone=zone)
        found.append(Period(label, max(start_ms, since_ms), min(end_ms, until_ms)))
    return tuple(found)


class StoredRange(msgspec.Struct, frozen=True, array_like=True):
    """Stored sums that are a part of a period, or are to be taken off it.

    Attributes:
        place: The period's, in the list of periods.
        sign: 1, or -1 for what is taken off.
        span_ms: Length of the stored sums: DAY_MS or QUARTER_MS.
        end_ms: Not part of it.
    """

    place: int
    sign: int
    span_ms: int
    start_ms: int
    end_ms: int


def stored_ranges(periods: Sequence[Period]) -> list[StoredRange]:
    """Return which stored sums make up each period.

    It is made of the nearest whole days (UTC); the quarters of an hour by which it differs from them are added or
    taken off. So for a day of Berlin a day and two to four hours are read, not a whole day of quarters.
    """
    return [
        StoredRange(place, sign, span_ms, start_ms, end_ms)
        for place, period in enumerate(periods)
        for sign, span_ms, start_ms, end_ms in _cut(period.start_ms, period.end_ms)
        if start_ms < end_ms
    ]


def _cut(start_ms: int, end_ms: int) -> Iterator[tuple[int, int, int, int]]:
    first_ms, last_ms = _nearest_day(start_ms), _nearest_day(end_ms)
    edges_ms = abs(first_ms - start_ms) + abs(last_ms - end_ms)
    if first_ms >= last_ms or edges_ms >= end_ms - start_ms:
        yield 1, QUARTER_MS, start_ms, end_ms
        return
    yield 1, DAY_MS, first_ms, last_ms
    yield 1, QUARTER_MS, start_ms, first_ms
    yield -1, QUARTER_MS, first_ms, start_ms
    yield 1, QUARTER_MS, last_ms, end_ms
    yield -1, QUARTER_MS, end_ms, last_ms


def _nearest_day(instant_ms: int) -> int:
    from_noon_ms = instant_ms + DAY_MS // 2
    return from_noon_ms - from_noon_ms % DAY_MS


def _local(since_ms: int, until_ms: int, *, span: Span, zone: tzinfo) -> Iterator[tuple[int, int]]:
    start_ms = since_ms
    here = _begin(datetime.fromtimestamp(since_ms / 1000, tz=zone), span)
    begin_ms = _instant_ms(here)
    while start_ms < until_ms:
        if span == "hour":  # by the clock that never jumps: when clocks go back, an hour comes twice
            end_ms = begin_ms + _HOUR_MS
        else:
            here = _next(here, span)
            end_ms = _instant_ms(here)
        yield begin_ms, end_ms
        begin_ms = start_ms = end_ms


def _begin(moment: datetime, span: Span) -> datetime:
    whole = moment.replace(minute=0, second=0, microsecond=0)
    match span:
        case "hour":
            return whole
        case "day":
            return whole.replace(hour=0, fold=0)
        case "month":
            return whole.replace(day=1, hour=0, fold=0)
        case "year":
            return whole.replace(month=1, day=1, hour=0, fold=0)


def _next(here: datetime, span: Span) -> datetime:
    """Return the beginning of the next day, month or year by the calendar on the wall."""
    days = {"day": 1, "month": 31, "year": 366}[span]
    return _begin(here + timedelta(days=days), span)


def _instant_ms(moment: datetime) -> int:
    return quarter_before(round(moment.timestamp() * 1000))


def _label(start_ms: int, *, span: Span, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(start_ms / 1000, tz=zone)
    text = moment.strftime(_FORMS[span])
    return f"{text} {moment:%z}" if span == "hour" and str(zone) != "UTC" else text
