"""`hortus models`: the routes, which are the names that clients put in `model`."""

from __future__ import annotations

from typing import Annotated

import typer

from hortus.cli.admin import Admin
from hortus.cli.replies import Route
from hortus.cli.screen import Column, note, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def models(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List routes: the names to put in `model`, and where each leads."""
    routes = Admin.here().routes()
    if json:
        show_json(routes)
        return
    show_table(
        [Column("route", is_whole=True), Column("leads to"), Column("strategy"), Column("state"), Column("origin")],
        [(one.name, one.endpoints, one.strategy, state_of(one), one.where or one.origin) for one in routes],
    )
    note("Ask one: `hortus ask --route NAME …`. More of them: `hortus connect HOST`, `hortus deploy`.")


def state_of(route: Route) -> str:
    """Return whether a route can be used, and what is ruled out of it and why."""
    if not route.ruled_out:
        return "usable"
    reasons = "; ".join(f"{one.endpoint}: {one.reason}" for one in route.ruled_out)
    return f"{'unusable' if len(route.ruled_out) >= len(route.endpoints) else 'usable'} ({reasons})"
