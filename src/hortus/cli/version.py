"""`hortus version`: which Hortus this is, and on what it runs."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from hortus import __version__
from hortus.cli.screen import show_json, show_line

app = typer.Typer(add_completion=False)


@app.command()
def version(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the version of Hortus."""
    if json:
        show_json({"hortus": __version__, "python": platform.python_version(), "machine": platform.machine()})
    else:
        show_line(f"hortus {__version__}")
