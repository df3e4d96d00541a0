"""Pools and leases in the store: the same law as in memory, charges with receipts, alerts, what people see."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from hortus.ledger.ports import Alert, Batch, PoolAsk
from hortus.limits.limit import Limit
from hortus.limits.pool import Books, Outcome
from hortus.limits.ports import Ask
from hortus.receipts.records import Hold, JournalRecord
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable
from hortus.store.database import Store, open_store
from hortus.store.leases import RATES_KEPT_MS, LeaseTable, PoolState
from hortus.store.poolbooks import PoolAccounts
from hortus.store.schema import pools
from limits.lease_world import Step, World, histories, long_history
from receipts.journal_examples import StepClock, opened, settled

LAW = settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
DAY_MS = 86_400_000
BUDGET = Limit(
    id="budget", name="budget", scope="project", scope_id="prj_1", measure="money", amount=Decimal(100), period="day"
)
TOKENS = replace(BUDGET, id="tokens", measure="tokens", period="minute")


class Book:
    """Limits that change when told."""

    def __init__(self, *limits: Limit) -> None:
        self.limits = {limit.id: limit for limit in limits}

    def limit(self, limit_id: str) -> Limit | None:
        return self.limits.get(limit_id)


class InStore:
    """The ledger of the simulated world, with the tables that the real one has."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._book = Book()
        self._leases = LeaseTable(store, self._book)
        self._journal = JournalTable(store)
        self._ends: dict[str, Position] = {}
        self._accounts = PoolAccounts(store.dialect)

    def lease(self, writer: str, ask: Ask, limit: Limit | None) -> Outcome:
        self._book.limits = {limit.id: limit} if limit else {}
        return self._leases.lease([PoolAsk(writer, ask)])[0]

    def absorb(self, writer: str, records: Sequence[JournalRecord]) -> None:
        start = self._ends.get(writer, START)
        end = Position(start.offset + len(records), "chain")
        if records:
            self._journal.absorb(Batch(f"{writer}-1.journal", writer, start, end, tuple(records)))
            self._ends[writer] = end

    def bury(self, writer: str) -> None:
        self._journal.bury(writer)

    def books(self) -> Books:
        with self._store.reading() as connection:
            return self._accounts.load(connection, connection.execute(pools.select()).scalars().all())


def live_through(history: list[Step], store: Store) -> None:
    world = World(InStore(store))
    for name, who, much in history:
        getattr(world, name)(world.workers[who], much)
    world.check()
    world.calm_down()
    for name, pool in world.ledger.books().pools.items():
        assert pool.granted == pool.spent == world.charged(name)
    assert world.ledger.books().leases == {}


