"""`hortus train`: examples in, a better model out: brought, checked, trained, judged and served, with bars."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from hortus.cli.admin import DeclinedError
from hortus.cli.following import follow
from hortus.cli.jobcalls import OnSent, WorkshopAdmin
from hortus.cli.jobreplies import Job
from hortus.cli.options import takes
from hortus.cli.recipes import Settings, read_about, read_recipe, recipe_of
from hortus.cli.screen import note, show_json
from hortus.cli.verdicts import failure_of, show_end
from hortus.jobs.spec import About, Recipe

app = typer.Typer(add_completion=False)

FILE_ID = "file-"
"""How ids of files begin."""

_DETACHED = 130
"""The exit status of a command that Ctrl-C has ended."""


class Options(Settings, frozen=True, kw_only=True):
    """Options of the command."""

    data: Annotated[
        Path,
        typer.Option(help="Examples, as JSON Lines: chats, prompts with answers, preferences; or a file's id."),
    ]
    base: Annotated[
        str, typer.Option(help="What is tuned: see `hortus models bases`; an earlier job; a host's model.")
    ] = "seedling"
    validation: Annotated[Path | None, typer.Option(help="Examples that are held out; else a share is.")] = None
    held_out_share: Annotated[float, typer.Option(min=0, max=0.9, help="That share.")] = 0.1
    method: Annotated[str, typer.Option(help="supervised, dpo (preferences) or scratch (no base).")] = "supervised"
    suffix: Annotated[str, typer.Option(help="Part of the product's name.")] = ""
    project: Annotated[str, typer.Option(help="Whose job it is, and whose keys may use the product.")] = "default"
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="Its gain over the base must be above this, as a share of 1.")
    ] = 0.0
    suite: Annotated[list[str] | None, typer.Option(help="It may not get worse in this suite; repeat it.")] = None
    engine: Annotated[str, typer.Option(help="What serves it: auto, llamacpp, transformers or vllm.")] = "auto"
    form: Annotated[str, typer.Option(help="merged, or adapter: by name over its base.")] = "merged"
    deploy: Annotated[bool, typer.Option("--deploy/--no-deploy", help="Serve it once it has passed.")] = True
    recipe: Annotated[Path | None, typer.Option(help="Settings of the training: a TOML or JSON file.")] = None
    about: Annotated[
        Path | None, typer.Option(help="What its papers are to say, as a TOML or JSON file: maker, intended_purpose, …")
    ] = None
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Watch it until it is over.")] = True
    json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False


@app.command()
@takes(Options)
def train(options: Options) -> None:
    """Make a better model out of examples; it is judged before it is served."""
    recipe, about = recipe_of(options, read_recipe(options.recipe)), read_about(options.about)
    admin = WorkshopAdmin.here()
    admin.project(options.project)  # an unknown one is said before anything is sent
    with files_for(admin, options.data, options.validation, project=options.project) as files:
        job = admin.create_job(_wanted(options, recipe, about, files=files))
    note(f"Job {job.id}: {job.base} learns from {options.data.name}.")
    if options.follow:
        watch(admin, job, as_json=options.json)
    elif options.json:
        show_json(job)
    else:
        note(f"Watch it: `hortus jobs follow {job.id}`.")


@contextmanager
def files_for(admin: WorkshopAdmin, data: Path, validation: Path | None, *, project: str) -> Iterator[dict[str, str]]:
    """Send examples, and those that are held out; give their ids as a job names them. Ids stay what they are.

    What was sent is deleted again where what follows is refused.
    """
    given = {"training": data} if validation is None else {"training": data, "validation": validation}
    files: dict[str, str] = {}
    try:
        for name, path in given.items():
            files[name] = str(path) if is_known(path) else _bring(admin, path, project=project)
        yield files
    except DeclinedError:
        forget_files(admin, files, kept={str(path) for path in given.values()})
        raise


def forget_files(admin: WorkshopAdmin, files: Mapping[str, str], *, kept: Collection[str]) -> None:
    """Delete files that were sent, but for those that were here before."""
    for file_id in files.values():
        if file_id not in kept:
            admin.delete_file(file_id)


def is_known(path: Path) -> bool:
    """Tell whether what was given is the id of a file that Hortus has already."""
    return str(path).startswith(FILE_ID) and not path.exists()


def _bring(admin: WorkshopAdmin, path: Path, *, project: str) -> str:
    with _sending(path.name) as on_sent:
        return admin.bring_file(path, project=project, on_sent=on_sent).id


def watch(admin: WorkshopAdmin, job: Job, *, as_json: bool) -> None:
    """Follow a job to its end and say how it ended; Ctrl-C leaves it alone.

    Raises:
        JobFailedError: It ended without a product.
    """
    try:
        ended = follow(admin, job.id)
    except KeyboardInterrupt:
        note(
            f"\nThe job goes on. Watch it again: `hortus jobs follow {job.id}`. End it: `hortus jobs cancel {job.id}`."
        )
        raise typer.Exit(_DETACHED) from None
    if not as_json:
        show_end(admin, ended)
        return
    show_json(ended)
    if ended.state != "succeeded":
        raise failure_of(ended)


def _wanted(options: Options, recipe: Recipe, about: About, *, files: dict[str, str]) -> dict[str, Any]:
    gate = {"margin": options.margin, "suites": options.suite or []}
    plain = ("base", "method", "suffix", "project", "engine", "form", "deploy", "held_out_share")
    return {
        **files,
        "recipe": msgspec.to_builtins(recipe),
        "gate": gate,
        "about": msgspec.to_builtins(about),
        **{one: getattr(options, one) for one in plain},
    }


@contextmanager
def _sending(label: str) -> Iterator[OnSent]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"Sending {label}", total=None)
        yield lambda done, whole: progress.update(task, completed=done, total=whole)
