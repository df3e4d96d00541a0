"""Is there room for a request under the limits of its key, project and organisation? What it may use is reserved.

A request reserves the most that it may use and is charged what it used; it belongs to the period that it began in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from hortus.base.money import EXACT
from hortus.base.time import Clock
from hortus.canon.errors import RulesFault
from hortus.canon.usage import Usage
from hortus.canon.work import Share
from hortus.catalog.costs import Unbounded, most_tokens_of
from hortus.catalog.costs import is_free as is_free_of_charge
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rates import Rate
from hortus.gateway.advances import runs_batches, tunes
from hortus.gateway.exposures import Quote, fitting_output, quote_of
from hortus.gateway.passage import Inquiry, Outgoing
from hortus.gateway.shortages import no_bound, no_look, no_price, no_rate, no_tuning_price, refuse
from hortus.gateway.visit import Visit
from hortus.limits.limit import Limit, Measure
from hortus.limits.period import period_of, pool_id
from hortus.limits.ports import Leases, Shortage, Want
from hortus.receipts.records import Hold
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Endpoint
from hortus.telemetry.meters import Meters

FindRate = Callable[[str, str, int], Rate | None]
"""From which currency to which, and when (ms, UTC): the rate in force."""

_ONE = Decimal(1)
_ZERO = Decimal(0)
_EVER = 1 << 62
_MOST_SCHEMES = 10_000
_FREE = frozenset({"count_tokens"})
"""Operations that use no tokens and cost nothing."""


class _Bound:
    """A limit, and its pool in the period in which it was asked for last."""

    __slots__ = ("_end_ms", "_pool", "_start_ms", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._pool = ""
        self._start_ms, self._end_ms = _EVER, 0

    def pool(self, at_ms: int) -> str:
        if not self._start_ms <= at_ms < self._end_ms:
            period = period_of(self.limit, at_ms)
            self._start_ms = period.start_ms
            self._end_ms = _EVER if period.end_ms is None else period.end_ms
            self._pool = pool_id(self.limit.id, period.start_ms)
        return self._pool


class _Scheme:
    """The limits of one grant, by what they measure."""

    __slots__ = ("at_door", "limits", "money", "tokens")

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.limits = limits
        hard = [limit for limit in limits if limit.is_hard]
        self.at_door = _only(hard, "requests", "concurrent")
        self.tokens = _only(hard, "tokens")
        self.money = _only(limits, "money")


def _only(limits: Iterable[Limit], *measures: Measure) -> tuple[_Bound, ...]:
    return tuple([_Bound(limit) for limit in limits if limit.measure in measures])


_NO_SCHEME = _Scheme(())


class Part(NamedTuple):
    """What is reserved of one pool.

    Attributes:
        rate: What the price's currency is worth in the budget's; None where both are the same.
    """

    limit: Limit
    pool: str
    amount: Decimal
    rate: Rate | None = None

    def charge_of(self, tokens: int, cost: Decimal) -> Decimal:
        """Return what has been used of it."""
        if self.limit.measure != "money":
            return Decimal(tokens)
        return cost if self.rate is None else EXACT.multiply(cost, self.rate.factor)


class Held:
    """What one attempt has reserved; charged or given back exactly once."""

    __slots__ = ("_charges", "_leases", "_parts", "holds", "is_blind", "rates", "reserved", "work_price")

    def __init__(
        self,
        leases: Leases,
        parts: tuple[Part, ...],
        *,
        reserved: Decimal | None,
        work_price: PriceRow | None = None,
        is_blind: bool = False,
    ) -> None:
        self._leases = leases
        self._parts = parts
        self.work_price = work_price
        """By what work is reckoned that is paid for before it is done: all that is reserved is charged."""
        self.is_blind = is_blind
        """Nothing tells what is used, neither now nor in the answer."""
        self.reserved = reserved
        """Upper bound of the cost, in the price's currency; None where that is unknown."""
        self._charges: tuple[Hold, ...] | None = ()
        self.holds: tuple[Hold, ...] = ()
        """What is reserved of budgets."""
        self.rates: tuple[str, ...] = ()
        """By which rates that was reckoned."""
        if parts:
            self._charges = None
            self.holds = tuple([Hold(part.pool, part.amount) for part in parts if part.limit.measure == "money"])
            self.rates = tuple(dict.fromkeys([part.rate.id for part in parts if part.rate is not None]))

    def charge(self, usage: Usage | None, cost: Decimal | None) -> tuple[Hold, ...]:
        """Take what was used, give the rest back and return what budgets are charged; only the first call counts."""
        if self._charges is None:
            tokens = usage.input_tokens + usage.output_tokens if usage is not None else 0
            self._charges = tuple(self._charge(tokens, cost or _ZERO))
        return self._charges

    def free(self) -> None:
        """Give everything back: nothing was sent."""
        self.charge(None, None)

    def shares(self) -> tuple[Share, ...]:
        """Return the budgets that pay, for what must be set right later."""
        return tuple(
            [
                Share(part.pool, _ONE if part.rate is None else part.rate.factor, part.limit.is_hard)
                for part in self._parts
                if part.limit.measure == "money"
            ]
        )

    def owe(self, holds: Iterable[Hold]) -> None:
        """Take of budgets what nobody has reserved."""
        for hold in holds:
            self._leases.settle(hold.pool, _ZERO, charged=hold.amount)

    def _charge(self, tokens: int, cost: Decimal) -> Iterator[Hold]:
        for part in self._parts:
            charge = part.charge_of(tokens, cost)
            if part.limit.is_hard:
                self._leases.settle(part.pool, part.amount, charged=charge)
            if part.limit.measure == "money":
                yield Hold(part.pool, charge)


