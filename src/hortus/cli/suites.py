"""`hortus suites`: questions with their answers, in which no new model may get worse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.jobcalls import WorkshopAdmin
from hortus.cli.screen import Column, note, show_json, show_table

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="List, bring and remove suites, in which no new model may get worse.",
    epilog="Alone it lists them. A training names them: [bold]hortus train --suite NAME[/bold].",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The suite's name.")]


@app.command("list")
def list_suites(*, json: AsJson = False) -> None:
    """List the suites, with how many questions each has."""
    found = WorkshopAdmin.here().suites()
    if json:
        show_json(found)
    elif found:
        columns = [Column("suite", is_whole=True), Column("questions", is_number=True), Column("SHA-256")]
        show_table(columns, [(one.name, one.items, one.sha256) for one in found])
    else:
        note("There is no suite here. `hortus suites add NAME FILE` brings one.")


@app.command()
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="JSON Lines of chats; the last message is the expected answer.")],
    *,
    json: AsJson = False,
) -> None:
    """Bring a suite, or replace one; every line that cannot be used is named."""
    added = WorkshopAdmin.here().add_suite(name, file)
    if json:
        show_json(added)
    else:
        note(f"The suite {added.name} has {added.items} questions: `hortus train --suite {added.name} …`.")


@app.command()
def remove(name: Name, *, json: AsJson = False) -> None:
    """Remove a suite."""
    removed = WorkshopAdmin.here().remove_suite(name)
    if json:
        show_json(removed)
    else:
        note(f"The suite {removed.name} is removed.")
