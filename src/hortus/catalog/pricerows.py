"""What does a price consist of, and the worth of a currency, where they are looked up?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What units cost. Amounts in the row's currency; None: no price of its own, the next more general one holds.

    Attributes:
        cached_input_per_million: Read from the host's cache; else as input.
        cache_write_per_million: Written to the cache for the usual while (about five minutes); else as input.
        cache_write_long_per_million: Written to stay longer (an hour); else as the usual write.
        input_audio_per_million: Tokens of sound; else as input. Likewise the others by their direction.
        cached_audio_per_million: Tokens of sound read from the cache; else as sound.
        per_image: For each picture that is made, besides its tokens.
        per_second: For each second of sound that is read or made.
        per_thousand_searches: Searches of the web.
        per_thousand_pages: Pages of documents that are read.
        per_million_characters: Characters of text that are spoken.
        per_thousand_search_units: Portions of a ranking: a query with so many documents.
        per_request: For the request as such.
    """

    input_per_million: Decimal
    output_per_million: Decimal
    cached_input_per_million: Decimal | None = None
    cache_write_per_million: Decimal | None = None
    cache_write_long_per_million: Decimal | None = None
    input_audio_per_million: Decimal | None = None
    cached_audio_per_million: Decimal | None = None
    output_audio_per_million: Decimal | None = None
    input_image_per_million: Decimal | None = None
    output_image_per_million: Decimal | None = None
    per_image: Decimal | None = None
    per_second: Decimal | None = None
    per_thousand_searches: Decimal | None = None
    per_thousand_pages: Decimal | None = None
    per_million_characters: Decimal | None = None
    per_thousand_search_units: Decimal | None = None
    per_request: Decimal | None = None


class Variant(Figures, frozen=True, kw_only=True, omit_defaults=True):
    """What units cost instead, under conditions that both must hold.

    Attributes:
        above_input_tokens: The input is longer than this, cached tokens included; the whole request then costs so.
        service_tier: The host says that it was served so (`priority`, `flex`, `batch`, `fast`); None: as usual.
    """

    above_input_tokens: int = 0
    service_tier: str | None = None


Cap = Literal[
    "context_tokens",
    "searches",
    "image_tokens",
    "document_tokens",
    "kept_tokens",
    "server_tool_calls",
    "output_image_tokens",
    "pages",
]
"""What bounds a unit that the bytes of a request do not bound, each the most that can be charged:

- `context_tokens`: of input that the model takes at once, whatever it consists of;
- `searches`: in one request;
- `image_tokens`: for one picture of the input, `document_tokens`: for one document, film or other file;
- `kept_tokens`: for history or content that the host keeps and the request points at;
- `server_tool_calls`: in one request, of all tools that the host itself runs;
- `output_image_tokens`: for one picture that is made;
- `pages`: of one document that is read.
"""


class PriceRow(Figures, frozen=True, forbid_unknown_fields=False, omit_defaults=True):
    """A price that was looked up; field for field what endpoints carry.

    Attributes:
        id: Names the row in receipts: source, host, model and date.
        as_of: Date (YYYY-MM-DD) on which the source said so.
        since: Date from which it holds, None where the source does not say.
        variants: Full sets of figures for long inputs and service tiers, in the order of `above_input_tokens`.
        auto_tiers: Service tiers that the host may choose by itself, where the request names none.
        regions: Where the host says it computed -> by what the price of tokens is multiplied there.
        caps: What bounds units that the bytes of a request do not bound.
        fixed_input_tokens: What the host counts beyond the request's own bytes: chat template, preamble of tools.
        is_search_per_request: A request with any number of searches costs one.
    """

    id: str
    currency: str
    source: str
    as_of: str
    since: str | None = None
    variants: tuple[Variant, ...] = ()
    auto_tiers: tuple[str, ...] = ()
    regions: dict[str, Decimal] = {}
    caps: dict[Cap, int] = {}
    fixed_input_tokens: int = 0
    is_search_per_request: bool = False


class OwnVariant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Conditions of a `Variant`, and what the row's usual figures become under them.

    Attributes:
        factor: Of every price of tokens.
        figures: Name of a figure -> what stands instead, whatever the factor.
    """

    above_input_tokens: int = 0
    service_tier: str | None = None
    factor: Decimal = Decimal(1)
    figures: dict[str, Decimal] = {}


class ContractPrice(Figures, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an organisation itself pays at an endpoint, from a day on; the other members are those of `PriceRow`.

    Attributes:
        source: Where it says so: a contract, an offer, a page.
    """

    currency: str
    since: date
    source: str = "own contract"
    variants: tuple[Variant, ...] = ()
    auto_tiers: tuple[str, ...] = ()
    regions: dict[str, Decimal] = {}
    caps: dict[Cap, int] = {}
    fixed_input_tokens: int = 0
    is_search_per_request: bool = False

    def row(self, row_id: str) -> PriceRow:
        """Return the price row of that id."""
        since = self.since.isoformat()
        variants = tuple(sorted(self.variants, key=lambda variant: variant.above_input_tokens))
        own = {"id": row_id, "since": since, "as_of": since, "variants": variants}
        return PriceRow(**{**msgspec.structs.asdict(self), **own})


class RateRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one unit of a currency is worth in another, from a day on.

    Attributes:
        id: Names the row in receipts.
        since: Day (UTC) from which on it holds, until a later row for the same two currencies.
        is_own: It is the organisation's, and comes before those of the catalog.
    """

    id: str
    from_currency: str
    to_currency: str
    factor: Decimal
    since: date
    is_own: bool = False