class Entry:
    """What a request has reserved for as long as it runs, whatever attempts it takes."""

    __slots__ = ("_leases", "_parts")

    def __init__(self, leases: Leases, parts: Sequence[Part] = ()) -> None:
        self._leases = leases
        self._parts = parts

    def leave(self) -> None:
        """The request is over."""
        for part in self._parts:
            self._leases.free(part.pool, part.amount)
        self._parts = ()


class Quotas:
    """Reserves for requests.

    Args:
        leases: Where parts of limits are held.
        find_rate: Between currencies.
        meters: Where refusals and waits are counted.
        clock: Times the waits.
    """

    def __init__(self, leases: Leases, *, find_rate: FindRate, meters: Meters, clock: Clock) -> None:
        self._leases = leases
        self._find_rate = find_rate
        self._meters = meters
        self._clock = clock
        self._free = Held(leases, (), reserved=_ZERO)
        self._unpriced = Held(leases, (), reserved=None)
        self._blind = Held(leases, (), reserved=None, is_blind=True)
        self._no_entry = Entry(leases)
        self._schemes: dict[str, _Scheme] = {}

    @property
    def nothing(self) -> Held:
        """What is reserved where nothing is asked of a host."""
        return self._free

    async def enter(self, visit: Visit, grant: Grant) -> Entry:
        """Count a request, and that it runs.

        Raises:
            OverLimit: There are too many, in this minute or at this moment.
            NotReady: That cannot be found out now.
        """
        bounds = self._scheme(grant).at_door
        if not bounds:
            return self._no_entry
        parts = [Part(bound.limit, bound.pool(visit.now_ms), _ONE) for bound in bounds]
        await self._reserve(parts, now_ms=visit.now_ms, quote=None)
        for part in parts:
            if part.limit.measure == "requests":
                self._leases.settle(part.pool, _ONE, charged=_ONE)
        return Entry(self._leases, [part for part in parts if part.limit.measure == "concurrent"])

    def without_limits(self, visit: Visit, endpoint: Endpoint, *, inquiry: Inquiry, outgoing: Outgoing) -> Held | None:
        """Return what is reserved where no limit asks, for the receipt; None where one does."""
        price = endpoint.price
        if inquiry.operation.is_free or inquiry.operation.name in _FREE:
            return self._free
        if visit.grant is not None and visit.grant.limits:
            return None
        if price is None:
            return self._unpriced
        if is_free_of_charge(price):
            return self._free
        if _is_blind(inquiry):
            return self._blind
        quote = quote_of(inquiry, outgoing, endpoint)
        return Held(self._leases, (), reserved=quote.reserved, work_price=quote.price if quote.is_of_many else None)

    async def hold(self, visit: Visit, endpoint: Endpoint, *, inquiry: Inquiry, outgoing: Outgoing) -> Held:
        """Reserve what an attempt may use at most of the limits that ask.

        Raises:
            OverBudget: A budget has no room for it.
            OverLimit: Likewise a limit of tokens.
            NoBound: Nothing says what it may use at most, and a hard limit wants to know.
            NotReady: What is left cannot be found out now.
        """
        scheme, price = self._scheme(visit.grant), endpoint.price
        costs_nothing = price is not None and is_free_of_charge(price)
        if costs_nothing and not scheme.tokens:
            return self._free
        if _is_blind(inquiry):
            _check_blind(scheme, inquiry, costs_nothing=costs_nothing)
            return self._free if costs_nothing else self._blind
        quote = quote_of(inquiry, outgoing, endpoint)
        parts = tuple(_token_parts(scheme.tokens, visit.now_ms, quote))
        if scheme.money and not costs_nothing:
            parts += tuple(self._money_parts(scheme.money, visit.now_ms, quote, endpoint=endpoint.name))
        if parts:
            await self._reserve(parts, now_ms=visit.now_ms, quote=quote)
        return Held(self._leases, parts, reserved=quote.reserved, work_price=quote.price if quote.is_of_many else None)

    def _scheme(self, grant: Grant | None) -> _Scheme:
        if grant is None or not grant.limits:
            return _NO_SCHEME
        scheme = self._schemes.get(grant.key_id)
        if scheme is None or scheme.limits is not grant.limits:
            if len(self._schemes) >= _MOST_SCHEMES:
                self._schemes.clear()
            scheme = self._schemes[grant.key_id] = _Scheme(grant.limits)
        return scheme

    def _money_parts(self, bounds: tuple[_Bound, ...], now_ms: int, quote: Quote, *, endpoint: str) -> Iterator[Part]:
        """Return what to reserve of budgets; a soft one that nothing can be reckoned for is left alone."""
        price = quote.price
        if isinstance(quote.bound, Unbounded):
            _check_unbounded(bounds, quote.bound, endpoint=None if price else endpoint)
        if price is None:
            return
        for budget in bounds:
            part = self._money_part(budget, now_ms, quote.reserved or _ZERO, currency=price.currency)
            if part is not None:
                yield part
            elif budget.limit.is_hard:
                raise no_rate(budget.limit, endpoint, currency=price.currency)

    def _money_part(self, budget: _Bound, now_ms: int, amount: Decimal, *, currency: str) -> Part | None:
        """Return what an amount comes to in the budget's currency, None where there is no rate."""
        limit = budget.limit
        if currency == limit.currency:
            return Part(limit, budget.pool(now_ms), amount)
        rate = self._find_rate(currency, limit.currency or "", now_ms)
        return None if rate is None else Part(limit, budget.pool(now_ms), EXACT.multiply(amount, rate.factor), rate)

    async def _reserve(self, parts: Sequence[Part], *, now_ms: int, quote: Quote | None) -> None:
        wants = [Want(part.pool, part.limit.id, part.amount, part.limit.amount) for part in parts if part.limit.is_hard]
        if not wants or self._leases.try_reserve(wants):
            return
        began_s = self._clock.monotonic_s()
        shortage = await self._leases.reserve(wants)
        self._meters.count_lease_wait(self._clock.monotonic_s() - began_s)
        if shortage is not None:
            short = next(part for part in parts if part.pool == shortage.pool)
            self._meters.count_refusal(short.limit.measure)
            raise _refusal(short, shortage, now_ms=now_ms, quote=quote)


