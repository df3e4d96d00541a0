"""What is started, stopped and forgotten, and how long a failed engine waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.engines.backoff import LONGEST_DELAY_S, STABLE_AFTER_S, count_failure, delay_s
from hortus.engines.plan import (
    Abandon,
    FileStamp,
    Forget,
    Held,
    MakeRoom,
    Phase,
    Prepare,
    Start,
    Stop,
    Wanted,
    plan,
)
from hortus.snapshot.model import Deployment

DEPLOYMENT = Deployment(name="a", engine="llamacpp", model_path="/a.gguf")
STAMP = FileStamp(size=1, modified_ns=1, inode=1)
WANTED = Wanted(DEPLOYMENT, STAMP)
CHANGED = Wanted(Deployment(name="a", engine="llamacpp", model_path="/b.gguf"), STAMP)
TOUCHED = Wanted(DEPLOYMENT, FileStamp(size=1, modified_ns=2, inode=1))

ALIVE = (Phase.STARTING, Phase.READY)
AT_REST = (Phase.WAITING, Phase.FAILED)


def test_starts_what_is_wanted_and_unknown() -> None:
    assert plan({"a": WANTED}, {}, now_s=0) == [Start(WANTED)]


@pytest.mark.parametrize("phase", ALIVE)
def test_leaves_alone_what_runs_as_wanted(phase: Phase) -> None:
    assert plan({"a": WANTED}, {"a": Held(WANTED, phase)}, now_s=0) == []


@pytest.mark.parametrize("phase", ALIVE)
def test_stops_what_is_no_longer_wanted(phase: Phase) -> None:
    assert plan({}, {"a": Held(WANTED, phase)}, now_s=0) == [Stop("a", "no longer wanted")]


def test_stops_what_changed_before_it_served() -> None:
    assert plan({"a": CHANGED}, {"a": Held(WANTED, Phase.STARTING)}, now_s=0) == [Stop("a", "its deployment changed")]


@pytest.mark.parametrize("wanted", [CHANGED, TOUCHED])
def test_prepares_a_successor_of_what_changed_while_it_serves(wanted: Wanted) -> None:
    assert plan({"a": wanted}, {"a": Held(WANTED, Phase.READY)}, now_s=0) == [Prepare(wanted)]


def _serving(successor: Held | None, wanted: Wanted = WANTED) -> dict[str, Held]:
    return {"a": Held(wanted, Phase.READY, successor=successor)}


def test_leaves_alone_a_successor_that_starts_or_is_ending() -> None:
    for phase in (Phase.STARTING, Phase.STOPPING):
        assert plan({"a": CHANGED}, _serving(Held(CHANGED, phase)), now_s=0) == []


def test_gives_up_a_successor_when_what_serves_is_wanted_again() -> None:
    for phase in (Phase.STARTING, Phase.WAITING, Phase.FAILED):
        held = _serving(Held(CHANGED, phase))
        assert plan({"a": WANTED}, held, now_s=0) == [Abandon("a", "what serves is wanted again")]


def test_gives_up_a_starting_successor_when_another_is_wanted() -> None:
    held = _serving(Held(CHANGED, Phase.STARTING))
    assert plan({"a": TOUCHED}, held, now_s=0) == [Abandon("a", "its deployment changed again")]


def test_a_failed_successor_is_tried_again_only_when_it_changed() -> None:
    held = _serving(Held(CHANGED, Phase.FAILED, retry_at_s=5))
    assert plan({"a": CHANGED}, held, now_s=1e9) == []
    assert plan({"a": TOUCHED}, held, now_s=4) == []
    assert plan({"a": TOUCHED}, held, now_s=5) == [Prepare(TOUCHED)]


def test_a_waiting_successor_is_tried_again_when_its_time_has_come() -> None:
    held = _serving(Held(CHANGED, Phase.WAITING, retry_at_s=10))
    assert plan({"a": CHANGED}, held, now_s=9.9) == []
    assert plan({"a": CHANGED}, held, now_s=10) == [Prepare(CHANGED)]


def test_makes_room_where_both_do_not_fit() -> None:
    held = _serving(Held(CHANGED, Phase.WAITING, retry_at_s=99, needs_room=True))
    (action,) = plan({"a": CHANGED}, held, now_s=0)
    assert action == MakeRoom(CHANGED, "memory is too short for it and its successor at the same time")


def test_makes_room_at_once_where_two_cannot_run() -> None:
    alone = Wanted(CHANGED.deployment, STAMP, stands_alone=True)
    (action,) = plan({"a": alone}, {"a": Held(WANTED, Phase.READY)}, now_s=0)
    assert action == MakeRoom(alone, "its engine takes what two cannot share")


def test_nothing_starts_while_its_predecessor_is_still_leaving() -> None:
    held = {"a": Held(WANTED, Phase.WAITING, is_blocked=True)}
    assert plan({"a": WANTED}, held, now_s=1e9) == []


def test_what_served_comes_back_where_its_successor_is_known_not_to_start() -> None:
    held = {"a": Held(WANTED, Phase.WAITING, successor=Held(CHANGED, Phase.FAILED))}
    assert plan({"a": CHANGED}, held, now_s=0) == [Start(WANTED)]


@pytest.mark.parametrize("phase", AT_REST)
def test_starts_at_once_what_changed_while_it_was_at_rest(phase: Phase) -> None:
    assert plan({"a": CHANGED}, {"a": Held(WANTED, phase, retry_at_s=99)}, now_s=0) == [Start(CHANGED)]


@pytest.mark.parametrize("phase", AT_REST)
def test_forgets_what_is_at_rest_and_no_longer_wanted(phase: Phase) -> None:
    assert plan({}, {"a": Held(WANTED, phase)}, now_s=0) == [Forget("a")]


def test_a_failed_one_stays_failed_however_long_until_its_file_changes() -> None:
    held = {"a": Held(WANTED, Phase.FAILED)}
    assert plan({"a": WANTED}, held, now_s=1e9) == []
    assert plan({"a": TOUCHED}, held, now_s=0) == [Start(TOUCHED)]


def test_a_running_engine_is_not_disturbed_by_a_file_that_is_taken_away() -> None:
    assert plan({"a": Wanted(DEPLOYMENT)}, {"a": Held(WANTED, Phase.READY)}, now_s=0) == []


def test_a_waiting_one_starts_when_its_time_has_come() -> None:
    held = {"a": Held(WANTED, Phase.WAITING, retry_at_s=10)}
    assert plan({"a": WANTED}, held, now_s=9.9) == []
    assert plan({"a": WANTED}, held, now_s=10) == [Start(WANTED)]


def test_nothing_is_done_with_one_that_is_stopping() -> None:
    held = {"a": Held(WANTED, Phase.STOPPING)}
    assert plan({}, held, now_s=0) == plan({"a": WANTED}, held, now_s=0) == []


def test_stops_come_before_starts() -> None:
    other = Wanted(Deployment(name="b", engine="llamacpp", model_path="/b.gguf"))
    assert plan({"b": other}, {"a": Held(WANTED, Phase.READY)}, now_s=0) == [
        Stop("a", "no longer wanted"),
        Start(other),
    ]


@given(failures=st.integers(min_value=0, max_value=10**6))
def test_the_wait_never_shrinks_and_never_passes_the_cap(failures: int) -> None:
    assert 0 < delay_s(failures) <= delay_s(failures + 1) <= LONGEST_DELAY_S


def test_a_stable_time_clears_the_record() -> None:
    assert count_failure(9, ready_for_s=STABLE_AFTER_S) == 1
    assert count_failure(9, ready_for_s=STABLE_AFTER_S - 1) == 10
