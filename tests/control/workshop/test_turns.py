"""Which job trains next."""

from __future__ import annotations

from hortus.control.workshop.moves import replace
from hortus.control.workshop.turns import latest_beginnings, next_in_turn
from hortus.jobs.records import Base, JobRecord
from hortus.jobs.spec import JobSpec


def job(number: int, project: str, **members: object) -> JobRecord:
    spec = JobSpec(id=f"ftjob-{number}", project_id=project, base="seedling", training="file-1")
    queued = JobRecord(spec, Base("seedling", folder="f", source="seedling"), "queued", "train", number)
    return replace(queued, **members)


def chosen(*jobs: JobRecord, began_ms: dict[str, int] | None = None) -> str | None:
    return next_in_turn(jobs, began_ms=began_ms or {}, at_once=1)


def test_of_one_project_the_oldest_goes_first() -> None:
    assert chosen(job(1, "a"), job(2, "a")) == "ftjob-1"


def test_a_project_that_has_not_trained_goes_before_one_that_has() -> None:
    assert chosen(job(1, "a"), job(2, "a"), job(3, "b"), began_ms={"a": 5}) == "ftjob-3"


def test_the_project_that_trained_longest_ago_goes_first() -> None:
    assert chosen(job(1, "a"), job(2, "b"), job(3, "c"), began_ms={"a": 7, "b": 9, "c": 6}) == "ftjob-3"


def test_nothing_begins_while_another_trains() -> None:
    assert chosen(job(1, "a", state="running"), job(2, "b")) is None


def test_a_job_at_a_host_is_in_nobodys_way() -> None:
    hosted = job(1, "a", state="running", phase="host", base=Base("gpt", route="gpt"))
    assert chosen(hosted, job(2, "b")) == "ftjob-2"


def test_what_is_to_pause_or_is_not_checked_yet_does_not_begin() -> None:
    unchecked = job(2, "a", state="validating_files", phase="check")
    assert chosen(job(1, "a", wish="pause"), unchecked, job(3, "a", state="paused")) is None


def test_beginnings_are_known_after_their_jobs_are_over() -> None:
    known = latest_beginnings([job(1, "a", started_at_ms=5), job(2, "b")], {})
    assert known["a"] == 5
    assert latest_beginnings([job(3, "a", started_at_ms=3)], known)["a"] == 5
