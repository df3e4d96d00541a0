"""Each row of the packaged catalog is complete, and all of them agree with one another."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import structs

from hortus.catalog.loading import load_catalog, read_rows
from hortus.catalog.lookup import SPOKEN_DIALECTS, Catalog
from hortus.catalog.places import EU_COUNTRIES, ISO_COUNTRIES, is_known_place
from hortus.catalog.pricerows import Figures
from hortus.catalog.rows import Host, Maker, Model, Offer, Row, Rows, Surface
from hortus.dialects import DIALECTS

DATA = Path(str(files("hortus.catalog") / "data"))
ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
KNOWN_DIALECTS = {
    "gemini_live",
    "openai_realtime",
    "jina_rerank",
    "openai_batches",
    "openai_files",
    "openai_fine_tuning",
    "openai_moderations",
    "openai_chat",
    "openai_audio",
    "openai_images",
    "openai_responses",
    "anthropic_batches",
    "anthropic_messages",
    "gemini",
    "cohere_v2",
    "mistral",
    "mistral_batches",
    "bedrock_converse",
    "bedrock_invoke",
    "ollama_chat",
    "aleph_alpha_complete",
}
OURS = {"hortus", "local", "seedling"}
"""Rows about Hortus itself have a source in this repository."""

WANTED_MAKERS = {
    "openai", "mistral", "meta", "google", "anthropic", "amazon", "cohere", "microsoft", "deepseek", "alibaba", "xai",
    "aleph-alpha", "swiss-ai", "hortus",
}  # fmt: skip
WANTED_HOSTS = {
    "openai", "openai-eu", "anthropic", "google", "vertex", "mistral", "mistral-eu", "cohere", "bedrock", "azure",
    "deepseek", "xai", "alibaba", "meta-llama-api", "groq", "together", "openrouter", "huggingface", "scaleway",
    "ovhcloud", "ionos", "stackit", "nebius", "regolo", "evroc", "cortecs", "aleph-alpha", "ollama", "vllm", "llamacpp",
    "openai-compatible", "any", "local", "vertex-eu", "vertex-global", "meta", "mistral-us", "aws-esc",
    "claude-platform-aws", "tsystems", "alibaba-frankfurt",
}  # fmt: skip
WANTED_MODELS = {
    "mistral-large-2402", "mistral-large-2407", "mistral-large-2512", "llama-2-70b-chat", "gpt-4", "gpt-4o",
    "claude-3-opus", "gemini-1.5-pro", "seedling",
}  # fmt: skip


@cache
def rows() -> Rows:
    return read_rows(files("hortus.catalog") / "data")


@cache
def catalog() -> Catalog:
    return load_catalog()


def name_of(row: Row) -> str:
    return f"{row.host}/{row.model}" if isinstance(row, Offer) else str(getattr(row, "id", row))


def all_rows() -> list[Row]:
    return [*rows().makers, *rows().models, *rows().hosts, *rows().offers, *rows().prices]


def is_web_address(text: str) -> bool:
    return bool(urlsplit(text).netloc) and text.startswith("https://")


def test_every_maker_host_and_model_that_was_promised_is_there() -> None:
    assert set(catalog().makers) >= WANTED_MAKERS
    assert set(catalog().hosts) >= WANTED_HOSTS
    assert set(catalog().models) >= WANTED_MODELS
    assert len(rows().models) >= 100


@pytest.mark.parametrize("kind", ["makers", "models", "hosts"])
def test_ids_are_unique_and_plain(kind: str) -> None:
    ids = [row.id for row in getattr(rows(), kind)]
    assert [one for one, count in Counter(ids).items() if count > 1] == []
    assert [one for one in ids if not ID.fullmatch(one)] == []


def test_names_by_which_a_model_is_found_belong_to_one_model_only() -> None:
    claimed = Counter(
        name for model in rows().models for name in {model.id.lower(), *(alias.lower() for alias in model.aliases)}
    )
    assert [name for name, count in claimed.items() if count > 1] == []


def test_every_row_names_its_source_and_its_day() -> None:
    for row in all_rows():
        about_us = {getattr(row, field, None) for field in ("id", "model", "host")} & OURS
        assert is_web_address(row.source) or about_us, name_of(row)
        assert row.as_of >= date(2026, 1, 1), name_of(row)
        assert row.note is None or row.note.endswith("."), name_of(row)


@pytest.mark.parametrize("maker", rows().makers, ids=name_of)
def test_a_maker_is_complete_and_has_a_model(maker: Maker) -> None:
    assert maker.home in ISO_COUNTRIES or maker.id in OURS
    assert maker.url is None or is_web_address(maker.url)
    assert [model for model in rows().models if model.maker == maker.id]


@pytest.mark.parametrize("maker", rows().makers, ids=name_of)
def test_standing_to_a_code_has_its_own_source_and_day(maker: Maker) -> None:
    assert len({one.code for one in maker.codes}) == len(maker.codes)
    for one in maker.codes:
        assert is_web_address(one.source)
        assert date(2025, 7, 10) <= one.as_of <= maker.as_of
        assert one.note is None or one.note.endswith(".")


def test_who_signed_all_of_the_code_signed_three_chapters_and_who_did_not_signed_none() -> None:
    chapters = {"signed": 3, "partial": 1, "refused": 0, "absent": 0, "unknown": 0}
    for maker in rows().makers:
        for one in maker.codes:
            assert len(set(one.chapters)) == chapters[one.status], maker.id


def test_the_code_is_known_of_the_makers_that_the_facts_name() -> None:
    standing = {maker.id: maker.codes[0].status for maker in rows().makers if maker.codes}
    assert (standing["xai"], standing["meta"], standing["alibaba"], standing["mistral"]) == (
        "partial",
        "refused",
        "absent",
        "signed",
    )
    assert "hortus" not in standing


def test_a_model_lies_in_the_file_of_its_maker() -> None:
    for file in (DATA / "models").glob("*.toml"):
        declared = re.findall(r'^id = "(.+)"$', file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert declared, file.name
        assert {catalog().models[one].maker for one in declared} == {file.stem}


def test_an_offer_lies_in_the_file_of_its_host() -> None:
    assert {file.stem for file in (DATA / "offers").glob("*.toml")} == {offer.host for offer in rows().offers}
    for file in (DATA / "offers").glob("*.toml"):
        assert f'host = "{file.stem}"' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("model", rows().models, ids=name_of)
def test_a_model_is_complete(model: Model) -> None:
    assert model.maker in catalog().makers
    assert model.name.strip()
    assert model.family.strip()
    assert model.inputs
    assert ("embedding" in model.outputs) == ("embeddings" in model.features)
    assert "vision" not in model.features or "image" in model.inputs
    assert model.weights is None or (model.open_weights and is_web_address(model.weights))
    assert model.licence is None or model.open_weights
    assert not model.open_weights or model.licence or "icence" in (model.note or ""), "say why it has none"
    assert model.lifecycle_source is None or is_web_address(model.lifecycle_source)


@pytest.mark.parametrize("model", rows().models, ids=name_of)
def test_the_figures_of_a_model_are_possible(model: Model) -> None:
    for tokens in (model.context_tokens, model.output_tokens):
        assert tokens is None or 0 < tokens <= 20_000_000
    if model.context_tokens and model.output_tokens:
        assert model.output_tokens <= model.context_tokens
    if model.parameters_billion is not None:
        assert 0 < (model.active_parameters_billion or model.parameters_billion) <= model.parameters_billion
    else:
        assert model.active_parameters_billion is None


@pytest.mark.parametrize("model", rows().models, ids=name_of)
def test_the_life_of_a_model_makes_sense(model: Model) -> None:
    days = [day for day in (model.released, model.deprecated, model.retires) if day is not None]
    assert days == sorted(days), "released, deprecated, retired: in this order"
    assert model.released is None or model.released <= model.as_of
    assert model.replacement is None or (
        model.replacement in catalog().models and model.replacement != model.id and model.state != "current"
    )
    if model.state == "retired":
        assert model.retires is None or model.retires <= model.as_of
    elif model.retires is not None:
        assert model.retires > model.as_of
    if model.deprecated is not None:
        assert model.state in {"deprecated", "retired"}


@pytest.mark.parametrize("host", rows().hosts, ids=name_of)
def test_a_host_is_complete(host: Host) -> None:
    assert is_web_address(host.docs)
    assert host.home is None or host.home in ISO_COUNTRIES
    assert host.country is None or is_known_place(host.country)
    assert host.surfaces
    assert set(host.dialects) <= KNOWN_DIALECTS
    assert len(set(host.dialects)) == len(host.dialects)
    assert host.retention_days is None or host.retention_days >= 0
    assert host.credential_env is None or re.fullmatch(r"[A-Z][A-Z0-9_]+", host.credential_env)
    assert (host.price_factor is None) or (host.price_factor > 0 and host.prices)
    needs_key = any(surface.auth != "none" for surface in host.surfaces)
    assert needs_key == (host.credential_env is not None) or host.id in {"local", "openai-compatible", "any"}


@pytest.mark.parametrize("host", rows().hosts, ids=name_of)
def test_the_addresses_of_a_host_are_encrypted_unless_they_are_this_machine(host: Host) -> None:
    addresses = [surface.base_url for surface in host.surfaces] + [host.list_base_url]
    for address in filter(None, addresses):
        assert not address.endswith("/")
        assert is_web_address(address) or address.startswith("http://localhost:")


SURFACES = [
    (host, surface) for host in rows().hosts for some in (host.surfaces, *host.styles.values()) for surface in some
]

each_surface = pytest.mark.parametrize(("host", "surface"), SURFACES, ids=[f"{h.id}-{s.dialect}" for h, s in SURFACES])

MEMBER = re.compile(r"[A-Za-z_]\w*(\[\])?(\.[A-Za-z_]\w*(\[\])?)*")
"""A member's path, `[]` for any item."""

