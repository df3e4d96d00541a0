"""`hortus jobs`: trainings that run or have run here: listed, followed, paused, cancelled, and what the gate said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hortus.base.errors import InstallationError
from hortus.base.time import format_utc
from hortus.cli.checkviews import say_span
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.following import metrics_of
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.jobreplies import Event, Job
from hortus.cli.screen import Column, is_wide, note, show_facts, show_json, show_line, show_table
from hortus.cli.train import watch
from hortus.cli.verdicts import show_verdict
from hortus.jobs.curves import curves_of, svg, terminal

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="List, follow and change trainings.",
    epilog="Alone it lists them. Begin one with [bold]hortus train[/bold].",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, such as ftjob-….")]
_SECOND, _MINUTE = 19, 16  # characters of an instant up to there


@app.command("list")
def list_jobs(
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as running.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 20,
    json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    found = WorkshopAdmin.here().jobs(project, state=state, limit=limit)
    if json:
        show_json(found)
    else:
        _show(found)


@app.command()
def show(job: JobId, *, json: AsJson = False) -> None:
    """Show one job: what was asked, how it stands, and what came out."""
    found = WorkshopAdmin.here().job(job)
    if json:
        show_json(found)
        return
    show_facts(
        [
            ("job", found.id), ("project", found.project), ("base", found.base), ("method", found.method),
            ("state", _say_state(found)), ("begun", _say_at(found.created_at_ms)), ("took", _say_took(found)),
            ("training file", found.training), ("validation file", found.validation), ("dataset", found.dataset),
            ("tokens trained", f"{found.trained_tokens:,}" if found.trained_tokens else None),
            ("passed the gate", found.passed), ("answers as", found.product),
            ("on the disk", _say_held(found)),
            ("failed", found.error.message if found.error else None),
            ("next", found.error.hint if found.error else None),
        ]
    )  # fmt: skip
    show_facts([("recipe", ", ".join(f"{name}={value}" for name, value in found.recipe.items()))])


@app.command()
def follow(job: JobId, *, json: AsJson = False) -> None:
    """Watch a job until it is over; Ctrl-C leaves it running."""
    admin = WorkshopAdmin.here()
    watch(admin, admin.job(job), as_json=json)


@app.command()
def events(
    job: JobId,
    *,
    all_of_them: Annotated[bool, typer.Option("--all", help="With the figures of every step.")] = False,
    json: AsJson = False,
) -> None:
    """Tell what happened in a job, oldest first."""
    found = WorkshopAdmin.here().events(job)
    if json:
        show_json(found)
        return
    shown = [one for one in found if all_of_them or one.kind != "metrics"]
    columns = [Column("UTC", is_whole=True), Column(""), Column("what happened")]
    show_table(columns, [(_say_at(one.at_ms), "" if one.level == "info" else one.level, one.message) for one in shown])


@app.command()
def verdict(job: JobId, *, json: AsJson = False) -> None:
    """Show what the gate found on a job's product."""
    judged, raw = WorkshopAdmin.here().verdict(job)
    if json:
        show_json(raw)
    else:
        show_verdict(judged)


@app.command()
def plot(
    job: JobId,
    *,
    to_file: Annotated[Path | None, typer.Option("--svg", help="Write it into this file instead.")] = None,
) -> None:
    """Draw the loss of a job, on the terminal or as an SVG file."""
    found: list[Event] = WorkshopAdmin.here().events(job, kind="metrics")
    if not found:
        note(f"{job} has not trained yet. `hortus jobs show {job}` says how it stands.")
        return
    curves = curves_of(metrics_of(found))
    if to_file is None:
        for line in terminal(curves):
            show_line(line)
        return
    try:
        to_file.write_text(svg(curves, title=f"Loss of {job}"), "utf-8")
    except OSError as error:
        raise InstallationError(f"cannot be written: {error.strerror}.", path=str(to_file)) from error
    note(f"The curve is in {to_file}.")


@app.command()
def cancel(job: JobId, *, json: AsJson = False) -> None:
    """End a job within seconds; nothing of it is served."""
    _change(job, "cancel", said="is cancelled", as_json=json)


@app.command()
def pause(job: JobId, *, json: AsJson = False) -> None:
    """Stop a job at its last checkpoint, to go on later."""
    _change(job, "pause", said=f"pauses; go on with `hortus jobs resume {job}`", as_json=json)


@app.command()
def resume(job: JobId, *, json: AsJson = False) -> None:
    """Let a paused job go on."""
    _change(job, "resume", said="goes on", as_json=json)


@app.command()
def remove(job: JobId, *, json: AsJson = False) -> None:
    """Remove a finished job's folder with its product, to make room; its record and its events stay."""
    removed = WorkshopAdmin.here().remove_job(job)
    if json:
        show_json(removed)
    else:
        note(f"{removed.id} holds nothing on the disk any more. Its record, its events and its verdict stay.")


def _change(job: str, verb: str, *, said: str, as_json: bool) -> None:
    changed = WorkshopAdmin.here().change_job(job, verb)
    if as_json:
        show_json(changed)
    else:
        note(f"{changed.id} {said}.")


def _show(found: Sequence[Job]) -> None:
    if not found:
        note("No job has run here. `hortus train --base seedling --data FILE` begins one.")
        return
    columns = [Column("job", is_whole=True), Column("base"), Column("state"), Column("begun (UTC)", is_whole=True)]
    rows: list[tuple[object, ...]] = [
        (one.id, one.base, _say_state(one), _say_at(one.created_at_ms)[:_MINUTE]) for one in found
    ]
    if is_wide():
        columns += [Column("project"), Column("answers as", is_whole=True)]
        rows = [(*row, one.project, one.product) for row, one in zip(rows, found, strict=True)]
    show_table(columns, rows)


def _say_state(job: Job) -> str:
    """Return the state, with how far the work is where there is some."""
    if job.is_over or job.progress is None:
        return job.state
    done, total = job.progress.done, job.progress.total
    return f"{job.state}: {job.progress.phase} {done / total:.0%}" if total else f"{job.state}: {job.progress.phase}"


def _say_took(job: Job) -> str | None:
    if job.finished_at_ms is None:
        return None
    return say_span((job.finished_at_ms - job.created_at_ms) / 1000)


def _say_at(at_ms: int) -> str:
    return format_utc(at_ms)[:_SECOND].replace("T", " ")


def _say_held(job: Job) -> str | None:
    if job.removed_at_ms is not None:
        return f"nothing, removed {_say_at(job.removed_at_ms)}"
    return None if job.held_bytes is None else f"{job.held_bytes / 1e6:,.1f} MB"
