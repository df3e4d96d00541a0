"""The rows of the workshop in the table of admin operations; among calls of one kind longer paths come first."""

from __future__ import annotations

from hortus.control import models, views
from hortus.control.operation import Operation
from hortus.control.workshop import (
    basing,
    bringingout,
    datasetting,
    filing,
    forms,
    jobbing,
    keeping,
    removing,
    shown,
    suiting,
)

WORKSHOP_OPERATIONS: tuple[Operation, ...] = (
    Operation("files.list", "GET", "/files", "look", forms.FilesWanted, shown.FileList, filing.list_files),
    Operation(
        "files.create",
        "POST",
        "/files",
        "change",
        forms.FileWanted,
        shown.FileView,
        filing.create_file,
        status=201,
        takes_file=True,
    ),
    Operation(
        "files.create_from_content",
        "POST",
        "/files/from-content",
        "change",
        forms.FromContent,
        shown.KeptFileView,
        keeping.create_from_content,
        status=201,
        changes=False,
    ),
    Operation("files.show", "GET", "/files/{id}", "look", forms.OneFile, shown.FileView, filing.show_file),
    Operation("files.delete", "DELETE", "/files/{id}", "change", forms.OneFile, shown.FileView, filing.delete_file),
    Operation(
        "datasets.list",
        "GET",
        "/datasets",
        "look",
        forms.DatasetsWanted,
        shown.DatasetList,
        datasetting.list_datasets,
    ),
    Operation(
        "datasets.check",
        "POST",
        "/datasets/check",
        "change",
        forms.CheckWanted,
        shown.JobView,
        jobbing.check_file,
        status=201,
    ),
    Operation(
        "datasets.show",
        "GET",
        "/datasets/{id}",
        "look",
        forms.OneDataset,
        shown.CheckView,
        datasetting.show_dataset,
    ),
    Operation(
        "datasets.delete",
        "DELETE",
        "/datasets/{id}",
        "change",
        forms.OneDataset,
        shown.DatasetView,
        datasetting.delete_dataset,
    ),
    Operation("jobs.list", "GET", "/jobs", "look", forms.JobsWanted, shown.JobList, jobbing.list_jobs),
    Operation(
        "jobs.create",
        "POST",
        "/jobs",
        "change",
        forms.JobWanted,
        shown.JobView,
        jobbing.create_job,
        status=201,
    ),
    Operation(
        "jobs.events", "GET", "/jobs/{id}/events", "look", forms.EventsWanted, shown.EventList, jobbing.list_events
    ),
    Operation(
        "jobs.metrics", "GET", "/jobs/{id}/metrics", "look", forms.MetricsWanted, shown.MetricList, jobbing.list_metrics
    ),
    Operation(
        "jobs.verdict", "GET", "/jobs/{id}/verdict", "look", forms.OneJob, shown.VerdictView, jobbing.show_verdict
    ),
    Operation("jobs.cancel", "POST", "/jobs/{id}/cancel", "change", forms.OneJob, shown.JobView, jobbing.cancel_job),
    Operation("jobs.pause", "POST", "/jobs/{id}/pause", "change", forms.OneJob, shown.JobView, jobbing.pause_job),
    Operation("jobs.resume", "POST", "/jobs/{id}/resume", "change", forms.OneJob, shown.JobView, jobbing.resume_job),
    Operation(
        "jobs.deploy",
        "POST",
        "/jobs/{id}/deploy",
        "change",
        forms.DeployWanted,
        views.DeploymentView,
        bringingout.deploy_product,
    ),
    Operation(
        "jobs.export",
        "POST",
        "/jobs/{id}/export",
        "change",
        forms.ExportWanted,
        shown.ExportedView,
        bringingout.export_product,
        changes=False,
    ),
    Operation("jobs.remove", "DELETE", "/jobs/{id}", "change", forms.OneJob, shown.JobView, removing.remove_job),
    Operation("jobs.show", "GET", "/jobs/{id}", "look", forms.OneJob, shown.JobView, jobbing.show_job),
    Operation("bases.list", "GET", "/bases", "look", models.Nothing, shown.BaseList, basing.list_bases),
    Operation(
        "bases.add",
        "POST",
        "/bases",
        "change",
        forms.BaseWanted,
        shown.BaseView,
        basing.add_base,
        status=201,
        changes=False,
    ),
    Operation("suites.list", "GET", "/suites", "look", models.Nothing, shown.SuiteList, suiting.list_suites),
    Operation(
        "suites.add",
        "POST",
        "/suites",
        "change",
        forms.OneSuite,
        shown.SuiteView,
        suiting.add_suite,
        status=201,
        takes_file=True,
    ),
    Operation(
        "suites.remove", "DELETE", "/suites/{name}", "change", forms.OneSuite, shown.SuiteView, suiting.remove_suite
    ),
)
"""One row each. Copying a model takes minutes, so what copies does not hold up other changes."""
