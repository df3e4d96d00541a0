"""The step that checks, where its file has gone meanwhile: deleted in the same moment, or not restored."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.app.clock import SystemClock
from hortus.app.steps.check import run
from hortus.jobs.errors import StepError
from hortus.jobs.reporting import Reporter
from hortus.jobs.spec import JobSpec
from hortus.jobs.steps import CheckStep


@pytest.mark.parametrize("gone", ["training_file", "validation_file"])
def test_a_file_that_is_gone_is_named(gone: str, tmp_path: Path) -> None:
    spec = JobSpec(id="ftjob-1", project_id="prj_1", base="seedling", training="training", validation="validation")
    for name in ("training", "validation"):
        if not gone.startswith(name):
            (tmp_path / name).write_bytes(b"{}\n")
    training, validation = str(tmp_path / "training"), str(tmp_path / "validation")
    work = CheckStep(spec, training, validation, base=None, datasets=str(tmp_path / "d"), folder=str(tmp_path / "j"))
    reporter = Reporter(tmp_path / "j" / "check" / "reports.jsonl", clock=SystemClock())
    with pytest.raises(StepError) as caught:
        run(work, reporter)
    reporter.close()
    assert (caught.value.reason, caught.value.path) == ("file_gone", gone)
