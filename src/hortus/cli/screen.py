"""How the CLI speaks: tables and JSON on standard output, notes and failures on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from hortus.base.errors import HortusError


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    Attributes:
        is_number: Aligned to the right and never broken.
        is_whole: Never broken: what people copy (ids, names).
    """

    title: str
    is_number: bool = False
    is_whole: bool = False


_WIDE_COLUMNS = 110
_OVERRIDES = (0x202D, 0x202E)
"""They show what follows in another order than it stands there."""

_COMMANDS = {code: "\ufffd" for code in (*range(32), *range(127, 160), *_OVERRIDES) if code not in (9, 10)}


def disarm(text: str) -> str:
    r"""Return text of others as a terminal may show it: control characters are commands to it.

    >>> disarm("\x1b]0;owned\x07 a\tb")
    '�]0;owned� a\tb'
    """
    return text.translate(_COMMANDS)


def in_one_line(text: str) -> str:
    r"""Return a name of others as a terminal may show it among our own words: it makes no lines of its own.

    >>> in_one_line("a\nMade 3 routes\x07")
    'a Made 3 routes�'
    """
    return " ".join(disarm(text).split())


def show_json(value: object) -> None:
    """Write `value` as indented JSON on standard output, and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def show_line(text: str) -> None:
    """Write a plain line on standard output, as it is."""
    sys.stdout.write(text + "\n")


_UNDERLINED = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""No lines but one under the head."""


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[object] | str]) -> None:
    """Write a table on standard output; it fits 80 columns when that is no terminal. A text alone is a heading."""
    table = Table(box=_UNDERLINED, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number or column.is_whole,
            overflow="fold",
        )
    for row in rows:
        if isinstance(row, str):
            table.add_row(Text(row, style="bold"), *([""] * (len(columns) - 1)))
        else:
            table.add_row(*[_cell(value) for value in row])
    Console().print(table)


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Write names and values in two columns on standard output; those without a value are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value is not None and value != "":
            table.add_row(name, _cell(value))
    Console().print(table)


def note(text: str) -> None:
    """Write a sentence for people on standard error; Rich markup is understood."""
    Console(stderr=True, soft_wrap=not sys.stderr.isatty()).print(text, highlight=False)


def fail(error: HortusError) -> None:
    """Write an error in one line on standard error: what, where, what to do next."""
    sys.stdout.flush()
    where = f"{error.path}: " if error.path else ""
    hint = f" {error.hint}" if error.hint else ""
    if sys.stderr.isatty():
        Console(stderr=True, soft_wrap=True).print(
            f"[red]hortus:[/red] {escape(disarm(where + error.message))}[bold]{escape(disarm(hint))}[/bold]",
            highlight=False,
        )
    else:
        sys.stderr.write(f"hortus: {where}{error.message}{hint}\n")


@contextmanager
def working(text: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error that something goes on; the value given changes the text. No terminal: one line."""
    if not sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")
        yield lambda _: None
        return
    with Console(stderr=True).status(escape(text)) as status:
        yield lambda changed: status.update(escape(changed))


def is_interactive() -> bool:
    """Tell whether a person is there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_wide() -> bool:
    """Tell whether standard output has room for names side by side; what is no terminal counts as 80 columns."""
    return Console().width >= _WIDE_COLUMNS


def _cell(value: object) -> Text:
    if value is None or value == "":
        return Text("-", style="dim")
    if isinstance(value, Text):
        return value
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, list | tuple):
        return Text(disarm(", ".join(str(item) for item in value)))
    return Text(disarm(str(value)))
