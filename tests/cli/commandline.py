"""Runs `hortus` commands in this process, as `hortus` would: arguments in, exit code and both outputs out."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import msgspec

from hortus.cli import main


class Ran(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """Standard output, which must be JSON and nothing else."""
        return msgspec.json.decode(self.out)


def run(*arguments: str, at: Path, environment: dict[str, str] | None = None, stdin: str = "") -> Ran:
    """Run a command with `at` as working directory and `at/home` as HORTUS_HOME, no other variable of ours set."""
    ours = ("HORTUS_", "COLUMNS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours) and "_API_KEY" not in name}
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.dict(os.environ, {**clean, "HORTUS_HOME": str(at / "home"), **(environment or {})}, clear=True),
        patch("sys.stdin", io.StringIO(stdin)),
        contextlib.chdir(at),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main(list(arguments))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())
