"""Books of pools and leases out of the store's rows and back; the arithmetic on them is that of `limits/pool.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, bindparam, delete, false, select, update

from hortus.limits.amounts import ZERO, add
from hortus.limits.pool import Books, Lease, Pool
from hortus.receipts.records import Receipt
from hortus.store.prepared import Lookup, Prepared, Row, prepare_insert
from hortus.store.schema import leases, pools

POOL = (pools.c.id, pools.c.limit_id, pools.c.measure, pools.c.start_ms, pools.c.end_ms, pools.c.granted, pools.c.spent)
"""The columns that a pool of the books is made of."""

_LEASE = (leases.c.writer, leases.c.pool, leases.c.granted, leases.c.spent)


class PoolAccounts:
    """Reads books out of a transaction, and writes what changed in them into it."""

    def __init__(self, dialect: Dialect) -> None:
        self._pools = Lookup(select(*POOL), pools.c.id, dialect)
        self._leases = Lookup(select(*_LEASE), leases.c.pool, dialect)
        self._add_pools = prepare_insert(pools, dialect)
        self._add_leases = prepare_insert(leases, dialect)
        here = leases.c.pool == bindparam("in_pool"), leases.c.writer == bindparam("of_writer")
        amounts: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in ("granted", "spent")}
        self._change_lease = Prepared(update(leases).where(*here).values(amounts), dialect)
        self._end_lease = Prepared(delete(leases).where(*here), dialect)
        self._change_pool = Prepared(
            update(pools).where(pools.c.id == bindparam("of_id")).values(amounts | {"end_ms": bindparam("end_ms")}),
            dialect,
        )
        to_weigh = update(pools).where(pools.c.id == bindparam("of_id")).values(is_weighed=false())
        self._to_weigh = Prepared(to_weigh, dialect)

    def charge(self, connection: Connection, done: Iterable[Receipt], *, writer: str) -> None:
        """Count what a writer's receipts have charged, in the transaction in which they are written."""
        charges: dict[tuple[str, bool], Decimal] = {}
        for receipt in done:
            for attempt in receipt.attempts:
                for charge in attempt.charges:
                    sort = charge.pool, charge.amount < 0  # what is given back is another account's: not to be mixed
                    charges[sort] = add(charges.get(sort, ZERO), charge.amount)
        if not charges:
            return
        books = self.load(connection, {pool for pool, _ in charges})
        before = books.copy()
        for (pool, _), amount in charges.items():
            books.charge(writer, pool, amount)
        self.save(connection, books, before=before)

    def end(self, connection: Connection, writer: str) -> None:
        """End a dead writer's leases, after the last of its receipts was charged."""
        held = connection.execute(select(leases.c.pool).where(leases.c.writer == writer)).scalars().all()
        if held:
            books = self.load(connection, held)
            before = books.copy()
            books.bury(writer)
            self.save(connection, books, before=before)

    def load(self, connection: Connection, names: Collection[str]) -> Books:
        """Return the books of some pools."""
        books = Books()
        ids = list(names)
        books.pools = {pool.id: pool for pool in map(to_pool, self._pools.rows(connection, ids))}
        for writer, pool, granted, spent in self._leases.rows(connection, ids):
            books.leases.setdefault(pool, {})[writer] = Lease(writer, pool, Decimal(granted), Decimal(spent))
        return books

    def save(self, connection: Connection, books: Books, *, before: Books) -> None:
        """Write what is no longer as it was."""
        self._save_pools(connection, books, before)
        changed, made, ended = [], [], []
        for pool, by_writer in books.leases.items():
            old = before.leases.get(pool, {})
            for writer, lease in by_writer.items():
                if writer not in old:
                    made.append(_lease_row(lease))
                elif old[writer] != lease:
                    changed.append((_text(lease.granted), _text(lease.spent), pool, writer))
            ended += [(pool, writer) for writer in old.keys() - by_writer.keys()]
        self._add_leases.run_for_each(connection, made)
        self._change_lease.run_for_each(connection, changed)
        self._end_lease.run_for_each(connection, ended)

    def _save_pools(self, connection: Connection, books: Books, before: Books) -> None:
        made, to_weigh = [], []
        for pool in books.pools.values():
            old = before.pools.get(pool.id)
            if old is None:
                made.append(_pool_row(pool))
            elif old != pool:
                values = {"granted": _text(pool.granted), "spent": _text(pool.spent), "end_ms": pool.end_ms}
                self._change_pool.run(connection, values | {"of_id": pool.id})
            if pool.spent != (old.spent if old else ZERO):
                to_weigh.append((pool.id,))
        self._add_pools.run_for_each(connection, made)
        self._to_weigh.run_for_each(connection, to_weigh)


def to_pool(row: Sequence[Any]) -> Pool:
    """Return the pool of a row of `POOL`, as a driver or SQLAlchemy gives it."""
    id_, limit_id, measure, start_ms, end_ms, granted, spent = row
    return Pool(id_, limit_id, measure, start_ms, end_ms, Decimal(granted), Decimal(spent))


def _pool_row(pool: Pool) -> Row:
    granted, spent = _text(pool.granted), _text(pool.spent)
    return pool.id, pool.limit_id, pool.measure, pool.start_ms, pool.end_ms, granted, spent, 0, True


def _lease_row(lease: Lease) -> Row:
    return lease.pool, lease.writer, _text(lease.granted), _text(lease.spent)


def _text(amount: Decimal) -> str:
    return format(amount, "f")