OPERATIONS = {
    "chat",
    "chat_stream",
    "count_tokens",
    "embeddings",
    "batch_embeddings",
    "speech",
    "transcriptions",
    "translations",
    "images",
    "image_edits",
}
MUST_SAY_THEIR_VERSION = {"anthropic", "any", "claude-platform-aws", "openrouter"}
"""Hosts whose Anthropic Messages want the header `anthropic-version`, by their documentation or recordings."""


@each_surface
def test_a_surface_names_members_headers_and_operations_as_they_are_compared(host: Host, surface: Surface) -> None:
    members = [*surface.demands, *surface.forbids, *surface.renames, *surface.adds, *surface.weights]
    assert [one for one in members if MEMBER.fullmatch(one) is None] == []
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in surface.headers), "headers are in lower case"
    assert all(value.isascii() and value.isprintable() for value in surface.headers.values())
    assert set(surface.paths) <= OPERATIONS
    assert all(path.startswith("/") for path in surface.paths.values())
    assert surface.source is None or is_web_address(surface.source)
    assert surface.note is None or surface.note.endswith(".")


@each_surface
def test_a_surface_does_not_say_two_things_of_one_member(host: Host, surface: Surface) -> None:
    named = Counter((*surface.forbids, *surface.renames, *surface.demands))
    assert [one for one, count in named.items() if count > 1] == []
    assert not set(surface.renames) & set(surface.renames.values())
    assert len(set(surface.adds)) == len(surface.adds)
    assert not set(surface.headers) & {"authorization", "x-api-key", "api-key", "x-goog-api-key", "content-type"}


