"""`hortus config`: which settings are in force and where each came from, and whether `hortus.toml` is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.app.context import take_settings
from hortus.app.home import Home
from hortus.app.settings import (
    Loaded,
    find_config_file,
    load_settings,
    read_environment,
    setting_rows,
    shown_setting,
)
from hortus.base.addresses import Network, read_networks
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.time import utc_day
from hortus.catalog.loading import load_catalog
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.place import find_local_home, find_running
from hortus.cli.screen import Column, note, show_facts, show_json, show_line, show_table
from hortus.control.configfile import Declaration, Report, check_references, read_config
from hortus.control.policychecks import check_policies, check_projects, known_to
from hortus.control.scopes import check_currencies, currencies_in
from hortus.control.tomllines import Lines
from hortus.snapshot.model import Snapshot

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Show the settings in force, or check hortus.toml.",
    epilog="Alone it does `show`. Order of origins: flag, environment, file, default.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(*, json: AsJson = False) -> None:
    """Show each setting's value and origin, for the Hortus that runs here, else for one that would be started."""
    is_running, loaded = _load_in_force()
    values = {name: shown_setting(name, value) for name, value in msgspec.to_builtins(loaded.settings).items()}
    if json:
        show_json(
            {
                "home": str(loaded.home),
                "config_file": str(loaded.config_file) if loaded.config_file else None,
                "is_running": is_running,
                "settings": {name: {"value": value, "origin": loaded.origins[name]} for name, value in values.items()},
            }
        )
        return
    show_facts([("home", loaded.home), ("file", loaded.config_file or "none (hortus.toml)")])
    show_line("")
    show_table(
        [Column("setting", is_whole=True), Column("value"), Column("origin")],
        [(name, value, loaded.origins[name]) for name, value in values.items()],
    )
    note(f"In force in the Hortus that {'runs' if is_running else 'would be started'} here.")


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The file; else the hortus.toml found from here upwards.")] = None,
    *,
    json: AsJson = False,
) -> None:
    """Say whether a configuration file is right; each fault with its line."""
    loaded = _load(file)
    if loaded.config_file is None:
        hint = "`hortus config check FILE` checks one."
        raise ConfigurationError("there is no hortus.toml here or above.", path=str(Path.cwd()), hint=hint)
    declaration = read_declaration(loaded.config_file, home=Home(loaded.home), networks=networks_of(loaded))
    counts = {kind: sum(item.kind == kind for item in declaration.items) for kind in _KINDS}
    if json:
        show_json({"file": str(loaded.config_file), "is_valid": True, "declares": counts})
        return
    said = ", ".join(_count(count, kind) for kind, count in counts.items() if count)
    note(f"{loaded.config_file} is right: it declares {said or 'no objects'}.")


@app.command()
def settings(*, json: AsJson = False) -> None:
    """List every setting: default, unit and what it is for."""
    rows = setting_rows()
    if json:
        show_json([dict(zip(("name", "default", "unit", "meaning"), row, strict=True)) for row in rows])
        return
    columns = [Column("setting", is_whole=True), Column("default"), Column("unit"), Column("meaning")]
    show_table(columns, rows)
    note("In the environment: HORTUS_ and the name in capitals; in hortus.toml: below \\[settings].")


_KINDS = ("project", "endpoint", "route", "deployment", "limit", "rate", "policy")


def _count(count: int, kind: str) -> str:
    """Return how many there are.

    >>> _count(2, "policy")
    '2 policies'
    """
    if count == 1:
        return f"1 {kind}"
    return f"{count} {kind.removesuffix('y')}ies" if kind.endswith("y") else f"{count} {kind}s"


def networks_of(loaded: Loaded) -> tuple[Network, ...]:
    """Return the node's `private_networks`."""
    return read_networks(loaded.settings.private_networks, setting="private_networks")


def read_declaration(file: Path, *, home: Home, networks: tuple[Network, ...] = ()) -> Declaration:
    """Read what a file declares and check every name in it.

    Args:
        file: A configuration file.
        home: Whose snapshot tells which endpoints and rates there are outside the file; projects and keys it does not
            know.
        networks: The node's `private_networks`.

    Raises:
        ConfigurationError: Something in it is wrong; the path names file and line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"cannot be read: {error.strerror}.", path=str(file), hint="Check name and rights."
        ) from error
    catalog = load_catalog()
    today = utc_day(SystemClock().now_ms())
    declaration = read_config(data, file=str(file), hosts=catalog.hosts, networks=networks, today=today)
    snapshot = _read_snapshot(home)
    rates = snapshot.rates if snapshot is not None else tuple(rate.row for rate in catalog.rows.rates)
    faults = [
        *check_references(declaration, known=_known_endpoints(snapshot)),
        *check_policies(declaration, known_to(catalog)),
        *check_currencies(declaration, known=currencies_in(rates)),
        *check_projects(declaration, known=snapshot.policies if snapshot is not None else ()),
    ]
    if faults:
        raise Report(str(file), Lines(data.decode("utf-8-sig"))).error(faults)
    return declaration


def _read_snapshot(home: Home) -> Snapshot | None:
    try:
        return msgspec.json.decode(home.snapshot.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None


def _known_endpoints(snapshot: Snapshot | None) -> set[str]:
    if snapshot is None:
        return {"seedling"}
    # a route may go on naming what was retired: compiled, it stands among those ruled out
    ruled_out = {one.endpoint for route in snapshot.routes.values() for one in route.ruled_out}
    return {"seedling", *snapshot.endpoints, *snapshot.deployments, *ruled_out}


def _load_in_force() -> tuple[bool, Loaded]:
    """Return whether Hortus runs here, and the settings that it took or would take."""
    try:
        home = find_running(find_local_home()).home
    except InstallationError:
        home = None
    return (True, take_settings(home)) if home is not None else (False, _load(None))


def _load(file: Path | None) -> Loaded:
    directory = Path.cwd()
    return load_settings(
        {}, environment=read_environment(), directory=directory, config_file=file or find_config_file(directory)
    )
