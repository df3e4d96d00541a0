"""Pools and leases in the store: asks of writers, alerts, what people see. Implements `ledger.ports.LeaseStore`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from sqlalchemy import and_, delete, or_, select, update

from hortus.ledger.ports import Alert, PoolAsk
from hortus.limits.amounts import subtract
from hortus.limits.limit import Limit
from hortus.limits.period import period_of, pool_id
from hortus.limits.pool import Outcome, Pool, new_pool, percent_spent
from hortus.limits.ports import LimitBook
from hortus.store.database import Store
from hortus.store.poolbooks import POOL, PoolAccounts, to_pool
from hortus.store.schema import leases, pools

RATES_KEPT_MS = 3_600_000
"""How long the pool of a minute is remembered after its end: requests that began in it may still come back to it."""

_RATES = ("requests", "tokens")


class PoolState(msgspec.Struct, frozen=True):
    """One pool, as people see it.

    Attributes:
        limit: The limit's amount now, None where it is gone.
        granted: What writers hold and what is spent.
        spent: By receipts; only money is in receipts.
        reserved: Granted and not spent: held by running requests, or fetched ahead.
    """

    pool: str
    limit_id: str
    start_ms: int
    end_ms: int | None
    limit: Decimal | None
    granted: Decimal
    spent: Decimal
    reserved: Decimal


class LeaseTable:
    """What writers hold of pools.

    Args:
        store: Where it lies.
        book: The limits as they are now.
    """

    def __init__(self, store: Store, book: LimitBook) -> None:
        self._store = store
        self._book = book
        self._accounts = PoolAccounts(store.dialect)

    def _limit(self, limit_id: str) -> Limit | None:
        """Return a limit; none where this machine does not know its time zone: nothing of it can be given out."""
        limit = self._book.limit(limit_id)
        if limit is None:
            return None
        try:
            period_of(limit, 0)
        except ZoneInfoNotFoundError:
            return None
        return limit

    def lease(self, asks: Sequence[PoolAsk]) -> list[Outcome]:
        """Settle asks in their order, in one transaction; what was granted is on the disk when it returns."""
        limits = {name: self._limit(name) for name in {one.ask.limit for one in asks}}
        with self._store.writing() as connection:
            books = self._accounts.load(connection, {one.ask.pool for one in asks})
            before = books.copy()
            outcomes = [books.lease(one.writer, one.ask, limit=limits[one.ask.limit]) for one in asks]
            self._accounts.save(connection, books, before=before)
        return outcomes

    def weigh(self) -> list[Alert]:
        """Return the alerts of what was spent since the last call, each once, and remember them."""
        fresh = select(*POOL, pools.c.alerted_percent).where(pools.c.is_weighed.is_(False))
        with self._store.reading() as connection:
            is_any = connection.execute(fresh.limit(1)).first() is not None
        if not is_any:
            return []
        alerts = []
        with self._store.writing() as connection:
            for *row, alerted in connection.execute(fresh).all():
                pool = to_pool(row)
                limit = self._limit(pool.limit_id)
                values: dict[str, object] = {"is_weighed": True}
                if limit is not None:
                    reached = _reached(pool, limit)
                    values |= {"alerted_percent": reached, "end_ms": period_of(limit, pool.start_ms).end_ms}
                    if reached > alerted:
                        alerts.append(Alert(limit.id, pool.id, reached, pool.spent, limit.amount))
                connection.execute(update(pools).where(pools.c.id == pool.id).values(values))
        return alerts

    def tidy(self) -> None:
        """Forget the pools of minutes that are long over."""
        over = and_(pools.c.measure.in_(_RATES), pools.c.end_ms < self._store.clock.now_ms() - RATES_KEPT_MS)
        with self._store.writing() as connection:
            names = connection.execute(select(pools.c.id).where(over)).scalars().all()
            if names:
                connection.execute(delete(leases).where(leases.c.pool.in_(select(pools.c.id).where(over))))
                connection.execute(delete(pools).where(over))

    def lease_writers(self) -> frozenset[str]:
        """Return the writers that hold leases."""
        with self._store.reading() as connection:
            return frozenset(connection.execute(select(leases.c.writer).distinct()).scalars())

    def pools(self, limit_id: str | None = None, *, at_ms: int) -> list[PoolState]:
        """Return the pools whose period an instant lies in, by limit; that of `limit_id` also if nobody has used it."""
        query = select(*POOL).where(pools.c.start_ms <= at_ms, or_(pools.c.end_ms.is_(None), pools.c.end_ms > at_ms))
        if limit_id is not None:
            query = query.where(pools.c.limit_id == limit_id)
        with self._store.reading() as connection:
            found = [to_pool(row) for row in connection.execute(query.order_by(pools.c.limit_id, pools.c.start_ms))]
        states = [_state(pool, self._limit(pool.limit_id)) for pool in found]
        current = [state for state in states if state.end_ms is None or state.end_ms > at_ms]
        if current or limit_id is None or (limit := self._limit(limit_id)) is None:
            return current
        untouched = new_pool(pool_id(limit_id, period_of(limit, at_ms).start_ms), limit)
        return [_state(untouched, limit)]


def _state(pool: Pool, limit: Limit | None) -> PoolState:
    end_ms = pool.end_ms
    if end_ms is None and limit is not None:  # made by a charge, and not weighed yet
        end_ms = period_of(limit, pool.start_ms).end_ms
    return PoolState(
        pool=pool.id,
        limit_id=pool.limit_id,
        start_ms=pool.start_ms,
        end_ms=end_ms,
        limit=limit.amount if limit else None,
        granted=pool.granted,
        spent=pool.spent,
        reserved=subtract(pool.granted, pool.spent),
    )


def _reached(pool: Pool, limit: Limit) -> int:
    """Return the highest percent of a limit's alerts that is reached, 0 for none."""
    percent = percent_spent(pool.spent, limit.amount)
    return max([level for level in limit.alert_at if level <= percent], default=0)
