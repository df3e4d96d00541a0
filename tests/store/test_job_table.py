"""Files, jobs and events in the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hortus.jobs.records import Base, FileRecord, Held, JobEvent, JobRecord
from hortus.jobs.spec import JobSpec
from hortus.store.conflicts import NotStored
from hortus.store.database import open_store
from hortus.store.jobs import JobTable
from receipts.journal_examples import StepClock


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    store = open_store(tmp_path / "store.sqlite", clock=StepClock())
    yield JobTable(store)
    store.close()


def file(number: int, project: str = "prj_1") -> FileRecord:
    return FileRecord(f"file-{number}", project, "a.jsonl", "fine-tune", 3, "00", number)


def job(number: int, project: str = "prj_1", **values: object) -> JobRecord:
    spec = JobSpec(id=f"ftjob-{number}", project_id=project, base="seedling", training="file-1")
    return JobRecord(spec, Base("seedling"), values.pop("state", "queued"), "train", number, **values)


def test_files_of_a_project_come_newest_first_page_by_page(table: JobTable) -> None:
    for number in (1, 2, 3):
        table.add_file(file(number))
    table.add_file(file(4, "prj_2"))
    assert [one.id for one in table.files("prj_1", limit=2)] == ["file-3", "file-2"]
    assert [one.id for one in table.files("prj_1", after="file-2")] == ["file-1"]


def test_a_deleted_file_is_known_and_not_listed(table: JobTable) -> None:
    table.add_file(file(1))
    table.delete_file("file-1", 9)
    assert table.files("prj_1") == []
    assert table.file("file-1").deleted_at_ms == 9


def test_what_is_not_there_cannot_be_deleted(table: JobTable) -> None:
    with pytest.raises(NotStored):
        table.delete_file("file-9", 1)


def test_a_job_comes_back_as_it_was_saved(table: JobTable) -> None:
    table.add(job(1))
    table.save(job(1, state="running", dataset="abc"))
    assert table.job("ftjob-1") == job(1, state="running", dataset="abc")
    assert table.job("ftjob-2") is None


def test_jobs_that_are_not_over_come_oldest_first(table: JobTable) -> None:
    for number, state in enumerate(("queued", "succeeded", "paused", "failed", "cancelled"), 1):
        table.add(job(number, state=state))
    assert [one.id for one in table.unfinished()] == ["ftjob-1", "ftjob-3"]
    assert [one.id for one in table.jobs("prj_1", limit=2)] == ["ftjob-5", "ftjob-4"]


def test_an_event_is_written_once_however_often_it_is_told(table: JobTable) -> None:
    table.add(job(1), [JobEvent("created", 1, "Created.")])
    table.save(job(1), [JobEvent("metric:1", 2, "One.", kind="metrics"), JobEvent("metric:1", 2, "One again.")])
    table.save(job(1), [JobEvent("created", 1, "Created."), JobEvent("metric:2", 3, "Two.", kind="metrics")])
    assert [(one.number, one.event.message) for one in table.events("ftjob-1")] == [
        (3, "Two."),
        (2, "One."),
        (1, "Created."),
    ]
    assert [one.number for one in table.events("ftjob-1", after=3, kind="metrics")] == [2]


def test_a_wish_outlasts_what_is_saved_beside_it(table: JobTable) -> None:
    table.add(job(1))
    seen = table.job("ftjob-1")
    table.wish("ftjob-1", "cancel")
    table.save(job(1, state="running"))
    assert seen.wish == "run"
    assert (table.job("ftjob-1").wish, table.job("ftjob-1").state) == ("cancel", "running")


def test_what_jobs_hold_is_one_sum_and_the_names_of_those_without_a_figure(table: JobTable) -> None:
    for number in (1, 2, 3):
        table.add(job(number, state="succeeded"))
    table.add(job(4, "prj_2", state="succeeded"))
    for number, size in ((1, 300), (2, 40), (4, 5)):
        table.measured(f"ftjob-{number}", size)
    assert table.held("prj_1") == Held(340, ("ftjob-3",))
    assert table.unmeasured() == ["ftjob-3"]


def test_a_job_is_measured_once_and_only_when_it_is_over(table: JobTable) -> None:
    table.add(job(1))
    table.measured("ftjob-1", 7)
    assert table.job("ftjob-1").held_bytes is None
    table.save(job(1, state="failed", held_bytes=0))
    table.measured("ftjob-1", 7)
    assert (table.job("ftjob-1").held_bytes, table.held("prj_1")) == (0, Held(0, ()))
