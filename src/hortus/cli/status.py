"""`hortus status`: whether Hortus runs here, where its door is, and how its models do."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from hortus.app.clock import SystemClock
from hortus.cli.admin import Admin
from hortus.cli.deployments import show_deployments
from hortus.cli.limitwords import say_alert
from hortus.cli.replies import PolicyInUse, Status
from hortus.cli.screen import disarm, note, show_facts, show_json, show_line

app = typer.Typer(add_completion=False)


@app.command()
def status(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show whether Hortus runs, where, and how its models do."""
    admin = Admin.here()
    here, now = admin.installation, admin.status()
    if json:
        home = str(here.home.root) if here.home else None
        place = {"door": here.door, "admin": here.admin, "home": home, "pid": here.pid}
        show_json({**msgspec.to_builtins(now), **place, "configuration_error": now.file.error})
        return
    up_s = (SystemClock().now_ms() - now.started_at_ms) // 1000
    show_facts(
        [
            ("Hortus", f"{now.version}, up for {say_length(up_s)}"),
            ("door", f"{here.door}/v1"),
            ("admin API", f"{here.admin}/admin/v1"),
            ("home", here.home.root if here.home else None),
            ("file", now.file.path),
            ("routes", len(now.routes)),
            ("connected", ", ".join(now.connected_hosts) or "no hosts yet"),
            ("policy", say_policy(now.default_policy)),
            ("lit", ", ".join(host for host in now.lit_hosts if host not in now.connected_hosts)),
        ]
    )
    _warn(admin, now)
    show_line("")
    show_deployments(now.deployments)


def _warn(admin: Admin, now: Status) -> None:
    """Say on standard error what somebody should look at."""
    if now.file.state == "refused":
        reason = escape(disarm(now.file.error or ""))
        note(f"[yellow]The file is refused, the configuration before it stays:[/yellow] {reason}")
    if now.file.needs_restart:
        note("[yellow]Settings in the file have changed:[/yellow] they hold after Ctrl-C and `hortus up`.")
    for sentence in now.policy_notes:
        note(f"[yellow]Policy:[/yellow] {escape(disarm(sentence))}")
    for limit in admin.limits(budgets=True) if now.alerts else ():
        if limit.name in now.alerts:
            note(f"[yellow]Budget[/yellow] {escape(disarm(say_alert(limit)))}.")


def say_policy(used: PolicyInUse | None) -> str | None:
    """Return what decides where the first project's requests may go, in words.

    >>> say_policy(PolicyInUse("default", "anywhere", ()))
    'anywhere: requests of project default may go anywhere'
    """
    if used is None:
        return None
    where = "may go anywhere" if not used.words else "may go only where all of this holds: " + " ".join(used.words)
    return f"{used.policy}: requests of project {used.project} {where}"


def say_length(seconds: int) -> str:
    """Return a length of time in its two largest units.

    >>> say_length(93_784)
    '1 d 2 h'
    """
    parts = ((seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"
