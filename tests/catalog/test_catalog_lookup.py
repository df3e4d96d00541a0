"""Finding rows: by id, by a host's name, and by what people ask for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache, partial

import pytest

from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import WITHOUT_CHATS, Catalog, Found, NotInCatalogError, Query, can_route
from hortus.catalog.places import is_known_place, is_within
from hortus.catalog.prices import price_of_offer
from hortus.catalog.rows import Surface
from hortus.dialects import DIALECTS

TODAY = date(2026, 11, 23)


@cache
def catalog() -> Catalog:
    return load_catalog()


def search(query: Query) -> tuple[Found, ...]:
    return catalog().search(query, price_of=partial(price_of_offer, catalog(), at=TODAY))


def ids(query: Query) -> set[str]:
    return {found.model.id for found in search(query)}


def test_rows_are_found_by_id() -> None:
    assert catalog().maker("mistral").home == "FR"
    assert catalog().model("llama-2-70b-chat").state == "legacy"
    assert catalog().host("stackit").surface("openai_chat") == Surface(
        dialect="openai_chat",
        base_url="https://api.openai-compat.model-serving.eu01.onstackit.cloud/v1",
        state_days=0,
    )


@pytest.mark.parametrize("noun", ["maker", "model", "host"])
def test_an_unknown_id_is_refused_with_what_is_near(noun: str) -> None:
    with pytest.raises(NotInCatalogError, match=f"no {noun} 'mistra'.*mistral"):
        getattr(catalog(), noun)("mistra")


def test_an_id_like_no_other_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotInCatalogError, match="hortus catalog hosts"):
        catalog().host("nowhere")


def test_offers_are_found_from_both_sides() -> None:
    hosts = {offer.host for offer in catalog().offers(model="gpt-oss-120b")}
    assert {"scaleway", "ovhcloud", "ionos", "groq"} <= hosts
    assert [offer.model for offer in catalog().offers(host="local")] == ["seedling"]
    assert catalog().offers(host="ionos", model="seedling") == ()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("openai/GPT-OSS-120B", "gpt-oss-120b"),
        ("cortecs/Llama-3.3-70B-Instruct-FP8-Dynamic", "llama-3.3-70b-instruct"),
        ("seedling", "seedling"),
    ],
)
def test_a_model_is_found_by_the_name_that_hosts_give_it(name: str, model: str) -> None:
    found = catalog().model_named(name)
    assert found is not None
    assert found.id == model


def test_a_name_that_nobody_uses_finds_nothing() -> None:
    assert catalog().model_named("no-such-model") is None


def test_every_word_must_occur_whatever_its_capitals() -> None:
    assert ids(Query(words=("mistral", "LARGE"))) >= {"mistral-large-2402", "mistral-large-2407", "mistral-large-2512"}
    assert "mistral-small-2603" not in ids(Query(words=("mistral", "large")))


def test_search_filters_by_maker_weights_state_and_feature() -> None:
    assert {found.maker.id for found in search(Query(maker="swiss-ai"))} == {"swiss-ai"}
    assert all(found.model.open_weights for found in search(Query(open_weights=True)))
    assert "gpt-6-astra" in ids(Query(open_weights=False))
    assert ids(Query(words=("gpt-4",), states=("retired",))) >= {"gpt-4"}
    assert "gpt-4" not in ids(Query(states=("current", "preview")))
    assert "mistral-embed" in ids(Query(feature="embeddings"))


def test_a_price_limit_holds_for_input_and_output_and_leaves_out_the_unknown() -> None:
    found = {one.model.id: one for one in search(Query(max_price=Decimal("0.60")))}
    assert "seedling" in found
    assert "gpt-6-luna" in found
    assert "claude-fable-5-2" not in found
    for one in found.values():
        for priced in one.offers:
            assert priced.price is not None
            assert max(priced.price.input_per_million, priced.price.output_per_million) <= Decimal("0.60")


def test_a_search_in_the_eu_shows_only_offers_that_surely_compute_there() -> None:
    places = {priced.country for found in search(Query(place="EU")) for priced in found.offers}
    assert places == {"EU*", "FR", "DE", "IT"}
    hosts = {priced.offer.host for found in search(Query(place="EU")) for priced in found.offers}
    assert {"mistral-eu", "ovhcloud", "scaleway", "stackit", "ionos"} <= hosts
    assert "openai-eu" not in hosts, "its Europe has Switzerland and the EEA in it"
    assert not hosts & {"mistral", "openai", "nebius", "evroc", "openrouter", "local"}


def test_a_search_in_one_country_finds_that_country_only() -> None:
    hosts = {priced.offer.host for found in search(Query(place="FR")) for priced in found.offers}
    assert hosts == {"ovhcloud", "scaleway"}


def test_price_and_place_must_hold_of_the_same_offer() -> None:
    for found in search(Query(place="DE", max_price=Decimal(1))):
        assert {priced.country for priced in found.offers} == {"DE"}
        assert None not in {priced.price for priced in found.offers}


def test_a_search_at_a_host_finds_what_it_offers() -> None:
    assert ids(Query(host="local")) == {"seedling"}


def test_a_model_without_offers_is_found_when_nothing_is_asked_of_offers() -> None:
    found = {one.model.id: one for one in search(Query(words=("Mistral Large",)))}
    assert found["mistral-large-2411"].offers == ()


@pytest.mark.parametrize(
    ("place", "region", "expected"),
    [
        ("DE", "EU", True),
        ("EU*", "EU", True),
        ("EU*", "eu*", True),
        ("DE", "de", True),
        ("CH", "EU", False),
        ("GB", "EU", False),
        ("GLOBAL", "EU", False),
        ("GLOBAL", "GLOBAL", False),
        (None, "EU", False),
        (None, "DE", False),
        ("EU*", "DE", False),
    ],
)
def test_only_a_known_place_lies_in_a_region(place: str | None, region: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_within(place, region) is expected


def test_places_are_countries_or_the_two_wide_ones() -> None:
    assert is_known_place("CH")
    assert is_known_place("EU*")
    assert is_known_place("GLOBAL")
    assert not is_known_place("EU")
    assert not is_known_place("UK")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mistral", True),
        ("meta", True),
        ("google", True),
        ("ollama", True),
        ("azure", True),
        ("vertex", True),
        ("anthropic", True),
        ("any", True),
        ("local", False),
        ("meta-llama-api", False),
    ],
)
def test_routes_go_to_hosts_whose_dialect_and_credential_we_can_send(host: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert can_route(catalog().host(host)) is expected


def test_a_host_without_the_dialect_cannot_be_routed_to() -> None:
    assert not can_route(catalog().host("aleph-alpha"))


def test_embedding_models_offer_another_operation_than_chat() -> None:
    assert catalog().model("mistral-embed").operations == ("embeddings",)
    assert catalog().model("gpt-4o").operations == ("chat",)


def test_the_dialects_without_chats_are_those_that_have_no_such_operation() -> None:
    without = {one.name for one in DIALECTS if all(operation.name != "chat" for operation in one.operations)}
    assert without == WITHOUT_CHATS
