"""How the ledger shares a pool out among writers: granting, taking back, charging, burying. Pure.

For every pool: what living writers hold and what dead ones have spent is never more than the limit, as it stood when
it was granted; only what a request took beyond its reservation may exceed it, and that is counted.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hortus.limits.amounts import ZERO, add, part_of, subtract
from hortus.limits.limit import Limit, Measure
from hortus.limits.period import period_of, split_pool_id
from hortus.limits.ports import Ask, Reply

_EXTRA = Decimal("0.25")  # of what is left may go on top of a need: the last part of a budget is shared finely


class Pool(msgspec.Struct, frozen=True):
    """One limit in one period.

    Attributes:
        granted: What writers hold, what they have spent, and what dead ones have spent, less what was given back.
        spent: Charges in receipts, as far as they have arrived; only money is charged in receipts.
    """

    id: str
    limit_id: str
    measure: Measure
    start_ms: int
    end_ms: int | None = None
    granted: Decimal = ZERO
    spent: Decimal = ZERO


class Lease(msgspec.Struct, frozen=True):
    """The part of a pool that one writer holds, what it has spent of it included."""

    writer: str
    pool: str
    granted: Decimal = ZERO
    spent: Decimal = ZERO


class Outcome(msgspec.Struct, frozen=True):
    """What became of one ask.

    Attributes:
        holders: Where it was refused: other writers who hold something that they may not need.
    """

    reply: Reply
    is_refused: bool = False
    holders: tuple[str, ...] = ()


class Books:
    """Pools and leases, and all that changes them. Held whole in memory, or as much of them as one step needs."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.leases: dict[str, dict[str, Lease]] = {}
        """By pool, then by writer."""

    def copy(self) -> Books:
        """Return books that stay as these are now."""
        same = Books()
        same.pools = self.pools.copy()
        same.leases = {pool: leases.copy() for pool, leases in self.leases.items()}
        return same

    def lease(self, writer: str, ask: Ask, *, limit: Limit | None) -> Outcome:
        """Take back what a writer no longer holds, and give it what it asks for if there is room."""
        if limit is None or not _is_pool_of(limit, ask.pool):
            return self._unknown(writer, ask)
        pool = self.pools.get(ask.pool) or new_pool(ask.pool, limit)
        lease = self.leases.get(ask.pool, {}).get(writer) or Lease(writer, ask.pool)
        base = max(min(lease.granted, ask.held), lease.spent)
        others = subtract(pool.granted, lease.granted)
        left = subtract(limit.amount, add(others, base))
        needed = max(subtract(add(ask.held, ask.need), base), ZERO)
        is_refused = needed > left if needed else False
        given = ZERO if is_refused else add(needed, _extra(ask.want, subtract(left, needed), limit))
        lease = _with(lease, granted=add(base, given))
        pool = msgspec.structs.replace(pool, granted=add(others, lease.granted))
        self._keep(pool, lease)
        return Outcome(
            _reply(pool, lease, limit=limit.amount),
            is_refused=is_refused,
            holders=self._holders(ask.pool, writer) if is_refused else (),
        )

    def charge(self, writer: str, pool_id: str, amount: Decimal) -> None:
        """Count what a receipt has charged; beyond what its writer was granted, the pool counts it as granted now.

        What is given back (less than nothing) was charged earlier, perhaps by another writer: it is the pool's, no
        lease's.
        """
        pool = self.pools.get(pool_id) or new_pool(pool_id, None)
        lease = self.leases.get(pool_id, {}).get(writer)
        raised = amount
        if lease is not None and amount >= 0:
            spent = add(lease.spent, amount)
            raised = max(subtract(spent, lease.granted), ZERO)
            self.leases[pool_id][writer] = Lease(writer, pool_id, add(lease.granted, raised), spent)
        self.pools[pool_id] = msgspec.structs.replace(
            pool, granted=add(pool.granted, raised), spent=add(pool.spent, amount)
        )

    def bury(self, writer: str) -> None:
        """End a dead writer's leases; all that it wrote down is charged by now.

        What it used of a minute nobody knows: that part stays granted until the minute is over.
        """
        for pool_id, leases in self.leases.items():
            lease = leases.pop(writer, None)
            if lease is not None:
                pool = self.pools[pool_id]
                granted = subtract(pool.granted, _unused(pool, lease))
                self.pools[pool_id] = msgspec.structs.replace(pool, granted=granted)

    def _keep(self, pool: Pool, lease: Lease) -> None:
        """Keep what is not empty: who was refused leaves no trace."""
        if pool.granted or pool.id in self.pools:
            self.pools[pool.id] = pool
        leases = self.leases.setdefault(pool.id, {})
        if lease.granted:
            leases[lease.writer] = lease
        else:
            leases.pop(lease.writer, None)

    def _holders(self, pool: str, writer: str) -> tuple[str, ...]:
        leases = self.leases.get(pool, {})
        return tuple(name for name, lease in leases.items() if name != writer and lease.granted > lease.spent)

    def _unknown(self, writer: str, ask: Ask) -> Outcome:
        """Without its limit, a pool only takes back."""
        lease = self.leases.get(ask.pool, {}).get(writer)
        pool = self.pools.get(ask.pool)
        if lease is None or pool is None:
            nothing = Reply(ask.pool, ZERO, ZERO, ZERO, ZERO, is_known=False)
            return Outcome(nothing, is_refused=True)
        base = max(min(lease.granted, ask.held), lease.spent)
        pool = msgspec.structs.replace(pool, granted=add(subtract(pool.granted, lease.granted), base))
        lease = _with(lease, granted=base)
        self._keep(pool, lease)
        reply = msgspec.structs.replace(_reply(pool, lease, limit=ZERO), is_known=False, left=ZERO)
        return Outcome(reply, is_refused=True)


