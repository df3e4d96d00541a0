"""What a finished job leaves as files: figures of its steps as CSV, as at OpenAI, verdict and bad lines as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from hortus.jobs.folders import PROBLEMS
from hortus.jobs.records import JobRecord, NumberedEvent
from hortus.jobs.reports import Metric

_COLUMNS = (
    *("step", "train_loss", "valid_loss", "learning_rate", "gradient_norm", "epoch"),
    *("tokens", "tokens_per_s", "memory_bytes", "energy_j"),
)


class Result(msgspec.Struct, frozen=True):
    """What is in one file."""

    name: str
    data: bytes


def results_of(
    job: JobRecord, metrics: Callable[[], Iterable[NumberedEvent]], *, folder: Path
) -> Iterator[tuple[str, Callable[[], Result | None]]]:
    """Yield each file that a job which is over may have left: its id, which follows from the job's, and what makes it.

    Args:
        job: The job.
        metrics: Gives what the training said of its steps.
        folder: The job's own.
    """
    stem = f"file-{job.id.removeprefix('ftjob-')}"
    yield f"{stem}-metrics", lambda: _table(metrics())
    yield f"{stem}-verdict", lambda: _verdict(job)
    yield f"{stem}-problems", lambda: _problems(folder / PROBLEMS)


def metric_of(event: NumberedEvent) -> Metric:
    """Return the figures of an event of that kind."""
    return msgspec.json.decode(event.event.data, type=Metric)


def _verdict(job: JobRecord) -> Result | None:
    verdict = job.facts.get("evaluate")
    return None if verdict is None else Result("verdict.json", bytes(verdict))


def _problems(path: Path) -> Result | None:
    try:
        return Result("problems.json", path.read_bytes())
    except FileNotFoundError:
        return None


def _table(metrics: Iterable[NumberedEvent]) -> Result | None:
    steps = {step.step: step for step in map(metric_of, metrics)}
    if not steps:
        return None
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for _, one in sorted(steps.items()):
        figures = (one.step, one.loss, one.held_out_loss, one.learning_rate, one.gradient_norm, one.epoch)
        rows.writerow((*figures, one.tokens, one.tokens_per_s, one.memory_bytes, one.energy_j))
    return Result("step_metrics.csv", written.getvalue().encode())