@LAW
@given(histories(60))
def test_limits_hold_and_nothing_leaks_in_the_store(history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store.sqlite", clock=StepClock())
        try:
            live_through(history, store)
        finally:
            store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store.sqlite", clock=StepClock(DAY_MS))
    yield made
    made.close()


@pytest.fixture
def book() -> Book:
    return Book(BUDGET, TOKENS)


@pytest.fixture
def table(store: Store, book: Book) -> LeaseTable:
    return LeaseTable(store, book)


@pytest.mark.parametrize("seed", range(2))
def test_long_histories_hold_in_the_store_too(store: Store, seed: int) -> None:
    live_through(long_history(seed, 400), store)


def ask(pool: str = "budget@0", *, need: int, writer: str = "w") -> PoolAsk:
    return PoolAsk(writer, Ask(pool, pool.rpartition("@")[0], Decimal(0), Decimal(need)))


def spend(store: Store, amount: str, *, pool: str = "budget@0", name: str = "a") -> None:
    """Let a receipt arrive that charges so much."""
    holds = (Hold(pool, Decimal(amount)),)
    records = (replace(opened(name), holds=holds), replace(settled(name), charges=holds))
    JournalTable(store).absorb(Batch(f"w-{name}.journal", "w", START, Position(1, "chain"), records))


def test_what_one_writer_holds_another_cannot_have(table: LeaseTable) -> None:
    one, two = table.lease([ask(need=70, writer="w-1"), ask(need=40, writer="w-2")])
    assert (one.reply.granted, two.is_refused) == (70, True)
    assert table.lease_writers() == {"w-1"}


def test_many_asks_go_in_one_call(table: LeaseTable) -> None:
    outcomes = table.lease([ask(f"budget@{day * DAY_MS}", need=1) for day in range(200)])
    assert {outcome.reply.granted for outcome in outcomes} == {1}


def test_a_limit_whose_zone_is_not_known_here_gives_nothing(table: LeaseTable, book: Book) -> None:
    book.limits["budget"] = replace(BUDGET, timezone="Mars/Olympus_Mons")
    (outcome,) = table.lease([ask(need=1)])
    assert (outcome.is_refused, outcome.reply.is_known) == (True, False)


def test_a_soft_limit_is_counted_without_leases(store: Store, table: LeaseTable) -> None:
    spend(store, "30")
    (state,) = table.pools("budget", at_ms=0)
    assert (state.spent, state.granted, state.reserved) == (30, 30, 0)


def test_people_see_what_is_spent_and_what_is_reserved(store: Store, table: LeaseTable) -> None:
    table.lease([ask(need=70)])
    spend(store, "30")
    assert table.pools(at_ms=5) == [
        PoolState("budget@0", "budget", 0, DAY_MS, Decimal(100), Decimal(70), Decimal(30), Decimal(40))
    ]


def test_people_see_a_limit_of_which_nothing_is_used(table: LeaseTable) -> None:
    (state,) = table.pools("budget", at_ms=DAY_MS + 5)
    assert (state.pool, state.granted, state.limit) == (f"budget@{DAY_MS}", 0, 100)


def test_people_do_not_see_what_is_over(store: Store, table: LeaseTable) -> None:
    table.lease([ask(need=70)])
    spend(store, "1", pool="soft@0")
    assert [state.pool for state in table.pools(at_ms=DAY_MS)] == ["soft@0"]


def test_an_alert_comes_once(store: Store, table: LeaseTable) -> None:
    spend(store, "85", name="a")
    assert table.weigh() == [Alert("budget", "budget@0", 80, Decimal(85), Decimal(100))]
    spend(store, "1", name="b")
    assert table.weigh() == []
    spend(store, "14", name="c")
    assert [alert.percent for alert in table.weigh()] == [100]
    assert table.weigh() == []


def test_below_its_levels_there_is_no_alert(store: Store, table: LeaseTable) -> None:
    spend(store, "79.999")
    assert table.weigh() == []


def test_after_the_limit_was_raised_the_same_level_alerts_again(store: Store, table: LeaseTable, book: Book) -> None:
    spend(store, "85", name="a")
    table.weigh()
    book.limits["budget"] = replace(BUDGET, amount=Decimal(200))
    spend(store, "1", name="b")
    assert table.weigh() == []
    spend(store, "80", name="c")
    assert [alert.percent for alert in table.weigh()] == [80]


def test_what_is_spent_of_a_limit_that_is_gone_alerts_nobody(store: Store, table: LeaseTable, book: Book) -> None:
    book.limits.clear()
    spend(store, "85")
    assert table.weigh() == []


def test_a_lease_that_is_asked_for_meanwhile_hides_no_alert(store: Store, table: LeaseTable) -> None:
    spend(store, "85")
    table.lease([ask(need=1)])
    assert len(table.weigh()) == 1


def test_minutes_are_forgotten_after_a_while(store: Store, table: LeaseTable) -> None:
    assert isinstance(store.clock, StepClock)
    table.lease([ask(f"tokens@{DAY_MS}", need=1), ask(f"budget@{DAY_MS}", need=1)])
    table.tidy()
    assert len(table.pools(at_ms=DAY_MS)) == 2
    store.clock.pass_by((RATES_KEPT_MS + 60_000) / 1000)
    table.tidy()
    assert [state.limit_id for state in table.pools(at_ms=DAY_MS)] == ["budget"]
    assert table.lease_writers() == {"w"}


def test_a_receipt_that_comes_twice_is_charged_once(store: Store, table: LeaseTable) -> None:
    spend(store, "30", name="a")
    holds = (Hold("budget@0", Decimal(30)),)
    records = (replace(opened("a"), holds=holds), replace(settled("a"), charges=holds))
    JournalTable(store).absorb(Batch("copy-1.journal", "w", START, Position(1, "chain"), records))
    assert table.pools("budget", at_ms=0)[0].spent == 30


def test_an_interrupted_attempt_is_charged_all_that_it_held(store: Store, table: LeaseTable) -> None:
    table.lease([ask(need=70)])
    begun = replace(opened("a"), holds=(Hold("budget@0", Decimal(20)),))
    journal = JournalTable(store)
    journal.absorb(Batch("w-1.journal", "w", START, Position(1, "chain"), (begun,)))
    journal.bury("w")
    (state,) = table.pools("budget", at_ms=0)
    assert (state.granted, state.spent) == (20, 20)
    assert table.lease_writers() == frozenset()
