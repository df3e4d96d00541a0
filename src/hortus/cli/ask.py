"""`hortus ask`: one question to a route, answered as it streams."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from hortus.app.settings import read_environment
from hortus.base.errors import ConfigurationError
from hortus.cli.options import takes
from hortus.cli.ownkey import ask_with_own_key
from hortus.cli.place import find_installation
from hortus.cli.screen import disarm, note, show_json
from hortus.cli.talk import Question
from hortus.cli.wire import ask_door

app = typer.Typer(add_completion=False)


class Options(msgspec.Struct, frozen=True):
    """Options of the command."""

    words: Annotated[list[str] | None, typer.Argument(help="The question; read from standard input if absent.")] = None
    route: Annotated[str, typer.Option(help="Which route answers.")] = "seedling"
    key: Annotated[str | None, typer.Option(help="Ask with this key; else HORTUS_KEY, else one of your own.")] = None
    system: Annotated[str | None, typer.Option(help="A system message to send before it.")] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON when the answer is whole.")] = False


@app.command()
@takes(Options)
def ask(options: Options) -> None:
    """Ask a model and see its answer as it comes."""
    installation = find_installation()
    text = " ".join(options.words or ()) or _read_question()
    question = Question(door=installation.door, route=options.route, text=text, system=options.system)
    given = options.key or read_environment().get("HORTUS_KEY")
    on_text = _keep_quiet if options.json else _write
    if given:
        heard = ask_door(question, given, ca_bundle=installation.ca_bundle, on_text=on_text)
    else:
        heard = ask_with_own_key(question, installation, on_text=on_text)
    if options.json:
        show_json({**msgspec.to_builtins(heard), "route": options.route})
        return
    _write("\n")
    tokens = f", {heard.usage.prompt_tokens} → {heard.usage.completion_tokens} tokens" if heard.usage else ""
    receipt = f", receipt {heard.receipt_id}" if heard.receipt_id else ""
    note(f"[dim]{escape(options.route)}{tokens}{receipt}[/dim]")


def _read_question() -> str:
    if sys.stdin.isatty():
        note("[dim]Type the question, then Ctrl-D.[/dim]")
    text = sys.stdin.read().strip()
    if not text:
        raise ConfigurationError("there is no question.", hint="Write it behind `hortus ask`, or pipe it in.")
    return text


def _write(text: str) -> None:
    sys.stdout.write(disarm(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def _keep_quiet(_: str) -> None:
    """With `--json` nothing is written before the end."""
