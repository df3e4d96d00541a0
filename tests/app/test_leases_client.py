"""A worker's leases: without a ledger, at the end of a period, and when nobody uses them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hortus.app.leases_client import IDLE_AFTER_S, LedgerLeases
from hortus.app.ledger_link import LedgerLink
from hortus.canon.errors import NotReady
from hortus.limits.ports import Want
from ledger.lease_ground import BUDGET, POOL, Shelf, ledger_at, until, want, worker_at
from receipts.journal_examples import StepClock

DAY_MS = 86_400_000
DAILY = replace(BUDGET, id="daily", period="day")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "l.sock"


async def test_without_a_ledger_a_request_does_not_wait_for_ever(path: Path) -> None:
    leases = LedgerLeases(LedgerLink(path), "w", clock=StepClock(), answer_within_s=0.01)
    with pytest.raises(NotReady) as answer:
        await leases.reserve(want(1))
    assert (answer.value.status, answer.value.retry_after_s) == (503, 1)


async def test_who_gave_up_waiting_holds_nothing(path: Path) -> None:
    store = Shelf(BUDGET)
    async with ledger_at(path, store), worker_at(path, "w", answer_within_s=0.01) as leases:
        store.is_available = False
        with pytest.raises(NotReady):
            await leases.reserve(want(100))
        store.is_available = True
        await until(lambda: leases.try_reserve(want(100)))  # what was granted is free, as soon as the answer is here
        assert store.granted() == 100


async def test_what_is_left_of_a_day_is_given_back_at_its_end(path: Path) -> None:
    store, clock = Shelf(DAILY), StepClock(0)
    async with ledger_at(path, store), worker_at(path, "w", clock=clock) as leases:
        wanted = (Want("daily@0", "daily", Decimal(10), Decimal(100)),)
        await leases.reserve(wanted)
        leases.settle("daily@0", Decimal(10), charged=Decimal(4))
        leases.look()
        clock.pass_by(DAY_MS / 1000)
        leases.look()
        await until(lambda: store.granted("daily@0") == 4)


async def test_what_nobody_uses_for_a_while_is_given_back(path: Path) -> None:
    store, clock = Shelf(BUDGET), StepClock()
    async with ledger_at(path, store), worker_at(path, "w", clock=clock) as leases:
        await leases.reserve(want(10))
        leases.free(POOL, Decimal(10))
        for _ in range(2):
            clock.pass_by(IDLE_AFTER_S)
            leases.look()
        await until(lambda: store.granted() == 0)


async def test_several_pools_are_reserved_together_or_not_at_all(path: Path) -> None:
    other = replace(BUDGET, id="other", amount=Decimal(5))
    store = Shelf(BUDGET, other)
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        shortage = await leases.reserve((*want(10), *want(6, other)))
        assert shortage is not None
        assert shortage.limit_id == "other"
        assert await leases.reserve(want(100)) is None
