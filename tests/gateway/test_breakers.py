"""When an endpoint is left alone, and when it gets another chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import (
    BrokenStream,
    ContextTooLong,
    HostFault,
    HostOverloaded,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostUnavailable,
)
from hortus.gateway.breakers import Breaker, BreakerRules, counts

RULES = BreakerRules()


def broken(at_s: float = 0.0) -> Breaker:
    breaker = Breaker(RULES)
    for _ in range(RULES.in_a_row):
        breaker.fail("x", at_s)
    return breaker


def unsendable() -> HostUnavailable:
    error = HostUnavailable("unsendable")
    error.retry_helps = False
    return error


@pytest.mark.parametrize(
    ("error", "is_counted"),
    [
        (HostUnavailable("gone"), True),
        (unsendable(), False),
        (HostTimedOut("late"), True),
        (BrokenStream("half"), True),
        (HostFault("500"), True),
        (HostOverloaded("503"), True),
        (HostRateLimited("429"), True),
        (HostQuotaExhausted("spent"), True),
        (HostRefused("401"), False),
        (HostRejected("400"), False),
        (ContextTooLong("long"), False),
    ],
)
def test_only_faults_of_a_host_that_is_down_or_overloaded_count(error: HostFault, *, is_counted: bool) -> None:
    assert counts(error) is is_counted


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker(RULES)
    assert [breaker.fail("x", 0.0) for _ in range(5)] == [False, False, False, False, True]
    assert (breaker.state, breaker.may_call(4.9), breaker.may_call(5.0)) == ("open", False, True)


def test_it_opens_where_half_of_the_last_calls_fail() -> None:
    breaker = Breaker(RULES)
    for _ in range(9):
        assert not breaker.fail("x", 0.0)
        breaker.succeed("x")
    assert breaker.fail("x", 0.0)


def test_what_failed_long_ago_is_forgotten() -> None:
    breaker = Breaker(RULES)
    assert not any(breaker.fail("x", 61.0 * number) for number in range(50))


def test_a_success_ends_the_row() -> None:
    breaker = Breaker(RULES)
    for _ in range(4):
        breaker.fail("x", 0.0)
    breaker.succeed("x")
    assert not breaker.fail("x", 0.0)


def test_one_probe_is_let_through_and_closes_it_again() -> None:
    breaker = broken()
    assert breaker.claim("probe", 5.0)
    assert (breaker.state, breaker.claim("other", 5.0)) == ("half_open", False)
    assert breaker.succeed("probe")
    assert (breaker.state, breaker.claim("other", 5.0)) == ("closed", True)


def test_the_head_of_a_probes_answer_opens_the_way_on_probation() -> None:
    breaker = broken()
    breaker.claim("probe", 5.0)
    assert breaker.greet("probe")
    assert breaker.is_closed
    assert breaker.fail("probe", 6.0)  # the rest of its answer never came
    assert breaker.until_s == 16.0


def test_a_whole_answer_ends_the_probation() -> None:
    breaker = broken()
    breaker.claim("probe", 5.0)
    breaker.greet("probe")
    assert not breaker.succeed("probe")
    assert not breaker.fail("x", 6.0)


def test_each_probe_that_fails_doubles_the_wait_up_to_a_bound() -> None:
    breaker, now_s, waits = broken(), 5.0, []
    for _ in range(7):
        assert breaker.claim("probe", now_s)
        assert breaker.fail("probe", now_s)
        waits.append(breaker.until_s - now_s)
        now_s = breaker.until_s
    assert waits == [10.0, 20.0, 40.0, 80.0, 120.0, 120.0, 120.0]


def test_after_it_closed_the_wait_is_short_again() -> None:
    breaker = broken()
    breaker.claim("probe", 5.0)
    breaker.fail("probe", 5.0)
    breaker.claim("probe", 20.0)
    breaker.succeed("probe")
    for _ in range(5):
        breaker.fail("x", 30.0)
    assert breaker.until_s == 35.0


def test_a_probe_that_proves_nothing_makes_room_for_another() -> None:
    breaker = broken()
    breaker.claim("probe", 5.0)
    breaker.release("other")
    assert not breaker.claim("other", 5.0)
    breaker.release("probe")
    assert breaker.claim("other", 5.0)


def test_what_began_before_it_opened_neither_closes_it_nor_keeps_it_open() -> None:
    breaker = broken()
    assert not breaker.succeed("old")
    assert not breaker.fail("old", 1.0)
    assert (breaker.state, breaker.until_s) == ("open", 5.0)


@pytest.mark.parametrize(("asked_s", "until_s"), [(1.0, 1.0), (42.0, 42.0), (9_999.0, 300.0)])
def test_a_host_that_names_a_time_is_left_alone_that_long_at_once(asked_s: float, until_s: float) -> None:
    breaker = Breaker(RULES)
    assert breaker.fail("x", 0.0, wait_s=asked_s)
    assert breaker.until_s == until_s


def test_a_longer_time_counts_and_a_shorter_one_does_not_while_it_is_open() -> None:
    breaker = Breaker(RULES)
    breaker.fail("x", 0.0, wait_s=30.0)
    breaker.fail("old", 1.0, wait_s=60.0)
    breaker.fail("older", 1.0, wait_s=2.0)
    assert breaker.until_s == 61.0


def test_without_a_number_of_failures_it_never_opens() -> None:
    breaker = Breaker(BreakerRules(in_a_row=0))
    assert not any(breaker.fail("x", 0.0, wait_s=9.0) for _ in range(99))
    assert breaker.state == "closed"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("claim", "greet", "succeed", "fail", "wait", "release")), st.integers(0, 3), st.integers(0, 9)
    ),
    max_size=80,
)


@given(STEPS)
def test_whatever_happens_nobody_calls_while_it_is_open_and_only_one_probes(
    steps: list[tuple[str, int, int]],
) -> None:
    breaker, now_s = Breaker(RULES), 0.0
    probing: set[int] = set()
    for what, who, seconds in steps:
        was_closed = breaker.is_closed
        if what == "claim" and breaker.claim(who, now_s) and not was_closed:
            assert now_s >= breaker.until_s
            probing.add(who)
        elif what in {"greet", "succeed"}:
            breaker.greet(who) if what == "greet" else breaker.succeed(who)
            probing.discard(who)
        elif what == "fail":
            breaker.fail(who, now_s, wait_s=seconds)
            probing.discard(who)
        elif what == "release":
            breaker.release(who)
            probing.discard(who)
        now_s += seconds if what == "wait" else 0
        assert len(probing) <= 1
        assert breaker.until_s <= now_s + max(RULES.longest_cooldown_s, RULES.longest_heed_s)


@given(STEPS)
def test_whatever_happened_it_closes_in_the_end_once_the_host_is_well(steps: list[tuple[str, int, int]]) -> None:
    breaker, now_s = Breaker(RULES), 0.0
    for what, who, seconds in steps:
        match what:
            case "claim":
                breaker.claim(who, now_s)
            case "greet":
                breaker.greet(who)
            case "succeed":
                breaker.succeed(who)
            case "fail":
                breaker.fail(who, now_s, wait_s=seconds)
            case _:
                now_s += seconds
        breaker.release(who)  # as every call does in the end
    for _ in range(2):
        now_s = max(now_s, breaker.until_s)
        assert breaker.claim("well", now_s)
        breaker.succeed("well")
        breaker.release("well")
    assert breaker.is_closed
