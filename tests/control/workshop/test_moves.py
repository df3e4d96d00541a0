"""What a job does next."""

from __future__ import annotations

import msgspec
import pytest

from hortus.control.workshop.moves import EngineNews, Seen, next_move, replace
from hortus.jobs.records import Base, JobError, JobRecord
from hortus.jobs.reports import Checkpoint, Done, Ended, Failed, Line, Metric, Note, Report
from hortus.jobs.spec import JobSpec

SPEC = JobSpec(id="ftjob-1", project_id="prj_1", base="seedling", training="file-1")
NEW = JobRecord(SPEC, Base("seedling", folder="f", source="seedling"), "validating_files", "check", 1)


def move(job: JobRecord, *reports: Report, **seen: object):
    lines = [Line(7, report) for report in reports]
    return next_move(job, Seen(lines=lines, read=100, **seen), now_ms=9)


def done(result: str) -> Done:
    return Done(msgspec.Raw(result.encode()))


def test_good_examples_queue_the_job() -> None:
    job = move(NEW, done('{"dataset": "abc", "error_count": 0}'), has_room=False).job
    assert (job.state, job.phase, job.dataset, job.read) == ("queued", "train", "abc", {"check": 100})


def test_bad_examples_fail_the_job_and_say_where() -> None:
    failed = Failed("bad_data", "The answer is empty.", hint="Write one.", path="training file, line 3")
    ended = move(NEW, failed)
    assert (ended.job.state, ended.job.error.code, ended.job.error.param) == (
        *("failed", "invalid_training_file"),
        "training_file",
    )
    assert "training file, line 3: The answer is empty. Write one." in ended.events[0].message


def test_a_host_s_base_goes_to_the_host() -> None:
    hosted = replace(NEW, base=Base("gpt", route="gpt"))
    job = move(hosted, done('{"dataset": "abc"}')).job
    assert (job.state, job.phase, job.started_at_ms) == ("running", "host", 9)


def test_a_queued_job_starts_when_there_is_room() -> None:
    queued = replace(NEW, state="queued", phase="train")
    assert move(queued, has_room=False).job.state == "queued"
    assert move(queued).job.state == "running"


def test_a_queued_job_that_has_no_room_left_fails_with_the_reason() -> None:
    queued = replace(NEW, state="queued", phase="train")
    refusal = JobError("no_room", "20 GiB are taken.", hint="Remove some.")
    assert move(queued, refusal=refusal, has_room=False).job.state == "queued"
    ended = move(queued, refusal=refusal)
    assert (ended.job.state, ended.job.error, ended.job.started_at_ms) == ("failed", refusal, None)
    assert [one.message for one in ended.events] == ["The job failed: 20 GiB are taken. Remove some."]


def test_figures_and_checkpoints_become_events_once_however_often_they_are_read() -> None:
    job = replace(NEW, state="running", phase="train")
    metric = Metric(10, 20, 0.5, 1e-3, held_out_loss=0.75)
    events = move(job, metric, Checkpoint(10, "c"), metric).events
    assert [one.key for one in events] == ["metric:10", "checkpoint:10", "metric:10"]
    assert events[0].message == "Step 10/20: training loss=0.5000, validation loss=0.7500"


def test_a_trained_job_waits_for_both_engines_and_then_for_the_gate() -> None:
    job = move(replace(NEW, state="running", phase="train"), done('{"tokens": 99}')).job
    assert (job.phase, job.trained_tokens) == ("serve", 99)
    assert move(job, engines={"a": EngineNews("ready"), "b": EngineNews("starting")}).job.phase == "serve"
    assert move(job, engines={"a": EngineNews("ready"), "b": EngineNews("ready")}).job.phase == "evaluate"


def test_an_engine_that_cannot_serve_fails_the_job() -> None:
    job = replace(NEW, state="running", phase="serve")
    failed = move(job, engines={"a": EngineNews("failed", "no memory")}).job
    assert failed.error is not None
    assert "no memory" in failed.error.message


def test_a_verdict_against_the_product_bars_it() -> None:
    job = replace(NEW, state="running", phase="evaluate")
    barred = move(job, done('{"passed": false, "sentence": "The gain is too small."}')).job
    assert (barred.state, barred.error.code, barred.product) == ("failed", "barred_by_gate", None)


def test_a_verdict_for_the_product_promotes_it() -> None:
    job = replace(NEW, state="running", phase="evaluate")
    assert move(job, done('{"passed": true}')).job.phase == "promote"


@pytest.mark.parametrize("phase", ["check", "train", "serve", "evaluate"])
def test_whatever_it_does_a_job_can_be_cancelled(phase: str) -> None:
    job = replace(NEW, state="running", phase=phase, wish="cancel")
    assert (move(job).job.state, move(job).job.phase) == ("cancelled", "over")


def test_what_a_host_runs_is_cancelled_there_first() -> None:
    job = replace(NEW, base=Base("gpt", route="gpt"), state="running", phase="host", wish="cancel")
    assert move(job).job == job
    over = move(job, done('{"fine_tuned_model": null}')).job
    assert (over.state, over.phase, over.product) == ("cancelled", "over", None)


def test_what_a_host_has_tuned_is_judged_before_it_is_promoted() -> None:
    job = replace(NEW, base=Base("gpt", route="gpt"), state="running", phase="host")
    moved = move(job, done('{"fine_tuned_model": "ft:gpt:1", "trained_tokens": 9}'))
    assert (moved.job.phase, moved.job.trained_tokens, moved.events[-1].key) == ("evaluate", 9, "gate")
    assert move(moved.job, done('{"passed": true}')).job.phase == "promote"


@pytest.mark.parametrize(
    "report",
    [done('{"passed": false, "sentence": "The gain is too small."}'), Failed("route_refused", "It may not be asked.")],
)
def test_a_host_s_model_that_does_not_pass_is_named_for_somebody_has_paid_for_it(report: Report) -> None:
    facts = {"host": msgspec.Raw(b'{"fine_tuned_model": "ft:gpt:1"}')}
    job = replace(NEW, base=Base("gpt", route="gpt"), state="running", phase="evaluate", facts=facts)
    failed = move(job, report).job
    assert failed.state == "failed"
    assert failed.error is not None
    assert "Its host has it as ft:gpt:1." in failed.error.hint


def test_a_step_that_ended_before_the_cancelling_has_ended() -> None:
    job = replace(NEW, state="running", phase="train", wish="cancel")
    assert move(job, Failed("not_a_number", "The loss is not a number.")).job.state == "failed"


@pytest.mark.parametrize(("phase", "state"), [("check", "validating_files"), ("train", "queued"), ("serve", "running")])
def test_a_paused_job_goes_on_where_it_was(phase: str, state: str) -> None:
    paused = move(replace(NEW, state="running", phase=phase, wish="pause")).job
    assert paused.state == "paused"
    assert move(paused).events == ()
    assert move(replace(paused, wish="run"), has_room=False).job.state == state


def test_a_job_that_was_judged_has_its_engines_back_before_it_goes_on() -> None:
    paused = replace(NEW, state="paused", phase="evaluate")
    assert (move(paused).job.state, move(paused).job.phase) == ("running", "serve")


def test_a_crash_and_notes_are_told() -> None:
    job = replace(NEW, state="running", phase="train")
    events = move(job, Ended(-9), Note("Slow.", level="warn")).events
    assert [(one.level, one.kind) for one in events] == [("warn", "message"), ("warn", "message")]
