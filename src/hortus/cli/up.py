"""`hortus up`: starts everything, says what there is, and lets the seedling answer a first question."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import typer
from rich.console import Console

from hortus.app.home import Home
from hortus.app.logs import start_logs
from hortus.app.settings import Settings, load_settings, read_environment
from hortus.app.up import Running, serve
from hortus.cli.config import networks_of, read_declaration
from hortus.cli.options import takes
from hortus.cli.screen import note
from hortus.cli.welcome import Welcome

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(add_completion=False)

_FIRST_FLAGS = ("host", "port", "admin_port", "workers", "insecure_http")
"""Settings that stand in the first panel of the help; the others follow in one of their own."""


class _Own(msgspec.Struct, frozen=True, kw_only=True):
    once: Annotated[bool, typer.Option("--once", help="Stop after the seedling's first answer.")] = False
    no_question: Annotated[bool, typer.Option("--no-question", help="Ask nothing, say little: for services.")] = False
    config: Annotated[
        Path | None, typer.Option(help="The configuration file; else hortus.toml here or above.", show_default=False)
    ] = None


def _flag_of(name: str, hint: Any) -> object:
    """Return how a setting looks as a flag: its own type, or nothing for "not given"."""
    kind, meta = get_args(hint)
    shown = f"--{name.replace('_', '-')}"
    if kind is bool:
        shown = f"{shown}/--no-{name.replace('_', '-')}"
    help_, metavar = meta.description, None
    if get_origin(kind) is tuple:
        kind, metavar, help_ = list[str], "<address>", f"{help_} Repeat it for several."
    elif get_origin(kind) is Literal:
        metavar, help_ = "<word>", f"{help_} One of {', '.join(get_args(kind))}."
    panel = None if name in _FIRST_FLAGS else "Further settings"
    option = typer.Option(shown, help=help_, metavar=metavar, rich_help_panel=panel, show_default=False)
    return Annotated[kind | None, option]


def _flags() -> Iterator[tuple[str, object, None]]:
    hints = get_type_hints(Settings, include_extras=True)
    names = (*_FIRST_FLAGS, *(name for name in Settings.__struct_fields__ if name not in _FIRST_FLAGS))
    for name in names:
        yield name, _flag_of(name, hints[name]), None


_Options = msgspec.defstruct("_Options", list(_flags()), bases=(_Own,), frozen=True, kw_only=True)


class _Steps:
    """Progress as lines on standard error."""

    def step(self, text: str) -> None:
        """Say that something has begun."""
        note(f"[dim]· {text}[/dim]")

    def warn(self, text: str) -> None:
        """Say that something needs attention."""
        note(f"[yellow]! {text}[/yellow]")


@app.command()
@takes(_Options)
def up(options: _Own) -> None:
    """Start Hortus: door, engine, admin API; stays up until Ctrl-C."""
    flags = {name: getattr(options, name) for name in Settings.__struct_fields__}
    loaded = load_settings(flags, environment=read_environment(), directory=Path.cwd(), config_file=options.config)
    if loaded.config_file is not None:
        read_declaration(loaded.config_file, home=Home(loaded.home), networks=networks_of(loaded))
    start_logs("up", form=loaded.settings.log_format, level=loaded.settings.log_level)
    welcome = Welcome(loaded, console=Console(highlight=False), is_once=options.once)

    async def when_ready(running: Running) -> bool:
        if options.no_question:
            welcome.greet_briefly(running)
        else:
            await welcome.greet(running)
        return not options.once

    asyncio.run(serve(loaded, steps=_Steps(), when_ready=when_ready))
