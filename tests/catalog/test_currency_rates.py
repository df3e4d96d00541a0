"""Rates of currencies: dated, named, own ones first, and none where no row says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from hortus.catalog.loading import load_catalog
from hortus.catalog.pricerows import RateRow
from hortus.catalog.rates import Rate, rate_of

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)


def row(name: str, factor: str, since: date = MAY, *, own: bool = False, pair: str = "EUR-USD") -> RateRow:
    given, wanted = pair.split("-")
    return RateRow(name, given, wanted, Decimal(factor), since, is_own=own)


def dollars(*rows: RateRow, at: date = JULY) -> Rate | None:
    return rate_of(rows, "EUR", to_currency="USD", at=at)


def test_of_several_rows_the_latest_that_holds_counts() -> None:
    rows = (row("may", "1.1"), row("july", "1.3", JULY), row("june", "1.2", JUNE))
    assert dollars(*rows, at=JULY - timedelta(days=1)) == Rate("june", Decimal("1.2"))
    assert dollars(*rows, at=JULY) == Rate("july", Decimal("1.3"))


def test_an_own_row_comes_before_a_later_one_of_the_catalog() -> None:
    assert dollars(row("own", "1.1", own=True), row("july", "1.3", JULY)) == Rate("own", Decimal("1.1"))


@pytest.mark.parametrize("at", [MAY - timedelta(days=1), date(2020, 1, 1)])
def test_before_the_first_row_there_is_no_rate(at: date) -> None:
    assert dollars(row("may", "1.1"), at=at) is None


def test_currencies_that_no_row_names_have_no_rate() -> None:
    assert dollars(row("chf", "0.9", pair="EUR-CHF"), row("back", "1.1", pair="CHF-USD")) is None


def test_the_other_direction_is_a_division_that_is_rounded_up() -> None:
    back = rate_of([row("may", "1.1761")], "USD", to_currency="EUR", at=JULY)
    assert back is not None
    assert back.id == "may/inverse"
    assert back.factor == Decimal("0.850267834367826")  # 1 / 1.1761 = 0.8502678343678258…
    assert back.factor * Decimal("1.1761") >= 1


def test_a_row_in_the_direction_asked_for_comes_before_an_inverse_of_the_same_day() -> None:
    assert dollars(row("there", "1.1"), row("back", "0.8", pair="USD-EUR")) == Rate("there", Decimal("1.1"))


def test_the_catalog_s_rates_are_positive_dated_and_named() -> None:
    rates = load_catalog().rows.rates
    assert {(one.from_currency, one.to_currency) for one in rates} >= {("EUR", "USD")}
    for one in rates:
        assert one.factor > 0
        assert one.since <= one.as_of
        assert one.row.id == f"catalog/{one.from_currency}-{one.to_currency}/{one.since}"
