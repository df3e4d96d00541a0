"""`hortus models`: the routes, which are the names that clients put in `model`; and the models that can be tuned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.jobreplies import Base
from hortus.cli.replies import Route
from hortus.cli.screen import Column, note, show_json, show_table, working

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="List what can be asked; bring models to tune, take tuned ones away.",
    epilog="Alone it lists those that can be asked.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(*, json: AsJson = False) -> None:
    """List routes: the names to put in `model`, and where each leads."""
    routes = Admin.here().routes()
    if json:
        show_json(routes)
        return
    show_table(
        [Column("route", is_whole=True), Column("leads to"), Column("state", is_whole=True), Column("origin")],
        [(one.name, say_way(one), state_of(one), one.where or one.origin) for one in routes],
    )
    for line in reasons_of(routes):
        note(f"[yellow]Ruled out:[/yellow] {escape(line)}")
    note("Ask one: `hortus ask --route NAME …`. More of them: `hortus connect HOST`, `hortus deploy`.")


@app.command()
def bases(*, json: AsJson = False) -> None:
    """List the models of this installation that can be tuned."""
    found = WorkshopAdmin.here().bases()
    if json:
        show_json(found)
        return
    columns = [
        Column("base", is_whole=True), Column("architecture"), Column("parameters", is_number=True),
        Column("context", is_number=True), Column("served by"), Column("licence"),
    ]  # fmt: skip
    show_table(columns, [_row(one) for one in found])
    for one in found:
        if one.reason is not None:
            note(f"[yellow]{escape(one.name)} cannot be tuned:[/yellow] {escape(one.reason)}")
    note("Tune one: `hortus train --base NAME --data FILE`. Bring others: `hortus models add FOLDER --name NAME`.")


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(help="A Hugging Face folder on the installation's machine.")],
    *,
    name: Annotated[str | None, typer.Option(help="What it is called here; else as its folder.")] = None,
    json: AsJson = False,
) -> None:
    """Copy a model here, to be tuned; what would run code when it is loaded is refused."""
    source = folder.absolute()
    with working(f"Checking and copying {source.name}"):
        added = WorkshopAdmin.here().add_base(name or source.name, source)
    if json:
        show_json(added)
    else:
        note(f"{added.name} can be tuned: `hortus train --base {added.name} --data FILE`.")


@app.command()
def export(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Id of the job whose product it is.")],
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, on the installation's machine.")],
    *,
    json: AsJson = False,
) -> None:
    """Write a tuned model as a Hugging Face folder, with its model card and facts."""
    with working(f"Writing {folder}"):
        exported = WorkshopAdmin.here().export_job(job, folder.absolute())
    if json:
        show_json(exported)
    else:
        note(f"{len(exported.files)} files are in {exported.folder}; README.md is its card, facts.json its papers.")


def _row(base: Base) -> tuple[object, ...]:
    parameters = f"{base.parameters:,}" if base.parameters is not None else None
    architecture = "(none: from scratch)" if base.kind == "scratch" else base.architecture
    return (base.name, architecture, parameters, base.context_tokens, base.engines, base.licence)


def say_way(route: Route) -> str:
    """Return where a route leads: its endpoints, with the strategy where there is a choice."""
    names = ", ".join(route.endpoints)
    return names if len(route.endpoints) == 1 else f"{names} ({route.strategy})"


def state_of(route: Route) -> str:
    """Return whether a route can be used: wholly, in part or not at all."""
    if not route.ruled_out:
        return "usable"
    return "unusable" if len(route.ruled_out) >= len(route.endpoints) else "in part"


def reasons_of(routes: Iterable[Route]) -> Iterator[str]:
    """Yield each reason once, behind the endpoints that it rules out."""
    endpoints: dict[str, dict[str, None]] = {}
    for one in (one for route in routes for one in route.ruled_out):
        endpoints.setdefault(one.reason, {})[one.endpoint] = None
    for reason, names in endpoints.items():
        yield f"{', '.join(names)}: {reason}"