def _refusal(part: Part, shortage: Shortage, *, now_ms: int, quote: Quote | None) -> RulesFault:
    fit: int | None = None
    if quote is not None:
        room = shortage.left if part.rate is None else shortage.left / part.rate.factor
        fit = fitting_output(quote, room, is_money=part.limit.measure == "money")
    period = period_of(part.limit, now_ms)
    return refuse(part.limit, period, shortage, need=part.amount, fit=fit, now_ms=now_ms)


def _check_unbounded(bounds: tuple[_Bound, ...], lacking: Unbounded, *, endpoint: str | None) -> None:
    """Refuse what has no bound under a hard budget; `endpoint`: the one without a price."""
    hard = next((bound.limit for bound in bounds if bound.limit.is_hard), None)
    if hard is not None:
        raise no_bound(hard, lacking.units) if endpoint is None else no_price(hard, endpoint)


def _is_blind(inquiry: Inquiry) -> bool:
    """Tell whether work is begun of which nothing says what it will use."""
    return tunes(inquiry.operation) or (runs_batches(inquiry.operation) and inquiry.run is None)


def _check_blind(scheme: _Scheme, inquiry: Inquiry, *, costs_nothing: bool) -> None:
    """Refuse such work under a limit that wants to know; what a tuned model was taught are no tokens of answers."""
    money = () if costs_nothing else scheme.money
    hard = next((bound.limit for bound in money if bound.limit.is_hard), None)
    if hard is None and scheme.tokens and runs_batches(inquiry.operation):
        hard = scheme.tokens[0].limit
    if hard is not None:
        raise no_look(hard) if runs_batches(inquiry.operation) else no_tuning_price(hard)


def _token_parts(bounds: tuple[_Bound, ...], now_ms: int, quote: Quote) -> Iterator[Part]:
    if not bounds:
        return
    most = most_tokens_of(quote.price, quote.exposure)
    for bound in bounds:
        if isinstance(most, Unbounded):
            raise no_bound(bound.limit, most.units)
        yield Part(bound.limit, bound.pool(now_ms), Decimal(most))
