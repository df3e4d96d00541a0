"""`hortus secrets`: the versions of the installation's secret, and its admin token, changed while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.app.context import take_settings
from hortus.app.home import Home
from hortus.app.rotation import add_version, list_versions, retire_version
from hortus.app.secrets import replace_admin_token
from hortus.app.settings import load_settings, read_environment
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.time import format_utc
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.place import find_local_home
from hortus.cli.screen import Column, note, show_json, show_line, show_table
from hortus.cli.status import say_length
from hortus.content.kept import KeptBounds

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Change the secret behind keys, and the admin token, while Hortus runs.",
    epilog="Alone it lists the versions of the secret.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_secrets(*, json: AsJson = False) -> None:
    """List the versions of the secret and what uses each; never a secret itself."""
    clock = SystemClock()
    home = _home()
    found = list_versions(home, bounds=_bounds(home), clock=clock)
    if json:
        show_json(found)
        return
    columns = [
        Column("version", is_number=True), Column("made", is_whole=True), Column("age", is_whole=True),
        Column("keys", is_number=True), Column("seals", is_number=True), Column("ids of hosts", is_number=True),
        Column("kept exchanges", is_number=True), Column("state", is_whole=True),
    ]  # fmt: skip
    rows = []
    for one in found:
        made = format_utc(one.made_at_ms)[:10] if one.made_at_ms else None
        age = say_length((clock.now_ms() - one.made_at_ms) // 1000) if one.made_at_ms else None
        is_unused = not (one.keys or one.seals or one.host_ids or one.exchanges)
        state = "current" if one.is_current else "can be retired" if is_unused else "in use"
        rows.append((one.version, made, age, one.keys, one.seals, one.host_ids, one.exchanges, state))
    show_table(columns, rows)


@app.command()
def rotate(
    *,
    admin_token: Annotated[
        bool, typer.Option("--admin-token", help="Not the secret: make another admin token, and show it once.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make a new version of the secret; keys of the older ones keep working."""
    home = _home()
    if admin_token:
        _rotate_admin_token(home, as_json=json)
        return
    version = add_version(home, clock=SystemClock())
    if json:
        show_json({"version": version})
        return
    note(f"Version {version} keys new keys from now on; keys of the older versions keep working.")
    note(f"`hortus secrets list` shows what uses which; `hortus secrets retire {version - 1}` ends an older one.")
    note("Backups made before do not hold it: make another one, `hortus backup FILE`.")


@app.command()
def retire(
    version: Annotated[int, typer.Argument(help="From `hortus secrets list`; not the current one.")],
    *,
    forget_content: Annotated[
        bool, typer.Option("--forget-content", help="Let go of all that is kept of content under it, too.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Let a version of the secret go that nothing uses any more."""
    home = _home()
    share = retire_version(home, version, may_forget=forget_content, bounds=_bounds(home), clock=SystemClock())
    if json:
        show_json({"version": version, "forgotten": share})
        return
    note(f"Version {version} is gone.")
    if not share.is_empty:
        note(
            f"{share.exchanges} kept exchanges, {share.seals} seals of reasoning and {share.host_ids} owners of hosts'"
            " ids are forgotten."
        )


def _rotate_admin_token(home: Home, *, as_json: bool) -> None:
    if read_environment().get("HORTUS_ADMIN_TOKEN"):
        raise ConfigurationError(
            "the admin token comes from this variable, not from the home.",
            path="HORTUS_ADMIN_TOKEN",
            hint="Change it where it is set, and start Hortus again.",
        )
    token = replace_admin_token(home)
    if as_json:
        show_json({"admin_token": token})
        return
    show_line(token)
    note(f"It lies in {home.admin_token}, too, where commands on this machine read it. The one before is refused now.")


def _home() -> Home:
    home = find_local_home()
    if not home.secret_key.exists():
        raise InstallationError(
            "no Hortus was ever started on this home.",
            path=str(home.root),
            hint="Set HORTUS_HOME to the one you mean, on the machine where it lives.",
        )
    return home


def _bounds(home: Home) -> KeptBounds:
    """Return how long content is kept: as Hortus was started with last, else as it would be here."""
    try:
        settings = take_settings(home).settings
    except (OSError, msgspec.MsgspecError):
        settings = load_settings({}, environment=read_environment(), directory=Path.cwd()).settings
    return KeptBounds(seals_hours=settings.seals_hours, host_ids_days=settings.host_ids_days)
