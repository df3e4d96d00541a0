"""What did an attempt cost, and what may a request cost at most? Exact arithmetic over a price row.

On the path of every request: plain calls over values, nothing that the gateway's worker may not load.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hortus.base.money import MILLION
from hortus.canon.usage import Usage
from hortus.catalog.pricerows import Figures, PriceRow

OUTPUT_TOKENS_ASSUMED = 8192
"""Output reserved for a client that sets no limit where nothing else does; hosts have limits unknown to Hortus."""

LEAST_BYTES_PER_SECOND = 300
"""Sound that stands in a request has at least so many bytes for a second: 2.4 kbit/s, where speech ends."""

MOST_TOKENS_PER_SECOND = 32
"""Sound has at most so many tokens for a second: Google counts as many, OpenAI ten."""

_THOUSAND = Decimal(1000)
_PRICED_UNITS = frozenset({"search_price", "output_image_tokens", "seconds", "pages"})
"""What lacks a price, not a number of tokens."""

_INPUT_UNITS = frozenset({"image_tokens", "document_tokens", "kept_tokens", "context_tokens"})
"""What lacks a bound of tokens of the input."""

_NO_PRICE = PriceRow(
    input_per_million=Decimal(0), output_per_million=Decimal(0), id="", currency="", source="", as_of=""
)
_ZERO = Decimal(0)
_ONE = Decimal(1)

USUAL_TIERS = frozenset(("auto", "default", "standard", "standard_only", "on_demand"))
"""What hosts call the service tier that is nothing special."""

_NEVER_DEARER = USUAL_TIERS | {"flex", "batch"}


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """The most that a request can use, as far as it can be read out of the request.

    Attributes:
        input_bytes: UTF-8 bytes of what goes to the host: no token is shorter than a byte.
        output_tokens: The most that one choice may have, reasoning included; None: nothing limits it.
        choices: Answers asked for at once.
        images: Pictures of the input, inline or by address: their bytes do not bound their tokens.
        documents: Documents, films and other files of the input, inline or by address: likewise.
        kept: References to what the host keeps (an earlier response, a conversation, cached content).
        searches: Whether the host may search the web.
        server_tools: Whether the host may run other tools of its own.
        tool_calls: The most calls of the host's tools, searches among them, that the request itself allows; None:
            it says nothing.
        service_tier: As the request names it; None where it does not.
        output_images: Pictures to be made, in all choices together.
        seconds: Of sound to be made, or to be read from elsewhere, where it is charged by time; None: nobody knows.
            Sound that stands in the request counts by its bytes.
        pages: Of documents to be read, where they are charged; None: the request does not say how many.
        characters: Of text to be spoken.
        search_units: Portions by which a ranking is charged.
        sound_bytes: Of sound that goes to the host beside the text: it has tokens by its seconds.
    """

    input_bytes: int
    output_tokens: int | None
    choices: int = 1
    images: int = 0
    documents: int = 0
    kept: int = 0
    searches: bool = False
    server_tools: bool = False
    tool_calls: int | None = None
    service_tier: str | None = None
    output_images: int = 0
    seconds: int | None = 0
    pages: int | None = 0
    characters: int = 0
    search_units: int = 0
    sound_bytes: int = 0

    @property
    def most_output(self) -> int | None:
        """The most output tokens of all choices, None where nothing limits them."""
        return None if self.output_tokens is None else self.output_tokens * self.choices


class Unbounded(msgspec.Struct, frozen=True, gc=False):
    """There is no upper bound.

    Attributes:
        units: What nothing bounds: caps that the price row lacks (`rows.Cap`), or `output_tokens`, `service_tier` (one
            that the row has no price for), `search_price`, `seconds`, `pages`. What costs nothing lacks no bound.
    """

    units: tuple[str, ...]


def cost_of(usage: Usage, price: PriceRow) -> Decimal:
    """Return the exact cost of `usage`, in the row's currency.

    What the row has no price of its own for costs the more general one: cached input as input, a service tier that
    it does not name as usual.
    """
    figures: Figures = _figures_for(usage, price) if price.variants else price
    tokens = figures.output_per_million * usage.output_tokens + _cost_of_input(usage, figures)
    if usage.output_audio_tokens or usage.output_image_tokens:
        tokens += _beyond_text(usage, figures)
    if price.regions:
        tokens *= price.regions.get(usage.region or "", _ONE)
    total = tokens / MILLION
    if figures.per_request is not None or _has_pieces(usage):
        total += _by_the_piece(usage, figures, is_search_per_request=price.is_search_per_request)
    return total


def _has_pieces(usage: Usage) -> bool:
    """Tell whether anything was used that is charged by the piece."""
    return bool(
        usage.searches or usage.images or usage.seconds or usage.pages or usage.characters or usage.search_units
    )


def _cost_of_input(usage: Usage, figures: Figures) -> Decimal:
    """Return a million times what the input costs."""
    if usage.input_audio_tokens or usage.input_image_tokens or usage.cache_write_tokens:
        return _mixed_input(usage, figures)
    if usage.cached_input_tokens and figures.cached_input_per_million is not None:
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        return figures.input_per_million * (usage.input_tokens - cached) + figures.cached_input_per_million * cached
    return figures.input_per_million * usage.input_tokens


def bound_of(price: PriceRow, exposure: Exposure) -> Decimal | Unbounded:
    """Return what a request costs at most, in the row's currency; for any usage within the exposure.

    All input counts at the dearest of the prices that input can have, and of the context and service tiers that can
    come about the dearest counts. With tools of its own the host may read all input anew after each call.
    """
    is_plain = _is_plain(price, exposure)
    lacking = () if is_plain else _lacking_priced(price, exposure)
    if lacking:
        return Unbounded(lacking)
    if not _prices_tier(price, exposure.service_tier):
        return Unbounded(("service_tier",))
    input_tokens = exposure.input_bytes + price.fixed_input_tokens
    output_tokens = _most_output(price, exposure)
    if not is_plain:
        input_tokens = _most_input(price, exposure)
    reachable = _reachable(price, input_tokens, tier=exposure.service_tier) if price.variants else (price,)
    tokens = max([_most_tokens(figures, input_tokens, output_tokens) for figures in reachable])
    if price.regions:
        tokens *= max(_ONE, *price.regions.values())
    total = tokens / MILLION
    return total if is_plain else total + max([_most_pieces(price, exposure, figures=one) for one in reachable])


def _is_plain(price: PriceRow, exposure: Exposure) -> bool:
    """Tell whether there is nothing to reckon but tokens of text."""
    return not (
        exposure.output_tokens is None
        or exposure.images
        or exposure.documents
        or exposure.kept
        or exposure.searches
        or exposure.server_tools
        or _asks_for_pieces(exposure)
        or price.per_second is not None
        or price.per_request is not None
    )


def _asks_for_pieces(exposure: Exposure) -> bool:
    """Tell whether anything is asked for that is charged by the piece."""
    return bool(
        exposure.output_images
        or exposure.seconds != 0
        or exposure.sound_bytes
        or exposure.pages != 0
        or exposure.characters
        or exposure.search_units
    )


def _prices_tier(price: PriceRow, tier: str | None) -> bool:
    """Tell whether a service tier has a price, or needs none."""
    return tier is None or tier in _NEVER_DEARER or any(variant.service_tier == tier for variant in price.variants)


def most_tokens_of(price: PriceRow | None, exposure: Exposure) -> int | Unbounded:
    """Return how many tokens, input and output, a request uses at most; without a price nothing caps its units."""
    row = _NO_PRICE if price is None else price
    lacking = tuple([unit for unit in _lacking(row, exposure) if unit not in _PRICED_UNITS])
    if lacking:
        return Unbounded(lacking)
    return _most_input(row, exposure) + (exposure.output_tokens or 0) * exposure.choices


def is_free(price: PriceRow) -> bool:
    """Tell whether nothing costs anything, as on own machines."""
    if price.input_per_million or price.output_per_million or price.variants:
        return False
    return not any(getattr(price, name) for name in Figures.__struct_fields__)


def _lacking_priced(price: PriceRow, exposure: Exposure) -> tuple[str, ...]:
    """Return the units of the request that nothing bounds and that cost anything."""
    free: set[str] = set()
    sets = (price, *price.variants)
    if not any(_most_tokens(figures, 1, 0) for figures in sets):
        free |= _INPUT_UNITS
    if not any(_most_tokens(figures, 0, 1) for figures in sets):
        free.add("output_tokens")
    return tuple([unit for unit in _lacking(price, exposure) if unit not in free])


def _lacking(price: PriceRow, exposure: Exposure) -> tuple[str, ...]:
    """Return the units of the request that nothing bounds."""
    caps = price.caps
    calls = _most_calls(price, exposure)
    asks: list[tuple[str, bool]] = [("output_tokens", exposure.output_tokens is None)]
    if "context_tokens" not in caps:
        units = (
            ("image_tokens", exposure.images),
            ("document_tokens", exposure.documents),
            ("kept_tokens", exposure.kept),
        )
        asks += [(cap, count > 0) for cap, count in units if cap not in caps]
        asks.append(("context_tokens", bool(calls)))
    if exposure.searches:
        asks.append(("searches", calls is None and "searches" not in caps))
        asks.append(("search_price", price.per_thousand_searches is None))
    if exposure.server_tools:
        asks.append(("server_tool_calls", "server_tool_calls" not in caps))
    asks += _pieces_without_bound(price, exposure)
    return tuple([unit for unit, is_lacking in asks if is_lacking])


def _pieces_without_bound(price: PriceRow, exposure: Exposure) -> list[tuple[str, bool]]:
    """Return what is made or read by the piece, and whether nothing bounds it."""
    asks = [("seconds", price.per_second is not None and _has_unknown_seconds(exposure))]
    if exposure.output_images:
        asks.append(("output_image_tokens", not _prices_pictures(price)))
    if exposure.pages is None and "pages" not in price.caps:
        asks.append(("pages", any(one.per_thousand_pages is not None for one in (price, *price.variants))))
    return asks


def _has_unknown_seconds(exposure: Exposure) -> bool:
    return exposure.seconds is None or exposure.documents > 0


def _most_calls(price: PriceRow, exposure: Exposure) -> int | None:
    """Return how often the host calls tools of its own at most, None where nothing says."""
    calls = 0
    caps = price.caps
    for is_asked, most in (
        (exposure.searches, caps.get("searches")),
        (exposure.server_tools, caps.get("server_tool_calls")),
    ):
        if is_asked and most is None:
            return exposure.tool_calls
        calls += most if is_asked and most is not None else 0
    return calls if exposure.tool_calls is None else min(calls, exposure.tool_calls)


def _prices_pictures(price: PriceRow) -> bool:
    return price.per_image is not None or "output_image_tokens" in price.caps


def _most_input(price: PriceRow, exposure: Exposure) -> int:
    """Return the most tokens of input; what has no cap of its own fills the model's whole window."""
    caps, window = price.caps, price.caps.get("context_tokens", 0)
    text = exposure.input_bytes + price.fixed_input_tokens
    once = text + _most_seconds(exposure.sound_bytes) * MOST_TOKENS_PER_SECOND
    once += caps.get("image_tokens", window) * exposure.images
    once += caps.get("document_tokens", window) * exposure.documents
    once += caps.get("kept_tokens", window) * exposure.kept
    if once > window > 0:
        once = max(window, text)
    return once + window * (_most_calls(price, exposure) or 0)


