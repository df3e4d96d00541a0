"""`hortus projects`: the tenants; each owns keys and says which routes they may use."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.options import takes
from hortus.cli.policyoptions import LossRule
from hortus.cli.replies import Project
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

_LOSS = "Which losses refuse a request: those of meaning, all (strict), none (lenient)."
Policy = Annotated[str | None, typer.Option(help="The policy that decides what may go where.")]
Shadow = Annotated[str | None, typer.Option(help="A policy whose verdicts are only written into receipts.")]
Days = Annotated[int | None, typer.Option(min=0, help="Days for which content is kept, encrypted; 0: not at all.")]


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
    columns = [
        Column("project"), Column("may use"), Column("policy"), Column("loss"),
        Column("kept", is_number=True), Column("origin"), Column("state"),
    ]  # fmt: skip
    show_table(columns, [_row(one) for one in found])


class New(msgspec.Struct, frozen=True):
    """Options of `projects create`."""

    name: Name
    route: Annotated[list[str] | None, typer.Option(help="A route it may use; repeat it. Else seedling.")] = None
    loss: Annotated[LossRule, typer.Option(help=_LOSS)] = LossRule.STANDARD
    policy: Policy = None
    shadow_policy: Shadow = None
    keep_content_days: Days = None
    json: AsJson = False


@app.command("create")
@takes(New)
def create(options: New) -> None:
    """Make a project."""
    given = {name: getattr(options, name) for name in ("loss", "policy", "shadow_policy", "keep_content_days")}
    members = {member: value for member, value in given.items() if value is not None}
    routes = tuple(options.route) if options.route else ("seedling",)
    made = Admin.here().create_project(options.name, routes=routes, **members)
    if options.json:
        show_json(made)
    else:
        note(f"Project {made.name} may use {', '.join(made.routes)}. `hortus keys create --project {made.name}` next.")


class Changes(msgspec.Struct, frozen=True):
    """Options of `projects set`; what is not given stays."""

    name: Name
    loss: Annotated[LossRule | None, typer.Option(help=_LOSS)] = None
    policy: Policy = None
    shadow_policy: Shadow = None
    no_shadow: Annotated[bool, typer.Option("--no-shadow", help="No shadow policy any more.")] = False
    keep_content_days: Days = None
    json: AsJson = False


@app.command("set")
@takes(Changes)
def set_(options: Changes) -> None:
    """Change what judges a project's requests, which losses refuse them, and how long content is kept."""
    admin = Admin.here()
    changed = admin.project(options.name)
    if options.loss is not None:
        changed = admin.set_loss(options.name, loss=options.loss)
    if options.policy is not None or options.shadow_policy is not None or options.no_shadow:
        shadow = None if options.no_shadow else options.shadow_policy or changed.shadow_policy
        changed = admin.set_policy(options.name, policy=options.policy or changed.policy, shadow_policy=shadow)
    if options.keep_content_days is not None:
        changed = admin.set_keeping(options.name, days=options.keep_content_days)
    show_json(changed) if options.json else note(f"Project {changed.name}: {_say(changed)} from now on.")


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


def _row(one: Project) -> tuple[object, ...]:
    policy = f"{one.policy}\nshadow {one.shadow_policy}" if one.shadow_policy else one.policy
    kept = f"{one.keep_content_days} d" if one.keep_content_days else None
    return one.name, one.routes, policy, one.loss, kept, one.origin, "retired" if one.retired_at_ms else "in use"


def _say(one: Project) -> str:
    shadow = f", shadow {one.shadow_policy}" if one.shadow_policy else ""
    kept = f"kept for {one.keep_content_days} days" if one.keep_content_days else "not kept"
    return f"loss is {one.loss}, policy {one.policy}{shadow}, content {kept}"
