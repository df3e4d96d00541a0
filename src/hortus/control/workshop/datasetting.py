"""Admin operations on datasets: what was checked, and what the check found."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hortus.control.errors import Conflict
from hortus.control.plane import Plane
from hortus.control.tenancy import find_project
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import note, project_names
from hortus.control.workshop.jobbing import show
from hortus.control.workshop.service import UnknownThing
from hortus.jobs.folders import FACTS, PROBLEMS
from hortus.jobs.records import JobRecord

_NONE = "none"
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
    datasets = plane.installation.workshop.datasets
    return shown.DatasetList(
        datasets=[
            _show(job, names, facts=facts)
            for (dataset, _), job in newest.items()
            if (facts := _read(datasets / dataset / FACTS)) is not None
        ]
    )


def show_dataset(plane: Plane, ask: forms.OneDataset) -> shown.CheckView:
    """Return what the check of a dataset found, by the dataset's hash or the job's id."""
    job = _find(plane, ask.id)
    raw = job.facts.get("check")
    return shown.CheckView(
        job=show(job, project_names(plane)),
        result=None if raw is None else msgspec.json.decode(raw, type=dict[str, Any]),
        problems=_read(plane.installation.workshop.jobs / job.id / PROBLEMS),
    )


def delete_dataset(plane: Plane, ask: forms.OneDataset) -> shown.DatasetView:
    """Delete the examples of a dataset for good; what was found out about them stays with their jobs."""
    job = _find(plane, ask.id)
    folder = plane.installation.workshop.datasets / (job.dataset or _NONE)
    if job.dataset is None or not folder.is_dir():
        raise UnknownThing(f"There are no examples of `{ask.id}` here.", path="id", hint="They were deleted, or bad.")
    for other in plane.ports.jobs.unfinished():
        if other.dataset == job.dataset:
            raise Conflict(f"The job {other.id} still reads them.", path="id", hint="Wait for it, or cancel it.")
    aside = folder.with_name(f".{folder.name}.gone")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside)
    names = project_names(plane)
    project = names.get(job.spec.project_id)
    note(plane, "delete", kind="dataset", name=job.dataset, project=project, said={"job": job.id})
    return _show(job, names, facts=None)


def _find(plane: Plane, name: str) -> JobRecord:
    job = plane.ports.jobs.job(name) or (_job_of(plane, name) if len(name) >= _FEWEST_LETTERS else None)
    if job is None:
        raise UnknownThing(f"There is no dataset or job `{name}`.", path="id", hint="`hortus datasets` lists them.")
    return job


def _show(job: JobRecord, names: Mapping[str, str], *, facts: dict[str, Any] | None) -> shown.DatasetView:
    owner = job.spec.project_id
    return shown.DatasetView(
        dataset=job.dataset,
        project=names.get(owner, owner),
        job=job.id,
        base=job.base.name,
        checked_at_ms=job.created_at_ms,
        facts=facts,
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
