"""The step that trains: loads the libraries that take seconds, and hands over."""

from __future__ import annotations

from hortus.app.clock import SystemClock
from hortus.jobs.reporting import Reporter
from hortus.jobs.steps import StepWork, TrainStep
from hortus.tuning.training import TrainResult, train


def run(work: StepWork, reporter: Reporter) -> TrainResult:
    """Train, and write the product. Raises StepError."""
    assert isinstance(work, TrainStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    return train(work, report=reporter.say, clock=SystemClock())
