"""What is in the catalog? Rows by id, offers, and search; pure and without prices of other packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

import msgspec

from hortus.base.addresses import address_in, kind_of
from hortus.base.errors import HortusError
from hortus.catalog.abilities import Feature
from hortus.catalog.auth import ROUTABLE_AUTH
from hortus.catalog.places import is_within
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Host, Maker, Model, Offer, Rows, State, Surface

Kind = TypeVar("Kind")

PriceOf = Callable[[Offer], PriceRow | None]
"""Says what an offer costs, None when unknown: `functools.partial(prices.price_of_offer, catalog, at=day)`."""

PriceOn = Callable[[Offer, date], PriceRow | None]
"""Says what an offer cost on a day, as far as it is known today."""

SPOKEN_DIALECTS = (
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini",
    "bedrock_converse",
    "bedrock_invoke",
    "mistral",
    "cohere_v2",
    "openai_audio",
    "openai_images",
    "jina_rerank",
    "openai_moderations",
    "openai_realtime",
    "gemini_live",
    "openai_files",
    "openai_batches",
    "openai_fine_tuning",
    "anthropic_batches",
    "mistral_batches",
)
"""What this release can speak towards hosts."""

BESIDE_CHAT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "openai_files": frozenset(("files",)),
        "openai_batches": frozenset(("batches",)),
        "openai_fine_tuning": frozenset(("fine_tuning",)),
        "anthropic_batches": frozenset(("batches",)),
        "mistral_batches": frozenset(("batches",)),
    }
)
"""Dialects without chats, and for which operations of an endpoint they are spoken."""

WITHOUT_CHATS: frozenset[str] = frozenset(
    (
        *BESIDE_CHAT,
        *("openai_audio", "openai_images", "openai_moderations", "openai_realtime", "gemini_live"),
        *("jina_rerank", "bedrock_invoke"),
    )
)
"""All dialects that carry no chat; what a chat may ask of a host need not work in them."""


class NotInCatalogError(HortusError):
    """A maker, model or host that no row names."""

    code = "not_in_catalog"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; every member that is set must hold.

    Attributes:
        words: Each must occur in the model's id, name, family, licence or aliases, or its maker's name.
        max_price: Of an offer: the dearer of input and output per million tokens, in the price's own currency.
        place: An offer computes there: a country's code or `EU`. An unknown place never matches.
        host: An offer is made by this host.
        states: One of these.
    """

    words: tuple[str, ...] = ()
    maker: str | None = None
    open_weights: bool | None = None
    max_price: Decimal | None = None
    place: str | None = None
    host: str | None = None
    states: tuple[State, ...] = ()
    feature: Feature | None = None


class PricedOffer(msgspec.Struct, frozen=True):
    """An offer with what was found about its price and place; None is unknown."""

    offer: Offer
    country: str | None
    price: PriceRow | None


class Found(msgspec.Struct, frozen=True):
    """A model that matches, with its offers that do."""

    model: Model
    maker: Maker
    offers: tuple[PricedOffer, ...]


