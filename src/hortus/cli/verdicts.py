"""How a job ended, for people: the gate's checks as a table, the route to ask, or why it failed and what to do."""

from __future__ import annotations

from rich.markup import escape
from rich.text import Text

from hortus.base.errors import HortusError
from hortus.cli.checkviews import show_problems
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.jobreplies import Job, Judged
from hortus.cli.screen import Column, note, show_table


class JobFailedError(HortusError):
    """A job that has ended without a product; its own reason."""

    code = "job_failed"


def show_verdict(judged: Judged) -> None:
    """Write the gate's checks as a table on standard output."""
    if judged.verdict is None:
        note(f"The gate has not been asked: the job is {judged.state}.")
        return
    rows = [
        (Text("passed", "green") if one.passed else Text("barred", "red"), one.name, one.sentence)
        for one in judged.verdict.checks
    ]
    show_table([Column("", is_whole=True), Column("check", is_whole=True), Column("found")], rows)


def show_end(admin: WorkshopAdmin, job: Job) -> None:
    """Say how a job has ended.

    Raises:
        JobFailedError: Without a product.
    """
    judged, _ = admin.verdict(job.id)
    if judged.verdict is not None:
        show_verdict(judged)
    if job.state == "succeeded":
        _show_success(job)
        return
    checked, _ = admin.checked(job.id)
    if checked.problems is not None and checked.problems.errors:
        show_problems(checked.problems)
    raise failure_of(job)


def failure_of(job: Job) -> JobFailedError:
    """Return the error that a job without a product ends with."""
    if job.error is None:
        return JobFailedError(f"the job {job.id} was {job.state}.", hint="`hortus jobs events` tells how it went.")
    where = f"{job.id}, {job.error.param}" if job.error.param else job.id
    return JobFailedError(
        job.error.message, path=where, hint=job.error.hint or f"`hortus jobs events {job.id}` tells how it went."
    )


def _show_success(job: Job) -> None:
    if job.product is None:
        is_here = f"has passed and is not served. Serve it: `hortus deploy {job.id}`."
        note(f"The product of {job.id} {'is at its host and has no route.' if job.at_host else is_here}")
        return
    note(f"[green]{escape(job.product)}[/green] answers.")
    away = "" if job.at_host else f" Take it away: `hortus models export {job.id} FOLDER`."
    note(f"Ask it: `hortus ask --route {escape(job.product)} …`.{away}")
