"""Logs of engines: one file each, appended to by the engine itself, kept below a bound by copy and truncate."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from hortus.engines.addresses import file_stem

BOUND_BYTES = 8 * 1024 * 1024
"""Above this the log moves to `.1` and starts again; what is written between copy and cut is lost."""

_TAIL_BYTES = 16 * 1024


def log_file(folder: Path, name: str) -> Path:
    """Return the log of one deployment's engine."""
    return folder / f"engine-{file_stem(name)}.log"


def open_log(log: Path) -> BinaryIO:
    """Open a log for appending, readable by its owner only."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def bound_log(log: Path, *, bound_bytes: int = BOUND_BYTES) -> bool:
    """Move a log that grew above its bound aside; the engine keeps writing to the same file. Tells whether it did."""
    try:
        if log.stat().st_size <= bound_bytes:
            return False
    except FileNotFoundError:
        return False
    older = log.with_name(f"{log.name}.1")
    shutil.copyfile(log, older)
    older.chmod(0o600)
    os.truncate(log, 0)
    return True


def tail_of(log: Path, *, since: int = 0) -> str:
    """Return the end of a log, not what was written before the offset `since`."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, min(since, size), 0))
            return file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