@each_surface
def test_a_surface_that_departs_from_its_format_says_where_that_is_known_from(host: Host, surface: Surface) -> None:
    departs = surface.adds or surface.forbids or surface.renames or surface.demands or surface.paths or surface.weights
    assert not departs or surface.source or surface.note


@each_surface
def test_the_model_sits_in_a_path_or_in_the_body_and_nowhere_else(host: Host, surface: Surface) -> None:
    assert "{model}" not in (surface.base_url or "")
    assert "model" not in {*surface.demands, *surface.forbids, *surface.renames}
    for path in surface.paths.values():
        assert set(re.findall(r"\{(\w+)\}", path)) <= {"model"}
    assert not surface.makers or set(surface.makers) <= set(catalog().makers)


def test_claude_on_vertex_names_its_version_in_the_body_and_the_model_in_the_path() -> None:
    for host_id in ("vertex", "vertex-eu", "vertex-global"):
        surface = catalog().host(host_id).surface("anthropic_messages")
        assert surface is not None
        assert surface.demands == {"anthropic_version": "vertex-2023-10-16"}
        assert "{model}" in surface.paths["chat"]
        assert "{model}" not in surface.paths["count_tokens"]


def test_every_host_of_anthropic_messages_that_wants_a_version_gets_one() -> None:
    versioned = {host.id for host, one in SURFACES if "anthropic-version" in one.headers}
    assert versioned == MUST_SAY_THEIR_VERSION