def _most_seconds(sound_bytes: int) -> int:
    """Return how long sound may last at most."""
    return sound_bytes // LEAST_BYTES_PER_SECOND + 1 if sound_bytes else 0


def _most_output(price: PriceRow, exposure: Exposure) -> int:
    text = (exposure.output_tokens or 0) * exposure.choices
    pictures = exposure.output_images
    return text + price.caps.get("output_image_tokens", 0) * pictures if pictures else text


def _reachable(price: PriceRow, input_tokens: int, *, tier: str | None) -> list[Figures]:
    """Return the sets of figures that can come about; a host may always serve as usual."""
    tiers: tuple[str | None, ...] = (None, *price.auto_tiers) if tier in {None, "auto"} else (None, tier)
    reached: list[Figures] = [price]
    reached += [
        variant
        for variant in price.variants
        if (input_tokens > variant.above_input_tokens or not variant.above_input_tokens)
        and variant.service_tier in tiers
    ]
    return reached


def _most_tokens(figures: Figures, input_tokens: int, output_tokens: int) -> Decimal:
    """Return a million times what so many tokens cost at most, whatever they are."""
    given, made = figures.input_per_million, figures.output_per_million
    for price in (
        figures.cached_input_per_million,
        figures.cache_write_per_million,
        figures.cache_write_long_per_million,
        figures.input_audio_per_million,
        figures.cached_audio_per_million,
        figures.input_image_per_million,
    ):
        if price is not None and price > given:
            given = price
    for price in (figures.output_audio_per_million, figures.output_image_per_million):
        if price is not None and price > made:
            made = price
    return given * input_tokens + made * output_tokens