def new_pool(pool_id: str, limit: Limit | None) -> Pool:
    """Return a pool of which nothing is taken. Without its limit: of money, for only that is charged.

    Raises:
        ValueError: This is no pool's name.
    """
    limit_id, start_ms = split_pool_id(pool_id)
    if limit is None:
        return Pool(pool_id, limit_id, "money", start_ms)
    return Pool(pool_id, limit_id, limit.measure, start_ms, period_of(limit, start_ms).end_ms)


def percent_spent(spent: Decimal, amount: Decimal) -> int:
    """Return how much of a limit is spent, rounded down; something of nothing is all of it."""
    if amount <= 0:
        return 100 if spent > 0 else 0
    return int(spent * 100 / amount)


def _is_pool_of(limit: Limit, pool_id: str) -> bool:
    limit_id, start_ms = split_pool_id(pool_id)
    return limit_id == limit.id and period_of(limit, start_ms).start_ms == start_ms


def _extra(want: Decimal, left: Decimal, limit: Limit) -> Decimal:
    is_whole = limit.measure != "money"
    return min(part_of(want, Decimal(1), is_whole=is_whole), part_of(left, _EXTRA, is_whole=is_whole))


def _unused(pool: Pool, lease: Lease) -> Decimal:
    if pool.measure == "money":
        return subtract(lease.granted, lease.spent)
    return lease.granted if pool.measure == "concurrent" else ZERO


def _with(lease: Lease, *, granted: Decimal) -> Lease:
    return Lease(lease.writer, lease.pool, granted, lease.spent)


def _reply(pool: Pool, lease: Lease, *, limit: Decimal) -> Reply:
    elsewhere = subtract(subtract(pool.granted, pool.spent), subtract(lease.granted, lease.spent))
    return Reply(
        pool=pool.id,
        granted=lease.granted,
        left=max(subtract(limit, pool.granted), ZERO),
        reserved_elsewhere=max(elsewhere, ZERO),
        limit=limit,
        end_ms=pool.end_ms,
    )
