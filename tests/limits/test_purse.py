"""A worker's purse: reserving all or nothing, what it asks for, what it gives back and forgets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hortus.limits.ports import Ask, Reply, Want
from hortus.limits.purse import LINGERS_MS, Purse

DAY_MS = 86_400_000
LIMIT = Decimal(640)


def want(amount: int | str, pool: str = "a@0") -> Want:
    return Want(pool, pool.rpartition("@")[0], Decimal(amount), LIMIT)


def reply(pool: str, granted: int | str, *, end_ms: int | None = None) -> Reply:
    nothing = Decimal(0)
    return Reply(pool, Decimal(granted), nothing, nothing, LIMIT, end_ms=end_ms)


def holding(granted: int | str, *pools: str, end_ms: int | None = None) -> Purse:
    """Return a purse that was granted so much of each pool, and no more than it asked for."""
    purse = Purse()
    for pool in pools or ("a@0",):
        purse.begin(Ask(pool, "a", Decimal(0), Decimal(granted)))
        purse.take(reply(pool, granted, end_ms=end_ms))
    return purse


def test_an_empty_purse_asks_for_the_need_and_a_portion() -> None:
    assert Purse().reserve([want(2)]) == (Ask("a@0", "a", Decimal(0), Decimal(2), Decimal(10)),)


def test_a_portion_has_room_for_several_holds() -> None:
    (ask,) = Purse().reserve([want(50)])
    assert ask.want == 200


def test_what_was_granted_is_reserved_without_asking() -> None:
    purse = holding(10)
    assert purse.reserve([want(4)]) == ()
    assert purse.reserve([want(6)]) == ()
    assert (purse.free_of("a@0"), purse.reserved_of("a@0")) == (0, 10)


def test_all_is_reserved_or_nothing() -> None:
    purse = holding(10, "a@0", "b@0")
    asks = purse.reserve([want(4, "a@0"), want(4, "b@0"), want(11, "c@0")])
    assert [ask.pool for ask in asks] == ["c@0"]
    assert (purse.free_of("a@0"), purse.free_of("b@0")) == (10, 10)


def test_two_wants_of_one_pool_count_together() -> None:
    (ask,) = holding(10).reserve([want(6), want(6)])
    assert ask.need == 12


def test_nothing_is_always_reserved_but_not_without_the_rest() -> None:
    assert Purse().reserve([want(0)]) == ()
    assert [ask.pool for ask in Purse().reserve([want(0), want(1, "b@0")])] == ["b@0"]


def test_an_ask_gives_back_all_that_is_free() -> None:
    purse = holding(10)
    purse.reserve([want(4)])
    (ask,) = purse.reserve([want(7)])
    assert (ask.held, ask.need) == (4, 7)
    purse.begin(ask)
    assert purse.free_of("a@0") == 0
    purse.take(reply("a@0", 11))
    assert purse.reserve([want(7)]) == ()


def test_while_an_ask_is_under_way_it_says_so() -> None:
    purse = Purse()
    (ask,) = purse.reserve([want(1)])
    purse.begin(ask)
    assert purse.is_asked("a@0")
    assert purse.is_any_asked()


def test_a_reply_that_nobody_waits_for_changes_nothing() -> None:
    purse = holding(10)
    assert purse.take(reply("a@0", 99)) is None
    assert purse.granted_of("a@0") == 10


def test_what_was_not_charged_is_free_again() -> None:
    purse = holding(10)
    purse.reserve([want(10)])
    purse.settle("a@0", Decimal(10), charged=Decimal(3))
    assert (purse.free_of("a@0"), purse.reserved_of("a@0")) == (7, 0)


def test_what_is_let_go_is_free_again() -> None:
    purse = holding(10)
    purse.reserve([want(10)])
    purse.free("a@0", Decimal(10))
    assert purse.free_of("a@0") == 10


def test_what_was_charged_beyond_the_reservation_is_in_the_next_ask() -> None:
    purse = holding(10)
    purse.reserve([want(10)])
    purse.settle("a@0", Decimal(10), charged=Decimal(13))
    (ask,) = purse.reserve([want(5)])
    assert (ask.held, ask.need) == (10, 8)


def test_a_charge_that_was_never_reserved_is_owed() -> None:
    purse = Purse()
    purse.settle("a@0", Decimal(5), charged=Decimal(5))
    assert purse.free_of("a@0") == -5


def test_more_is_fetched_when_half_a_portion_is_left() -> None:
    purse = Purse()
    (ask,) = purse.reserve([want(2)])
    purse.begin(ask)
    purse.take(reply("a@0", 12))
    for _ in range(3):
        purse.reserve([want(2)])
    assert purse.prefetch() == ()
    purse.reserve([want(2)])
    assert purse.prefetch() == (Ask("a@0", "a", Decimal(12), want=Decimal(6)),)
    assert purse.prefetch() == ()


def test_nothing_is_fetched_ahead_of_a_pool_that_runs_dry() -> None:
    purse = Purse()
    (ask,) = purse.reserve([want(2)])
    purse.begin(ask)
    purse.take(reply("a@0", 5))
    purse.reserve([want(5)])
    assert purse.prefetch() == ()


def test_a_recall_is_answered_with_what_is_free() -> None:
    purse = holding(10)
    purse.reserve([want(4)])
    assert purse.recall(["a@0"]) == (Ask("a@0", "a", Decimal(4)),)


def test_a_recall_is_answered_where_nothing_is_free() -> None:
    assert Purse().recall(["a@0"]) == (Ask("a@0", "a", Decimal(0)),)


def test_a_recall_during_an_ask_is_answered_after_its_reply() -> None:
    purse = Purse()
    (ask,) = purse.reserve([want(2)])
    purse.begin(ask)
    assert purse.recall(["a@0"]) == ()
    assert purse.recalled() == ()
    purse.take(reply("a@0", 12))
    purse.reserve([want(2)])
    assert purse.recalled() == (Ask("a@0", "a", Decimal(2)),)
    assert purse.recalled() == ()


def test_what_nobody_has_touched_for_a_while_is_given_back() -> None:
    purse = holding(10, "a@0", "b@0")
    assert purse.idle() == ()
    purse.reserve([want(1, "b@0")])
    assert [ask.pool for ask in purse.idle()] == ["a@0"]


def test_at_the_end_of_a_period_the_rest_is_given_back() -> None:
    purse = holding(10, end_ms=DAY_MS)
    assert purse.forget_over(DAY_MS - 1) == ()
    assert purse.forget_over(DAY_MS) == (Ask("a@0", "a", Decimal(0)),)


def test_a_pool_is_remembered_for_a_while_after_its_period() -> None:
    purse = holding(10, end_ms=DAY_MS)
    purse.reserve([want(10)])
    purse.settle("a@0", Decimal(10), charged=Decimal(10))
    purse.forget_over(DAY_MS + LINGERS_MS - 1)
    assert purse.granted_of("a@0") == 10
    purse.forget_over(DAY_MS + LINGERS_MS)
    assert purse.granted_of("a@0") == 0


def test_a_pool_with_running_requests_is_not_forgotten() -> None:
    purse = holding(10, end_ms=DAY_MS)
    purse.reserve([want(10)])
    purse.forget_over(DAY_MS + 2 * LINGERS_MS)
    purse.settle("a@0", Decimal(10), charged=Decimal(4))
    assert purse.forget_over(DAY_MS + 2 * LINGERS_MS) == (Ask("a@0", "a", Decimal(4)),)


def test_a_minute_that_is_over_is_dropped_without_a_word() -> None:
    purse = holding(10, end_ms=60_000)
    assert purse.forget_over(60_000) == ()
    assert purse.granted_of("a@0") == 0


def test_a_minute_with_running_requests_is_kept_until_they_end() -> None:
    purse = holding(10, end_ms=60_000)
    purse.reserve([want(10)])
    assert purse.forget_over(60_000) == ()
    purse.settle("a@0", Decimal(10), charged=Decimal(4))
    purse.forget_over(61_000)
    assert purse.granted_of("a@0") == 0


def test_after_a_new_connection_it_says_what_it_holds_and_asks_anew() -> None:
    purse = holding(10)
    purse.reserve([want(4)])
    (ask,) = purse.reserve([want(7)])
    purse.begin(ask)
    assert purse.restate() == (Ask("a@0", "a", Decimal(4)),)
    assert not purse.is_any_asked()


@pytest.mark.parametrize("amount", ["0.1", "3"])
def test_a_portion_of_what_is_counted_is_whole(amount: str) -> None:
    (ask,) = Purse().reserve([Want("a@0", "a", Decimal(amount), Decimal(1000))])
    assert (ask.want == ask.want.to_integral_value()) == (amount == "3")
