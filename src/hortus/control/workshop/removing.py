"""The admin operation that makes room: what a job that is over has left on the disk goes, its record stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from hortus.control.errors import Conflict
from hortus.control.plane import Plane
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import note, project_names
from hortus.control.workshop.jobbing import find_job, show
from hortus.control.workshop.moves import replace
from hortus.jobs.folders import JobFolder
from hortus.jobs.ports import Jobs
from hortus.jobs.records import JobEvent, JobRecord
from hortus.snapshot.declared import DeploymentSpec

_PAGE = 200


def remove_job(plane: Plane, ask: forms.OneJob) -> shown.JobView:
    """Remove a finished job's folder with its product for good; its record, its events and its verdict stay."""
    job = find_job(plane, ask.id)
    folder = plane.installation.workshop.jobs / job.id
    freed = _refuse_unfinished(job)
    _refuse_served(plane, folder)
    _refuse_base_of_others(plane.ports.jobs, job, folder)
    aside = folder.with_name(f".{folder.name}.gone")
    shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside)
    now_ms = plane.ports.clock.now_ms()
    removed = replace(job, held_bytes=0, removed_at_ms=now_ms)
    text = f"The job's folder was removed with all that was in it, {freed} bytes; the product is no longer here."
    plane.ports.jobs.save(removed, [JobEvent("removed", now_ms, text)])
    names = project_names(plane)
    said = {"bytes": freed, "product": job.product}
    note(plane, "remove", kind="job", name=job.id, project=names.get(job.spec.project_id), said=said)
    return show(removed, names)


def _refuse_unfinished(job: JobRecord) -> int:
    """Return how many bytes a job holds that is over. Raises Conflict."""
    if not job.is_over:
        hint = f"Wait for it, or `hortus jobs cancel {job.id}`."
        raise Conflict(f"The job {job.id} is {job.state}.", path="id", hint=hint)
    if job.removed_at_ms is not None:
        raise Conflict(f"The folder of {job.id} was removed already.", path="id", hint="Its record and events stay.")
    if job.held_bytes is None:
        raise Conflict(
            f"The job {job.id} is over, and its last process may still be ending.",
            path="id",
            hint="Ask again in half a minute.",
        )
    return job.held_bytes


def _refuse_served(plane: Plane, folder: Path) -> None:
    """Refuse to remove what a deployment serves. Raises Conflict."""
    for stored in plane.ports.objects.list("deployment"):
        found = next((one for one in _paths_of(stored.spec) if _is_below(one, folder)), None)
        if found is not None:
            raise Conflict(
                f"The deployment `{stored.name}` serves {found}.",
                path="id",
                hint=f"Retire it first: `hortus deployments retire {stored.name}`.",
            )


def _refuse_base_of_others(jobs: Jobs, job: JobRecord, folder: Path) -> None:
    """Refuse to remove what another job starts from, or what its product was made of and is kept. Raises Conflict."""
    for other in _all_of(jobs, job.spec.project_id):
        found = next((one for one in (other.base.folder, other.base.source) if _is_below(one, folder)), None)
        has_product = JobFolder(folder.with_name(other.id)).product.is_dir()
        if found is not None and (not other.is_over or has_product):
            raise Conflict(
                f"The base of the job {other.id} is {found}.",
                path="id",
                hint=f"Remove that job first: `hortus jobs remove {other.id}`.",
            )


def _all_of(jobs: Jobs, project_id: str) -> Iterator[JobRecord]:
    """Yield the jobs of a project: no other project's can start from its products."""
    after: str | None = None
    while page := jobs.jobs(project_id, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _paths_of(spec: object) -> Iterator[str]:
    if isinstance(spec, DeploymentSpec):
        yield spec.source
        yield from (adapter.path for adapter in spec.adapters)


def _is_below(path: str | None, folder: Path) -> bool:
    return path is not None and Path(path).resolve().is_relative_to(folder.resolve())
