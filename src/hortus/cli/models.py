"""`hortus models`: the routes, which are the names that clients put in `model`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.markup import escape

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
        [Column("route", is_whole=True), Column("leads to"), Column("state", is_whole=True), Column("origin")],
        [(one.name, say_way(one), state_of(one), one.where or one.origin) for one in routes],
    )
    for line in reasons_of(routes):
        note(f"[yellow]Ruled out:[/yellow] {escape(line)}")
    note("Ask one: `hortus ask --route NAME …`. More of them: `hortus connect HOST`, `hortus deploy`.")


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
