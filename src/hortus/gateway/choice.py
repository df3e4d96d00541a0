"""Whom does one request try, in which order? Joins what strategies look at: prices, lanes, losses, conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from hortus.base.time import utc_day
from hortus.canon.errors import CallerFault
from hortus.canon.usage import Usage
from hortus.catalog.costs import cost_of
from hortus.catalog.pricerows import RateRow
from hortus.catalog.rates import rate_of
from hortus.content.ports import Seals
from hortus.framing.counting import BYTES_PER_TOKEN
from hortus.gateway.crossing import Passages, heaviness_of
from hortus.gateway.lanes import Lanes
from hortus.gateway.ordering import ORDERS, Heaviness, View
from hortus.gateway.passage import Inquiry
from hortus.gateway.sticky import asks_for_seals, conversation_of, holder_first
from hortus.snapshot.model import Route
from hortus.snapshot.resolved import Target

EXPECTED_OUTPUT_TOKENS = 500
"""How long an answer is reckoned to be, where prices are compared and the client's limit is not lower."""

_CHAT = "chat"
_ALL_OF_IT: Heaviness = (1 << 30,)
_NOTHING: Heaviness = ()


class Choice:
    """Orders the targets of requests.

    Args:
        lanes: How well and how busy endpoints are.
        seals: Where it is found out who gave what only it can read.
        draw: Gives a random number from 0 to 1.
    """

    def __init__(self, lanes: Lanes, seals: Seals, *, draw: Callable[[], float]) -> None:
        self._lanes = lanes
        self._seals = seals
        self._draw = draw

    def arrange(
        self,
        route: Route,
        targets: tuple[Target, ...],
        *,
        inquiry: Inquiry,
        passages: Passages,
        rates: tuple[RateRow, ...],
    ) -> tuple[Target, ...]:
        """Return the targets in the order in which they are tried.

        Args:
            route: Says how.
            targets: All that may be used and can do it.
            inquiry: What is asked.
            passages: What would be lost on the way to each.
            rates: Between currencies.
        """
        lanes = self._lanes
        wants_one = route.sticky or asks_for_seals(inquiry.asked)
        is_mixed = len({_tongue(target, inquiry) for target in targets}) > 1
        view = View(
            draw=self._draw,
            conversation=conversation_of(inquiry, route.name) if wants_one else None,
            price=_Prices(inquiry, rates).of,
            slowness_s=lambda target: lanes.of(target).slowness_s(),
            load=lambda target: lanes.of(target).load,
            heaviness=(lambda target: _heaviness(passages, target)) if is_mixed else lambda _: _NOTHING,
        )
        ordered = ORDERS[route.strategy](targets, view)
        return tuple(holder_first(ordered, inquiry, self._seals))


class _Prices:
    """What one request is expected to cost at each endpoint, in the currency of the first that has a price."""

    def __init__(self, inquiry: Inquiry, rates: tuple[RateRow, ...]) -> None:
        self._rates = rates
        self._usage = _expected(inquiry)
        self._on: date = utc_day(inquiry.now_s * 1000)
        self._currency: str | None = None

    def of(self, target: Target) -> Decimal | None:
        price = target.endpoint.price
        if price is None:
            return None
        cost = cost_of(self._usage, price)
        self._currency = self._currency or price.currency
        if price.currency == self._currency or not cost:
            return cost
        rate = rate_of(self._rates, price.currency, to_currency=self._currency, at=self._on)
        return None if rate is None else cost * rate.factor


def _expected(inquiry: Inquiry) -> Usage:
    limit = inquiry.asked.output_limit
    output_tokens = 0
    if inquiry.operation.name == _CHAT:
        output_tokens = EXPECTED_OUTPUT_TOKENS if limit is None else min(limit, EXPECTED_OUTPUT_TOKENS)
    return Usage(input_tokens=-(-len(inquiry.body) // BYTES_PER_TOKEN), output_tokens=output_tokens)


def _tongue(target: Target, inquiry: Inquiry) -> tuple[str, ...]:
    """Return what a target is asked in, as far as losses can differ."""
    ours = inquiry.dialect.name
    return (ours,) if ours in target.ways else tuple(target.ways)


def _heaviness(passages: Passages, target: Target) -> Heaviness:
    try:
        passage = passages.to(target)
    except CallerFault:
        return _ALL_OF_IT
    return heaviness_of(passage)[:-1]  # what is only advisory is no reason
