"""What the runner does now, from orders and from what runs."""

from __future__ import annotations

import msgspec

from hortus.jobs.running import End, Held, Start, plan
from hortus.jobs.spec import JobSpec
from hortus.jobs.steps import CheckStep, Order, TrainStep

SPEC = JobSpec(id="ftjob-1", project_id="prj_1", base="seedling", training="file-1")
CHECK = CheckStep(SPEC, training="t", validation=None, base=None, datasets="d", folder="f")
TRAIN = TrainStep(SPEC, base=None, base_name="scratch", dataset="d", folder="f")


def test_starts_what_is_ordered_and_does_not_run() -> None:
    assert plan({"ftjob-1": Order(1, "run", CHECK)}, {}, now_s=0) == [Start("ftjob-1", CHECK)]


def test_leaves_alone_what_runs_as_ordered() -> None:
    held = {"ftjob-1": Held("check", is_running=True)}
    assert plan({"ftjob-1": Order(1, "run", CHECK)}, held, now_s=0) == []


def test_ends_what_is_paused() -> None:
    held = {"ftjob-1": Held("train", is_running=True)}
    assert plan({"ftjob-1": Order(2, "pause", TRAIN)}, held, now_s=0) == [End("ftjob-1")]


def test_ends_what_nobody_orders_any_more() -> None:
    assert plan({}, {"ftjob-1": Held("train", is_running=True)}, now_s=0) == [End("ftjob-1")]


def test_tells_a_process_once_to_end() -> None:
    assert plan({}, {"ftjob-1": Held("train", is_running=True, is_ending=True)}, now_s=0) == []


def test_ends_a_step_before_the_next_one_starts() -> None:
    orders = {"ftjob-1": Order(2, "run", TRAIN)}
    assert plan(orders, {"ftjob-1": Held("check", is_running=True)}, now_s=0) == [End("ftjob-1")]
    assert plan(orders, {"ftjob-1": Held("check", is_over=True)}, now_s=0) == [Start("ftjob-1", TRAIN)]


def test_never_starts_a_step_again_that_has_said_how_it_ended() -> None:
    held = {"ftjob-1": Held("train", is_over=True)}
    assert plan({"ftjob-1": Order(2, "run", TRAIN)}, held, now_s=9) == []


def test_starts_a_killed_step_again_after_its_wait() -> None:
    orders, held = {"ftjob-1": Order(2, "run", TRAIN)}, {"ftjob-1": Held("train", retry_at_s=5.0)}
    assert plan(orders, held, now_s=4.9) == []
    assert plan(orders, held, now_s=5.0) == [Start("ftjob-1", TRAIN)]


def test_a_thousand_jobs_are_a_queue_and_not_a_thousand_processes() -> None:
    orders = {f"ftjob-{number:04}": Order(1, "run", CHECK) for number in range(1000)}
    started = [one.job_id for one in plan(orders, {}, now_s=0)]
    assert started == ["ftjob-0000", "ftjob-0001"]
    held = {"ftjob-0000": Held("check", is_running=True), "ftjob-0001": Held("check", is_over=True)}
    assert [one.job_id for one in plan(orders, held, now_s=0)] == ["ftjob-0002"]


def test_starts_a_step_anew_whose_work_has_changed_once_the_old_process_has_ended() -> None:
    orders = {"ftjob-1": Order(2, "run", msgspec.structs.replace(TRAIN, folder="g"))}
    assert plan(orders, {"ftjob-1": Held("train", is_running=True, work=TRAIN)}, now_s=0) == [End("ftjob-1")]
    assert plan(orders, {"ftjob-1": Held("train", work=TRAIN)}, now_s=0) == [Start("ftjob-1", orders["ftjob-1"].work)]
    same = {"ftjob-1": Order(2, "run", TRAIN)}
    assert plan(same, {"ftjob-1": Held("train", is_running=True, work=TRAIN)}, now_s=0) == []