def test_the_hosts_that_the_residency_facts_place_in_the_eu_are_placed_there() -> None:
    places = {"openai-eu": "EEA+CH*", "vertex-eu": "EU*", "mistral-eu": "EU*", "scaleway": "FR", "ovhcloud": "FR"}
    places |= {"ionos": "DE", "stackit": "DE", "vertex-global": "GLOBAL", "deepseek": "CN"}
    assert {name: catalog().host(name).country for name in places} == places
    assert catalog().host("vertex").country is None, "an address alone does not decide it"


def test_a_dialect_that_this_release_has_may_be_named_in_a_row() -> None:
    assert {dialect.name for dialect in DIALECTS} <= set(SPOKEN_DIALECTS)


@pytest.mark.parametrize("host", rows().hosts, ids=name_of)
def test_a_host_can_be_asked_for_its_list_or_has_none_we_can_read(host: Host) -> None:
    if host.list_path is None:
        assert host.list_base_url is None
        return
    base = host.list_base_url or getattr(host.surface("openai_chat"), "base_url", None)
    assert base is not None or host.id == "openai-compatible"
    assert not host.list_path.startswith("/")


def test_a_router_promises_no_place() -> None:
    for host in rows().hosts:
        if host.is_router:
            assert host.country in {None, "GLOBAL"}, host.id


@pytest.mark.parametrize("offer", rows().offers, ids=name_of)
def test_an_offer_refers_to_rows_that_exist(offer: Offer) -> None:
    assert offer.host in catalog().hosts
    assert offer.model in catalog().models
    assert offer.country is None or is_known_place(offer.country)
    assert offer.upstream_model != offer.model, "leave out what says nothing"


def test_a_host_that_has_closed_offers_nothing() -> None:
    for offer in rows().offers:
        assert catalog().hosts[offer.host].closed_on is None, name_of(offer)


def test_no_host_offers_a_name_twice() -> None:
    names = Counter((offer.host, offer.upstream_name) for offer in rows().offers)
    assert [name for name, count in names.items() if count > 1] == []


def test_makers_do_not_offer_what_they_have_retired() -> None:
    for offer in rows().offers:
        model = catalog().models[offer.model]
        if offer.host == model.maker and not model.open_weights:
            assert model.state != "retired", name_of(offer)


def test_own_prices_are_positive_dated_and_refer_to_rows_that_exist() -> None:
    seen = Counter((price.host, price.model, price.since) for price in rows().prices)
    assert max(seen.values()) == 1
    for price in rows().prices:
        assert price.host in catalog().hosts
        assert price.model in catalog().models
        assert re.fullmatch(r"[A-Z]{3}", price.currency)
        amounts = [amount for amount in structs.asdict(price.figures).values() if amount is not None]
        assert min(amounts) >= 0
        assert sum(amounts) > 0 or price.host == "local" or price.note == "Free of charge."
        assert price.since <= price.as_of


def test_terms_of_prices_refer_to_rows_that_exist_and_are_named_once() -> None:
    terms = rows().terms
    assert len({one.id for one in terms}) == len(terms)
    for one in terms:
        assert set(one.hosts) <= set(catalog().hosts)
        assert one.since <= one.as_of
        assert one.factor > 0
        assert set(one.figures) <= set(Figures.__struct_fields__)
        for beginning in one.models:
            assert any(model.startswith(beginning) for model in catalog().models) or beginning.startswith("claude-")


def test_the_places_are_the_standard_s() -> None:
    assert len(EU_COUNTRIES) == 27
    assert len(ISO_COUNTRIES) == 249
    assert EU_COUNTRIES < ISO_COUNTRIES