def _most_pieces(price: PriceRow, exposure: Exposure, *, figures: Figures) -> Decimal:
    total = figures.per_request or _ZERO
    if exposure.searches:
        calls = _most_calls(price, exposure) or 0
        searches = min(calls, 1) if price.is_search_per_request else calls
        total += (figures.per_thousand_searches or _ZERO) * searches / _THOUSAND
    if exposure.output_images:
        total += (figures.per_image or _ZERO) * exposure.output_images
    if figures.per_second is not None:
        heard = _most_seconds(exposure.input_bytes + exposure.sound_bytes)
        total += figures.per_second * ((exposure.seconds or 0) + heard)
    pages = _most_pages(price, exposure)
    return total + _by_the_portion(figures, pages, exposure.characters, search_units=exposure.search_units)


def _most_pages(price: PriceRow, exposure: Exposure) -> int:
    if exposure.pages is not None:
        return exposure.pages
    return price.caps.get("pages", 0) * max(exposure.documents, 1)


def _by_the_portion(figures: Figures, pages: int, characters: int, *, search_units: int) -> Decimal:
    """Return what is charged by so many at once; what has no price costs nothing."""
    total = (figures.per_thousand_pages or _ZERO) * pages / _THOUSAND
    total += (figures.per_million_characters or _ZERO) * characters / MILLION
    return total + (figures.per_thousand_search_units or _ZERO) * search_units / _THOUSAND


