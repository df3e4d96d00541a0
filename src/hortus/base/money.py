"""Money is a decimal amount with a currency, never a float."""

from __future__ import annotations

from decimal import Decimal

import msgspec

MILLION = Decimal(1_000_000)


class Money(msgspec.Struct, frozen=True):
    """An amount in one currency (ISO 4217 code)."""

    amount: Decimal
    currency: str


def cost_of(tokens: int, *, per_million: Decimal) -> Decimal:
    """Return the exact price of `tokens` at `per_million` (same currency, not rounded)."""
    return per_million * tokens / MILLION
