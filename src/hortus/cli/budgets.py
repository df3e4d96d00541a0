"""`hortus budgets`: limits of money, with bars. The same objects as those of `hortus limits`."""

from __future__ import annotations

import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.limits import All, AsJson, Bound, Project, remove, set_limit, show
from hortus.cli.limitwords import show_budgets
from hortus.cli.options import takes
from hortus.cli.screen import note, show_json

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Set how much money a key, a project or all may spend, and see how it stands.",
    epilog="Alone it lists them.",
)


@app.command("list")
def list_budgets(*, project: Project = None, all_: All = False, json: AsJson = False) -> None:
    """List budgets with bars: what is spent, leased to workers, held by what runs, and left."""
    found = Admin.here().limits(budgets=True, project=project, include_retired=all_)
    if json:
        show_json(found)
    elif found:
        show_budgets(found)
    else:
        note("No budgets yet. `hortus budgets set NAME --money 500 --currency EUR --per month` sets one.")


@app.command("set")
@takes(Bound)
def set_(options: Bound) -> None:
    """Set a budget; of one that is there, change what is given and keep the rest."""
    set_limit(options)


app.command("show")(show)
app.command("remove")(remove)