def _figures_for(usage: Usage, price: PriceRow) -> Figures:
    """Return the figures of the usage's service tier and length; of a tier without a price, the usual ones."""
    tier = usage.service_tier
    if tier is not None and not any(variant.service_tier == tier for variant in price.variants):
        tier = None
    found: Figures = price
    for variant in price.variants:  # in the order of their lengths
        is_reached = usage.input_tokens > variant.above_input_tokens or not variant.above_input_tokens
        if is_reached and variant.service_tier == tier:
            found = variant
    return found


def _mixed_input(usage: Usage, figures: Figures) -> Decimal:
    """Return what input costs of which some is sound or pictures, or was written to the cache."""
    usual = figures.input_per_million
    audio_price = figures.input_audio_per_million
    image_price = figures.input_image_per_million
    audio = 0 if audio_price is None else min(usage.input_audio_tokens, usage.input_tokens)
    image = 0 if image_price is None else min(usage.input_image_tokens, usage.input_tokens - audio)
    cached_audio = min(usage.cached_audio_tokens, usage.cached_input_tokens, audio)
    text = usage.input_tokens - audio - image
    cached = min(usage.cached_input_tokens - cached_audio, text)
    written = min(usage.cache_write_tokens, text - cached)
    written_long = min(usage.cache_write_long_tokens, written)
    write_price = _either(figures.cache_write_per_million, usual)
    total = usual * (text - cached - written) + _either(figures.cached_input_per_million, usual) * cached
    total += write_price * (written - written_long)
    total += _either(figures.cache_write_long_per_million, write_price) * written_long
    if audio_price is not None:
        total += audio_price * (audio - cached_audio)
        total += _either(figures.cached_audio_per_million, audio_price) * cached_audio
    return total if image_price is None else total + image_price * image


def _beyond_text(usage: Usage, figures: Figures) -> Decimal:
    """Return what sound and pictures in the output cost more, or less, than as many tokens of text."""
    total, left = _ZERO, usage.output_tokens
    if figures.output_audio_per_million is not None:
        audio = min(usage.output_audio_tokens, left)
        left -= audio
        total += (figures.output_audio_per_million - figures.output_per_million) * audio
    if figures.output_image_per_million is not None:
        image = min(usage.output_image_tokens, left)
        total += (figures.output_image_per_million - figures.output_per_million) * image
    return total


def _by_the_piece(usage: Usage, figures: Figures, *, is_search_per_request: bool) -> Decimal:
    searches = min(usage.searches, 1) if is_search_per_request else usage.searches
    total = _either(figures.per_request, _ZERO)
    if figures.per_thousand_searches is not None:
        total += figures.per_thousand_searches * searches / _THOUSAND
    if figures.per_image is not None:
        total += figures.per_image * usage.images
    if figures.per_second is not None:
        total += figures.per_second * usage.seconds
    return total + _by_the_portion(figures, usage.pages, usage.characters, search_units=usage.search_units)


def _either(own: Decimal | None, general: Decimal) -> Decimal:
    return general if own is None else own
