"""Leases over the ledger's socket: groups, recalls before refusals, connections that break, limits that change."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hortus.app.leases_client import LedgerLeases
from hortus.canon.errors import NotReady
from ledger.lease_ground import BUDGET, DEADLINE_S, POOL, NoGrants, Shelf, ledger_at, until, want, worker_at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "l.sock"


@pytest.fixture
def store() -> Shelf:
    return Shelf(BUDGET)


def said(writer: str, *, need: str, nr: int = 1) -> bytes:
    ask = {"pool": POOL, "limit": "budget", "held": "0", "need": need}
    return msgspec.json.encode({"ask": "lease", "writer": writer, "nr": nr, "pools": [ask]}) + b"\n"


async def hear(reader: asyncio.StreamReader, what: str) -> Any:
    """Return the next message of a kind."""
    async with asyncio.timeout(DEADLINE_S):
        while what not in (message := msgspec.json.decode(await reader.readline())):
            pass
    return message


@contextlib.asynccontextmanager
async def worker_after_a_ledger(path: Path, store: Shelf) -> AsyncIterator[LedgerLeases]:
    """A worker with a lease whose ledger has ended."""
    async with contextlib.AsyncExitStack() as stack:
        async with ledger_at(path, store):
            leases = await stack.enter_async_context(worker_at(path, "w"))
            await leases.reserve(want(10))
        yield leases


async def test_what_is_needed_is_reserved(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        assert not leases.try_reserve(want(10))
        assert await leases.reserve(want(10)) is None
        assert store.granted() >= 10


async def test_after_the_first_time_nobody_is_asked(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        await leases.reserve(want(1))
        assert leases.try_reserve(want(1))


async def test_a_refusal_says_what_is_left_and_what_is_reserved(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        await leases.reserve(want(70))
        shortage = await leases.reserve(want(40))
    assert shortage is not None
    assert (shortage.pool, shortage.limit_id) == (POOL, "budget")
    assert (shortage.left, shortage.reserved, shortage.limit) == (30, 70, 100)


async def test_what_others_do_not_need_is_recalled_before_anybody_is_refused(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-1") as one, worker_at(path, "w-2") as two:
        await one.reserve(want(60))
        one.free(POOL, Decimal(60))
        assert await two.reserve(want(100)) is None


async def test_what_others_use_is_not_taken_from_them(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-1") as one, worker_at(path, "w-2") as two:
        await one.reserve(want(60))
        shortage = await two.reserve(want(41))
        assert shortage is not None
        assert (shortage.left, shortage.reserved) == (40, 60)


async def test_two_that_need_the_rest_do_not_refuse_one_another(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-1") as one, worker_at(path, "w-2") as two:
        for leases in (one, two):
            await leases.reserve(want(40))
            leases.free(POOL, Decimal(40))
        answers = await asyncio.gather(one.reserve(want(80)), two.reserve(want(80)))
        assert sorted(answer is None for answer in answers) == [False, True]


async def test_a_worker_that_has_gone_is_not_waited_for(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store) as desk, worker_at(path, "w-2") as two:
        async with worker_at(path, "w-1") as one:
            await one.reserve(want(60))
        await until(lambda: not desk.is_here("w-1"))
        shortage = await two.reserve(want(41))
        assert shortage is not None
        assert shortage.left == 100 - store.granted()


async def test_a_worker_that_does_not_answer_a_recall_is_not_waited_for_long(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store, recall_within_s=0.01), worker_at(path, "w-2") as two:
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(said("w-1", need="60"))
        await until(lambda: store.granted() == 60)
        shortage = await two.reserve(want(41))
        assert shortage is not None
        writer.close()


async def test_a_worker_that_leaves_during_a_recall_is_waited_for_no_longer(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-2") as two:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(said("w-1", need="60"))
        await hear(reader, "lease")
        reserving = asyncio.create_task(two.reserve(want(41)))
        assert await hear(reader, "recall") == {"recall": [POOL]}
        writer.close()
        assert await reserving is not None


async def test_what_was_said_on_an_earlier_connection_is_not_heard_after_the_next(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store):
        _, before = await asyncio.open_unix_connection(str(path))
        reader, after = await asyncio.open_unix_connection(str(path))
        after.write(said("w", need="10", nr=5))
        await hear(reader, "lease")
        before.write(said("w", need="60", nr=4))
        before.write(said("x", need="1"))
        await until(lambda: store.lease_writers() == {"w", "x"})
        assert store.granted() == 11
        before.close()
        after.close()


async def test_many_requests_at_the_edge_of_a_budget_get_exactly_all_of_it(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-1") as one, worker_at(path, "w-2") as two:
        answers = await asyncio.gather(*[leases.reserve(want(3)) for _ in range(40) for leases in (one, two)])
        assert sum(answer is None for answer in answers) == 33
        assert store.granted() <= 100


async def test_asks_that_come_while_the_store_is_busy_go_together(path: Path, store: Shelf) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold_the_first(call: Callable[[], Any]) -> Any:
        begun.set()
        await release.wait()
        return call()

    async with contextlib.AsyncExitStack() as stack:
        desk = await stack.enter_async_context(ledger_at(path, store, run=hold_the_first))
        one, *others = [await stack.enter_async_context(worker_at(path, f"w-{number}")) for number in range(3)]
        first = asyncio.create_task(one.reserve(want(1)))
        await begun.wait()
        waiting = [asyncio.create_task(leases.reserve(want(1))) for leases in others]
        await until(lambda: desk.waiting == 2)
        release.set()
        await asyncio.gather(first, *waiting)
    assert [{one.writer for one in batch} for batch in store.batches[:2]] == [{"w-0"}, {"w-1", "w-2"}]


async def test_a_store_that_is_away_is_waited_for(path: Path, store: Shelf) -> None:
    store.is_available = False
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        reserving = asyncio.create_task(leases.reserve(want(10)))
        await until(lambda: store.refused)
        store.is_available = True
        assert await reserving is None


async def test_a_lease_outlives_the_ledger(path: Path, store: Shelf) -> None:
    async with worker_after_a_ledger(path, store) as leases:
        assert leases.try_reserve(want(1))


async def test_a_ledger_that_comes_back_learns_what_is_held(path: Path, store: Shelf) -> None:
    async with worker_after_a_ledger(path, store) as leases, ledger_at(path, store) as desk:
        await until(lambda: desk.is_here("w"))
        assert await leases.reserve(want(90)) is None
        assert store.granted() == 100


async def test_an_answer_that_was_lost_is_not_counted_twice(path: Path, store: Shelf) -> None:
    hold = asyncio.Event()

    async def never_answer(call: Callable[[], Any]) -> Any:
        answer = call()
        await hold.wait()
        return answer

    async with contextlib.AsyncExitStack() as stack:
        async with ledger_at(path, store, run=never_answer):
            leases = await stack.enter_async_context(worker_at(path, "w"))
            reserving = asyncio.create_task(leases.reserve(want(60)))
            await until(lambda: store.granted() >= 60)
        async with ledger_at(path, store):
            assert await reserving is None
            assert await leases.reserve(want(40)) is None


async def test_a_request_that_is_cancelled_leaves_nothing_reserved(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        reserving = asyncio.create_task(leases.reserve(want(100)))
        await asyncio.sleep(0)
        reserving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reserving
        assert await leases.reserve(want(100)) is None


async def test_a_worker_that_stops_gives_everything_back(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        await leases.reserve(want(10))
        leases.settle(POOL, Decimal(10), charged=Decimal(4))
        await leases.close()
        assert store.granted() == 4


async def test_a_worker_stops_without_a_ledger_too(path: Path, store: Shelf) -> None:
    async with worker_after_a_ledger(path, store) as leases:
        async with asyncio.timeout(DEADLINE_S):
            await leases.close()


async def test_a_change_of_access_brings_back_what_is_free(path: Path, store: Shelf) -> None:
    access = NoGrants()
    async with ledger_at(path, store, access=access), worker_at(path, "w") as leases:
        await leases.reserve(want(10))
        await until(lambda: store.granted() > 10)
        access.version += 1
        await until(lambda: store.granted() == 10)


async def test_a_lowered_limit_brings_back_what_is_free_elsewhere(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w-1") as one, worker_at(path, "w-2") as two:
        await one.reserve(want(10))
        one.free(POOL, Decimal(10))
        store.change("budget", 50)
        await two.reserve(want(5))
        await until(lambda: "w-1" not in store.books.leases[POOL])


async def test_a_limit_that_is_gone_is_no_refusal_but_a_matter_of_a_moment(path: Path, store: Shelf) -> None:
    store.limits.clear()
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        with pytest.raises(NotReady) as answer:
            await leases.reserve(want(1))
        assert answer.value.retry_after_s == 1


async def test_more_is_fetched_before_it_is_needed(path: Path, store: Shelf) -> None:
    async with ledger_at(path, store), worker_at(path, "w") as leases:
        await leases.reserve(want(1))
        before = store.granted()
        assert all(leases.try_reserve(want(1)) for _ in range(3))
        await until(lambda: store.granted() > before)


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
async def test_amounts_that_are_none_cut_the_connection(path: Path, store: Shelf, amount: str) -> None:
    async with ledger_at(path, store), worker_at(path, "w"):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(said("w-1", need=amount))
        async with asyncio.timeout(DEADLINE_S):
            while await reader.readline():
                pass
        writer.close()
    assert store.granted() == 0
