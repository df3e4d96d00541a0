"""Declared limits as they are counted, and the organisation's own prices and rates as rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from hortus.catalog.pricerows import ContractPrice, Variant
from hortus.snapshot.declared import EndpointSpec, LimitSpec, RateSpec
from hortus.snapshot.limits import limit_of, measures_of
from hortus.snapshot.money import own_price, own_rate

BUDGET = LimitSpec("team", project="library", money=Decimal("0.1"), currency="EUR", per="month", timezone="Asia/Tokyo")
PRICE = ContractPrice(
    currency="EUR",
    since=date(2026, 3, 1),
    input_per_million=Decimal("0.1"),
    output_per_million=Decimal("0.3"),
    variants=tuple(
        Variant(input_per_million=Decimal(1), output_per_million=Decimal(2), above_input_tokens=count)
        for count in (200_000, 32_000)
    ),
)
ENDPOINT = EndpointSpec("own", "thing", "any", price=PRICE)


@pytest.mark.parametrize(
    ("spec", "measure", "period", "scope"),
    [
        (LimitSpec("a", requests_per_minute=1), "requests", "minute", "organisation"),
        (LimitSpec("a", tokens_per_minute=0, project="p"), "tokens", "minute", "project"),
        (LimitSpec("a", concurrent_requests=1, key="key_1"), "concurrent", "none", "key"),
        (LimitSpec("a", money=Decimal(1), currency="EUR", per="fiscal_year"), "money", "fiscal_year", "organisation"),
    ],
)
def test_a_declared_limit_becomes_one_that_can_be_counted(
    spec: LimitSpec, measure: str, period: str, scope: str
) -> None:
    limit = limit_of(spec, scope_id="x")
    assert (limit.measure, limit.period, limit.scope) == (measure, period, scope)
    assert (limit.timezone, limit.year_starts_in, limit.is_hard) == ("UTC", 1, True)


def test_the_amount_of_a_limit_is_exact() -> None:
    assert limit_of(BUDGET, scope_id="x").amount == Decimal("0.1")
    assert limit_of(LimitSpec("a", tokens_per_minute=10**15), scope_id="x").amount == 10**15


@pytest.mark.parametrize(
    "change",
    [
        {"money": Decimal(9)},
        {"kind": "soft"},
        {"alert_at": (5,)},
    ],
)
def test_a_change_of_how_much_goes_on_counting(change: dict[str, object]) -> None:
    assert limit_of(replace(BUDGET, **change), scope_id="x").id == limit_of(BUDGET, scope_id="x").id


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "USD"},
        {"per": "day"},
        {"timezone": "Europe/Berlin"},
        {"project": None},
        {"money": None, "currency": None, "per": None, "tokens_per_minute": 1},
    ],
)
def test_a_change_of_what_is_counted_begins_anew(change: dict[str, object]) -> None:
    assert limit_of(replace(BUDGET, **change), scope_id="x").id != limit_of(BUDGET, scope_id="x").id


def test_the_same_budget_of_somebody_else_counts_apart() -> None:
    assert limit_of(BUDGET, scope_id="x").id != limit_of(BUDGET, scope_id="y").id


def test_an_absent_zone_is_utc_and_counts_as_it() -> None:
    absent, named = (limit_of(replace(BUDGET, timezone=zone), scope_id="x") for zone in (None, "UTC"))
    assert absent == named


def test_measures_are_found_also_where_they_are_zero() -> None:
    assert measures_of(LimitSpec("a", money=Decimal(0), requests_per_minute=0)) == ["requests_per_minute", "money"]


def test_an_own_price_holds_from_its_day_on() -> None:
    assert own_price(ENDPOINT, origin="file", today=date(2026, 2, 28)) is None
    row = own_price(ENDPOINT, origin="file", today=date(2026, 3, 1))
    assert row is not None
    assert row.id.startswith("file/own/2026-03-01~")
    assert (row.since, row.as_of, row.source) == ("2026-03-01", "2026-03-01", "own contract")
    assert [variant.above_input_tokens for variant in row.variants] == [32_000, 200_000]


def test_an_endpoint_without_a_price_of_its_own_has_none() -> None:
    assert own_price(replace(ENDPOINT, price=None), origin="file", today=date(2026, 3, 1)) is None


def test_another_price_of_the_same_day_is_another_row() -> None:
    other = replace(ENDPOINT, price=replace(PRICE, input_per_million=Decimal("0.2")))
    rows = [own_price(one, origin="api", today=date(2026, 3, 1)) for one in (ENDPOINT, other, ENDPOINT)]
    first, second, again = (row.id if row is not None else None for row in rows)
    assert first == again != second


def test_an_own_rate_names_pair_day_and_factor() -> None:
    row = own_rate(RateSpec("CHF", "EUR", factor=Decimal("1.0731"), since=date(2026, 11, 1), source="treasury"))
    assert (row.id, row.factor, row.is_own) == ("own/CHF-EUR/2026-11-01/1.0731", Decimal("1.0731"), True)
