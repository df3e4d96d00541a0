"""Money is a decimal amount, never a float, and never rounded in arithmetic."""

from __future__ import annotations

from decimal import Context, Decimal

MILLION = Decimal(1_000_000)

EXACT = Context(prec=60)
"""For sums and products of amounts: they have some 30 digits, and the usual 28 would round."""
