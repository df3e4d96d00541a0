"""What a host's own list changes: proposals with their unknowns, and retirements that are sure."""

from __future__ import annotations

from datetime import date
from functools import cache

import msgspec
import pytest

from hortus.catalog.cloudlistings import read_listing
from hortus.catalog.listings import Listing, ListingError
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog, NotInCatalogError
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.prices import price_of
from hortus.catalog.rows import ListShape
from hortus.catalog.sync import SyncReport, compare

TODAY = date(2026, 11, 23)


@cache
def catalog() -> Catalog:
    return load_catalog()


def openai_list(*names: str, **more: object) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [{"id": name, "object": "model"} for name in names], **more})


def unpriced(_: str) -> PriceRow | None:
    return None


def report(host: str, body: bytes, *, shape: ListShape = "openai") -> SyncReport:
    return compare(catalog(), host, listing=read_listing(body, shape=shape), price_by_name=unpriced, today=TODAY)


def test_openai_s_shape_is_read() -> None:
    body = msgspec.json.encode(
        {"data": [{"id": "m", "created": 1_755_000_000, "owned_by": "openai", "shutdown_date": "2027-01-14"}]}
    )
    (entry,) = read_listing(body, shape="openai").entries
    assert (entry.name, entry.maker, entry.created) == ("m", "openai", date(2025, 8, 12))
    assert entry.ends == date(2027, 1, 14)


def test_sizes_are_read_by_any_of_their_names() -> None:
    body = msgspec.json.encode(
        {"data": [{"id": "a", "context_window": 131072, "created": 0}, {"id": "b", "max_model_len": 4096}]}
    )
    first, second = read_listing(body, shape="openai").entries
    assert (first.context_tokens, first.created, second.context_tokens) == (131072, None, 4096)


@pytest.mark.parametrize("created", [b"1755000000000", b"-1", b"1e300", b"253402300800", b"0", b"null"])
def test_a_day_that_no_calendar_has_is_none(created: bytes) -> None:
    (entry,) = read_listing(b'{"data":[{"id":"m","created":' + created + b"}]}", shape="openai").entries
    assert entry.created is None


def test_endless_nesting_is_no_list() -> None:
    with pytest.raises(ListingError):
        read_listing(b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", shape="openai")


def test_a_bare_array_is_read_too() -> None:
    assert read_listing(b'[{"id": "m"}]', shape="openai") == Listing(
        entries=read_listing(b'{"data": [{"id": "m"}]}', shape="openai").entries, is_complete=True
    )


def test_gemini_s_shape_is_read_without_its_prefix() -> None:
    body = msgspec.json.encode(
        {
            "models": [
                {
                    "name": "models/gemini-x",
                    "displayName": "Gemini X",
                    "inputTokenLimit": 1000,
                    "outputTokenLimit": 10,
                    "supportedGenerationMethods": ["generateContent"],
                }
            ],
            "nextPageToken": "more",
        }
    )
    listing = read_listing(body, shape="gemini")
    (entry,) = listing.entries
    assert (entry.name, entry.title, entry.context_tokens, entry.output_tokens) == ("gemini-x", "Gemini X", 1000, 10)
    assert not listing.is_complete


def test_anthropic_s_shape_is_read() -> None:
    body = msgspec.json.encode(
        {
            "data": [
                {"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2026-07-24T00:00:00Z"}
            ],
            "has_more": False,
        }
    )
    listing = read_listing(body, shape="anthropic")
    (entry,) = listing.entries
    assert (entry.name, entry.created, listing.is_complete) == ("claude-x", date(2026, 7, 24), True)


@pytest.mark.parametrize("shape", ["openai", "gemini", "anthropic"])
@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data": [{"name": 1}]}', b""])
def test_an_answer_of_another_shape_is_refused(shape: ListShape, body: bytes) -> None:
    with pytest.raises(ListingError, match="not of the shape"):
        read_listing(body, shape=shape)


def test_a_model_that_the_catalog_knows_is_proposed_as_an_offer() -> None:
    (proposal,) = report("ionos", openai_list("openai/gpt-oss-120b", "openai/gpt-oss-20b")).proposals
    assert (proposal.row, proposal.model, proposal.upstream_model) == ("offers", "gpt-oss-20b", "openai/gpt-oss-20b")
    assert (proposal.country, proposal.unknown) == ("DE", ("price",))


def test_a_new_model_at_a_host_of_unknown_place_is_marked_so() -> None:
    (proposal,) = report("nebius", openai_list("acme/Brand-New")).proposals
    assert (proposal.row, proposal.model) == ("models", "acme/brand-new")
    assert proposal.unknown == ("price", "place", "maker", "licence")


def test_a_known_price_is_attached() -> None:
    listing = read_listing(openai_list("gpt-oss-20b", "brand-new"), shape="openai")
    found = compare(
        catalog(),
        "groq",
        listing=listing,
        price_by_name=lambda name: price_of(catalog(), name, host="groq", at=TODAY, upstream_model=name),
        today=TODAY,
    )
    assert [(one.model, "price" in one.unknown) for one in found.proposals] == [("brand-new", True)]
    assert found.known == 1


def test_what_the_host_no_longer_lists_is_reported() -> None:
    found = report("ionos", openai_list("openai/gpt-oss-120b"))
    assert [(one.model, one.ends) for one in found.retirements] == [("llama-3.3-70b-instruct", None)]
    assert found.known == 1


def test_other_names_of_a_model_count_as_listed() -> None:
    names = [offer.upstream_name for offer in catalog().offers(host="openai") if offer.model != "gpt-4o"]
    found = report("openai", openai_list(*names, "gpt-4o-2024-08-06"))
    assert found.retirements == ()
    assert found.proposals == ()


def test_an_announced_end_is_reported_with_its_day_and_replacement() -> None:
    names = [offer.upstream_name for offer in catalog().offers(host="openai") if offer.model != "gpt-4o"]
    entries: list[dict[str, str]] = [{"id": name} for name in names]
    body = msgspec.json.encode({"data": [*entries, {"id": "gpt-4o", "shutdown_date": "2027-01-14"}]})
    (retirement,) = report("openai", body).retirements
    assert (retirement.model, retirement.ends, retirement.replacement) == ("gpt-4o", date(2027, 1, 14), "gpt-6-luna")


@pytest.mark.parametrize("body", [openai_list(), openai_list("openai/gpt-oss-120b", has_more=True)])
def test_an_empty_or_partial_list_retires_nothing(body: bytes) -> None:
    found = report("ionos", body)
    assert found.retirements == ()
    assert not found.is_complete


def test_gemini_s_names_match_the_catalog() -> None:
    body = msgspec.json.encode({"models": [{"name": "models/gemini-2.5-pro"}]})
    found = report("google", body, shape="gemini")
    assert found.known == 1
    assert "gemini-2.5-pro" not in {one.model for one in found.retirements}


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(NotInCatalogError):
        report("nowhere", openai_list())
