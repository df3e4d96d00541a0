"""What an attempt cost, and what it may cost at most: exact arithmetic over a price row."""

from __future__ import annotations

from decimal import Decimal

from hortus.base.money import MILLION
from hortus.canon.usage import Usage
from hortus.catalog.rows import PriceRow

OUTPUT_TOKENS_ASSUMED = 8192
"""Output reserved for a client that sets no limit; hosts have limits of their own that Hortus does not know."""

_ZERO = Decimal(0)


def cost_of(usage: Usage, price: PriceRow) -> Decimal:
    """Return the exact cost of `usage`, in the row's currency.

    Cached input costs the full price where the row has none for it: never too little.
    """
    if _is_free(price):
        return _ZERO
    cached_price = price.input_per_million if price.cached_input_per_million is None else price.cached_input_per_million
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    total = (
        price.input_per_million * (usage.input_tokens - cached)
        + cached_price * cached
        + price.output_per_million * usage.output_tokens
    )
    return total / MILLION


def bound_of(price: PriceRow, *, input_bytes: int, output_limit: int | None) -> Decimal:
    """Return an upper bound of the cost of a request: a token is at least one byte of it."""
    if _is_free(price):
        return _ZERO
    output_tokens = OUTPUT_TOKENS_ASSUMED if output_limit is None else output_limit
    return (price.input_per_million * input_bytes + price.output_per_million * output_tokens) / MILLION


def _is_free(price: PriceRow) -> bool:
    return not price.input_per_million and not price.output_per_million
