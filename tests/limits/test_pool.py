"""How the ledger shares a pool out: needs before wants, nothing beyond the limit, what the dead leave behind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from hortus.limits.limit import Limit, Measure
from hortus.limits.pool import Books, Outcome, percent_spent
from hortus.limits.ports import Ask

MONEY = Limit(id="a", name="a", scope="project", scope_id="prj_1", measure="money", amount=Decimal(100), period="total")
RATE = replace(MONEY, measure="tokens", period="minute")


def ask(held: int | str = 0, *, need: int | str = 0, want: int | str = 0, pool: str = "a@0") -> Ask:
    return Ask(pool, "a", Decimal(held), Decimal(need), Decimal(want))


def lease(books: Books, writer: str, said: Ask, *, limit: Limit | None = MONEY) -> Outcome:
    return books.lease(writer, said, limit=limit)


def granted(books: Books, writer: str, said: Ask, *, limit: Limit | None = MONEY) -> Decimal:
    return lease(books, writer, said, limit=limit).reply.granted


def test_the_need_is_given_first_and_a_quarter_of_the_rest_at_most() -> None:
    assert granted(Books(), "w", ask(need=20, want=50)) == 40
    assert granted(Books(), "w", ask(need=20, want=5)) == 25


def test_of_what_is_counted_only_whole_parts_go_on_top() -> None:
    assert granted(Books(), "w", ask(need=90, want=50), limit=RATE) == 92


def test_what_is_left_is_given_to_the_last() -> None:
    assert granted(Books(), "w", ask(need=100)) == 100


def test_beyond_the_limit_nothing_is_given() -> None:
    books = Books()
    lease(books, "w-1", ask(need=60))
    outcome = lease(books, "w-2", ask(need=41, want=5))
    assert outcome.is_refused
    assert outcome.holders == ("w-1",)
    assert (outcome.reply.granted, outcome.reply.left, outcome.reply.reserved_elsewhere) == (0, 40, 60)


def test_what_is_given_back_can_be_given_to_others() -> None:
    books = Books()
    lease(books, "w-1", ask(need=60))
    lease(books, "w-1", ask(held=10))
    assert granted(books, "w-2", ask(need=90)) == 90


def test_an_answer_that_was_lost_is_given_again_and_counted_once() -> None:
    books = Books()
    lease(books, "w", ask(need=60))
    assert granted(books, "w", ask(need=60)) == 60
    assert books.pools["a@0"].granted == 60


def test_a_charge_beyond_what_was_granted_counts_as_granted() -> None:
    books = Books()
    lease(books, "w", ask(need=60))
    books.charge("w", "a@0", Decimal(70))
    assert (books.pools["a@0"].granted, books.pools["a@0"].spent) == (70, 70)
    assert granted(books, "w", ask(held=60, need=15)) == 75


def test_what_is_spent_cannot_be_given_back() -> None:
    books = Books()
    lease(books, "w", ask(need=60))
    books.charge("w", "a@0", Decimal(30))
    assert granted(books, "w", ask(held=10)) == 30


def test_a_charge_without_a_lease_counts_as_granted() -> None:
    books = Books()
    books.charge("w", "soft@0", Decimal(7))
    assert (books.pools["soft@0"].granted, books.pools["soft@0"].spent) == (7, 7)


def test_a_lowered_limit_gives_nothing_more_and_takes_nothing_away() -> None:
    books = Books()
    lease(books, "w", ask(need=60))
    lower = replace(MONEY, amount=Decimal(50))
    outcome = lease(books, "w", ask(held=60, want=10), limit=lower)
    assert (outcome.is_refused, outcome.reply.granted, outcome.reply.left) == (False, 60, 0)
    assert lease(books, "w", ask(held=60, need=1), limit=lower).is_refused


@pytest.mark.parametrize(
    ("measure", "left_by_the_dead"), [("money", 25), ("concurrent", 0), ("tokens", 60), ("requests", 60)]
)
def test_of_a_dead_writers_lease_only_what_it_may_have_used_stays(measure: Measure, left_by_the_dead: int) -> None:
    books = Books()
    lease(books, "w", ask(need=60), limit=replace(MONEY, measure=measure))
    if measure == "money":
        books.charge("w", "a@0", Decimal(25))
    books.bury("w")
    assert books.pools["a@0"].granted == left_by_the_dead
    assert books.leases["a@0"] == {}


def test_a_limit_that_is_gone_gives_nothing_and_takes_back() -> None:
    books = Books()
    lease(books, "w", ask(need=60))
    outcome = lease(books, "w", ask(held=10, need=5), limit=None)
    assert (outcome.is_refused, outcome.reply.is_known, outcome.reply.granted) == (True, False, 10)
    assert books.pools["a@0"].granted == 10


def test_a_limit_that_never_was_gives_nothing() -> None:
    outcome = lease(Books(), "w", ask(need=5), limit=None)
    assert (outcome.is_refused, outcome.reply.is_known) == (True, False)


def test_a_pool_of_other_periods_than_the_limits_is_not_known() -> None:
    outcome = lease(Books(), "w", ask(need=5, pool="a@1"), limit=replace(MONEY, period="day"))
    assert not outcome.reply.is_known


def test_the_end_of_the_period_comes_with_the_answer() -> None:
    assert lease(Books(), "w", ask(need=5, pool="a@60000"), limit=RATE).reply.end_ms == 120_000


@pytest.mark.parametrize(
    ("spent", "amount", "percent"), [("79.99", "100", 79), ("80", "100", 80), ("0", "0", 0), ("1", "0", 100)]
)
def test_percents_are_rounded_down(spent: str, amount: str, percent: int) -> None:
    assert percent_spent(Decimal(spent), Decimal(amount)) == percent


@pytest.mark.parametrize("writer", ["w-1", "w-2", "w-3"])
def test_what_a_receipt_gives_back_is_everybodys_whoever_had_charged_it(writer: str) -> None:
    books = Books()
    lease(books, "w-1", ask(need=60))
    lease(books, "w-2", ask(need=10))
    books.charge("w-1", "a@0", Decimal(50))
    books.charge(writer, "a@0", Decimal(-40))
    assert (books.pools["a@0"].granted, books.pools["a@0"].spent) == (30, 10)
    books.bury("w-1")
    assert granted(books, "w-3", ask(need=80)) == 80
    assert lease(books, "w-4", ask(need=1)).is_refused


def test_what_a_receipt_gives_back_may_come_before_what_it_was_charged_for() -> None:
    books = Books()
    books.charge("w-2", "a@0", Decimal(-40))
    books.charge("w-1", "a@0", Decimal(50))
    assert lease(books, "w-3", ask()).reply.left == 90
