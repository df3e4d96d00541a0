"""The operation that reckons receipts anew: what they cost by the price rows that today are known for their day.

It only reads. What a receipt says stays as it is: a price that was wrong is set right by a new row, and by this report.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal

import msgspec

from hortus.base.time import utc_day
from hortus.canon.usage import Usage
from hortus.catalog.costs import cost_of
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.works import BATCH
from hortus.control.instants import Reading, read_instant
from hortus.control.plane import Plane
from hortus.control.price_views import PriceDifference, PriceSum, Recomputation, RecomputeQuery
from hortus.control.tenancy import find_project
from hortus.receipts.records import Attempt, Receipt
from hortus.snapshot.declared import EndpointSpec
from hortus.snapshot.endpoints import LOCAL_HOST, LOCAL_PRICE
from hortus.snapshot.money import own_price

_PAGE = 1000
_ZERO = Decimal(0)

_Key = tuple[str, str, str, str | None, str, str | None, str]
"""Endpoint, host, model, old price row, new one, old currency, new one."""


class _Costs(msgspec.Struct):
    """Sums while they grow."""

    attempts: int = 0
    old: Decimal = _ZERO
    new: Decimal = _ZERO


class _Count(msgspec.Struct):
    """Figures of the report while they grow."""

    receipts: int = 0
    attempts: int = 0
    unchanged: int = 0
    without_usage: int = 0
    without_price: int = 0
    estimated: int = 0


def recompute_prices(plane: Plane, ask: RecomputeQuery) -> Recomputation:
    """Return what receipts would cost by today's price rows of their day; nothing is changed."""
    if ask.project is not None:
        find_project(plane, ask.project)
    now_ms = plane.ports.clock.now_ms()
    since_ms = read_instant(ask.since, Reading("since", now_ms=now_ms, zone=UTC))
    prices = _Prices(plane)
    count = _Count()
    differences: dict[_Key, _Costs] = {}
    sums: dict[str, _Costs] = {}
    for receipt in _receipts(plane, since_ms, project=ask.project):
        count.receipts += 1
        for attempt in receipt.attempts:
            count.attempts += 1
            _reckon(attempt, prices.of(attempt), count=count, differences=differences, sums=sums)
    return Recomputation(
        since_ms=since_ms,
        until_ms=now_ms,
        **msgspec.structs.asdict(count),
        differences=[_difference(key, costs) for key, costs in sorted(differences.items(), key=_weight)],
        sums=[
            PriceSum(currency=currency, old_cost=one.old, new_cost=one.new, difference=one.new - one.old)
            for currency, one in sorted(sums.items())
        ],
    )


class _Prices:
    """Today's price rows by endpoint, model and day; each is looked up once."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._known: dict[tuple[str, str, str, date], PriceRow | None] = {}

    def of(self, attempt: Attempt) -> PriceRow | None:
        """Return what an attempt's endpoint charged on its day, as far as it is known today."""
        day = utc_day(attempt.opened_at_ms)
        key = (attempt.endpoint, attempt.host, attempt.model, day)
        if key not in self._known:
            self._known[key] = self._look_up(attempt, day)
        return self._known[key]

    def _look_up(self, attempt: Attempt, day: date) -> PriceRow | None:
        if attempt.host == LOCAL_HOST:
            return LOCAL_PRICE
        stored = self._plane.ports.objects.get("endpoint", attempt.endpoint)
        spec = stored.spec if stored is not None else None
        if stored is None or not isinstance(spec, EndpointSpec):
            return self._of_catalog(attempt, day, upstream_model=None)
        own = own_price(spec, origin=stored.origin, today=day)
        return own or self._of_catalog(attempt, day, upstream_model=spec.upstream_model)

    def _of_catalog(self, attempt: Attempt, day: date, *, upstream_model: str | None) -> PriceRow | None:
        offers = self._plane.catalog.offers(model=attempt.model, host=attempt.host)
        named = [offer for offer in offers if upstream_model in {None, offer.upstream_name}] or offers
        regional = [offer for offer in named if attempt.region in {None, offer.region}] or named
        return self._plane.price_on(regional[0], day) if regional else None


def _receipts(plane: Plane, since_ms: int, *, project: str | None) -> Iterator[Receipt]:
    before: str | None = None
    while True:
        page = plane.ports.receipts.receipts(project=project, limit=_PAGE, before=before, since_ms=since_ms)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].receipt_id


def _reckon(
    attempt: Attempt,
    price: PriceRow | None,
    *,
    count: _Count,
    differences: dict[_Key, _Costs],
    sums: dict[str, _Costs],
) -> None:
    usage = attempt.usage
    if usage is None:
        count.without_usage += 1
        return
    count.estimated += usage.is_estimated
    if price is None:
        count.without_price += 1
        return
    cost = _cost_today(attempt, usage, price)
    is_same = attempt.cost is not None and attempt.currency == price.currency and attempt.cost == cost
    count.unchanged += is_same
    if attempt.cost is not None and attempt.currency is not None:
        sums.setdefault(attempt.currency, _Costs()).old += attempt.cost
    sums.setdefault(price.currency, _Costs()).new += cost
    if is_same:
        return
    old_currency = attempt.currency if attempt.cost is not None else None
    key = (attempt.endpoint, attempt.host, attempt.model, attempt.price_id, price.id, old_currency, price.currency)
    found = differences.setdefault(key, _Costs())
    found.attempts += 1
    found.old += attempt.cost or _ZERO
    found.new += cost


def _cost_today(attempt: Attempt, usage: Usage, price: PriceRow) -> Decimal:
    """Return what usage costs; what was charged for a batch beforehand, or given back of that, stands as it is."""
    is_of_batch = min(usage.input_tokens, usage.output_tokens) < 0 or (
        usage.is_estimated and usage.service_tier == BATCH
    )
    return attempt.cost if is_of_batch and attempt.cost is not None else cost_of(usage, price)


def _difference(key: _Key, costs: _Costs) -> PriceDifference:
    endpoint, host, model, old_price, new_price, old_currency, new_currency = key
    is_comparable = old_currency in {None, new_currency}
    return PriceDifference(
        endpoint=endpoint,
        host=host,
        model=model,
        old_price=old_price,
        new_price=new_price,
        old_currency=old_currency,
        new_currency=new_currency,
        attempts=costs.attempts,
        old_cost=costs.old if old_currency is not None else None,
        new_cost=costs.new,
        difference=costs.new - costs.old if is_comparable else None,
    )


def _weight(item: tuple[_Key, _Costs]) -> tuple[Decimal, str, str]:
    """Order differences by their size, the largest first."""
    key, costs = item
    return (-abs(costs.new - costs.old), key[0], key[4])
