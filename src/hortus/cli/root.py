"""Which commands there are, in which module each lies, and how a failure is told: one line, never a traceback."""

from __future__ import annotations

import contextlib
import io
import sys
from importlib import import_module
from typing import Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from hortus.app.settings import read_environment
from hortus.base.errors import HortusError
from hortus.cli.screen import fail

_START = "Start"
_ASK = "Ask"
_MAKERS = "Makers and models"
_TRAIN = "Train"
_ACCESS = "Access and records"
_CARE = "Care"

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("up", _START),
    "status": ("status", _START),
    "doctor": ("doctor", _START),
    "ask": ("ask", _ASK),
    "models": ("models", _ASK),
    "catalog": ("catalog", _MAKERS),
    "prices": ("prices", _MAKERS),
    "connect": ("connect", _MAKERS),
    "deploy": ("deploy", _MAKERS),
    "deployments": ("deployments", _MAKERS),
    "train": ("train", _TRAIN),
    "jobs": ("jobs", _TRAIN),
    "datasets": ("datasets", _TRAIN),
    "suites": ("suites", _TRAIN),
    "projects": ("projects", _ACCESS),
    "keys": ("keys", _ACCESS),
    "policy": ("policy", _ACCESS),
    "limits": ("limits", _ACCESS),
    "budgets": ("budgets", _ACCESS),
    "receipts": ("receipts", _ACCESS),
    "content": ("content", _ACCESS),
    "usage": ("usage", _ACCESS),
    "acts": ("acts", _ACCESS),
    "config": ("config", _CARE),
    "backup": ("backup", _CARE),
    "restore": ("restore", _CARE),
    "secrets": ("secrets", _CARE),
    "tls": ("tls", _CARE),
    "version": ("version", _CARE),
}
"""Command name: its module in this package (which has an `app`), and the panel of the help that shows it."""


class Commands(TyperGroup):
    """Loads a command's module when that command is asked for: start-up stays quick, heavy imports stay apart."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override,explicit-override]  # noqa: ARG002 -- typer's own signature; typing.override comes with Python 3.12
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override,explicit-override]  # noqa: ANN201, ARG002 -- typer hides the class that it returns
        """Return the command, None for a name that is not in the table."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module, panel = row
        command = get_command(import_module(f"hortus.cli.{module}").app)
        command.name = cmd_name
        command.rich_help_panel = panel  # type: ignore[attr-defined]  # both of typer's classes have it
        return command


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Every maker's models behind one door that you own.",
    epilog="Begin with [bold]hortus up[/bold]. What is wrong here: [bold]hortus doctor[/bold].",
)


@app.callback()
def _root() -> None:
    """Every maker's models behind one door that you own."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 it failed, 2 it was called wrongly."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    is_debug = bool(read_environment().get("HORTUS_DEBUG"))
    try:
        get_command(app)(args=arguments, prog_name="hortus")
    except HortusError as error:
        if is_debug:
            raise
        fail(error)
    except Exception as error:  # the process's outermost edge: people get a line, not a traceback
        if is_debug:
            raise
        fail(_unforeseen(error))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(1)


def _unforeseen(error: Exception) -> HortusError:
    return HortusError(
        f"a fault of Hortus itself ({type(error).__name__}).",
        hint="Run it again with HORTUS_DEBUG=1 and report what it shows.",
    )
