"""Periods: where days, months and fiscal years begin, in any time zone and on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.limits.limit import Limit, PeriodKind
from hortus.limits.period import ALWAYS, Period, period_of, pool_id, split_pool_id

HOUR_MS = 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe")


def limit(period: PeriodKind, *, timezone: str = "UTC", year_starts_in: int = 1) -> Limit:
    return Limit(
        id="l",
        name="l",
        scope="project",
        scope_id="prj_1",
        measure="money",
        amount=Decimal(10),
        period=period,
        timezone=timezone,
        year_starts_in=year_starts_in,
    )


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def hours(period: Period) -> float:
    assert period.end_ms is not None
    return (period.end_ms - period.start_ms) / HOUR_MS


def test_minutes_are_those_of_utc() -> None:
    at_ms = ms("2026-11-23T08:15:59") + 999
    assert period_of(limit("minute"), at_ms) == Period(ms("2026-11-23T08:15:00"), ms("2026-11-23T08:16:00"))


@pytest.mark.parametrize("kind", ["total", "none"])
def test_what_has_no_period_always_has_the_same_pool(kind: PeriodKind) -> None:
    assert period_of(limit(kind), ms("2026-11-23T08:15:59")) == ALWAYS


def test_a_day_begins_at_midnight_of_its_zone() -> None:
    berlin = limit("day", timezone="Europe/Berlin")
    assert period_of(berlin, ms("2026-06-30T22:30:00")) == Period(ms("2026-06-30T22:00:00"), ms("2026-07-01T22:00:00"))


@pytest.mark.parametrize(("date", "length"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)])
def test_days_on_which_clocks_change_are_shorter_or_longer(date: str, length: int) -> None:
    berlin = limit("day", timezone="Europe/Berlin")
    assert hours(period_of(berlin, ms(f"{date}T12:00:00", "Europe/Berlin"))) == length


def test_a_day_without_midnight_begins_when_the_one_before_ends() -> None:
    havana = limit("day", timezone="America/Havana")
    before = period_of(havana, ms("2024-03-09T12:00:00", "America/Havana"))
    after = period_of(havana, ms("2024-03-10T12:00:00", "America/Havana"))
    assert (before.end_ms, hours(before), hours(after)) == (after.start_ms, 24, 23)


def test_both_hours_of_a_midnight_that_comes_twice_are_one_day() -> None:
    havana = limit("day", timezone="America/Havana")
    day = period_of(havana, ms("2024-11-03T12:00:00", "America/Havana"))
    assert hours(day) == 25
    assert period_of(havana, day.start_ms + HOUR_MS) == day


def test_the_last_millisecond_of_a_month_belongs_to_it() -> None:
    end_ms = ms("2027-01-01T00:00:00", "Europe/Berlin")
    december = Period(ms("2026-12-01T00:00:00", "Europe/Berlin"), end_ms)
    berlin = limit("month", timezone="Europe/Berlin")
    assert period_of(berlin, end_ms - 1) == december
    assert period_of(berlin, end_ms).start_ms == end_ms


@pytest.mark.parametrize(
    ("month", "at", "start"),
    [
        (1, "2026-11-23", "2026-01-01"),
        (4, "2026-03-31", "2025-04-01"),
        (4, "2026-04-01", "2026-04-01"),
        (10, "2026-11-23", "2026-10-01"),
        (12, "2026-11-30", "2025-12-01"),
    ],
)
def test_a_fiscal_year_begins_with_its_month(month: int, at: str, start: str) -> None:
    year = period_of(limit("fiscal_year", year_starts_in=month), ms(f"{at}T12:00:00"))
    assert year.start_ms == ms(f"{start}T00:00:00")
    end = datetime.fromtimestamp((year.end_ms or 0) / 1000, tz=UTC)
    begin = datetime.fromtimestamp(year.start_ms / 1000, tz=UTC)
    assert (end.month, end.day, end.year) == (begin.month, begin.day, begin.year + 1)


@given(
    kind=st.sampled_from([kind for kind in get_args(PeriodKind) if kind not in {"total", "none"}]),
    zone=st.sampled_from(ZONES),
    year_starts_in=st.integers(1, 12),
    at=st.datetimes(datetime(2015, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 -- read as UTC below
)
def test_periods_follow_one_another_without_gaps(
    kind: PeriodKind, zone: str, year_starts_in: int, at: datetime
) -> None:
    one = limit(kind, timezone=zone, year_starts_in=year_starts_in)
    at_ms = int(at.replace(tzinfo=UTC).timestamp() * 1000)
    period = period_of(one, at_ms)
    assert period.end_ms is not None
    assert period.start_ms <= at_ms < period.end_ms
    assert period_of(one, period.start_ms) == period
    assert period_of(one, period.end_ms - 1) == period
    assert period_of(one, period.end_ms).start_ms == period.end_ms


def test_a_pools_name_leads_back_to_its_limit_and_start() -> None:
    assert split_pool_id(pool_id("a@b", 1_795_000_000_000)) == ("a@b", 1_795_000_000_000)


@pytest.mark.parametrize("text", ["", "limit", "@5", "limit@", "limit@soon"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_pool_id(text)
