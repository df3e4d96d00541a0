"""Workers with purses, a ledger and journals, one step at a time in any order; what must hold after every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from functools import reduce
from random import Random
from typing import Protocol

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.limits.limit import Limit, Measure
from hortus.limits.period import pool_id
from hortus.limits.pool import Books, Outcome
from hortus.limits.ports import Ask, Reply, Want
from hortus.limits.purse import Purse
from hortus.receipts.folding import fold
from hortus.receipts.records import Hold, JournalRecord, Opened, Settled
from receipts.journal_examples import opened, settled

DAY_MS = 86_400_000
EXACT = Context(prec=60)
ZERO = Decimal(0)
UNIT = Decimal("0.37000000000000000000000000000001")
"""More digits than a default context keeps: whoever adds up with that is found out."""


def times(number: Decimal | int) -> Decimal:
    return EXACT.multiply(UNIT, Decimal(number))


def total(amounts: Iterable[Decimal], start: Decimal = ZERO) -> Decimal:
    return reduce(EXACT.add, amounts, start)


class Ledger(Protocol):
    """What outlives every process: pools and leases, and what has been read of journals."""

    def lease(self, writer: str, ask: Ask, limit: Limit | None) -> Outcome: ...

    def absorb(self, writer: str, records: Sequence[JournalRecord]) -> None: ...

    def bury(self, writer: str) -> None: ...

    def books(self) -> Books: ...


class InMemory:
    """The same arithmetic as in the store, without one."""

    def __init__(self) -> None:
        self._books = Books()
        self._waiting: dict[str, dict[str, list[JournalRecord]]] = {}

    def lease(self, writer: str, ask: Ask, limit: Limit | None) -> Outcome:
        return self._books.lease(writer, ask, limit=limit)

    def absorb(self, writer: str, records: Sequence[JournalRecord]) -> None:
        waiting = self._waiting.setdefault(writer, {})
        for record in records:
            waiting.setdefault(record.receipt_id, []).append(record)
            if fold(waiting[record.receipt_id]) is not None:
                self._charge(writer, waiting.pop(record.receipt_id))

    def bury(self, writer: str) -> None:
        for records in self._waiting.pop(writer, {}).values():
            self._charge(writer, records)
        self._books.bury(writer)

    def books(self) -> Books:
        return self._books

    def _charge(self, writer: str, records: Sequence[JournalRecord]) -> None:
        receipt = fold(records, is_writer_dead=True)
        assert receipt is not None
        for charge in receipt.attempts[0].charges:
            self._books.charge(writer, charge.pool, charge.amount)


class Running(msgspec.Struct):
    """A request whose attempt is under way."""

    receipt: str
    pool: str
    hold: Decimal


class Worker:
    """One life of one worker, with its connection and its journal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.purse = Purse()
        self.running: list[Running] = []
        self.waiting: list[Want] = []
        self.to_ledger: list[Ask] = []
        self.to_worker: list[Reply] = []
        self.journal: list[JournalRecord] = []
        self.absorbed = 0
        self.given_back: list[tuple[int, Hold]] = []
        """What receipts have given back of charges, and how long the journal was then."""
        self.taken: dict[str, Decimal] = {}
        """What its requests have taken of each pool or hold of it, by its journal."""
        self.is_alive = True
        self.is_buried = False

    def take(self, pool: str, amount: Decimal) -> None:
        self.taken[pool] = EXACT.add(self.taken.get(pool, ZERO), amount)

    def send(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if not self.purse.is_asked(ask.pool):
                self.purse.begin(ask)
                self.to_ledger.append(ask)


class World:
    """Everything, and the steps that it may take."""

    def __init__(self, ledger: Ledger, *, measure: Measure = "money", workers: int = 3) -> None:
        self.ledger = ledger
        self.workers = [Worker(f"w-{number}") for number in range(workers)]
        self.everybody = list(self.workers)
        self.limit = Limit(
            id="budget", name="budget", scope="project", scope_id="prj_1", measure=measure,
            amount=times(90), period="day",
        )  # fmt: skip
        self.highest = self.limit.amount
        self.day = 0
        self.receipts = 0
        self.overcharged = Decimal(0)
        self.reserved = self.refused = 0
        self.set_right: set[str] = set()

    @property
    def pool(self) -> str:
        return pool_id("budget", self.day * DAY_MS)

    def step(self, name: str, who: int, much: int) -> None:
        worker = self.workers[who % len(self.workers)]
        getattr(self, name)(worker, much)
        self.check()

    # What requests do

    def request(self, worker: Worker, much: int) -> None:
        want = Want(self.pool, "budget", times(much + 1), self.limit.amount)
        if not self._reserve(worker, want):
            worker.waiting.append(want)
            worker.send(worker.purse.reserve((want,)))

    def settle(self, worker: Worker, much: int) -> None:
        """End the oldest request: with less than it holds, all of it, or somewhat more."""
        if not worker.running:
            return
        one = worker.running.pop(0)
        share = (Decimal(0), Decimal("0.5"), Decimal(1), Decimal(1), Decimal("1.5"))[much % 5]
        charged = EXACT.multiply(one.hold, share)
        self.overcharged = EXACT.add(self.overcharged, max(EXACT.subtract(charged, one.hold), Decimal(0)))
        end = settled(one.receipt)
        worker.journal.append(replace(end, charges=(Hold(one.pool, charged),), cost=charged))
        worker.purse.settle(one.pool, one.hold, charged=charged)
        worker.take(one.pool, EXACT.subtract(charged, one.hold))

    def free(self, worker: Worker, much: int) -> None:
        """Reserve, and let go before anything is written down."""
        want = Want(self.pool, "budget", times(much + 1), self.limit.amount)
        if not worker.purse.reserve((want,)):
            worker.purse.free(want.pool, want.amount)

    def set_one_right(self, worker: Worker, much: int) -> None:
        """Give back half of a charge that some worker, dead or alive, has written down; in a receipt of its own."""
        charged = {
            record.receipt_id: record.charges[0]
            for one in self.everybody
            for record in one.journal
            if isinstance(record, Settled) and record.charges[0].amount > 0 and record.receipt_id not in self.set_right
        }
        if self.limit.measure != "money" or not charged:
            return
        paid, hold = next(iter(charged.items()))
        self.set_right.add(paid)
        back = Hold(hold.pool, EXACT.multiply(hold.amount, Decimal("-0.5")))
        receipt = f"r-{self.receipts}"
        self.receipts += 1
        worker.journal += [opened(receipt), replace(settled(receipt), charges=(back,), cost=back.amount)]
        worker.given_back.append((len(worker.journal), back))
        if much % 2:
            self.absorb(worker, much)

    # What worker and ledger say to one another

    def to_ledger(self, worker: Worker, _much: int) -> None:
        if worker.to_ledger:
            ask = worker.to_ledger.pop(0)
            before = self._granted(ask.pool)
            worker.to_worker.append(self.ledger.lease(worker.name, ask, self.limit).reply)
            assert self._granted(ask.pool) <= max(before, self.limit.amount)

    def to_worker(self, worker: Worker, _much: int) -> None:
        if worker.to_worker:
            reply = worker.to_worker.pop(0)
            ask = worker.purse.take(reply)
            assert ask is not None
            is_refused = reply.granted < EXACT.add(ask.held, ask.need)
            still: list[Want] = []
            for want in worker.waiting:
                if self._reserve(worker, want):
                    continue
                short = worker.purse.reserve((want,))
                if is_refused and any(one.pool == reply.pool and one.need >= ask.need for one in short):
                    self.refused += 1
                    continue
                still.append(want)
                worker.send(short)
            worker.waiting = still
            worker.send(worker.purse.recalled())

    def recall(self, worker: Worker, _much: int) -> None:
        worker.send(worker.purse.recall([self.pool]))

    def prefetch(self, worker: Worker, _much: int) -> None:
        worker.send(worker.purse.prefetch())

    def idle(self, worker: Worker, _much: int) -> None:
        worker.send(worker.purse.idle())

    def forget_over(self, worker: Worker, much: int) -> None:
        worker.send(worker.purse.forget_over(self.day * DAY_MS + much * 3_600_000))

    # What goes wrong

    def lose_connection(self, worker: Worker, much: int) -> None:
        """The ledger may have handled some of what was said; nothing of what it answered arrives."""
        for _ in range(much % 3):
            self.to_ledger(worker, 0)
        worker.to_ledger, worker.to_worker = [], []
        worker.send(worker.purse.restate())

    def restart_ledger(self, _worker: Worker, much: int) -> None:
        for one in self.workers:
            self.lose_connection(one, much)

    def crash(self, worker: Worker, much: int) -> None:
        """Kill a worker; the ledger may still read some of what it said, before and after that."""
        if much % 2 and worker.running:  # killed between the host's answer and the journal
            one = worker.running.pop(0)
            worker.purse.settle(one.pool, one.hold, charged=one.hold)
        worker.is_alive = False
        self.workers[self.workers.index(worker)] = fresh = Worker(f"w-{len(self.everybody)}")
        self.everybody.append(fresh)
        self.to_ledger(worker, 0)

    def change_limit(self, _worker: Worker, much: int) -> None:
        self.limit = replace(self.limit, amount=times(15 * much))
        self.highest = max(self.highest, self.limit.amount)
        for one in self.workers:
            one.send(one.purse.give_back())

    def next_day(self, _worker: Worker, _much: int) -> None:
        self.day += 1
        for one in self.workers:
            one.send(one.purse.forget_over(self.day * DAY_MS))

    # What the ledger does with journals

    def absorb(self, _worker: Worker, much: int) -> None:
        for one in self.everybody:
            if not one.is_buried:
                records = one.journal[one.absorbed : one.absorbed + much + 1]
                self.ledger.absorb(one.name, records)
                one.absorbed += len(records)

    def bury(self, _worker: Worker, _much: int) -> None:
        for one in self.everybody:
            if not one.is_alive and not one.is_buried:
                self.ledger.absorb(one.name, one.journal[one.absorbed :])
                one.absorbed = len(one.journal)
                self.ledger.bury(one.name)
                one.is_buried = True

    def calm_down(self) -> None:
        """Answer everybody, end all requests, stop all workers, read all journals."""
        for worker in self.workers:
            self._hear_out(worker)
            while worker.running:
                self.settle(worker, len(worker.running))
            worker.send(worker.purse.give_back())
            self._hear_out(worker)
            assert not worker.waiting
            worker.is_alive = False
        self.absorb(self.workers[0], 10_000)
        self.check()
        for leases in self.ledger.books().leases.values():
            for worker in self.workers:  # a clean stop leaves nothing for the burial to give back
                assert worker.name not in leases or leases[worker.name].granted == leases[worker.name].spent
        self.bury(self.workers[0], 0)

    def check(self) -> None:
        books = self.ledger.books()
        for name, pool in books.pools.items():
            leases = books.leases.get(name, {})
            dead = total(one.taken.get(name, ZERO) for one in self.everybody if one.is_buried)
            back = total(
                hold.amount
                for one in self.everybody
                for end, hold in one.given_back
                if hold.pool == name and end <= one.absorbed
            )
            assert pool.granted == total((lease.granted for lease in leases.values()), EXACT.add(dead, back))
            assert all(lease.granted >= lease.spent for lease in leases.values())
            assert self.taken(name) <= EXACT.add(self.highest, self.overcharged)
            for worker in self.workers:
                granted = worker.purse.granted_of(name)
                assert granted <= (leases[worker.name].granted if worker.name in leases else 0)
                if granted:  # else it never had any, or has forgotten a day that is long over
                    assert worker.purse.free_of(name) == EXACT.subtract(granted, worker.taken.get(name, ZERO))

    def taken(self, pool: str) -> Decimal:
        """Return what requests have taken of a pool or still hold of it: the truth, whatever purses and books say."""
        back = [hold.amount for worker in self.everybody for _, hold in worker.given_back if hold.pool == pool]
        return total((worker.taken.get(pool, ZERO) for worker in self.everybody), total(back))

    def charged(self, pool: str) -> Decimal:
        """Return what the journals say that requests have taken."""
        found: dict[str, Hold] = {}
        for worker in self.everybody:
            found |= {one.receipt_id: one.holds[0] for one in worker.journal if isinstance(one, Opened) and one.holds}
            found |= {one.receipt_id: one.charges[0] for one in worker.journal if isinstance(one, Settled)}
        return total(one.amount for one in found.values() if one.pool == pool)

    def _reserve(self, worker: Worker, want: Want) -> bool:
        if worker.purse.reserve((want,)):
            return False
        receipt = f"r-{self.receipts}"
        self.receipts += 1
        self.reserved += 1
        begun = opened(receipt)
        worker.journal.append(replace(begun, holds=(Hold(want.pool, want.amount),), reserved=want.amount))
        worker.take(want.pool, want.amount)
        worker.running.append(Running(receipt, want.pool, want.amount))
        return True

    def _granted(self, pool: str) -> Decimal:
        found = self.ledger.books().pools.get(pool)
        return found.granted if found else ZERO

    def _hear_out(self, worker: Worker) -> None:
        while worker.to_ledger or worker.to_worker:
            self.to_ledger(worker, 0)
            self.to_worker(worker, 0)


STEPS = (
    *("request",) * 20, *("settle",) * 20, *("to_ledger",) * 20, *("to_worker",) * 20, *("absorb",) * 6,
    *("bury",) * 3, *("free",) * 3, *("recall",) * 3, *("prefetch",) * 3, "idle", "forget_over", "lose_connection",
    "restart_ledger", "crash", "change_limit", "next_day", *("set_one_right",) * 3,
)  # fmt: skip
"""By name, as often as they should be drawn."""


Step = tuple[str, int, int]
"""What happens, to which worker, and how much of it."""


def histories(longest: int) -> st.SearchStrategy[list[Step]]:
    """Draw histories that shrink well, most of them long."""
    step = st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 12))
    return st.lists(step, min_size=longest // 2, max_size=longest)


def long_history(seed: int, length: int) -> list[Step]:
    draw = Random(seed)
    return [(draw.choice(STEPS), draw.randrange(3), draw.randrange(13)) for _ in range(length)]
