"""`hortus restore`: makes a home out of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.restore import Restored, restore_backup
from hortus.cli.backup import bars, ending_cleanly, show_manifest
from hortus.cli.place import find_local_home
from hortus.cli.screen import note, show_json

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `hortus backup` made.")],
    *,
    home: Annotated[
        Path | None, typer.Option(help="Where it shall live: empty or not there yet; HORTUS_HOME where not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Move aside what is there; it is not removed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a backup the home of a Hortus, verified and whole or not at all."""
    place = Home(home.expanduser().absolute()) if home is not None else find_local_home()
    with ending_cleanly(), bars() as progress:
        restored = restore_backup(file.absolute(), place, is_forced=force, clock=SystemClock(), progress=progress)
    if json:
        aside = str(restored.aside) if restored.aside else None
        show_json({"home": str(restored.home), "aside": aside, **msgspec.to_builtins(restored.manifest)})
        return
    show_manifest(file.absolute(), restored.manifest)
    _tell(restored)


def _tell(restored: Restored) -> None:
    note(f"Restored to {restored.home}. `HORTUS_HOME={restored.home} hortus up` starts it.")
    if restored.aside:
        note(f"What was there lies in {restored.aside} now.")
    if not restored.manifest.has_secrets:
        note(f"Put secret.key and the credentials back into {restored.home} first: it does not start without.")
    note("The Hortus that the backup came from must not run beside it: both would spend the same budgets.")
