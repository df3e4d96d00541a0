"""`hortus backup`: one file that holds an installation, made while it runs, or looked through later."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from hortus.app.backup import CONFIG_NAME, make_backup, verify_backup
from hortus.app.backupfile import Manifest
from hortus.app.clock import SystemClock
from hortus.app.context import take_settings
from hortus.app.copying import Wanted
from hortus.app.home import Home
from hortus.app.settings import find_config_file
from hortus.base.errors import InstallationError
from hortus.base.time import format_utc
from hortus.cli.place import find_local_home
from hortus.cli.screen import note, show_facts, show_json

app = typer.Typer(add_completion=False)

_MOST_SHOWN = 5
_NICENESS = 10  # requests go first


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the backup shall lie; outside of the home, and not there yet.")],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Make none: look through this one.")] = False,
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Leave out all that is or may be a secret; no key works without.")
    ] = False,
    without_content: Annotated[
        bool,
        typer.Option("--without-content", help="Leave out what is kept of content: erasing cannot reach a backup."),
    ] = False,
    with_models: Annotated[
        bool,
        typer.Option("--with-models", help="Models, too: fetched ones, which can be fetched again, and added bases."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Save the whole installation in one file, while it runs or not, and verify it."""
    file = file.absolute()
    with ending_cleanly(), bars() as progress:
        os.nice(_NICENESS)
        if verify:
            manifest = verify_backup(file, clock=SystemClock(), progress=progress)
        else:
            home = find_local_home()
            wanted = Wanted(not without_secrets, with_models, not without_content, _config_file(home))
            manifest = make_backup(home, file, wanted=wanted, clock=SystemClock(), progress=progress)
    if json:
        show_json({"file": str(file), **msgspec.to_builtins(manifest)})
        return
    show_manifest(file, manifest)
    if manifest.has_secrets:
        note("It holds every secret of this installation: keep it as you keep those.")


def show_manifest(file: Path, manifest: Manifest) -> None:
    """Say what a backup holds and what it does not."""
    counts = manifest.counts
    versions = ", ".join(map(str, manifest.secret_versions))
    show_facts(
        [
            ("backup", f"{file}, {file.stat().st_size / 1e6:.1f} MB"),
            ("made", f"{format_utc(manifest.made_at_ms)}, by Hortus {manifest.hortus}"),
            ("receipts", f"{counts.receipts} in the store, {counts.waiting} records of requests that run"),
            ("journal", f"{counts.segments} segments, {counts.behind} records not in the store yet"),
            ("keys", f"{counts.keys} that work"),
            ("secrets", f"in it, versions {versions}" if manifest.has_secrets else "not in it"),
            ("left out", "; ".join(f"{one.path} ({one.why})" for one in manifest.left_out)),
            ("verified", "every hash, the databases, the journal's chains, the store's positions, the secrets"),
        ]
    )
    if not manifest.has_secrets:
        note("[yellow]No key works after a restore without secret.key:[/yellow] save the secrets apart.")
    if manifest.config_file:
        note(f"The configuration file {escape(manifest.config_file)} is in it as {CONFIG_NAME}.")
    for fault in manifest.faults[:_MOST_SHOWN]:
        note(f"[yellow]The journal was damaged before, and is saved as it is:[/yellow] {escape(fault)}")
    if len(manifest.faults) > _MOST_SHOWN:
        note(f"{len(manifest.faults) - _MOST_SHOWN} more such places: see them with --json.")


class Bars:
    """One bar a step, on a terminal."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task: TaskID | None = None

    def begin(self, what: str, total_bytes: int) -> None:
        """Something has begun."""
        if self._task is not None:
            self._shown.update(self._task, total=self._shown.tasks[self._task].completed)
        self._task = self._shown.add_task(what, total=total_bytes or None)

    def advance(self, count_bytes: int) -> None:
        """So many bytes more are done."""
        if self._task is not None:
            self._shown.advance(self._task, count_bytes)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show on standard error how far it is; nothing where that is no terminal."""
    columns = (TextColumn("{task.description:>12}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
    with shown:
        yield Bars(shown)


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does, so that nothing half-made stays behind."""

    def stop(_number: int, _frame: object) -> None:
        raise InstallationError("stopped before it was done; nothing stays behind.")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _config_file(home: Home) -> Path | None:
    """Return the file that the Hortus on this home was started with last, else the one that it would find here."""
    try:
        return take_settings(home).config_file
    except (OSError, msgspec.MsgspecError):
        return find_config_file(Path.cwd())
