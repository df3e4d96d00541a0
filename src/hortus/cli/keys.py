"""`hortus keys`: what programs authenticate with; each is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.base.time import format_utc
from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.screen import Column, note, show_json, show_line, show_table

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Make, list and revoke keys for programs.",
    epilog="Alone it lists them.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Project = Annotated[str, typer.Option(help="The project that owns it; made when there is none of that name.")]


@app.command("list")
def list_keys(
    *, project: Annotated[str | None, typer.Option(help="Only this project's.")] = None, json: AsJson = False
) -> None:
    """List keys; a key itself is never shown again, only its last four characters."""
    found = Admin.here().keys(project)
    if json:
        show_json(found)
        return
    if not found:
        note("No keys yet. `hortus keys create --project NAME` makes one.")
        return
    now_ms = SystemClock().now_ms()
    columns = [
        Column("id", is_whole=True),
        Column("name"),
        Column("project"),
        Column("ends"),
        Column("made", is_whole=True),
        Column("state"),
    ]
    show_table(
        columns,
        [
            (key.id, key.name, key.project, key.hint, format_utc(key.created_at_ms)[:10],
             _state_of(key.revoked_at_ms, key.expires_at_ms, now_ms=now_ms))
            for key in found
        ],
    )  # fmt: skip


@app.command()
def create(
    *,
    project: Project,
    name: Annotated[str, typer.Option(help="What it is for, such as a program's name.")] = "key",
    days: Annotated[int | None, typer.Option(min=1, help="Ends after so many days; never, if not given.")] = None,
    json: AsJson = False,
) -> None:
    """Make a key and show it once."""
    admin = Admin.here()
    made = admin.create_key(project=project, name=name, days=days)
    if json:
        show_json({**msgspec.to_builtins(made), "base_url": f"{admin.installation.door}/v1"})
        return
    show_line(made.key)
    note(f"It is shown this once. Use it with any OpenAI SDK and base URL {admin.installation.door}/v1.")
    note(f"It may use {', '.join(made.routes) or 'nothing yet'}; `hortus projects allow {project} ROUTE` adds more.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="A key's id, from `hortus keys`.")], *, json: AsJson = False
) -> None:
    """Make a key useless at once."""
    revoked = Admin.here().revoke_key(key)
    if json:
        show_json(revoked)
    else:
        note(f"Key {revoked.id} ({revoked.name}, ends in {revoked.hint}) is revoked.")


def _state_of(revoked_at_ms: int | None, expires_at_ms: int | None, *, now_ms: int) -> str:
    if revoked_at_ms is not None:
        return f"revoked {format_utc(revoked_at_ms)[:10]}"
    if expires_at_ms is None:
        return "valid"
    return f"{'valid until' if expires_at_ms > now_ms else 'expired'} {format_utc(expires_at_ms)[:10]}"
