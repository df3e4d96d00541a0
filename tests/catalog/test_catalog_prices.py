"""Prices on a day: exact, dated, named, and unknown where no source says."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from importlib.resources import files

import pytest
from msgspec import structs

from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.pricerows import Figures, OwnVariant, PriceRow, Variant
from hortus.catalog.prices import price_of, price_of_offer
from hortus.catalog.rows import Offer, OwnPrice

TODAY = date(2026, 11, 23)


@cache
def catalog() -> Catalog:
    return load_catalog()


def amounts(model: str, host: str, *, at: date = TODAY) -> tuple[str, ...] | None:
    row = price_of(catalog(), model, host=host, at=at)
    if row is None:
        return None
    return (row.currency, str(row.input_per_million), str(row.output_per_million), str(row.cached_input_per_million))


@pytest.mark.parametrize(
    ("host", "model", "expected"),
    [
        ("openai", "gpt-6-astra", ("USD", "10", "50", "1")),
        ("openai", "gpt-4o", ("USD", "2.5", "10", "1.25")),
        ("openai", "text-embedding-3-small", ("USD", "0.02", "0", "None")),
        ("anthropic", "claude-opus-5-5", ("USD", "4", "20", "0.2")),
        ("mistral", "mistral-large-2512", ("USD", "0.5", "1.5", "0.05")),
        ("mistral-eu", "mistral-large-2512", ("USD", "0.55", "1.65", "0.055")),
        ("bedrock", "mistral-large-2402", ("USD", "4", "12", "None")),
        ("bedrock", "nova-2-lite", ("USD", "0.33", "2.75", "0.0825")),
        ("together", "llama-2-70b-chat", ("USD", "0.9", "0.9", "None")),
        ("ovhcloud", "gpt-oss-120b", ("USD", "0.09", "0.47", "None")),
        ("local", "seedling", ("EUR", "0", "0", "None")),
    ],
)
def test_known_prices_are_exact(host: str, model: str, expected: tuple[str, ...]) -> None:
    assert amounts(model, host) == expected


def test_a_price_changes_on_its_day() -> None:
    assert amounts("mistral-large-4", "mistral", at=date(2026, 10, 19)) == ("USD", "0.68", "2.09", "0.07")
    assert amounts("mistral-large-4", "mistral", at=date(2026, 10, 20)) == ("USD", "1.36", "4.18", "0.14")
    assert amounts("mistral-large-4", "mistral", at=date(2026, 10, 29)) == ("USD", "0.7", "2.1", "0.07")


def test_of_a_day_with_several_prices_the_dearest_counts_and_is_said() -> None:
    row = price_of(catalog(), "deepseek-v4-pro", host="deepseek", at=TODAY)
    assert row is not None
    assert (row.input_per_million, row.output_per_million) == (Decimal("1.32"), Decimal("3.96"))
    assert "dearest time of day" in row.source


def priced(model: str, host: str) -> PriceRow:
    row = price_of(catalog(), model, host=host, at=TODAY)
    assert row is not None
    return row


def variant(row: PriceRow, tier: str | None, *, above: int = 0) -> Variant:
    return next(one for one in row.variants if (one.service_tier, one.above_input_tokens) == (tier, above))


def test_prices_by_length_of_the_input_are_variants_with_all_their_figures() -> None:
    row = priced("claude-haiku-5-5", "anthropic")
    long = variant(row, None, above=100_000)
    assert (row.input_per_million, row.cache_write_long_per_million) == (Decimal("0.1"), Decimal("0.2"))
    assert (long.input_per_million, long.cached_input_per_million) == (Decimal("0.5"), Decimal("0.05"))
    assert (long.cache_write_per_million, long.cache_write_long_per_million) == (Decimal("0.625"), Decimal(1))
    assert long.output_per_million == Decimal("2.5")


def test_service_tiers_are_variants_at_every_length() -> None:
    row = priced("gpt-6-astra", "openai")
    found = {
        (one.service_tier, one.above_input_tokens): (one.input_per_million, one.output_per_million)
        for one in row.variants
    }
    assert found["priority", 0] == found["fast", 0] == (Decimal(20), Decimal(100))
    assert found["flex", 0] == found["batch", 0] == (Decimal(5), Decimal(25))
    assert found[None, 272_000] == (Decimal(20), Decimal(75))
    assert found["priority", 272_000] == (Decimal(40), Decimal(150))
    assert row.auto_tiers == ("priority", "fast")


def test_what_a_terms_row_says_of_tiers_is_a_variant_too() -> None:
    fast = variant(priced("gemini-4-argon", "google"), "priority")
    assert (fast.input_per_million, fast.output_per_million) == (Decimal("3.6"), Decimal(18))
    assert fast.per_thousand_searches == 14


def test_terms_that_change_amounts_stand_in_the_row_s_id() -> None:
    assert priced("claude-opus-5-5", "vertex-eu").id.endswith("+claude-place")
    assert "+" not in priced("gpt-4o", "openai").id


def test_a_place_that_costs_more_multiplies_every_price_of_tokens_and_no_other() -> None:
    there, here = priced("claude-opus-5-5", "vertex-eu"), priced("claude-opus-5-5", "vertex-global")
    assert there.input_per_million == here.input_per_million * Decimal("1.1")
    assert there.cache_write_long_per_million == (here.cache_write_long_per_million or 0) * Decimal("1.1")
    assert priced("gpt-6-astra", "openai-eu").per_thousand_searches == 10


def test_a_row_knows_the_window_of_its_model_and_what_a_picture_counts() -> None:
    row = priced("claude-opus-5-5", "anthropic")
    assert row.caps == {"context_tokens": 1_000_000, "image_tokens": 8464}
    assert row.fixed_input_tokens == 3000
    assert row.regions == {"us": Decimal("1.1")}


def test_the_surcharge_of_a_region_spares_models_that_are_older_than_it() -> None:
    assert amounts("gpt-6-astra", "openai-eu") == ("USD", "11.0", "55.0", "1.1")
    assert amounts("gpt-5.2", "openai-eu") == amounts("gpt-5.2", "openai")


def test_a_row_is_named_by_source_host_model_and_date() -> None:
    row = price_of(catalog(), "gpt-4o", host="openai", at=TODAY)
    assert row is not None
    assert row.id == f"genai-prices-{version('genai-prices')}/openai/gpt-4o/2026-11-23"
    assert row.as_of == "2026-11-23"


@pytest.mark.parametrize(
    ("host", "model"),
    [("stackit", "gpt-oss-120b"), ("azure", "gpt-4o"), ("openai", "no-such-model"), ("no-such-host", "gpt-4o")],
)
def test_what_no_source_says_is_unknown_and_never_guessed_from_another_host(host: str, model: str) -> None:
    assert price_of(catalog(), model, host=host, at=TODAY) is None


def test_the_name_that_an_endpoint_gives_wins() -> None:
    row = price_of(catalog(), "my-model", host="openai", at=TODAY, upstream_model="gpt-4o-mini")
    assert row is not None
    assert row.input_per_million == Decimal("0.15")


def own(since: date, amount: str) -> OwnPrice:
    return OwnPrice(
        host="openai",
        model="gpt-4o",
        since=since,
        currency="EUR",
        figures=Figures(input_per_million=Decimal(amount), output_per_million=Decimal(amount)),
        source="https://example.org/contract",
        as_of=since,
    )


def test_own_rows_go_before_the_package_from_their_day_on() -> None:
    agreed = Catalog(structs.replace(catalog().rows, prices=(own(date(2026, 5, 1), "2"), own(date(2026, 3, 1), "3"))))

    def at(day: date) -> PriceRow:
        row = price_of(agreed, "gpt-4o", host="openai", at=day)
        assert row is not None
        return row

    assert (at(date(2026, 2, 28)).currency, at(date(2026, 2, 28)).input_per_million) == ("USD", Decimal("2.5"))
    assert at(date(2026, 3, 1)).input_per_million == Decimal(3)
    assert at(date(2026, 5, 1)).id == "catalog/openai/gpt-4o/2026-05-01"
    assert at(TODAY).input_per_million == Decimal(2)


def test_an_own_row_has_variants_and_keeps_the_caps_of_its_host() -> None:
    usual = Figures(input_per_million=Decimal(2), output_per_million=Decimal(8), per_thousand_searches=Decimal(5))
    long = OwnVariant(above_input_tokens=1000, factor=Decimal(2), figures={"output_per_million": Decimal(12)})
    fast = OwnVariant(service_tier="priority", factor=Decimal("1.5"))
    row = structs.replace(own(date(2026, 3, 1), "2"), figures=usual, variants=(long, fast), caps={"searches": 3})
    found = price_of(Catalog(structs.replace(catalog().rows, prices=(row,))), "gpt-4o", host="openai", at=TODAY)
    assert found is not None
    assert [one.above_input_tokens for one in found.variants] == [0, 1000]
    long_one = variant(found, None, above=1000)
    assert (long_one.input_per_million, long_one.output_per_million) == (Decimal(4), Decimal(12))
    assert variant(found, "priority").output_per_million == 12
    assert variant(found, "priority").per_thousand_searches == 5
    assert found.caps["searches"] == 3
    assert found.caps["image_tokens"] == 50_000
    assert found.since == "2026-03-01"


def test_prices_of_all_offers_are_not_negative() -> None:
    priced = [row for offer in catalog().rows.offers if (row := price_of_offer(catalog(), offer, at=TODAY))]
    assert len(priced) > 150
    for row in priced:
        assert row.input_per_million >= 0
        assert row.output_per_million >= 0
        assert row.source


def test_a_host_whose_provider_the_package_dropped_has_no_price() -> None:
    known = catalog().rows
    hosts = tuple(structs.replace(host, prices="gone") for host in known.hosts)
    dropped = Catalog(structs.replace(known, hosts=hosts))
    assert price_of(dropped, "gpt-4o", host="openai", at=TODAY) is None


def test_an_offer_of_a_host_without_a_row_has_no_price() -> None:
    offer = Offer(host="elsewhere", model="gpt-4o", source="https://example.org", as_of=TODAY)
    assert price_of_offer(catalog(), offer, at=TODAY) is None


def test_the_day_of_the_package_s_prices_is_kept_with_its_version() -> None:
    text = (files("hortus.catalog") / "data" / "prices.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["package_version"] == version("genai-prices"), (
        "genai-prices was taken up anew: set package_version and package_prices_as_of in prices.toml"
    )


def test_every_host_names_a_provider_that_the_package_has() -> None:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - only this test looks into the package

    providers = {provider.id for provider in get_snapshot().providers}
    assert {host.prices for host in catalog().rows.hosts if host.prices} <= providers


def test_looking_rows_up_loads_neither_pydantic_nor_the_package() -> None:
    code = (
        "import sys; from hortus.catalog.loading import load_catalog; load_catalog(); import hortus.catalog.sync; "
        "sys.exit(bool({'pydantic', 'genai_prices', 'httpx2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
