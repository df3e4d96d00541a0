"""A copy of a SQLite file while others write to it, and whether such a copy is sound.

The copy is one state: a read transaction stays open from its first page to its last. In WAL mode that holds no writer
up; the WAL alone grows meanwhile, for nobody can begin it anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hortus.base.errors import InstallationError

_MAGIC = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html#the_database_header, read 2026-11
_PAGES_AT_ONCE = 256
_TIMEOUT_S = 10.0
_MOST_FAULTS = 20


def is_database(file: Path) -> bool:
    """Tell whether a file is one of SQLite's; an empty one is not."""
    with file.open("rb") as opened:
        return opened.read(len(_MAGIC)) == _MAGIC


def copy_database(source: Path, target: Path, *, on_bytes: Callable[[int], None] = lambda _: None) -> None:
    """Copy the state that `source` is in now to `target`, which must not exist.

    Args:
        source: May be written by other processes all the while.
        target: Nothing is synced: whoever keeps it does that.
        on_bytes: Told how many bytes came to the copy.

    Raises:
        InstallationError: The source is no sound database, or the disk under the copy is full.
    """
    with _explained(source), closing(_connect(source)) as live, closing(_connect(target, mode="rwc")) as copy:
        page_bytes: int = live.execute("PRAGMA page_size").fetchone()[0]
        for pragma in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF"):
            copy.execute(pragma).fetchall()
        copied = 0

        def tell(_status: int, remaining: int, total: int) -> None:
            nonlocal copied
            now = (total - remaining) * page_bytes
            on_bytes(now - copied)
            copied = now

        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # from here on this state is seen, and no newer
        live.backup(copy, pages=_PAGES_AT_ONCE, progress=tell)
        live.execute("ROLLBACK")


def find_faults(file: Path) -> list[str]:
    """Return what is wrong with a database that nobody writes to; nothing where all is well."""
    try:
        with closing(connect_still(file)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})").fetchall()
            orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST_FAULTS)
    except sqlite3.DatabaseError as error:
        return [str(error)]
    lost = [f"a row of {row[0]} refers to one of {row[2]} that is not there" for row in orphans]
    return [str(row[0]) for row in rows if row[0] != "ok"] + lost


def connect_still(file: Path) -> sqlite3.Connection:
    """Open a database that nobody writes to, for reading; nothing is made beside it."""
    return _connect(file, mode="ro&immutable=1")


def connect_live(file: Path) -> sqlite3.Connection:
    """Open a database that others may be writing to, for reading."""
    connection = _connect(file)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(file: Path, *, mode: str = "rw") -> sqlite3.Connection:
    # A reader needs `rw`: it shares memory with writers, and may have to make that anew after a crash
    address = f"file:{quote(str(file.resolve()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_TIMEOUT_S, isolation_level=None)


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise InstallationError(
            f"it cannot be copied: {error}.",
            path=str(source),
            hint="Is there room where the copy shall lie? `hortus doctor` looks at the source.",
        ) from error
