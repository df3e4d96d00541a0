"""How an organisation's own prices and currency rates become rows like those of the catalog.

A row's id never names two things: whoever changes a price or a rate without another day gets another id all the same.
"""

from __future__ import annotations

from datetime import date
from hashlib import blake2b

import msgspec

from hortus.catalog.pricerows import PriceRow, RateRow
from hortus.snapshot.declared import EndpointSpec, RateSpec

OWN = "own"
"""Origin of what is declared, where nobody says more."""

_DIGEST_BYTES = 4


def own_price(spec: EndpointSpec, *, origin: str, today: date) -> PriceRow | None:
    """Return the endpoint's price by a contract of one's own, None where it has none that holds today.

    Its id is `ORIGIN/ENDPOINT/DAY~DIGEST`, such as `file/large-eu/2026-11-01~5f0c91d2`.
    """
    price = spec.price
    if price is None or price.since > today:
        return None
    digest = blake2b(msgspec.json.encode(price), digest_size=_DIGEST_BYTES).hexdigest()
    return price.row(f"{origin}/{spec.name}/{price.since.isoformat()}~{digest}")


def own_rate(spec: RateSpec) -> RateRow:
    """Return the rate as it is looked up; its id holds the factor: `own/EUR-USD/2026-11-01/1.0834`."""
    pair = f"{spec.from_currency}-{spec.to_currency}"
    return RateRow(
        id=f"{OWN}/{pair}/{spec.since.isoformat()}/{spec.factor:f}",
        from_currency=spec.from_currency,
        to_currency=spec.to_currency,
        factor=spec.factor,
        since=spec.since,
        is_own=True,
    )
