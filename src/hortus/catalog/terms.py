"""Which terms of its host hold for a model, and what do they and its window bound, where a price itself is silent?

Pure; without prices of other packages.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from hortus.catalog.pricerows import Cap, PriceRow
from hortus.catalog.rows import PriceTerms

if TYPE_CHECKING:
    from hortus.catalog.lookup import Catalog


def terms_of(catalog: Catalog, model: str, *, host: str, at: date) -> list[PriceTerms]:
    """Return the terms that hold for a model at a host on a day, in the order of the file."""
    return [one for one in catalog.rows.terms if one.holds(model, host=host, at=at)]


def bounded(price: PriceRow, catalog: Catalog, *, model: str, host: str, at: date) -> PriceRow:
    """Return the price with caps and fixed input of the model and of the host's terms where it has none itself."""
    row = catalog.models.get(model)
    caps: dict[Cap, int] = {}
    if row is not None and row.context_tokens is not None:
        caps["context_tokens"] = row.context_tokens
    terms = terms_of(catalog, model, host=host, at=at)
    for one in terms:
        caps |= one.caps
    fixed = price.fixed_input_tokens or max((one.fixed_input_tokens for one in terms), default=0)
    return msgspec.structs.replace(price, caps=caps | price.caps, fixed_input_tokens=fixed)
