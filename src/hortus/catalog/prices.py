"""What does a model cost at a host on a day? Own dated rows first, then the `genai-prices` package.

The only module that may import `genai_prices`: it brings pydantic along, which the gateway's worker never loads.
A price that depends on the length of the input or the time of day is given as one row: the tier of short inputs,
and the dearest time of the day; `source` says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices, TimeOfDateConstraint

from hortus.catalog.rows import Host, Offer, OwnPrice, PriceRow

if TYPE_CHECKING:
    from hortus.catalog.lookup import Catalog

PACKAGE: Final = "genai-prices"
PACKAGE_CURRENCY: Final = "USD"  # every price of the package, by its documentation


def price_of_offer(catalog: Catalog, offer: Offer, *, at: date) -> PriceRow | None:
    """Return what the offer costs on this day, None when no source says."""
    return price_of(catalog, offer.model, host=offer.host, upstream_model=offer.upstream_name, at=at)


def price_of(
    catalog: Catalog, model: str, *, host: str, at: date, upstream_model: str | None = None
) -> PriceRow | None:
    """Return what the model costs at the host on this day, None when no source says.

    Args:
        catalog: Where own prices and the host's row are.
        model: Catalog id of the model, or any name that the catalog does not know.
        host: Catalog id of the host; an unknown one has no price.
        at: Day for which the price holds.
        upstream_model: What the host calls the model, where that is known to differ from the offer's row.
    """
    own = _own_price(catalog.rows.prices, model, host=host, at=at)
    if own is not None:
        return own
    host_row = catalog.hosts.get(host)
    if host_row is None or host_row.prices is None:
        return None
    names = (
        [upstream_model]
        if upstream_model
        else [offer.upstream_name for offer in catalog.offers(model=model, host=host)]
    )
    info = _package_model(host_row.prices, names=(*names, model))
    if info is None:
        return None
    return _package_price(catalog, info, model=model, host=host_row, at=at)


def _own_price(rows: tuple[OwnPrice, ...], model: str, *, host: str, at: date) -> PriceRow | None:
    held = [row for row in rows if row.model == model and row.host == host and row.since <= at]
    if not held:
        return None
    row = max(held, key=lambda one: one.since)
    return PriceRow(
        id=f"catalog/{host}/{model}/{row.since}",
        currency=row.currency,
        input_per_million=row.figures.input_per_million,
        output_per_million=row.figures.output_per_million,
        cached_input_per_million=row.figures.cached_input_per_million,
        source=row.source,
        as_of=row.as_of.isoformat(),
    )


def _package_model(provider_id: str, *, names: tuple[str, ...]) -> ModelInfo | None:
    provider = next((one for one in get_snapshot().providers if one.id == provider_id), None)
    if provider is None:
        return None
    # Without `all_providers` the package never answers with another host's price for the same model.
    return next((info for name in names if (info := provider.find_model(name)) is not None), None)


def _package_price(catalog: Catalog, info: ModelInfo, *, model: str, host: Host, at: date) -> PriceRow | None:
    moments = _moments(info, at)
    price = max((info.get_prices(moment) for moment in moments), key=_weight)
    input_price = _base(price.input_mtok)
    if input_price is None:
        return None
    factor = _factor(catalog, model, host=host)
    remarks = [PACKAGE, version(PACKAGE)]
    remarks += ["lowest tier of input length"] if _is_tiered(price) else []
    remarks += ["dearest time of day"] if len(moments) > 1 else []
    remarks += [f"times {factor} for the region"] if factor != 1 else []
    as_of = catalog.rows.package_prices_as_of.isoformat()
    cached = _base(price.cache_read_mtok)
    return PriceRow(
        id=f"{PACKAGE}-{version(PACKAGE)}/{host.id}/{model}/{as_of}",
        currency=PACKAGE_CURRENCY,
        input_per_million=input_price * factor,
        output_per_million=(_base(price.output_mtok) or Decimal(0)) * factor,
        cached_input_per_million=None if cached is None else cached * factor,
        source=", ".join((" ".join(remarks[:2]), *remarks[2:])),
        as_of=as_of,
    )


def _moments(info: ModelInfo, at: date) -> tuple[datetime, ...]:
    """Return one moment of the day in each span of time that the price tells apart."""
    spans = info.prices if isinstance(info.prices, list) else []
    clock = {time(0)}
    for span in spans:
        if isinstance(span.constraint, TimeOfDateConstraint):
            clock |= {span.constraint.start_time.replace(tzinfo=None), span.constraint.end_time.replace(tzinfo=None)}
    return tuple(datetime.combine(at, moment, tzinfo=UTC) for moment in sorted(clock))


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


def _weight(price: ModelPrice) -> tuple[Decimal, Decimal]:
    return (_base(price.output_mtok) or Decimal(0), _base(price.input_mtok) or Decimal(0))


def _base(price: Decimal | TieredPrices | None) -> Decimal | None:
    return price.base if isinstance(price, TieredPrices) else price


def _is_tiered(price: ModelPrice) -> bool:
    return isinstance(price.input_mtok, TieredPrices) or isinstance(price.output_mtok, TieredPrices)
