"""What many requests together cost at most: never less than any of what they may use costs, request by request."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.canon.usage import Usage
from hortus.canon.work import Work
from hortus.catalog.costs import Unbounded, bound_of, cost_of
from hortus.catalog.pricerows import PriceRow, Variant
from hortus.catalog.works import exposure_of_work, price_of_work, usage_beforehand

amounts = st.integers(0, 50).map(Decimal)
figures = st.fixed_dictionaries({"input_per_million": amounts, "output_per_million": amounts})
ROW = PriceRow(
    input_per_million=Decimal(4), output_per_million=Decimal(16), id="p", currency="EUR", source="s", as_of="2026-11-01"
)
BATCH = Variant(input_per_million=Decimal(2), output_per_million=Decimal(8), service_tier="batch")


@st.composite
def rows(draw: st.DrawFn) -> PriceRow:
    variants = []
    if draw(st.booleans()):
        variants.append(Variant(**draw(figures), service_tier="batch"))
    tier = draw(st.sampled_from([None, "batch"])) if variants else None
    variants += [
        Variant(**draw(figures), above_input_tokens=border, service_tier=tier)
        for border in sorted(draw(st.sets(st.integers(1, 400), max_size=2)))
    ]
    row = replace(ROW, **draw(figures), variants=tuple(variants), fixed_input_tokens=draw(st.integers(0, 20)))
    return replace(row, per_request=draw(st.none() | amounts))


lines = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), min_size=1, max_size=6)
"""Bytes and limit of output of each."""


def work_of(asked: list[tuple[int, int]]) -> Work:
    return Work(
        "r",
        "chat",
        requests=len(asked),
        input_bytes=sum(size for size, _ in asked),
        output_tokens=sum(limit for _, limit in asked),
        longest_bytes=max(size for size, _ in asked),
    )


@given(rows(), lines, st.data())
def test_no_use_of_any_of_them_costs_more_than_the_bound_of_all(
    row: PriceRow, asked: list[tuple[int, int]], data: st.DataObject
) -> None:
    bound = bound_of(price_of_work(row, work_of(asked)), exposure_of_work(work_of(asked), None))
    assert not isinstance(bound, Unbounded)
    used = [
        Usage(
            data.draw(st.integers(0, size + row.fixed_input_tokens)),
            data.draw(st.integers(0, limit)),
            service_tier="batch",
        )
        for size, limit in asked
    ]
    assert sum(cost_of(one, row) for one in used) <= bound


@given(rows(), lines)
def test_what_is_charged_beforehand_is_no_more_than_what_was_reserved(
    row: PriceRow, asked: list[tuple[int, int]]
) -> None:
    work = work_of(asked)
    price = price_of_work(row, work)
    bound = bound_of(price, exposure_of_work(work, None))
    assert not isinstance(bound, Unbounded)
    assert cost_of(usage_beforehand(price, work, output_limit=None), price) <= bound


def test_searches_have_no_bound_in_a_batch() -> None:
    price = replace(ROW, caps={"context_tokens": 1000, "searches": 5}, per_thousand_searches=Decimal(10))
    work = replace(work_of([(10, 10)]), searches=True)
    assert isinstance(bound_of(price_of_work(price, work), exposure_of_work(work, None)), Unbounded)


def test_a_tier_that_is_dearer_than_that_of_batches_does_not_count() -> None:
    price = replace(ROW, variants=(BATCH, replace(BATCH, input_per_million=Decimal(900), service_tier="priority")))
    work = work_of([(10, 10)])
    assert bound_of(price_of_work(price, work), exposure_of_work(work, None)) == Decimal(100) / 1_000_000


def test_the_figures_of_long_requests_count_where_nobody_knows_how_long_the_longest_is() -> None:
    long = replace(BATCH, above_input_tokens=50, input_per_million=Decimal(100))
    work = replace(work_of([(40, 0), (40, 0)]), longest_bytes=0)
    price = price_of_work(replace(ROW, variants=(BATCH, long)), work)
    assert bound_of(price, exposure_of_work(work, None)) == Decimal(8000) / 1_000_000
