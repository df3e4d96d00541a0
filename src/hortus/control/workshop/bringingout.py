"""Admin operations on products: served under a name, or written into a folder of their own."""

from __future__ import annotations

from pathlib import Path

from hortus.access.acts import acting
from hortus.control.declaring import declare, show_deployment
from hortus.control.errors import Conflict, Invalid
from hortus.control.models import OneObject
from hortus.control.plane import Plane
from hortus.control.tenancy import allow_routes
from hortus.control.views import DeploymentView
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import note, project_names
from hortus.control.workshop.jobbing import find_job, passed
from hortus.control.workshop.moves import tuned_at_host
from hortus.control.workshop.works import product_name, served
from hortus.jobs.folders import JobFolder
from hortus.jobs.records import JobRecord
from hortus.tuning.export import export_model


def deploy_product(plane: Plane, ask: forms.DeployWanted) -> DeploymentView:
    """Serve a product that has passed its gate, and let its project use it."""
    job = find_job(plane, ask.id)
    _refuse_unfit(job)
    if job.base.route is not None:
        raise Conflict(
            f"The product of {job.id} is served by its host.",
            path="id",
            hint=f"Ask for it as `{job.product or tuned_at_host(job)}`.",
        )
    _refuse_removed(job)
    project = project_names(plane)[job.spec.project_id]
    name = ask.name or product_name(job, project)
    spec = served(job, name, JobFolder(plane.installation.workshop.jobs / job.id))
    stored = plane.ports.objects.get("deployment", name)
    if stored is None or stored.retired_at_ms is not None or stored.spec != spec:
        declare(plane, spec, is_new=True)
        plane.recompile()
    allow_routes(plane, project, (name,))
    note(plane, "deploy", kind="job", name=job.id, project=project, said={"route": name})
    return show_deployment(plane, OneObject(name=name))


def export_product(plane: Plane, ask: forms.ExportWanted) -> shown.ExportedView:
    """Write a product as a Hugging Face folder with its model card and facts; nothing is overwritten."""
    job = find_job(plane, ask.id)
    _refuse_removed(job)
    product = JobFolder(plane.installation.workshop.jobs / job.id).product
    if not product.is_dir():
        raise Conflict(
            f"The job {job.id} has no product here.", path="id", hint="Wait until it is trained; `hortus jobs` says."
        )
    target = absolute(ask.folder)
    facts = export_model(product, target)
    said = {"folder": str(target), "passed": passed(job)}
    with acting(operation="jobs.export"):
        project = project_names(plane).get(job.spec.project_id)
        note(plane, "export", kind="job", name=job.id, project=project, said=said)
    return shown.ExportedView(job=job.id, folder=str(target), files=sorted(facts.files))


def absolute(folder: str) -> Path:
    """Return a folder's path.

    Raises:
        Invalid: It is not absolute, so it would mean something else here.
    """
    path = Path(folder)
    if not path.is_absolute() or "\0" in folder:
        raise Invalid("The folder is no absolute path.", path="folder", hint="Write it from / on.")
    return path


def _refuse_unfit(job: JobRecord) -> None:
    if passed(job) is False:
        said = job.error.message if job.error is not None else "its gate has barred it"
        raise Conflict(
            f"The gate has barred the product of {job.id}: {said}",
            path="id",
            hint=f"`hortus jobs verdict {job.id}` shows every check. It stays barred; create another job.",
        )
    if job.state != "succeeded" or job.spec.check_only:
        kind = "only checked its file" if job.spec.check_only else f"is {job.state}"
        raise Conflict(f"The job {job.id} {kind}, so there is nothing to serve.", path="id", hint="`hortus jobs`.")


def _refuse_removed(job: JobRecord) -> None:
    if job.removed_at_ms is not None:
        raise Conflict(f"The product of {job.id} was removed.", path="id", hint="Create the job again.")
