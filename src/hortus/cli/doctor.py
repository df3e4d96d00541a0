"""`hortus doctor`: what is wrong here, and the command that mends each thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import hortus
from hortus.app.home import Home
from hortus.app.settings import Loaded, find_config_file, load_settings, read_environment
from hortus.base.errors import ConfigurationError, HortusError, InstallationError
from hortus.cli.admin import Admin
from hortus.cli.checks import CHECKS, Finding, Patient
from hortus.cli.config import networks_of, read_declaration
from hortus.cli.place import Installation, find_admin_token, find_local_home, find_running
from hortus.cli.reaching import check_reach
from hortus.cli.screen import Column, note, show_json, show_table
from hortus.cli.wire import ask_status

app = typer.Typer(add_completion=False)

_ITS_FILE = "configuration file"
"""What the control process calls it."""

_MARKS = {"good": "ok", "note": "note", "bad": "WRONG"}


@app.command()
def doctor(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what is wrong here and how to mend it."""
    findings = list(examine())
    bad = sum(finding.state == "bad" for finding in findings)
    if json:
        show_json(findings)
    else:
        show_table(
            [Column("about"), Column("state", is_whole=True), Column("says")],
            [(finding.about, _MARKS[finding.state], _told(finding)) for finding in findings],
        )
        note("Nothing is wrong." if not bad else f"{bad} to mend; each line with → says how.")
    if bad:
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Yield what every check finds; one that stumbles says so itself."""
    running = _find_running()
    try:
        loaded = load_settings({}, environment=read_environment(), directory=Path.cwd())
    except ConfigurationError as error:
        is_file_bad = str(error.path).startswith(("file ", str(find_config_file(Path.cwd()))))
        yield Finding("settings", "bad", f"{error.path}: {error.message}", error.hint)
        loaded = load_settings({}, environment={"HORTUS_HOME": str(find_local_home().root)}, directory=Path("/"))
    else:
        found = list(_examine_file(loaded))
        is_file_bad = any(finding.state == "bad" for finding in found)
        yield from found
    patient = Patient(loaded=loaded, home=Home(loaded.home), is_running=running is not None)
    for check in (*CHECKS, check_reach):
        try:
            yield from check(patient)
        except OSError as error:
            about = check.__name__.removeprefix("check_")
            yield Finding(about, "bad", f"{error.filename}: {error.strerror}.", "Run this as the user who runs Hortus.")
    yield from _examine_running(running, is_file_bad=is_file_bad)


def _find_running() -> Installation | None:
    try:
        return find_running(find_local_home())
    except InstallationError:
        return None


def _examine_file(loaded: Loaded) -> Iterator[Finding]:
    file = loaded.config_file
    if file is None:
        yield Finding("hortus.toml", "good", "none; it is not needed")
        return
    try:
        declaration = read_declaration(file, home=Home(loaded.home), networks=networks_of(loaded))
    except ConfigurationError as error:
        yield Finding("hortus.toml", "bad", f"{error.path}: {error.message}", error.hint or "hortus config check")
    else:
        yield Finding("hortus.toml", "good", f"{file}: {len(declaration.items)} objects")


def _examine_running(running: Installation | None, *, is_file_bad: bool) -> Iterator[Finding]:
    if running is None:
        yield Finding("hortus up", "note", "It does not run on this home.", "hortus up")
        return
    if running.version != hortus.__version__:
        says = f"It runs version {running.version}, this is {hortus.__version__}."
        yield Finding("version", "note", says, "Stop it and start it again with `hortus up`.")
    for about, url in (("door", running.door), ("admin API", running.admin)):
        try:
            status = ask_status(f"{url}/readyz", ca_bundle=running.ca_bundle)
        except HortusError as error:
            yield Finding(about, "bad", f"{url}: {error.message}", "Look at its log lines, or start it again.")
            continue
        is_good = status == 200  # noqa: PLR2004 -- HTTP's OK
        says = f"{url} is ready" if is_good else f"{url} answers with status {status}."
        yield Finding(about, "good" if is_good else "bad", says, None if is_good else "Look at its log lines.")
    yield from _examine_inside(running, is_file_bad=is_file_bad)


def _examine_inside(running: Installation, *, is_file_bad: bool) -> Iterator[Finding]:
    """Pass on what the control process finds wrong: deployments, routes, and its file unless that was said already."""
    try:
        findings = Admin(running, find_admin_token(running)).findings()
    except HortusError as error:
        yield Finding("admin API", "bad", f"It cannot be asked: {error}", "Look at its log lines, or start it again.")
        return
    for one in findings:
        if one.is_fine and one.mend:
            yield Finding(one.name, "note", one.message, one.mend)
        elif not one.is_fine and not (one.name == _ITS_FILE and is_file_bad):
            yield Finding(one.name, "bad", one.message, one.mend)


def _told(finding: Finding) -> str:
    return f"{finding.says}\n→ {finding.mend}" if finding.mend else finding.says
