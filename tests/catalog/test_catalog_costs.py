"""Exact costs and upper bounds, by hand-made examples and for every usage."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.usage import Usage
from hortus.catalog.costs import Exposure, bound_of, cost_of
from hortus.catalog.rows import PriceRow


def row(given_price: str, cached: str | None, output: str) -> PriceRow:
    return PriceRow(
        id="x",
        currency="EUR",
        input_per_million=Decimal(given_price),
        output_per_million=Decimal(output),
        source="made up",
        as_of="2026-11-01",
        cached_input_per_million=None if cached is None else Decimal(cached),
    )


def test_cached_input_has_its_own_price() -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cached_input_tokens=400_000, reasoning_tokens=100_000)
    assert cost_of(usage, row("2.50", "0.25", "10.00")) == Decimal("6.60")


def test_cached_input_costs_the_full_price_where_the_row_has_none() -> None:
    assert cost_of(Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000), row("2.50", None, "1")) == Decimal(
        "2.5"
    )


def test_what_costs_nothing_is_zero() -> None:
    assert cost_of(Usage(input_tokens=5, output_tokens=5), row("0", None, "0")) == 0
    assert bound_of(row("0", None, "0"), Exposure(100, 50)) == 0


@given(given_tokens=st.integers(0, 10**6), output=st.integers(0, 10**5), extra=st.integers(0, 1000))
def test_the_bound_is_never_below_the_cost(given_tokens: int, output: int, extra: int) -> None:
    price = row("0.07", "0.01", "1.13")
    usage = Usage(input_tokens=given_tokens, output_tokens=output)
    bound = bound_of(price, Exposure(given_tokens + extra, output))
    assert isinstance(bound, Decimal)
    assert cost_of(usage, price) <= bound
