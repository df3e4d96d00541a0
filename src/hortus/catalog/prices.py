"""What does a model cost at a host on a day? Own dated rows first, then the `genai-prices` package with our terms.

Not for the gateway's worker, which gets its prices in the snapshot: the package brings pydantic along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hortus.catalog.packaged import PACKAGE, PACKAGE_CURRENCY, PACKAGE_VERSION, Packaged, packaged_price
from hortus.catalog.pricerows import Figures, OwnVariant, PriceRow, Variant
from hortus.catalog.rows import Host, Offer, OwnPrice, PriceTerms
from hortus.catalog.terms import bounded, terms_of

if TYPE_CHECKING:
    from hortus.catalog.lookup import Catalog

Kind = TypeVar("Kind", bound=Figures)

_BY_TOKEN = tuple(name for name in Figures.__struct_fields__ if name.endswith("_per_million"))
"""Figures that a factor applies to; searches, pictures and seconds cost the same everywhere."""


def price_of_offer(catalog: Catalog, offer: Offer, *, at: date) -> PriceRow | None:
    """Return what the offer costs on this day, None when no source says."""
    return price_of(catalog, offer.model, host=offer.host, upstream_model=offer.upstream_name, at=at)


def price_of(
    catalog: Catalog, model: str, *, host: str, at: date, upstream_model: str | None = None
) -> PriceRow | None:
    """Return what the model costs at the host on this day, None when no source says.

    Args:
        catalog: Where own prices, terms and the host's row are.
        model: Catalog id of the model, or any name that the catalog does not know.
        host: Catalog id of the host; an unknown one has no price.
        at: Day for which the price holds.
        upstream_model: What the host calls the model, where that is known to differ from the offer's row.
    """
    own = _own_price(catalog.rows.prices, model, host=host, at=at)
    row = own or _package_price(catalog, model, host=host, at=at, upstream_model=upstream_model)
    return bounded(row, catalog, model=model, host=host, at=at) if row is not None else None


def _package_price(catalog: Catalog, model: str, *, host: str, at: date, upstream_model: str | None) -> PriceRow | None:
    host_row = catalog.hosts.get(host)
    if host_row is None or host_row.prices is None:
        return None
    offers = [offer.upstream_name for offer in catalog.offers(model=model, host=host)]
    names = (*([upstream_model] if upstream_model else offers), model)
    packaged = packaged_price(host_row.prices, names=names, at=at)
    if packaged is None:
        return None
    terms = terms_of(catalog, model, host=host, at=at)
    as_of = catalog.rows.package_prices_as_of
    changed = "".join(f"+{one.id}" for one in terms if one.changes_amounts)
    return msgspec.structs.replace(
        _with_terms(packaged, terms, factor=_factor(catalog, model, host=host_row)),
        id=f"{PACKAGE}-{PACKAGE_VERSION}/{host}/{model}/{packaged.since or as_of}{changed}",
        as_of=as_of.isoformat(),
    )


def _own_price(rows: tuple[OwnPrice, ...], model: str, *, host: str, at: date) -> PriceRow | None:
    held = [row for row in rows if row.model == model and row.host == host and row.since <= at]
    if not held:
        return None
    row = max(held, key=lambda one: one.since)
    return PriceRow(
        id=f"catalog/{host}/{model}/{row.since}",
        currency=row.currency,
        source=row.source,
        as_of=row.as_of.isoformat(),
        since=row.since.isoformat(),
        variants=_variants(row.figures, row.variants),
        auto_tiers=row.auto_tiers,
        regions=row.regions,
        caps=row.caps,
        fixed_input_tokens=row.fixed_input_tokens,
        is_search_per_request=row.is_search_per_request,
        **msgspec.structs.asdict(row.figures),
    )


def _with_terms(packaged: Packaged, terms: Iterable[PriceTerms], *, factor: Decimal) -> PriceRow:
    added: dict[str, Decimal] = {}
    regions: dict[str, Decimal] = {}
    own: list[OwnVariant] = []
    remarks = list(packaged.remarks)
    for one in terms:
        factor *= one.factor
        added |= one.figures
        regions |= one.regions
        own += one.variants
    usual = _changed(packaged.usual, factor, added=added)
    more = _variants(usual, own)
    named = {(one.above_input_tokens, one.service_tier) for one in more}
    variants = [
        _changed(one, factor, added=added)
        for one in packaged.variants
        if (one.above_input_tokens, one.service_tier) not in named
    ]
    remarks += [f"times {factor.normalize():f} for the region"] if factor != 1 else []
    return PriceRow(
        id="",
        currency=PACKAGE_CURRENCY,
        source=", ".join((f"{PACKAGE} {PACKAGE_VERSION}", *remarks)),
        as_of="",
        since=packaged.since.isoformat() if packaged.since is not None else None,
        variants=tuple(sorted((*variants, *more), key=lambda one: one.above_input_tokens)),
        auto_tiers=tuple(dict.fromkeys(tier for one in terms for tier in one.auto_tiers)),
        regions=regions,
        is_search_per_request=any(one.is_search_per_request for one in terms),
        **msgspec.structs.asdict(usual),
    )


def _changed(figures: Kind, factor: Decimal, *, added: Mapping[str, Decimal]) -> Kind:
    """Return figures with each price of tokens multiplied, and what is added where there is none."""
    amounts = {name: amount for name, amount in added.items() if getattr(figures, name) is None}
    if factor != 1:
        held = {name: getattr(figures, name) for name in _BY_TOKEN}
        amounts |= {name: amount * factor for name, amount in held.items() if amount is not None}
    return msgspec.structs.replace(figures, **amounts) if amounts else figures


def _variants(usual: Figures, own: Iterable[OwnVariant]) -> tuple[Variant, ...]:
    """Return the variants of a row as full sets of figures, in the order of their lengths."""
    made = []
    for one in own:
        amounts = msgspec.structs.asdict(_changed(usual, one.factor, added={})) | one.figures
        made.append(Variant(**amounts, above_input_tokens=one.above_input_tokens, service_tier=one.service_tier))
    return tuple(sorted(made, key=lambda one: one.above_input_tokens))


def _factor(catalog: Catalog, model: str, *, host: Host) -> Decimal:
    if host.price_factor is None:
        return Decimal(1)
    row = catalog.models.get(model)
    is_older = (
        host.price_factor_since is not None
        and row is not None
        and row.released is not None
        and row.released < host.price_factor_since
    )
    return Decimal(1) if is_older else host.price_factor
