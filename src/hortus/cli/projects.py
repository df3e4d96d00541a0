"""`hortus projects`: the tenants; each owns keys and says which routes they may use."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.screen import Column, note, show_json, show_table

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Make projects and say which routes they may use.",
    epilog="Alone it lists them.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The project's name.")]
Routes = Annotated[list[str], typer.Argument(help="Routes, or patterns such as 'eu/*'.")]


class LossRule(StrEnum):
    """Which losses refuse a request."""

    STANDARD = "standard"
    STRICT = "strict"
    LENIENT = "lenient"


Loss = Annotated[
    LossRule, typer.Option(help="Which losses refuse a request: those of meaning, all (strict), none (lenient).")
]


@app.command("list")
def list_projects(
    *, all_: Annotated[bool, typer.Option("--all", help="Retired ones too.")] = False, json: AsJson = False
) -> None:
    """List projects and the routes they may use."""
    found = Admin.here().projects(include_retired=all_)
    if json:
        show_json(found)
        return
    if not found:
        note("No projects yet. `hortus keys create --project NAME` makes one with a key.")
        return
    show_table(
        [Column("project"), Column("may use"), Column("loss"), Column("origin"), Column("state")],
        [(one.name, one.routes, one.loss, one.origin, "retired" if one.retired_at_ms else "in use") for one in found],
    )


@app.command()
def create(
    name: Name,
    *,
    route: Annotated[list[str] | None, typer.Option(help="A route it may use; repeat it. Else seedling.")] = None,
    loss: Loss = LossRule.STANDARD,
    json: AsJson = False,
) -> None:
    """Make a project."""
    made = Admin.here().create_project(name, routes=tuple(route) if route else ("seedling",), loss=loss)
    if json:
        show_json(made)
    else:
        note(f"Project {made.name} may use {', '.join(made.routes)}. `hortus keys create --project {made.name}` next.")


@app.command("set")
def set_(name: Name, *, loss: Loss, json: AsJson = False) -> None:
    """Say which losses refuse a project's requests: what a host of another dialect cannot be told."""
    changed = Admin.here().set_loss(name, loss=loss)
    if json:
        show_json(changed)
    else:
        note(f"Project {changed.name}: loss is {changed.loss} from now on.")


@app.command()
def allow(name: Name, routes: Routes, *, json: AsJson = False) -> None:
    """Let a project's keys use further routes."""
    admin = Admin.here()
    changed = admin.allow(name, tuple(routes))
    if json:
        show_json(changed)
        return
    note(f"Project {changed.name} may use {', '.join(changed.routes)}.")
    there = {route.name for route in admin.routes()}
    absent = [route for route in routes if "*" not in route and route not in there]
    if absent:
        note(f"[yellow]No route has that name yet:[/yellow] {', '.join(absent)}. `hortus models` lists them.")


@app.command()
def disallow(name: Name, routes: Routes, *, json: AsJson = False) -> None:
    """Take routes away from a project's keys."""
    admin = Admin.here()
    before = admin.project(name).routes
    changed = admin.set_routes(name, routes=tuple(route for route in before if route not in routes))
    if json:
        show_json(changed)
    else:
        note(f"Project {changed.name} may use {', '.join(changed.routes) or 'nothing'}.")


@app.command()
def retire(name: Name, *, json: AsJson = False) -> None:
    """Take a project out of use: its keys stop working, its receipts stay."""
    retired = Admin.here().retire_project(name)
    if json:
        show_json(retired)
    else:
        note(f"Project {retired.name} is retired; its keys no longer work.")
