"""`hortus datasets`: files of examples, checked before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.base.time import format_utc
from hortus.cli.checkviews import show_checked
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.following import follow
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.jobreplies import Dataset, Job
from hortus.cli.options import takes
from hortus.cli.recipes import Settings, read_recipe, recipe_of
from hortus.cli.screen import Column, note, show_json, show_table, working
from hortus.cli.train import FILE_ID, files_for, forget_files
from hortus.cli.verdicts import failure_of

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Check examples, and list what was checked.",
    epilog="Alone it lists them.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHORT, _DAY = 12, 10  # characters of a hash, and of an instant up to its day


class Options(Settings, frozen=True, kw_only=True):
    """Options of the check."""

    file: Annotated[Path, typer.Argument(help="Examples, as JSON Lines; or the id of a file that was brought.")]
    base: Annotated[str, typer.Option(help="Whose tokenizer counts; see `hortus models bases`.")] = "seedling"
    validation: Annotated[Path | None, typer.Option(help="Examples that are held out; else a share is.")] = None
    held_out_share: Annotated[float, typer.Option(min=0, max=0.9, help="That share.")] = 0.1
    method: Annotated[str, typer.Option(help="supervised, dpo (preferences) or scratch (no base).")] = "supervised"
    project: Annotated[str, typer.Option(help="Whose examples they are.")] = "default"
    recipe: Annotated[Path | None, typer.Option(help="Settings of the training: a TOML or JSON file.")] = None
    keep: Annotated[bool, typer.Option("--keep", help="Leave the file here, for `hortus train` or the API.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@app.command("list")
def list_datasets(
    *, project: Annotated[str | None, typer.Option(help="Only this project's.")] = None, json: AsJson = False
) -> None:
    """List the datasets that were checked, newest first."""
    found = WorkshopAdmin.here().datasets(project)
    if json:
        show_json(found)
        return
    if not found:
        note("Nothing was checked here. `hortus datasets check FILE` does.")
        return
    columns = [
        Column("dataset", is_whole=True), Column("examples", is_number=True), Column("tokens", is_number=True),
        Column("checked", is_whole=True), Column("by", is_whole=True),
    ]  # fmt: skip
    rows = [_row(one) for one in found]
    show_table(columns, rows)


@app.command("check")
@takes(Options)
def check(options: Options) -> None:
    """Check examples against a base: every error with its line, what is in them, and what training takes."""
    recipe = recipe_of(options, read_recipe(options.recipe))
    admin = WorkshopAdmin.here()
    admin.project(options.project)
    plain = ("base", "method", "project", "held_out_share")
    asked = {"recipe": msgspec.to_builtins(recipe), **{name: getattr(options, name) for name in plain}}
    with files_for(admin, options.file, options.validation, project=options.project) as files:
        job = admin.check_file({**asked, **files})
    ended = _follow(admin, job)
    if not options.keep:
        forget_files(admin, files, kept={str(options.file), str(options.validation)})
    checked, raw = admin.checked(ended.id)
    if options.json:
        show_json(raw)
    else:
        show_checked(checked)
    if ended.state != "succeeded":
        raise failure_of(ended)
    if options.keep:
        note(f"The file stays as {files['training']}.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="Its hash, or the id of a job that checked it.")],
    *,
    json: AsJson = False,
) -> None:
    """Show what the check of a dataset found."""
    checked, raw = WorkshopAdmin.here().checked(name)
    if json:
        show_json(raw)
        return
    show_checked(checked)
    if checked.result is None and checked.problems is None:
        note(f"The job {checked.job.id} is {checked.job.state}; its check has said nothing yet.")


@app.command()
def delete(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="Its hash or first letters, or the id of a file.")],
    *,
    json: AsJson = False,
) -> None:
    """Delete the examples of a dataset, or a file that was brought, for good."""
    admin = WorkshopAdmin.here()
    deleted = admin.delete_file(name) if name.startswith(FILE_ID) else admin.delete_dataset(name)
    if json:
        show_json(deleted)
    else:
        note(f"{name} is deleted. Products that have learnt from it stay.")


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which kept requests and answers are collected."""

    project: Annotated[str, typer.Option(help="Whose; it must keep content.")]
    name: Annotated[str, typer.Option(help="What the file is called.")] = "kept.jsonl"
    route: Annotated[list[str] | None, typer.Option(help="Only those to this route; repeat it.")] = None
    model: Annotated[list[str] | None, typer.Option(help="Only what this model or endpoint answered.")] = None
    since: Annotated[str | None, typer.Option(help="From then on: 7d, 2026-11, 2026-11-01T12:00.")] = None
    until: Annotated[str | None, typer.Option(help="Before then.")] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@app.command("collect")
@takes(Selection)
def collect(options: Selection) -> None:
    """Make a file of examples out of what a project has kept of requests and answers."""
    wanted = {name: getattr(options, name) for name in ("project", "name", "since", "until")}
    ask = {**wanted, "routes": options.route or [], "models": options.model or []}
    with working(f"Collecting what {options.project} has kept"):
        made = WorkshopAdmin.here().collect_file(ask)
    if options.json:
        show_json(made)
        return
    note(f"{made.examples:,} examples are in {made.file.id}; {sum(made.left_out.values()):,} exchanges gave none.")
    for reason, count in made.left_out.items():
        note(f"  {count:,} {reason}")
    note(f"Check it: `hortus datasets check {made.file.id}`. Erasing kept content later leaves this file as it is.")


def _follow(admin: WorkshopAdmin, job: Job) -> Job:
    """Watch a check to its end; Ctrl-C cancels it."""
    try:
        return follow(admin, job.id)
    except KeyboardInterrupt:
        admin.change_job(job.id, "cancel")
        return follow(admin, job.id)


def _row(one: Dataset) -> tuple[object, ...]:
    facts = one.facts
    counts = (f"{facts.examples:,}", f"{facts.tokens.total:,}") if facts else (None, None)
    return ((one.dataset or "")[:_SHORT], *counts, format_utc(one.checked_at_ms)[:_DAY], one.job)
