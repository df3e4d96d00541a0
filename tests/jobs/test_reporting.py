"""Reports are whole lines, whoever is killed while writing one."""

from __future__ import annotations

from pathlib import Path

from hortus.jobs.reporting import Reporter, read_reports
from hortus.jobs.reports import Note, Progress
from receipts.journal_examples import StepClock


def test_reports_come_back_in_order_from_where_the_reader_stopped(tmp_path: Path) -> None:
    path = tmp_path / "train" / "reports.jsonl"
    reporter = Reporter(path, clock=StepClock())
    reporter.say(Progress("train", 1, 10))
    first, offset = read_reports(path)
    reporter.say(Note("Halfway."))
    second, _ = read_reports(path, offset=offset)
    reporter.close()
    assert [line.report for line in (*first, *second)] == [Progress("train", 1, 10), Note("Halfway.")]


def test_half_a_line_of_a_killed_writer_is_left_out_and_hides_nothing_that_follows(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_bytes(b'{"at_ms":1,"report":{"kind":"no')
    assert read_reports(path) == ([], 0)
    reporter = Reporter(path, clock=StepClock())
    reporter.say(Note("Again."))
    reporter.close()
    assert [line.report for line in read_reports(path)[0]] == [Note("Again.")]


def test_nothing_is_read_of_a_step_that_has_said_nothing(tmp_path: Path) -> None:
    assert read_reports(tmp_path / "none.jsonl", offset=7) == ([], 7)
