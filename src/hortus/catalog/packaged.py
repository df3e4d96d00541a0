"""What does the `genai-prices` package say that a model costs? Its tiers and variants as sets of figures.

The only module that may import `genai_prices`: it brings pydantic along, which the gateway's worker never loads.
A price that depends on the time of day is given as the dearest of the day; `remarks` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Context, Decimal
from importlib.metadata import version
from types import MappingProxyType
from typing import Final

import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from hortus.catalog.pricerows import Figures, Variant

PACKAGE: Final = "genai-prices"
PACKAGE_VERSION: Final = version(PACKAGE)
PACKAGE_CURRENCY: Final = "USD"  # every price of the package, by its documentation

_FIGURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "input_per_million": ("input_mtok",),
        "output_per_million": ("output_mtok",),
        "cached_input_per_million": ("cache_read_mtok", "cache_text_read_mtok"),
        "cache_write_per_million": ("cache_write_mtok", "cache_write_5m_mtok"),
        "cache_write_long_per_million": ("cache_write_1h_mtok",),
        "input_audio_per_million": ("input_audio_mtok",),
        "cached_audio_per_million": ("cache_audio_read_mtok",),
        "output_audio_per_million": ("output_audio_mtok",),
        "input_image_per_million": ("input_image_mtok",),
        "output_image_per_million": ("output_image_mtok",),
        "per_thousand_searches": ("web_searches_kcount",),
        "per_second": ("input_audio_hours", "audio_hours"),
        "per_request": ("requests_kcount",),
    }
)
"""Our name of a figure -> the package's, the first that has a price."""

_UNITS = MappingProxyType({"per_second": Decimal(3600), "per_request": Decimal(1000)})
"""Figures that the package has for so many of our units."""

_UNROUNDED = Context(prec=20, rounding=ROUND_CEILING)
"""A price for an hour that no second divides is rounded up in the last of so many digits."""

_TIERS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("priority", {"service_tier": "priority"}),
    ("flex", {"service_tier": "flex"}),
    ("fast", {"service_tier": "fast"}),
    ("fast", {"speed": "fast"}),
    ("batch", {"processing": "batch"}),
)
"""Our name of a service tier, and how the package is asked for it."""


class Packaged(msgspec.Struct, frozen=True):
    """A price of the package.

    Attributes:
        usual: Figures of short inputs, served as usual.
        variants: Full sets of figures for long inputs and service tiers.
        since: Day from which it holds, None where the package does not say.
        remarks: What one should know of it.
    """

    usual: Figures
    variants: tuple[Variant, ...]
    since: date | None
    remarks: tuple[str, ...]


def packaged_price(provider_id: str, *, names: tuple[str, ...], at: date) -> Packaged | None:
    """Return what the first of these names costs at a provider, None where the package does not know.

    It never answers with another provider's price for the same model.
    """
    info = _model_of(provider_id, names)
    if info is None:
        return None
    moments = _moments(info, at)
    usual = _sets_of(info, moments, context={})
    if not usual:
        return None
    variants = [_variant(figures, above, None) for above, figures in usual.items() if above]
    for tier, context in _TIERS:
        served = _sets_of(info, moments, context=context)
        if served != usual:
            variants += [_variant(figures, above, tier) for above, figures in served.items()]
    return Packaged(
        usual=usual[0],
        variants=tuple(sorted(variants, key=lambda one: one.above_input_tokens)),
        since=_since(info, at),
        remarks=("dearest time of day",) if len(moments) > 1 else (),
    )


def _model_of(provider_id: str, names: tuple[str, ...]) -> ModelInfo | None:
    provider = next((one for one in get_snapshot().providers if one.id == provider_id), None)
    if provider is None:
        return None
    return next((found for name in names if (found := provider.find_model(name)) is not None), None)


def _sets_of(info: ModelInfo, moments: tuple[datetime, ...], *, context: Mapping[str, str]) -> dict[int, Figures]:
    """Return the figures by the length of input above which they hold; empty where input has no price."""
    price = max((info.get_prices(moment, dict(context)) for moment in moments), key=_weight)
    values = {ours: value for ours, theirs in _FIGURES.items() if (value := _value(price, theirs)) is not None}
    if "input_per_million" not in values:
        return {}
    values.setdefault("output_per_million", Decimal(0))
    tiers = [value.tiers for value in values.values() if isinstance(value, TieredPrices)]
    starts = sorted({0, *(tier.start for group in tiers for tier in group)})
    if "per_second" in values:
        values.setdefault("input_audio_per_million", Decimal(0))  # sound that is charged by time is not charged again
    return {start: _figures(values, above=start) for start in starts}


def _figures(values: Mapping[str, Decimal | TieredPrices], *, above: int) -> Figures:
    amounts = {name: _at_length(value, above) for name, value in values.items()}
    for name, units in _UNITS.items():
        if name in amounts:
            amounts[name] = _UNROUNDED.divide(amounts[name], units)
    return msgspec.convert(amounts, Figures)


def _at_length(value: Decimal | TieredPrices, above: int) -> Decimal:
    if not isinstance(value, TieredPrices):
        return value
    reached = [tier.price for tier in value.tiers if tier.start <= above and above]
    return reached[-1] if reached else value.base


def _value(price: ModelPrice, names: tuple[str, ...]) -> Decimal | TieredPrices | None:
    return next((value for name in names if (value := getattr(price, name)) is not None), None)


def _variant(figures: Figures, above: int, tier: str | None) -> Variant:
    return Variant(**msgspec.structs.asdict(figures), above_input_tokens=above, service_tier=tier)


def _moments(info: ModelInfo, at: date) -> tuple[datetime, ...]:
    """Return one moment of the day in each span of time that the price tells apart."""
    spans = info.prices if isinstance(info.prices, list) else []
    clock = {time(0)}
    for span in spans:
        if isinstance(span.constraint, TimeOfDateConstraint):
            clock |= {span.constraint.start_time.replace(tzinfo=None), span.constraint.end_time.replace(tzinfo=None)}
    return tuple(datetime.combine(at, moment, tzinfo=UTC) for moment in sorted(clock))


def _since(info: ModelInfo, at: date) -> date | None:
    """Return the latest day, up to this one, on which the usual price changed."""
    spans = info.prices if isinstance(info.prices, list) else []
    days = [span.constraint.start_date for span in spans if isinstance(span.constraint, StartDateConstraint)]
    return max((day for day in days if day <= at), default=None)


def _weight(price: ModelPrice) -> tuple[Decimal, Decimal]:
    return (_base(price.output_mtok), _base(price.input_mtok))


def _base(price: Decimal | TieredPrices | None) -> Decimal:
    return (price.base if isinstance(price, TieredPrices) else price) or Decimal(0)
