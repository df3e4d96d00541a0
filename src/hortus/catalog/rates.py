"""What is one currency worth in another on a day? Dated rows, the organisation's own before the catalog's.

A row holds in the direction that it states. The other direction is reckoned from it by one division, rounded up in the
last of fifteen digits, so that what is reserved or charged by it is never too little. No row: no rate, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal

import msgspec

from hortus.catalog.pricerows import RateRow

_INVERSE = Context(prec=15, rounding=ROUND_CEILING)
"""By which precision the other direction of a row is reckoned."""

_ONE = Decimal(1)


class Rate(msgspec.Struct, frozen=True):
    """A rate that was looked up.

    Attributes:
        id: Names the row in receipts; ends in `/inverse` where the row states the other direction.
        factor: What one unit is worth.
    """

    id: str
    factor: Decimal


def rate_of(rows: Iterable[RateRow], from_currency: str, *, to_currency: str, at: date) -> Rate | None:
    """Return what one unit of a currency is worth in another on a day (UTC), None when no row says.

    Of the rows that hold, an own one comes before those of the catalog, a later one before an earlier one, and one
    that states this direction before one that states the other.
    """
    pair = {(from_currency, to_currency): True, (to_currency, from_currency): False}
    held = [row for row in rows if row.since <= at and (row.from_currency, row.to_currency) in pair]
    if not held:
        return None
    best = max(held, key=lambda row: (row.is_own, row.since, pair[row.from_currency, row.to_currency]))
    if pair[best.from_currency, best.to_currency]:
        return Rate(best.id, best.factor)
    return Rate(f"{best.id}/inverse", _INVERSE.divide(_ONE, best.factor))
