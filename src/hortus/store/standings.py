"""How much of each limit is taken now: what receipts have charged, what runs, what writers hold besides."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from sqlalchemy import select

from hortus.limits.amounts import ZERO, add
from hortus.receipts.records import Hold
from hortus.store.database import Store
from hortus.store.leases import LeaseTable
from hortus.store.limits import LimitTable
from hortus.store.schema import waiting


class Standing(msgspec.Struct, frozen=True):
    """What is taken of one limit in one period.

    Attributes:
        spent: Charged by receipts; only money is.
        reserved: The most that requests which run may take, as far as their records have arrived; of money only.
        leased: What writers hold and have not spent: all that is reserved, and what they have fetched ahead.
    """

    pool: str
    spent: Decimal
    reserved: Decimal
    leased: Decimal


class StandingTable:
    """Reads standings. Implements `control.ports.Pools`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leases = LeaseTable(store, LimitTable(store))

    def figures(self, at_ms: int) -> Mapping[str, Standing]:
        """Return what is taken of each pool whose period that instant lies in; those never used are left out."""
        found = self._leases.pools(at_ms=at_ms)
        reserved = self._reserved() if found else {}
        return {
            one.pool: Standing(one.pool, one.spent, reserved.get(one.pool, ZERO), leased=one.reserved) for one in found
        }

    def _reserved(self) -> dict[str, Decimal]:
        """Return what attempts hold that are opened and not settled, by pool."""
        rows = select(waiting.c.receipt_id, waiting.c.number, waiting.c.kind, waiting.c.record)
        with self._store.reading() as connection:
            found = connection.execute(rows.where(waiting.c.kind.in_(("opened", "settled")))).all()
        settled = {(receipt_id, number) for receipt_id, number, kind, _ in found if kind == "settled"}
        total: dict[str, Decimal] = {}
        for receipt_id, number, kind, record in found:
            if kind == "opened" and (receipt_id, number) not in settled:
                for hold in msgspec.json.decode(record, type=_Opened).holds:
                    total[hold.pool] = add(total.get(hold.pool, ZERO), hold.amount)
        return total


class _Opened(msgspec.Struct, frozen=True):
    holds: tuple[Hold, ...] = ()
