"""Exact costs and upper bounds, by hand-made examples and for every usage that is within an exposure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hortus.canon.usage import Usage
from hortus.catalog.costs import (
    LEAST_BYTES_PER_SECOND,
    MOST_TOKENS_PER_SECOND,
    Exposure,
    Unbounded,
    bound_of,
    cost_of,
    is_free,
    most_tokens_of,
)
from hortus.catalog.pricerows import Cap, Figures, PriceRow, Variant

MILLION = 1_000_000


def figures(**amounts: str) -> dict[str, Decimal]:
    return {"input_per_million": Decimal(0), "output_per_million": Decimal(0)} | {
        name: Decimal(amount) for name, amount in amounts.items()
    }


def row(given_price: str, output: str, **more: Any) -> PriceRow:
    amounts = {name: more.pop(name) for name in list(more) if name in Figures.__struct_fields__}
    prices = figures(input_per_million=given_price, output_per_million=output, **amounts)
    return PriceRow(id="x", currency="EUR", source="made up", as_of="2026-11-01", **prices, **more)


def variant(tier: str | None, above: int = 0, **amounts: str) -> Variant:
    return Variant(above_input_tokens=above, service_tier=tier, **figures(**amounts))


def bound(price: PriceRow, exposure: Exposure) -> Decimal:
    found = bound_of(price, exposure)
    assert isinstance(found, Decimal), found
    return found


def test_cached_input_has_its_own_price() -> None:
    usage = Usage(input_tokens=MILLION, output_tokens=500_000, cached_input_tokens=400_000, reasoning_tokens=100_000)
    assert cost_of(usage, row("2.50", "10.00", cached_input_per_million="0.25")) == Decimal("6.60")


def test_cached_input_costs_the_full_price_where_the_row_has_none() -> None:
    assert cost_of(Usage(MILLION, cached_input_tokens=MILLION), row("2.50", "1")) == Decimal("2.5")


def test_a_long_cache_write_without_a_price_costs_as_the_usual_one() -> None:
    usage = Usage(MILLION, cache_write_tokens=MILLION, cache_write_long_tokens=MILLION)
    assert cost_of(usage, row("2", "1", cache_write_per_million="2.5")) == Decimal("2.5")


def test_what_has_no_price_of_its_own_costs_as_text() -> None:
    usage = Usage(
        MILLION, MILLION, input_audio_tokens=500_000, input_image_tokens=500_000, output_audio_tokens=10, searches=9
    )
    assert cost_of(usage, row("2", "3")) == 5


def test_what_costs_nothing_is_zero() -> None:
    free = row("0", "0")
    assert cost_of(Usage(5, 5), free) == 0
    assert bound(free, Exposure(100, 50)) == 0
    assert is_free(free)
    assert not is_free(row("0", "0", per_request="0.01"))
    assert not is_free(row("0", "0", variants=(variant("priority", input_per_million="1"),)))


def test_a_tier_that_the_row_does_not_name_costs_as_usual() -> None:
    priced = row("2", "8", variants=(variant("flex", input_per_million="1", output_per_million="4"),))
    assert cost_of(Usage(MILLION, 0, service_tier="provisioned"), priced) == 2
    assert cost_of(Usage(MILLION, 0, service_tier="flex"), priced) == 1


@pytest.mark.parametrize(("tokens", "cost"), [(200_000, "0.4"), (200_001, "0.800004")])
def test_above_a_length_the_whole_request_costs_more(tokens: int, cost: str) -> None:
    priced = row("2", "8", variants=(variant(None, 200_000, input_per_million="4"),))
    assert cost_of(Usage(tokens), priced) == Decimal(cost)


def test_a_place_multiplies_tokens_and_not_searches() -> None:
    priced = row("2", "8", per_thousand_searches="10", regions={"us": Decimal("1.1")})
    assert cost_of(Usage(MILLION, region="us", searches=100), priced) == Decimal("3.2")
    assert cost_of(Usage(MILLION, region="mars", searches=100), priced) == Decimal(3)
    assert bound(priced, Exposure(MILLION, 0)) == Decimal("2.2")


def test_a_bound_takes_the_dearest_that_input_can_cost() -> None:
    priced = row("2", "8", cache_write_long_per_million="4", cached_input_per_million="0.2")
    assert bound(priced, Exposure(MILLION, 100_000)) == Decimal("4.8")


def test_a_bound_counts_what_the_host_adds() -> None:
    assert bound(row("2", "8", fixed_input_tokens=500_000), Exposure(MILLION, 0)) == 3


@pytest.mark.parametrize(
    ("tier", "expected"), [(None, 4), ("auto", 4), ("default", 2), ("flex", 2), ("priority", 4), ("fast", 6)]
)
def test_a_bound_takes_the_dearest_tier_that_the_request_leaves_open(tier: str | None, expected: int) -> None:
    tiers = (variant("priority", input_per_million="4"), variant("fast", input_per_million="6"))
    flex = variant("flex", input_per_million="1")
    priced = row("2", "0", variants=(*tiers, flex), auto_tiers=("priority",))
    assert bound(priced, Exposure(MILLION, 0, service_tier=tier)) == expected


def test_a_tier_without_a_price_has_no_bound_unless_it_is_never_dearer() -> None:
    assert bound_of(row("1", "1"), Exposure(1, 1, service_tier="ultra")) == Unbounded(("service_tier",))
    assert bound(row("1", "1"), Exposure(MILLION, 0, service_tier="batch")) == 1


def test_choices_multiply_the_output_and_not_the_input() -> None:
    assert bound(row("1", "1"), Exposure(MILLION, MILLION, choices=3)) == 4


UNCAPPED: list[tuple[str, dict[str, Any]]] = [
    ("output_tokens", {"output_tokens": None}),
    ("image_tokens", {"images": 1}),
    ("document_tokens", {"documents": 2}),
    ("kept_tokens", {"kept": 1}),
    ("searches", {"searches": True}),
    ("server_tool_calls", {"server_tools": True}),
    ("output_image_tokens", {"output_images": 1}),
]


@pytest.mark.parametrize(("unit", "members"), UNCAPPED)
def test_a_unit_that_nothing_bounds_is_named(unit: str, members: dict[str, Any]) -> None:
    priced = row("1", "1", per_thousand_searches="10")
    assert bound_of(priced, structs.replace(Exposure(10, 10), **members)) == Unbounded((unit,))


def test_seconds_that_nobody_knows_have_no_bound_where_they_are_charged() -> None:
    assert bound_of(row("1", "1", per_second="0.1"), Exposure(10, 10, seconds=None)) == Unbounded(("seconds",))
    assert bound(row("1", "1"), Exposure(10, 10, seconds=None)) == Decimal("0.00002")


def test_searches_without_a_price_have_no_bound() -> None:
    caps: dict[Cap, int] = {"searches": 3, "context_tokens": 100}
    assert bound_of(row("1", "1", caps=caps), Exposure(1, 1, searches=True)) == Unbounded(("search_price",))


def test_all_units_without_a_bound_are_named_at_once() -> None:
    found = bound_of(row("1", "1"), Exposure(1, None, images=1, searches=True))
    assert found == Unbounded(("output_tokens", "image_tokens", "searches", "search_price"))


def test_pictures_and_documents_count_their_caps() -> None:
    caps: dict[Cap, int] = {"image_tokens": 1000, "document_tokens": 50_000, "kept_tokens": 200_000}
    exposure = Exposure(5000, 0, images=4, documents=1, kept=1)
    assert bound(row("1", "1", caps=caps), exposure) == Decimal("0.259")


def test_more_pictures_than_a_picture_has_tokens_are_bounded_all_the_same() -> None:
    assert bound(row("1", "1", caps={"image_tokens": 2}), Exposure(10, 0, images=5)) == Decimal("0.00002")


def test_what_has_no_cap_fills_the_window_and_no_more() -> None:
    caps: dict[Cap, int] = {"context_tokens": 1_000_000}
    assert bound(row("1", "1", caps=caps), Exposure(5000, 0, images=1, documents=7)) == 1


def test_tools_of_the_host_read_the_input_anew_after_each_call() -> None:
    caps: dict[Cap, int] = {"context_tokens": 100_000, "searches": 4}
    priced = row("1", "0", caps=caps, per_thousand_searches="10")
    exposure = Exposure(1000, 0, searches=True)
    assert bound(priced, exposure) == Decimal("0.401") + Decimal("0.04")
    assert bound(priced, structs.replace(exposure, tool_calls=1)) == Decimal("0.101") + Decimal("0.01")


def test_a_request_s_own_limit_of_calls_stands_in_for_a_cap() -> None:
    priced = row("1", "0", caps={"context_tokens": 100_000}, per_thousand_searches="10")
    assert bound(priced, Exposure(1000, 0, searches=True, tool_calls=2)) == Decimal("0.201") + Decimal("0.02")


def test_pictures_that_are_made_and_seconds_count() -> None:
    priced = row("0", "2", per_image="0.04", per_second="0.001", caps={"output_image_tokens": 1290})
    exposure = Exposure(1, 1000, output_images=2, seconds=30)
    assert bound(priced, exposure) == Decimal("0.00716") + Decimal("0.08") + Decimal("0.031")
    usage = Usage(0, 3580, output_image_tokens=2580, images=2, seconds=31)
    assert cost_of(usage, priced) == bound(priced, exposure)


def test_sound_in_a_request_is_no_longer_than_its_bytes_allow() -> None:
    priced = row("0", "0", per_second="0.001")
    assert bound(priced, Exposure(60_000, 0)) == Decimal("0.201")
    assert bound_of(priced, Exposure(10, 0, documents=1)) == Unbounded(("seconds",))


@pytest.mark.parametrize(
    ("figure", "usage", "cost"),
    [
        ({"per_thousand_pages": "2"}, Usage(pages=7), "0.014"),
        ({"per_million_characters": "15"}, Usage(characters=4321), "0.064815"),
        ({"per_thousand_search_units": "2"}, Usage(search_units=3), "0.006"),
        ({"per_image": "0.04"}, Usage(images=3), "0.12"),
        ({"per_second": "0.0001"}, Usage(seconds=61), "0.0061"),
    ],
)
def test_what_is_charged_by_the_piece_costs_its_price_to_the_digit(
    figure: dict[str, str], usage: Usage, cost: str
) -> None:
    assert cost_of(usage, row("0", "0", **figure)) == Decimal(cost)


def test_pages_that_nobody_counted_are_bounded_by_what_a_document_may_have() -> None:
    priced = row("0", "0", per_thousand_pages="2", caps={"pages": 1000})
    assert bound(priced, Exposure(500, 0, documents=1, pages=None)) == 2
    assert bound(priced, Exposure(500, 0, documents=1, pages=3)) == Decimal("0.006")
    uncapped = row("0", "0", per_thousand_pages="2")
    assert bound_of(uncapped, Exposure(500, 0, documents=1, pages=None)) == Unbounded(("pages",))


def test_characters_and_search_units_bound_themselves() -> None:
    assert bound(row("0", "0", per_million_characters="15"), Exposure(9, None, characters=10)) == Decimal("0.00015")
    assert bound(row("0", "0", per_thousand_search_units="2"), Exposure(9, 0, search_units=4)) == Decimal("0.008")


def test_what_costs_nothing_needs_no_bound() -> None:
    everything = Exposure(9, None, images=1, documents=1, kept=1)
    assert bound(row("0", "0"), everything) == 0
    dearer = row("0", "0", variants=(variant("priority", output_per_million="1"),))
    assert bound_of(dearer, everything) == Unbounded(("output_tokens",))


def test_tokens_at_most_are_those_of_input_and_output() -> None:
    caps: dict[Cap, int] = {"image_tokens": 1000}
    assert most_tokens_of(row("1", "1", caps=caps), Exposure(10, 20, choices=2, images=1)) == 1050
    assert most_tokens_of(None, Exposure(10, 20)) == 30
    assert most_tokens_of(None, Exposure(10, 20, images=1)) == Unbounded(("image_tokens",))
    assert most_tokens_of(row("1", "1"), Exposure(10, 20, seconds=None)) == 30


amounts = st.decimals(0, 200, places=6)


@st.composite
def price_rows(draw: st.DrawFn) -> PriceRow:
    def some() -> dict[str, Decimal]:
        names = draw(st.sets(st.sampled_from(Figures.__struct_fields__[2:])))
        return {name: draw(amounts) for name in ("input_per_million", "output_per_million", *sorted(names))}

    variants = [
        Variant(above_input_tokens=above, service_tier=tier, **some())
        for above in (0, draw(st.integers(1, 3000)))
        for tier in (None, "priority", "flex")
        if (above or tier) and draw(st.booleans())
    ]
    return PriceRow(
        id="x",
        currency="EUR",
        source="made up",
        as_of="2026-11-01",
        variants=tuple(variants),
        auto_tiers=draw(st.sampled_from([(), ("priority",)])),
        regions=draw(st.sampled_from([{}, {"us": Decimal("1.1")}, {"us": Decimal("0.9")}])),
        fixed_input_tokens=draw(st.integers(0, 500)),
        caps={"context_tokens": 2000, "image_tokens": 300, "searches": 3, "output_image_tokens": 70, "pages": 30},
        is_search_per_request=draw(st.booleans()),
        **some(),
    )


@st.composite
def exposures(draw: st.DrawFn) -> Exposure:
    return Exposure(
        input_bytes=draw(st.integers(0, 2000)),
        output_tokens=draw(st.integers(0, 2000)),
        choices=draw(st.integers(1, 3)),
        images=draw(st.integers(0, 3)),
        searches=draw(st.booleans()),
        service_tier=draw(st.sampled_from([None, "auto", "default", "priority", "flex"])),
        output_images=draw(st.integers(0, 2)),
        seconds=draw(st.integers(0, 60)),
        pages=draw(st.one_of(st.none(), st.integers(0, 40))),
        characters=draw(st.integers(0, 5000)),
        search_units=draw(st.integers(0, 20)),
        documents=draw(st.integers(0, 2)),
        sound_bytes=draw(st.integers(0, 9000)),
    )


@st.composite
def usages(draw: st.DrawFn, price: PriceRow, exposure: Exposure) -> Usage:
    """Draw what a host may report, parts as odd as they come, so long as the wholes are within the exposure."""
    loops = 4 if exposure.searches else 1
    most_input = exposure.input_bytes + price.fixed_input_tokens + exposure.images * 300 + (loops - 1) * 2000
    if exposure.searches:
        most_input = min(most_input, max(2000, exposure.input_bytes + price.fixed_input_tokens) * loops)
    given, output = (
        draw(st.integers(0, most_input)),
        draw(st.integers(0, (exposure.output_tokens or 0) * exposure.choices)),
    )
    tiers = {exposure.service_tier, None} - {"auto", "default"}
    tiers |= set(price.auto_tiers) if exposure.service_tier in {None, "auto"} else set()
    part, made = st.integers(0, given), st.integers(0, output)
    return Usage(
        given,
        output,
        cached_input_tokens=draw(part),
        cache_write_tokens=draw(part),
        cache_write_long_tokens=draw(part),
        input_audio_tokens=draw(part),
        cached_audio_tokens=draw(part),
        input_image_tokens=draw(part),
        output_audio_tokens=draw(made),
        output_image_tokens=draw(made),
        searches=draw(st.integers(0, 3)) if exposure.searches else 0,
        images=draw(st.integers(0, exposure.output_images)),
        seconds=draw(st.integers(0, (exposure.seconds or 0) + exposure.sound_bytes // LEAST_BYTES_PER_SECOND)),
        pages=draw(st.integers(0, 30 * max(exposure.documents, 1) if exposure.pages is None else exposure.pages)),
        characters=draw(st.integers(0, exposure.characters)),
        search_units=draw(st.integers(0, exposure.search_units)),
        service_tier=draw(st.sampled_from(sorted(tiers, key=str))),
        region=draw(st.sampled_from([None, "us"])),
    )


def test_sound_is_bounded_by_its_seconds_not_by_its_bytes() -> None:
    price = row("6", "0", per_second="0.0001")
    found = bound_of(price, Exposure(100, 0, sound_bytes=30_000))

    assert found == (Decimal(100 + 101 * MOST_TOKENS_PER_SECOND) * 6 / 1_000_000) + Decimal("0.0001") * 101


def test_sound_that_a_model_s_window_bounds_costs_no_more_than_the_window() -> None:
    price = row("6", "0", caps={"context_tokens": 16_000})

    assert bound_of(price, Exposure(100, 0, sound_bytes=25_000_000)) == Decimal(16_000 * 6) / 1_000_000


@given(st.data())
def test_no_usage_within_an_exposure_costs_more_than_its_bound(data: st.DataObject) -> None:
    price, exposure = data.draw(price_rows()), data.draw(exposures())
    found = bound_of(price, exposure)
    if isinstance(found, Unbounded):
        assert found.units
        return
    assert cost_of(data.draw(usages(price, exposure)), price) <= found


@given(price_rows(), st.integers(0, 5000), st.integers(0, 5000))
def test_costs_are_never_negative(price: PriceRow, given_tokens: int, output: int) -> None:
    usage = Usage(given_tokens, output, cached_input_tokens=given_tokens, output_audio_tokens=output)
    assert cost_of(usage, price) >= 0
