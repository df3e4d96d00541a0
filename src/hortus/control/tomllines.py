"""On which line of a TOML text does a key or table stand? `tomllib` reads values but keeps no lines.

The text must have been read by `tomllib` before: the scan trusts that it is TOML, and never fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Names and indices from the top of the file down to a value."""

_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # a string over several lines may end in up to five quotes
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n"
    r"|[^\"'#\[\]{}\n]+"
    r"|.",
    re.DOTALL,
)
_KEY_PART = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


class Lines:
    """Lines (from 1) of the keys and tables of one file."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._sizes: dict[Path, int] = {}
        table: Path = ()
        for line, statement in _statements(text):
            if statement.startswith("["):
                table = self._enter(statement, line)
            else:
                self._note((*table, *_read_key(statement)), line)

    def line_of(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest thing that holds it; 1 where nothing does."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return 1

    def _enter(self, statement: str, line: int) -> Path:
        is_array = statement.startswith("[[")
        names = _read_key(statement.lstrip("[ \t"))
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            if is_array and position == len(names) - 1:
                self._sizes[path] = self._sizes.get(path, 0) + 1
                self._note(path, line)
            if path in self._sizes:
                path = (*path, self._sizes[path] - 1)
        self._note(path, line)
        return path

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)


def format_path(path: Path) -> str:
    """Return the path as people write it.

    >>> format_path(("endpoint", 2, "host"))
    'endpoint[2].host'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _statements(text: str) -> Iterator[tuple[int, str]]:
    line, start, depth, statement = 1, 1, 0, ""
    for piece in _PIECE.findall(text + "\n"):
        if piece == "\n" and depth <= 0:
            if statement.strip():
                yield start, statement.strip()
            start, depth, statement = line + 1, 0, ""
        elif not piece.startswith("#"):
            depth += (piece in "[{") - (piece in "]}")
            statement += piece
        line += piece.count("\n")


def _read_key(statement: str) -> tuple[str, ...]:
    names: list[str] = []
    position = 0
    while match := _KEY_PART.match(statement, position):
        names.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if statement[position : position + 1] != ".":
            break
        position += 1
    return tuple(names)
