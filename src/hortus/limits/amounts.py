"""Exact sums: a budget must not lose a digit, however large it is and however small a charge."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from hortus.base.money import EXACT

ZERO = Decimal(0)

add = EXACT.add
subtract = EXACT.subtract

_WHOLE = Decimal(1)
_SMALLEST = Decimal("0.000001")


def part_of(amount: Decimal, share: Decimal, *, is_whole: bool) -> Decimal:
    """Return about that share of an amount, rounded down to few digits; never less than nothing.

    For portions only, which may be of any size: what somebody needs or has spent is never rounded.
    """
    part = EXACT.multiply(amount, share)
    step = _WHOLE if is_whole else _SMALLEST
    return max(part.quantize(step, ROUND_FLOOR, EXACT), ZERO)
