"""What changed at a host? Reads the answer of its list call and compares it with the catalog; no I/O.

Nothing is written: the report proposes rows, with what is unknown marked, and names what the host no longer lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from hortus.catalog.listings import Listed, Listing, bare
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Offer

if TYPE_CHECKING:
    from hortus.catalog.lookup import Catalog

PriceByName = Callable[[str], PriceRow | None]
"""What the host's own name of a model costs there, None when unknown."""


class Proposal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that the catalog lacks.

    Attributes:
        row: `offers` where the catalog knows the model, `models` where that is new too.
        model: Catalog id, known or proposed.
        unknown: What a person must find out before relying on the row: `price`, `place`, `maker`, `licence`.
    """

    row: Literal["offers", "models"]
    host: str
    upstream_model: str
    model: str
    unknown: tuple[str, ...]
    listed: Listed
    country: str | None = None
    price: PriceRow | None = None


class Retirement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model that the catalog says the host serves, and which it does not list or will stop serving.

    Attributes:
        ends: The announced day; None: it is gone already.
    """

    host: str
    model: str
    upstream_model: str
    state: str
    ends: date | None = None
    replacement: str | None = None


class SyncReport(msgspec.Struct, frozen=True):
    """The difference between one host's list and the catalog. `known`: entries that both have."""

    host: str
    known: int
    proposals: tuple[Proposal, ...]
    retirements: tuple[Retirement, ...]
    is_complete: bool


def compare(catalog: Catalog, host_id: str, *, listing: Listing, price_by_name: PriceByName, today: date) -> SyncReport:
    """Compare what the host lists with what the catalog says that it serves.

    An empty or partial list says nothing about retirements.

    Raises:
        NotInCatalogError: The catalog has no such host.
    """
    host = catalog.host(host_id)
    offers = catalog.offers(host=host.id)
    known = {name: offer for offer in offers for name in _names_of(catalog, offer)}
    fresh = [entry for entry in listing.entries if bare(entry.name) not in known]
    is_complete = listing.is_complete and bool(listing.entries)
    return SyncReport(
        host=host.id,
        known=len(listing.entries) - len(fresh),
        proposals=tuple(_propose(catalog, host.id, entry, price=price_by_name(entry.name)) for entry in fresh),
        retirements=tuple(_retirements(catalog, offers, listing=listing, is_complete=is_complete, today=today)),
        is_complete=is_complete,
    )


def _propose(catalog: Catalog, host_id: str, entry: Listed, *, price: PriceRow | None) -> Proposal:
    model = catalog.model_named(bare(entry.name))
    country = catalog.hosts[host_id].country
    doubts = {"price": price is None, "place": country is None, "maker": model is None, "licence": model is None}
    return Proposal(
        row="models" if model is None else "offers",
        host=host_id,
        upstream_model=entry.name,
        model=bare(entry.name) if model is None else model.id,
        unknown=tuple(name for name, is_open in doubts.items() if is_open),
        listed=entry,
        country=country,
        price=price,
    )


def _retirements(
    catalog: Catalog, offers: Iterable[Offer], *, listing: Listing, is_complete: bool, today: date
) -> Iterable[Retirement]:
    listed = {bare(entry.name): entry for entry in listing.entries}
    for offer in offers:
        model = catalog.models[offer.model]
        entry = next((listed[name] for name in _names_of(catalog, offer) if name in listed), None)
        is_gone = entry is None and is_complete
        is_announced = entry is not None and entry.ends is not None and entry.ends >= today
        if is_gone or is_announced:
            yield Retirement(
                host=offer.host,
                model=offer.model,
                upstream_model=offer.upstream_name,
                state=model.state,
                ends=entry.ends if entry is not None else None,
                replacement=model.replacement,
            )


def _names_of(catalog: Catalog, offer: Offer) -> tuple[str, ...]:
    model = catalog.models[offer.model]
    return tuple(bare(name) for name in (offer.upstream_name, model.id, *model.aliases))
