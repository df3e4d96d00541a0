"""Claims from worker to store over a real socket: one key, one request, also where the ledger goes away in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hortus.app import claims_client
from hortus.app.claims_client import LedgerClaims
from hortus.app.ledger_link import LedgerLink
from hortus.canon.errors import NotReady
from hortus.ledger import claiming
from hortus.ledger.claiming import ClaimDesk
from hortus.ledger.grants import GrantServer
from hortus.ledger.ports import StoreUnavailable
from hortus.receipts.claims import Claim, Claimed
from hortus.store.claims import ClaimTable
from hortus.store.database import Store, open_store
from hortus.store.schema import claims
from ledger.lease_ground import NoGrants, in_thread, until
from receipts.journal_examples import StepClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "hortus.db", clock=StepClock())
    yield made
    made.close()


class MayBeLocked:
    """The store's claims, unless somebody keeps the store locked."""

    def __init__(self, table: ClaimTable) -> None:
        self.table = table
        self.is_locked = False

    def claim(self, claim: Claim) -> Claimed:
        self._look()
        return self.table.claim(claim)

    def end(self, claim: Claim, *, is_done: bool) -> None:
        self._look()
        self.table.end(claim, is_done=is_done)

    def forget(self, before_ms: int) -> None:
        self._look()
        self.table.forget(before_ms)

    def _look(self) -> None:
        if self.is_locked:
            raise StoreUnavailable("locked.")


@contextlib.asynccontextmanager
async def ledger(path: Path, shelf: MayBeLocked) -> AsyncIterator[None]:
    desk = ClaimDesk(shelf, in_thread, clock=StepClock())
    serving = asyncio.create_task(GrantServer(NoGrants(), in_thread, desks={claiming.NAME: desk}).serve(path))
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.wait([serving])


@contextlib.asynccontextmanager
async def worker(path: Path, name: str) -> AsyncIterator[LedgerClaims]:
    link = LedgerLink(path)
    mine = LedgerClaims(link, name)
    running = asyncio.create_task(link.run(is_ending=lambda: True))
    try:
        await until(lambda: link.is_up)
        yield mine
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_two_workers_cannot_have_one_key(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "ledger.sock"
    async with ledger(path, MayBeLocked(ClaimTable(store))), worker(path, "w1") as one, worker(path, "w2") as two:
        assert await one.claim("prj_1", "key", receipt_id="rcp_1") == Claimed("yours", "rcp_1")
        assert await two.claim("prj_1", "key", receipt_id="rcp_2") == Claimed("running", "rcp_1")
        one.end("prj_1", "key", receipt_id="rcp_1", is_done=True)
        answers = [await two.claim("prj_1", "key", receipt_id=f"rcp_{number}") for number in range(3, 6)]
        assert answers[-1] == Claimed("done", "rcp_1")


async def test_what_failed_may_be_claimed_by_others(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "ledger.sock"
    async with ledger(path, MayBeLocked(ClaimTable(store))), worker(path, "w1") as one:
        await one.claim("prj_1", "key", receipt_id="rcp_1")
        one.end("prj_1", "key", receipt_id="rcp_1", is_done=False)
        assert await one.claim("prj_1", "key", receipt_id="rcp_2") == Claimed("yours", "rcp_2")


async def test_a_store_that_is_locked_makes_requests_come_again(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_client, "ANSWER_WITHIN_S", 0.05)
    path, shelf = tmp_path / "ledger.sock", MayBeLocked(ClaimTable(store))
    async with ledger(path, shelf), worker(path, "w1") as one:
        shelf.is_locked = True
        with pytest.raises(NotReady) as refused:
            await one.claim("prj_1", "key", receipt_id="rcp_1")
        assert refused.value.retry_after_s == 1
        shelf.is_locked = False
        monkeypatch.setattr(claims_client, "ANSWER_WITHIN_S", 10)
        assert await one.claim("prj_1", "key", receipt_id="rcp_2") == Claimed("yours", "rcp_2")


async def test_what_runs_is_claimed_anew_at_a_ledger_that_comes_back(tmp_path: Path, store: Store) -> None:
    path, table = tmp_path / "ledger.sock", ClaimTable(store)
    async with worker_through_a_restart(path, table), ledger(path, MayBeLocked(table)), worker(path, "w2") as two:
        await until(lambda: _state(store) == "running")
        assert await two.claim("prj_1", "key", receipt_id="rcp_2") == Claimed("running", "rcp_1")


def _state(store: Store) -> str | None:
    with store.reading() as connection:
        return connection.execute(select(claims.c.state)).scalar()


@contextlib.asynccontextmanager
async def worker_through_a_restart(path: Path, table: ClaimTable) -> AsyncIterator[LedgerClaims]:
    """Claim at a ledger that then goes away and loses it."""
    link = LedgerLink(path)
    mine = LedgerClaims(link, "w1")
    running = asyncio.create_task(link.run(is_ending=lambda: True))
    try:
        async with ledger(path, MayBeLocked(table)):
            await until(lambda: link.is_up)
            assert (await mine.claim("prj_1", "key", receipt_id="rcp_1")).state == "yours"
        await until(lambda: not link.is_up)
        table.end(Claim("prj_1", "key", "rcp_1", "w1"), is_done=False)  # as if it had never come so far
        yield mine
    finally:
        running.cancel()
        await asyncio.wait([running])
