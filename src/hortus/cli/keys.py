"""`hortus keys`: what programs authenticate with; each is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.base.time import format_utc
from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.replies import Key
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
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too, as always with --json.")] = False,
    json: AsJson = False,
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
    shown = [key for key in found if all_ or is_valid(key, now_ms=now_ms)]
    columns = [
        Column("id", is_whole=True), Column("name"), Column("project"), Column("key", is_whole=True),
        Column("state", is_whole=True),
    ]  # fmt: skip
    rows = [(key.id, key.name, key.project, f"…{key.hint}", _state_of(key, now_ms=now_ms)) for key in shown]
    show_table(columns, rows)
    if len(shown) < len(found):
        note(f"{len(found) - len(shown)} more are revoked or expired: `hortus keys list --all`.")


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


@app.command()
def pair(key: Annotated[str, typer.Argument(help="A key's id, from `hortus keys`.")], *, json: AsJson = False) -> None:
    """Show the key pair of a key, for boto3 and other clients that sign as AWS's do."""
    admin = Admin.here()
    shown, address = admin.key_pair(key), f"{admin.installation.door}/bedrock"
    if json:
        show_json({**msgspec.to_builtins(shown), "endpoint_url": address})
        return
    show_line(f"AWS_ACCESS_KEY_ID={shown.access_key_id}")
    show_line(f"AWS_SECRET_ACCESS_KEY={shown.secret_access_key}")
    show_line(f"AWS_ENDPOINT_URL_BEDROCK_RUNTIME={address}")
    note(f"It may do what the key ({shown.name} of {shown.project}) may, and ends with it; it can be shown again.")
    note("Clients of AWS want a region too, and any will do: AWS_DEFAULT_REGION=eu-central-1.")


def is_valid(key: Key, *, now_ms: int) -> bool:
    """Tell whether a key works at that time."""
    return key.revoked_at_ms is None and (key.expires_at_ms is None or key.expires_at_ms > now_ms)


def _state_of(key: Key, *, now_ms: int) -> str:
    if key.revoked_at_ms is not None:
        return f"revoked {format_utc(key.revoked_at_ms)[:10]}"
    if key.expires_at_ms is None:
        return "valid"
    return f"{'until' if is_valid(key, now_ms=now_ms) else 'expired'} {format_utc(key.expires_at_ms)[:10]}"