class Catalog:
    """All rows with their indexes; never changes."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.makers: Mapping[str, Maker] = MappingProxyType({maker.id: maker for maker in rows.makers})
        self.models: Mapping[str, Model] = MappingProxyType({model.id: model for model in rows.models})
        self.hosts: Mapping[str, Host] = MappingProxyType({host.id: host for host in rows.hosts})

    def maker(self, maker_id: str) -> Maker:
        """Return the maker.

        Raises:
            NotInCatalogError: No row has this id.
        """
        return _get(self.makers, maker_id, "maker")

    def model(self, model_id: str) -> Model:
        """Return the model.

        Raises:
            NotInCatalogError: No row has this id.
        """
        return _get(self.models, model_id, "model")

    def host(self, host_id: str) -> Host:
        """Return the host.

        Raises:
            NotInCatalogError: No row has this id.
        """
        return _get(self.hosts, host_id, "host")

    def offers(self, *, model: str | None = None, host: str | None = None) -> tuple[Offer, ...]:
        """Return who serves the model, or what the host serves, in the order of the files."""
        return tuple(
            offer
            for offer in self.rows.offers
            if (model is None or offer.model == model) and (host is None or offer.host == host)
        )

    def country_of(self, offer: Offer) -> str | None:
        """Return where the offer computes, None when unknown."""
        return offer.country or self.hosts[offer.host].country

    def model_named(self, name: str) -> Model | None:
        """Return the model that hosts call so: by id, alias or a name in an offer; capitals do not count."""
        wanted = name.lower()
        for model in self.rows.models:
            if wanted in {model.id.lower(), *(alias.lower() for alias in model.aliases)}:
                return model
        for offer in self.rows.offers:
            if wanted == offer.upstream_name.lower():
                return self.models[offer.model]
        return None

    def search(self, query: Query, *, price_of: PriceOf) -> tuple[Found, ...]:
        """Return the models that match, in the order of the files.

        A query about price, place or host asks of one offer that all of them hold; models without such an offer
        are left out. Without one, every model that matches is found with all its offers.
        """
        matches = (model for model in self.rows.models if self._matches(model, query))
        found = [
            Found(model=model, maker=self.makers[model.maker], offers=self._offers_for(model, query, price_of=price_of))
            for model in matches
        ]
        asks_of_offers = query.max_price is not None or query.place is not None or query.host is not None
        return tuple(one for one in found if one.offers or not asks_of_offers)

    def _matches(self, model: Model, query: Query) -> bool:
        maker = self.makers[model.maker]
        text = " ".join((model.id, model.name, model.family, model.licence or "", maker.name, *model.aliases)).lower()
        return (
            all(word.lower() in text for word in query.words)
            and query.maker in {None, model.maker}
            and query.open_weights in {None, model.open_weights}
            and (not query.states or model.state in query.states)
            and (query.feature is None or query.feature in model.features)
        )

    def _offers_for(self, model: Model, query: Query, *, price_of: PriceOf) -> tuple[PricedOffer, ...]:
        kept = []
        for offer in self.offers(model=model.id, host=query.host):
            country = self.country_of(offer)
            if query.place is not None and not is_within(country, query.place):
                continue
            price = price_of(offer)
            if query.max_price is None or (price is not None and _dearest(price) <= query.max_price):
                kept.append(PricedOffer(offer=offer, country=country, price=price))
        return tuple(kept)


def can_route(host: Host) -> bool:
    """Say whether routes can be made to this host: it speaks a dialect of ours with a credential that we can send.

    Never to a host that has closed, and not to this installation itself: its deployments make their own routes.
    """
    return host.closed_on is None and host.id != "local" and any(is_routable(surface) for surface in host.surfaces)


def lies_here(host: Host) -> bool:
    """Say whether a host is a program on this machine by its row, as servers of one's own are."""
    found = [address_in(surface.base_url) for surface in host.surfaces if surface.base_url is not None]
    return any(address is not None and kind_of(address) == "loopback" for address in found)


def is_routable(surface: Surface) -> bool:
    """Say whether this release can send requests to a surface: it knows dialect and authentication."""
    return surface.dialect in SPOKEN_DIALECTS and surface.auth in ROUTABLE_AUTH


def _dearest(price: PriceRow) -> Decimal:
    return max(price.input_per_million, price.output_per_million)


_LISTED = {
    "maker": "It has {ids}.",
    "model": "`hortus catalog` with a word or two searches.",
    "host": "`hortus catalog hosts` lists them.",
}
"""Where to look for a row that exists."""


def _get(rows: Mapping[str, Kind], row_id: str, noun: str) -> Kind:
    try:
        return rows[row_id]
    except KeyError:
        near = [known for known in rows if row_id.lower() in known.lower()][:5]
        hint = f"Did you mean {', '.join(near)}?" if near else _LISTED[noun].format(ids=", ".join(rows))
        raise NotInCatalogError(f"The catalog has no {noun} {row_id!r}.", hint=hint) from None
