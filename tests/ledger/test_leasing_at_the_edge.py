"""Workers at the edge of a budget, over a real socket: never beyond it, and nobody refused while there was room."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from hortus.app.leases_client import LedgerLeases
from ledger.lease_ground import BUDGET, POOL, Shelf, ledger_at, want, worker_at

EVER = 1 << 62


class Span(NamedTuple):
    """From when to when, in steps, so much was wanted or taken."""

    begin: int
    end: int
    amount: Decimal


class Truth:
    """What requests have taken and hold, whatever anybody else believes."""

    def __init__(self, seed: int) -> None:
        self.taken: list[Span] = []
        self.refused: list[Span] = []
        self.spent = self.now = Decimal(0)
        self._draw = Random(seed)
        self._step = 0

    async def request(self, leases: LedgerLeases) -> None:
        amount = Decimal(self._draw.randrange(1, 30))
        begin = self._next()
        shortage = await leases.reserve(want(str(amount)))
        if shortage is not None:
            self.refused.append(Span(begin, self._next(), amount))
            return
        self.now += amount
        assert self.now <= BUDGET.amount
        for _ in range(self._draw.randrange(4)):
            await asyncio.sleep(0)
        charged = amount * self._draw.randrange(3) / 20
        leases.settle(POOL, amount, charged=charged)
        settled = self._next()
        self.taken += [Span(begin, settled, amount), Span(settled, EVER, charged)]
        self.now += charged - amount
        self.spent += charged

    def wrongly_refused(self) -> list[Span]:
        """Return who was refused though there was room for all of the time that it waited."""
        return [one for one in self.refused if self._most_taken(one) + one.amount <= BUDGET.amount]

    def _most_taken(self, during: Span) -> Decimal:
        steps = {during.begin} | {one.begin for one in self.taken if during.begin <= one.begin <= during.end}
        return max(sum((one.amount for one in self.taken if one.begin <= at <= one.end), Decimal(0)) for at in steps)

    def _next(self) -> int:
        self._step += 1
        return self._step


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_gets_too_much_and_nobody_is_refused_wrongly(tmp_path: Path, seed: int) -> None:
    store, truth = Shelf(BUDGET), Truth(seed)

    async def ask_again_and_again(leases: LedgerLeases) -> None:
        for _ in range(40):
            await truth.request(leases)

    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(ledger_at(tmp_path / "l.sock", store))
        workers = [await stack.enter_async_context(worker_at(tmp_path / "l.sock", f"w-{n}")) for n in range(3)]
        await asyncio.gather(*[ask_again_and_again(leases) for leases in workers for _ in range(4)])
        for leases in workers:
            await leases.close()
    assert store.granted() == truth.spent
    assert len(truth.taken) > 100
    assert len(truth.refused) > 50
    assert truth.wrongly_refused() == []
