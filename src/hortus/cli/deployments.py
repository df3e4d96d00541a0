"""`hortus deployments`: the models that are kept running on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.replies import Deployment
from hortus.cli.screen import Column, note, show_json, show_table

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="List or stop the models that run on this machine.",
    epilog="Alone it lists them.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_deployments(*, json: AsJson = False) -> None:
    """List deployments with the state of their engines."""
    found = Admin.here().deployments()
    if json:
        show_json(found)
    else:
        show_deployments(found)


@app.command()
def retire(name: Annotated[str, typer.Argument(help="The deployment's name.")], *, json: AsJson = False) -> None:
    """Stop a model; its receipts stay."""
    retired = Admin.here().retire_deployment(name)
    if json:
        show_json(retired)
    else:
        note(f"Deployment {retired.name} is retired; its engine stops.")


def show_deployments(found: Sequence[Deployment]) -> None:
    """Write deployments as a table on standard output."""
    if not found:
        note("Nothing runs here. `hortus deploy PATH_OR_REPOSITORY --name NAME` starts a model.")
        return
    columns = [
        Column("deployment"), Column("state"), Column("memory", is_number=True), Column("start", is_number=True),
        Column("restarts", is_number=True), Column("source"),
    ]  # fmt: skip
    rows = [
        (one.name, say_state(one), say_memory(one.memory_bytes), say_start(one), one.restarts, one.source)
        for one in found
    ]
    show_table(columns, rows)


def say_state(deployment: Deployment) -> str:
    """Return the state, with the engine's error where there is one, and how its successor does."""
    if deployment.error:
        return f"{deployment.state}: {deployment.error}"
    if deployment.successor_error:
        return f"{deployment.state}, cannot be replaced: {deployment.successor_error}"
    return f"{deployment.state}, being replaced" if deployment.successor else deployment.state


def say_start(deployment: Deployment) -> str | None:
    """Return how long it took from the start to the first answer, None where unknown."""
    if deployment.load_s is None or deployment.warm_s is None:
        return None
    return f"{deployment.load_s + deployment.warm_s:.1f} s"


def say_memory(memory_bytes: int | None) -> str | None:
    """Return a size in MiB, None where unknown."""
    return f"{memory_bytes / (1 << 20):.0f} MiB" if memory_bytes is not None else None
