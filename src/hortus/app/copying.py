"""Which files of a home are worth saving, and how one of them is copied while others write to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from hortus.app.backupfile import LeftOut, OnBytes
from hortus.app.home import Home
from hortus.ledger.transfer import ARCHIVE
from hortus.receipts.segment import split_name
from hortus.store.copying import copy_database, is_database

ASIDE_PREFIX = "before-restore-"
"""Begins the name of what a restore moved aside."""

_NEVER = {
    "run": "only lives while Hortus runs",
    "logs": "is no state",
    "snapshot": "is compiled anew at each start",
}
_MODELS = "models"
_WHY_NOT_MODELS = "fetched model files are fetched again; bases that were added must be added again"
_EXAMPLES = ("files", "datasets", "jobs")
"""What people have brought to learn from, and what was learnt: both can say again what was said."""

_HARMLESS = ("store.sqlite", "content", "journal", "blobs", "hortus.toml", "suites", *_EXAMPLES)
"""All that a backup without secrets holds; whatever else lies in a home might be one."""

_DATABASE_ENDINGS = ("-wal", "-shm", "-journal")
_PORTION_BYTES = 1024 * 1024


class Wanted(msgspec.Struct, frozen=True):
    """What goes into a backup.

    Attributes:
        has_models: Models, too: large; those that were fetched are fetched again where they are missing.
        has_content: What is kept of content, too: seals, owners of ids, exchanges; and files, datasets and jobs.
        config_file: The configuration file in use; one outside the home is saved as the home's own.
    """

    has_secrets: bool = True
    has_models: bool = False
    has_content: bool = True
    config_file: Path | None = None


def choose_files(home: Home, wanted: Wanted) -> tuple[list[Path], list[LeftOut]]:
    """Return the files to copy beside store, journal and kept content, and what stays behind and why."""
    chosen: list[Path] = []
    left_out: list[LeftOut] = []
    for entry in sorted(home.root.iterdir()):
        why = _why_not(entry.name, wanted)
        if why is not None:
            left_out.append(LeftOut(entry.name, why))
        elif entry.is_file():
            chosen.append(entry)
        elif entry != home.content:
            chosen += _files_in(entry, home, left_out=left_out)
    return [file for file in chosen if file != home.store and not _belongs_to_database(file)], left_out


def copy_file(source: Path, target: Path, *, on_bytes: OnBytes = lambda _: None) -> None:
    """Copy a file as it is, a database as its transactions left it; one that has just gone is left out."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if is_database(source):
            copy_database(source, target, on_bytes=on_bytes)
            return
        with source.open("rb") as opened, _make(target) as made:
            while portion := opened.read(_PORTION_BYTES):
                made.write(portion)
                on_bytes(len(portion))
    except FileNotFoundError:
        if source.exists():
            raise


def copy_segment(source: Path, target: Path) -> int:
    """Copy a segment that may be written to, up to its last whole line; return how many bytes that were.

    A writer fills zeros from front to back, so zeros are its end; unless they are still there at a second look with
    something behind them: that is damage, and is copied as it is.

    Raises:
        FileNotFoundError: It is gone.
    """
    with source.open("rb") as opened, _make(target) as made:
        descriptor, end = opened.fileno(), 0
        while portion := os.pread(descriptor, _PORTION_BYTES, end):
            written = portion.partition(b"\0")[0]
            made.write(written)
            end += len(written)
            if written:
                continue
            rest = _read_all(descriptor, end).rstrip(b"\0")
            if not rest:
                break
            if os.pread(descriptor, 1, end) == b"\0":
                made.write(rest)
                return end + len(rest)
    return _cut_torn_line(target)


def segments_in(directory: Path) -> set[str]:
    """Return the names of the segments in a directory, those that are just being made left out."""
    if not directory.is_dir():
        return set()
    return {file.name for file in directory.iterdir() if split_name(file.name) and not file.name.startswith(".")}


def size_of(file: Path) -> int:
    """Return a file's size, 0 where it has gone."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _why_not(name: str, wanted: Wanted) -> str | None:
    if name in _NEVER:
        return _NEVER[name]
    if name.startswith("."):
        return "is hidden, as temporary files are"
    if name == _MODELS:
        return None if wanted.has_models else _WHY_NOT_MODELS
    if name in _EXAMPLES and not wanted.has_content:
        return "holds examples to learn from, or what was learnt from them"
    if name.startswith(ASIDE_PREFIX):
        return "was moved aside by an earlier restore"
    return None if wanted.has_secrets or name.startswith(_HARMLESS) else "may hold secrets"


def _files_in(entry: Path, home: Home, *, left_out: list[LeftOut]) -> Iterator[Path]:
    """Yield the files below a directory that are neither hidden nor segments of the journal or its archive."""
    for directory, names, files in os.walk(entry):
        here = Path(directory)
        linked = [here / name for name in names if (here / name).is_symlink()]
        left_out += [LeftOut(str(one.relative_to(home.root)), "is a link to a directory") for one in linked]
        names[:] = sorted(name for name in names if not name.startswith("."))  # uploads and the like that are under way
        for name in sorted(files):
            is_segment = here in {home.journal, home.journal / ARCHIVE} and split_name(name) is not None
            if not is_segment and not name.startswith(".") and (here / name).is_file():
                yield here / name


def _belongs_to_database(file: Path) -> bool:
    """Tell whether a file is the WAL or the like of a database beside it."""
    return any(
        file.name.endswith(ending) and file.with_name(file.name.removesuffix(ending)).exists()
        for ending in _DATABASE_ENDINGS
    )


def _make(target: Path) -> BinaryIO:
    return os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b", buffering=0)


def _read_all(descriptor: int, begin: int) -> bytes:
    """Return all that lies behind `begin`."""
    parts: list[bytes] = []
    while portion := os.pread(descriptor, _PORTION_BYTES, begin):
        parts.append(portion)
        begin += len(portion)
    return b"".join(parts)


def _cut_torn_line(file: Path) -> int:
    """Cut what follows a file's last line break; return what is left."""
    with file.open("r+b") as opened:
        end = opened.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - _PORTION_BYTES)
            opened.seek(begin)
            after = opened.read(end - begin).rfind(b"\n") + 1
            if after:
                end = begin + after
                break
            end = begin
        opened.truncate(end)
    return end
