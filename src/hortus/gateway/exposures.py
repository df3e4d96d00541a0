"""What may a request use, and cost, at most at an endpoint? Read out of the client's words and of what is sent."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import msgspec
from msgspec.structs import replace

from hortus.base.money import MILLION
from hortus.canon.work import Work
from hortus.catalog.costs import OUTPUT_TOKENS_ASSUMED, Exposure, Unbounded, bound_of, most_tokens_of
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.works import exposure_of_work, likely_exposure, price_of_work
from hortus.gateway.passage import Inquiry, Outgoing
from hortus.snapshot.model import Endpoint

_LIMITS = frozenset({"max_completion_tokens", "max_tokens", "max_output_tokens", "generationConfig.maxOutputTokens"})
"""Members that limit output, in any dialect: where one of them is lost, nothing does but the model's own limit."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What a request comes to at an endpoint.

    Attributes:
        bound: Upper bound of its cost, in the price's currency.
        reserved: The same, or a guess where nothing bounds it; None where there is no price.
        is_of_many: Whether it is that of many requests together, by a price row of their own.
    """

    exposure: Exposure
    price: PriceRow | None
    bound: Decimal | Unbounded
    reserved: Decimal | None
    is_of_many: bool = False


def quote_of(inquiry: Inquiry, outgoing: Outgoing, endpoint: Endpoint) -> Quote:
    """Return what the request comes to there."""
    if inquiry.run is not None:
        return _quote_of_work(inquiry.run, endpoint)
    exposure, price = exposure_of(inquiry, outgoing, endpoint), endpoint.price
    if price is None:
        return Quote(exposure, None, Unbounded(()), None)
    bound = bound_of(price, exposure)
    return Quote(exposure, price, bound, _guess(price, exposure) if isinstance(bound, Unbounded) else bound)


def exposure_of(inquiry: Inquiry, outgoing: Outgoing, endpoint: Endpoint) -> Exposure:
    """Return the most that the request can use there."""
    if inquiry.run is not None:
        return exposure_of_work(inquiry.run, endpoint.output_limit)
    units = inquiry.dialect.weigh(inquiry.operation, inquiry.asked, inquiry.body)
    output_tokens = units.output_tokens
    if output_tokens is None or any(loss.path in _LIMITS for loss in outgoing.losses):
        output_tokens = endpoint.output_limit
    return Exposure(
        input_bytes=outgoing.size_bytes + units.repeated_bytes - units.file_bytes,
        output_tokens=output_tokens,
        choices=units.choices,
        images=units.images,
        documents=units.documents,
        kept=units.kept,
        searches=units.searches,
        server_tools=units.server_tools,
        tool_calls=units.tool_calls,
        service_tier=units.service_tier,
        output_images=units.output_images,
        seconds=units.seconds,
        pages=units.pages,
        characters=units.characters,
        search_units=units.search_units,
        sound_bytes=units.sound_bytes,
    )


def fitting_output(quote: Quote, room: Decimal, *, is_money: bool) -> int | None:
    """Return the limit of output tokens with which a request comes to no more than `room`; None where it has no output.

    Args:
        quote: What it comes to as it is.
        room: In the price's currency, or in tokens.
        is_money: Which of the two.
    """
    if quote.is_of_many or quote.exposure.output_tokens == 0 or (is_money and quote.price is None):
        return None
    base = _total(quote, output_tokens=0, is_money=is_money)
    top = _total(quote, output_tokens=int(MILLION), is_money=is_money)
    if base is None or top is None or top <= base:
        return None
    return int(((room - base) * MILLION / (top - base)).to_integral_value(ROUND_FLOOR))


def _total(quote: Quote, *, output_tokens: int, is_money: bool) -> Decimal | None:
    exposure = replace(quote.exposure, output_tokens=output_tokens)
    if is_money and quote.price is not None:
        total: Decimal | int | Unbounded = bound_of(quote.price, exposure)
    else:
        total = most_tokens_of(quote.price, exposure)
    return None if isinstance(total, Unbounded) else Decimal(total)


def _quote_of_work(work: Work, endpoint: Endpoint) -> Quote:
    exposure = exposure_of_work(work, endpoint.output_limit)
    if endpoint.price is None:
        return Quote(exposure, None, Unbounded(()), None, is_of_many=True)
    price = price_of_work(endpoint.price, work)
    bound = bound_of(price, exposure)
    likely = likely_exposure(work, endpoint.output_limit)
    reserved = _guess(price, likely) if isinstance(bound, Unbounded) else bound
    return Quote(exposure, price, bound, reserved, is_of_many=True)


def _guess(price: PriceRow, exposure: Exposure) -> Decimal | None:
    """Return what is reserved where no limit asks: the text and a usual length of output, in place of no bound."""
    output_tokens = OUTPUT_TOKENS_ASSUMED if exposure.output_tokens is None else exposure.output_tokens
    known = Exposure(
        exposure.input_bytes,
        output_tokens,
        choices=exposure.choices,
        seconds=exposure.seconds or 0,
        pages=1 if exposure.pages is None and "pages" not in price.caps else exposure.pages,
        characters=exposure.characters,
        search_units=exposure.search_units,
    )
    bound = bound_of(price, known)
    return None if isinstance(bound, Unbounded) else bound
