"""Periods of usage by the calendars of time zones, and out of which stored sums each is made."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hortus.receipts.rollups import (
    DAY_MS,
    MOST_PERIODS,
    QUARTER_MS,
    SPANS,
    Period,
    Span,
    StoredRange,
    TooMany,
    periods_between,
    stored_ranges,
    whole_quarters,
)

BERLIN = ZoneInfo("Europe/Berlin")


def ms(*parts: int, zone: str = "UTC") -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type,misc]


def test_days_are_23_and_25_hours_long_where_clocks_change() -> None:
    for begin, hours in ((ms(2026, 3, 28, 23), 23), (ms(2026, 10, 24, 22), 25)):
        (day,) = periods_between(begin, begin + hours * 3_600_000, span="day", zone=BERLIN)
        assert day.end_ms - day.start_ms == hours * 3_600_000


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    labels = [one.label for one in periods_between(ms(2026, 10, 25, 0), ms(2026, 10, 25, 2), span="hour", zone=BERLIN)]
    assert labels == ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100"]


@pytest.mark.parametrize(
    ("span", "zone", "labels"),
    [
        ("hour", UTC, ["2026-12-31 23:00", "2027-01-01 00:00"]),
        ("day", UTC, ["2026-12-31", "2027-01-01"]),
        ("month", UTC, ["2026-12", "2027-01"]),
        ("year", UTC, ["2026", "2027"]),
        ("year", BERLIN, ["2027"]),
        ("day", ZoneInfo("Asia/Kathmandu"), ["2027-01-01"]),
    ],
)
def test_periods_have_the_names_of_their_zone(span: Span, zone: ZoneInfo, labels: list[str]) -> None:
    found = periods_between(ms(2026, 12, 31, 23, 15), ms(2027, 1, 1, 0, 45), span=span, zone=zone)
    assert [one.label for one in found] == labels
    assert (found[0].start_ms, found[-1].end_ms) == (ms(2026, 12, 31, 23, 15), ms(2027, 1, 1, 0, 45))


def test_a_day_that_a_zone_left_out_holds_nothing() -> None:
    found = periods_between(ms(2011, 12, 30), ms(2011, 12, 31), span="day", zone=ZoneInfo("Pacific/Apia"))
    assert sum(one.end_ms - one.start_ms for one in found) == DAY_MS


def test_more_periods_than_anybody_reads_are_refused() -> None:
    end_ms = (MOST_PERIODS + 1) * 3_600_000
    with pytest.raises(TooMany):
        periods_between(0, end_ms, span="hour", zone=UTC)
    assert len(periods_between(0, end_ms - 3_600_000, span="hour", zone=UTC)) == MOST_PERIODS


def test_no_time_has_no_periods() -> None:
    assert periods_between(QUARTER_MS, QUARTER_MS, span="day", zone=UTC) == ()
    assert stored_ranges([Period("", QUARTER_MS, QUARTER_MS)]) == []


@settings(derandomize=True, database=None)
@given(
    bounds=st.tuples(st.integers(0, 10**13), st.integers(0, 10**10)),
    span=st.sampled_from(SPANS[1:]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_periods_follow_without_gap_and_stored_sums_cover_each_once(
    bounds: tuple[int, int], span: Span, zone: str
) -> None:
    since_ms, until_ms = whole_quarters(bounds[0], bounds[0] + bounds[1])
    periods = periods_between(since_ms, until_ms, span=span, zone=ZoneInfo(zone))
    edges = [since_ms] + [one.end_ms for one in periods]
    assert [one.start_ms for one in periods] == edges[:-1]
    assert edges[-1] == until_ms
    for period in periods:
        ranges = stored_ranges([period])
        assert all(one.start_ms % one.span_ms == 0 == one.end_ms % one.span_ms for one in ranges)
        bounds_ms = sorted({bound for one in ranges for bound in (one.start_ms, one.end_ms)})
        for begin_ms, end_ms in pairwise(bounds_ms):
            times = sum(one.sign for one in ranges if one.start_ms <= begin_ms < one.end_ms)
            assert times == (period.start_ms <= begin_ms < end_ms <= period.end_ms)
        assert set(bounds_ms) >= {period.start_ms, period.end_ms}


def test_a_day_of_berlin_is_a_day_and_its_edges() -> None:
    (day,) = periods_between(ms(2026, 11, 9, 23), ms(2026, 11, 10, 23), span="day", zone=BERLIN)
    hour_ms = 3_600_000
    assert stored_ranges([day]) == [
        StoredRange(0, 1, DAY_MS, ms(2026, 11, 10), ms(2026, 11, 11)),
        StoredRange(0, 1, QUARTER_MS, day.start_ms, day.start_ms + hour_ms),
        StoredRange(0, -1, QUARTER_MS, day.end_ms, day.end_ms + hour_ms),
    ]


def test_an_hour_at_noon_is_read_as_its_quarters() -> None:
    hour = Period("", ms(2026, 11, 10, 11), ms(2026, 11, 10, 12))
    assert stored_ranges([hour]) == [StoredRange(0, 1, QUARTER_MS, hour.start_ms, hour.end_ms)]
