"""Admin operations on datasets: what was checked, and what the check found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from hortus.control.plane import Plane
from hortus.control.tenancy import find_project
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import project_names
from hortus.control.workshop.jobbing import show
from hortus.control.workshop.service import UnknownThing
from hortus.jobs.folders import FACTS, PROBLEMS
from hortus.jobs.records import JobRecord

_FEWEST_LETTERS = 8
"""Of a hash, by which a dataset may be meant."""


def list_datasets(plane: Plane, ask: forms.DatasetsWanted) -> shown.DatasetList:
    """Return the datasets that jobs have checked, newest first."""
    project_id = None if ask.project is None else find_project(plane, ask.project).id
    names = project_names(plane)
    newest: dict[tuple[str, str], JobRecord] = {}
    for job in plane.ports.jobs.jobs(project_id, limit=ask.limit):
        if job.dataset is not None:
            newest.setdefault((job.dataset, job.spec.project_id), job)
    return shown.DatasetList(
        datasets=[
            shown.DatasetView(
                dataset=dataset,
                project=names.get(owner, owner),
                job=job.id,
                base=job.base.name,
                checked_at_ms=job.created_at_ms,
                facts=_read(plane.installation.workshop.datasets / dataset / FACTS),
            )
            for (dataset, owner), job in newest.items()
        ]
    )


def show_dataset(plane: Plane, ask: forms.OneDataset) -> shown.CheckView:
    """Return what the check of a dataset found, by the dataset's hash or the job's id."""
    job = plane.ports.jobs.job(ask.id) or (_job_of(plane, ask.id) if len(ask.id) >= _FEWEST_LETTERS else None)
    if job is None:
        raise UnknownThing(
            f"There is no dataset or job `{ask.id}`.", path="id", hint="`hortus datasets list` shows them."
        )
    raw = job.facts.get("check")
    return shown.CheckView(
        job=show(job, project_names(plane)),
        result=None if raw is None else msgspec.json.decode(raw, type=dict[str, Any]),
        problems=_read(plane.installation.workshop.jobs / job.id / PROBLEMS),
    )


def _job_of(plane: Plane, dataset: str) -> JobRecord | None:
    after: str | None = None
    while page := plane.ports.jobs.jobs(after=after, limit=200):
        found = next((job for job in page if job.dataset is not None and job.dataset.startswith(dataset)), None)
        if found is not None:
            return found
        after = page[-1].id
    return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
