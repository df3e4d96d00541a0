"""A ledger's socket with a lease desk, workers at it, and a store of leases in memory that may be slow or away."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from hortus.app.leases_client import LedgerLeases
from hortus.app.ledger_link import LedgerLink
from hortus.ledger.grants import GrantServer
from hortus.ledger.leasing import LeaseDesk
from hortus.ledger.ports import Alert, PoolAsk, StoreUnavailable
from hortus.limits.limit import Limit
from hortus.limits.pool import Books, Outcome
from hortus.limits.ports import Want
from hortus.snapshot.grants import Grant
from receipts.journal_examples import StepClock

DEADLINE_S = 30
BUDGET = Limit(
    id="budget", name="budget", scope="project", scope_id="prj_1", measure="money", amount=Decimal(100), period="total"
)
POOL = "budget@0"


class NoGrants:
    """Access that changes when told."""

    def __init__(self) -> None:
        self.version = 1

    def grant(self, _digest: str) -> Grant | None:
        return None

    def access_version(self) -> int:
        return self.version


class Shelf:
    """Leases in memory. Implements `ledger.ports.LeaseStore`."""

    def __init__(self, *limits: Limit) -> None:
        self.limits = {limit.id: limit for limit in limits}
        self.books = Books()
        self.is_available = True
        self.refused = 0
        self.batches: list[Sequence[PoolAsk]] = []
        self._lock = threading.Lock()

    def lease(self, asks: Sequence[PoolAsk]) -> list[Outcome]:
        with self._lock:
            if not self.is_available:
                self.refused += 1
                raise StoreUnavailable("locked.")
            self.batches.append(asks)
            return [self.books.lease(one.writer, one.ask, limit=self.limits.get(one.ask.limit)) for one in asks]

    def weigh(self) -> list[Alert]:
        return []

    def tidy(self) -> None:
        return

    def lease_writers(self) -> frozenset[str]:
        return frozenset(writer for leases in self.books.leases.values() for writer in leases)

    def granted(self, pool: str = POOL) -> Decimal:
        return self.books.pools[pool].granted if pool in self.books.pools else Decimal(0)

    def change(self, limit_id: str, amount: int) -> None:
        self.limits[limit_id] = replace(self.limits[limit_id], amount=Decimal(amount))


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


async def until(condition: Callable[[], Any]) -> None:
    """Let others run until the condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 -- what is waited for belongs to the code under test
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def ledger_at(
    path: Path,
    store: Shelf,
    *,
    access: NoGrants | None = None,
    run: Callable[[Callable[[], Any]], Awaitable[Any]] = in_thread,
    recall_within_s: float = DEADLINE_S,
) -> AsyncIterator[LeaseDesk]:
    desk = LeaseDesk(store, run, recall_within_s=recall_within_s)
    task = asyncio.create_task(GrantServer(access or NoGrants(), in_thread, desks={"lease": desk}).serve(path))
    try:
        await until(lambda: path.exists() or task.done())
        yield desk
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def worker_at(
    path: Path, writer: str, *, clock: StepClock | None = None, answer_within_s: float = DEADLINE_S
) -> AsyncIterator[LedgerLeases]:
    """A connected worker, killed at the end: it gives nothing back."""
    link = LedgerLink(path)
    leases = LedgerLeases(link, writer, clock=clock or StepClock(), answer_within_s=answer_within_s)
    task = asyncio.create_task(link.run(is_ending=lambda: True))
    try:
        await until(lambda: link.is_up)
        yield leases
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def want(amount: int | str, limit: Limit = BUDGET) -> tuple[Want, ...]:
    return (Want(f"{limit.id}@0", limit.id, Decimal(amount), limit.amount),)
