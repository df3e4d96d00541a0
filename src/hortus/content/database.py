"""The SQLite files under what is kept of content: opening one, waiting for other writers, leaving a broken one behind.

A call either ends quickly or raises NotKept. Files of a kind are numbered (`kept-1.db`, …) and the highest number
counts: a broken file is left where it lies and the next one begun, for SQLite must not see a file moved that another
process still has open.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from hortus.base.time import Clock
from hortus.content.ports import NotKept

FORMAT = 1
"""Of the tables; in `PRAGMA user_version`."""

_WAL = "PRAGMA journal_mode = WAL"
_SELDOM = "PRAGMA wal_autocheckpoint = 10000"  # 40 MB, where no sweep came for long
_LONG_WAL_PAGES = 1000  # from here on the sweep has it begin anew, which holds writers up for a moment
_BEGIN_WAL_ANEW = ("PRAGMA synchronous = OFF", "PRAGMA busy_timeout = 5", "PRAGMA wal_checkpoint(RESTART)")


class Layout(msgspec.Struct, frozen=True):
    """A kind of file.

    Attributes:
        stem: Begins its name.
        at_a_request: How a connection that serves requests is set up.
        at_a_sweep: How one is that sweeps.
        tries: How often a writer tries while another process writes.
        pause_s: Between tries; SQLite's own way would sleep longer each time.
        leaves_no_trace: What is deleted is overwritten, and the file gives its room back.
        forgotten: What is said to be lost with a broken file.
    """

    stem: str
    at_a_request: tuple[str, ...]
    at_a_sweep: tuple[str, ...]
    tries: int
    pause_s: float
    leaves_no_trace: bool
    forgotten: str


# A request syncs nothing: a process that is killed loses nothing all the same, and no request waits for the disk. The
# sweep syncs, in another thread, so that a power cut costs some seconds of what was kept, or at worst the file: then
# seals are lost and ids unknown (404), but nothing is ever wrong, for a value opens under its own name only.
KEPT = Layout(
    stem="kept",
    at_a_request=(_WAL, "PRAGMA synchronous = OFF", _SELDOM),
    at_a_sweep=(_WAL, "PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 0"),
    tries=100,
    pause_s=0.0002,  # some 30 ms in all: an event loop waits
    leaves_no_trace=False,
    forgotten="seals and ids of hosts are forgotten",
)

# Exchanges are written beside the loop, so they may wait longer. With NORMAL a power cut costs what came since the last
# sweep (2 s), never the file: SQLite syncs its WAL before anything of it goes into the file.
_THOROUGH = ("PRAGMA auto_vacuum = INCREMENTAL", _WAL, "PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = ON")
EXCHANGES = Layout(
    stem="exchanges",
    at_a_request=(*_THOROUGH, _SELDOM),
    at_a_sweep=(*_THOROUGH, "PRAGMA wal_autocheckpoint = 0"),
    tries=2500,
    pause_s=0.002,  # some five seconds in all: a thread waits
    leaves_no_trace=True,
    forgotten="kept exchanges of before lie in it still",
)

# Owners of what hosts keep until it is deleted: few and short, read and written at requests, and of use for months.
THINGS = Layout(
    stem="things",
    at_a_request=(_WAL, "PRAGMA synchronous = NORMAL", _SELDOM),
    at_a_sweep=(_WAL, "PRAGMA synchronous = NORMAL", "PRAGMA wal_autocheckpoint = 0"),
    tries=100,
    pause_s=0.0002,
    leaves_no_trace=False,
    forgotten="owners of files, batches and tuned models at hosts are forgotten",
)

_SWEEPER_PAUSE_S = 0.002  # between batches, so that workers come in between
_SWEEPER_WAITS_S = 1.0
_ERASER_WAITS_S = 10.0
_REST_S = 1.0  # how long a file that cannot be used is not tried again

# https://www.sqlite.org/rescode.html, read 2026-11; the first: our own tables are not there
_BROKEN = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FAULTS = (sqlite3.DatabaseError, OSError, UnicodeDecodeError)  # the last: a message that quotes a damaged table
_PRIMARY = 0xFF  # the part of a result code that stays the same when SQLite learns more reasons
_ENDINGS = ("", "-wal", "-shm")

_log = logging.getLogger("hortus.content")
_Answer = TypeVar("_Answer")
Work = Callable[[sqlite3.Connection], _Answer]


class Database:
    """A worker's way to the file; for one thread, but for `sweep`.

    Args:
        directory: Where the files lie.
        tables: Statements that make the tables.
        clock: Times when to try again.
        layout: Which kind of file.
    """

    def __init__(self, directory: Path, tables: Sequence[str], *, clock: Clock, layout: Layout = KEPT) -> None:
        self._layout = layout
        self._directory = directory
        self._tables = (*tables, f"PRAGMA user_version = {FORMAT}")
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._path = self._next_path = directory
        self._inode = 0
        self._resting_until_s: dict[bool, float] = {}

    def read(self, work: Work[_Answer]) -> _Answer:
        """Return what `work` reads.

        Raises:
            NotKept: The file cannot be used.
        """
        return self._run(work, is_writing=False)

    def write(self, work: Work[_Answer]) -> _Answer:
        """Return what `work` does, in a transaction of its own.

        Raises:
            NotKept: The file cannot be used; nothing was changed.
        """
        return self._run(lambda connection: _patiently(connection, work, layout=self._layout), is_writing=True)

    def sweep(self, work: Work[int]) -> int:
        """Repeat `work`, a transaction each time, until it returns 0; then bring all to the disk. For another thread.

        Raises:
            NotKept: The file cannot be used now.
        """
        path, done = self._directory, 0
        try:
            with _alone(self._directory):
                path = _newest(self._directory, self._layout)[0]
                if not path.exists() or not path.stat().st_size:
                    return 0
                connection = _connect(path, self._layout.at_a_sweep, timeout_s=_SWEEPER_WAITS_S)
            with contextlib.closing(connection):
                while count := _in_transaction(connection, work):
                    done += count
                    time.sleep(_SWEEPER_PAUSE_S)
                _checkpoint(connection)
                if self._layout.leaves_no_trace:
                    with contextlib.suppress(sqlite3.OperationalError):  # others write: the next sweep does it
                        connection.execute("PRAGMA busy_timeout = 5")
                        _leave_no_trace(connection)
        except _FAULTS as error:  # a broken file is found broken by the next request
            raise _not_kept(error, path) from error
        return done

    def leave_no_trace(self) -> bool:
        """Give the room of what was deleted back; tell whether nothing of it is left in the WAL either.

        Raises:
            NotKept: The file cannot be used now.
        """
        path = _newest(self._directory, self._layout)[0]
        try:
            with contextlib.closing(_connect(path, self._layout.at_a_sweep, timeout_s=_ERASER_WAITS_S)) as connection:
                return _leave_no_trace(connection)
        except _FAULTS as error:
            raise _not_kept(error, path) from error

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, work: Work[_Answer], *, is_writing: bool) -> _Answer:
        """Run `work`; where the file is broken begin another one and run it there."""
        until_s = self._resting_until_s.get(is_writing)
        if until_s is not None and self._clock.monotonic_s() < until_s:
            raise NotKept("what is kept of content is out of reach.", hint="The log of this process says why.")
        try:
            try:
                return work(self._here())
            except _FAULTS as error:
                if not _is_broken(error):
                    raise
                self._begin_anew(error)
            return work(self._here())
        except _FAULTS as error:
            raised = _not_kept(error, self._path)
            if _code_of(error) != sqlite3.SQLITE_FULL:  # that one costs no time; any other is not tried at each request
                self._resting_until_s[is_writing] = self._clock.monotonic_s() + _REST_S
                _log.error(str(raised))
            raise raised from error

    def _here(self) -> sqlite3.Connection:
        """Return a connection to the newest file, as it lies there now."""
        if self._connection is not None:
            if not os.access(self._next_path, os.F_OK) and _inode_of(self._path) == self._inode:
                return self._connection
            self.close()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        with _alone(self._directory):
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self._path, number = _newest(self._directory, self._layout)
        self._next_path = _file(self._directory, self._layout, number + 1)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._inode = _inode_of(self._path)
        connection = _connect(self._path, self._layout.at_a_request, timeout_s=_SWEEPER_WAITS_S)
        try:
            _in_transaction(connection, self._make_tables)
            connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            raise sqlite3.NotSupportedError(f"it has format {found}, of a newer release")
        for statement in () if found else self._tables:
            connection.execute(statement)

    def _begin_anew(self, error: Exception) -> None:
        """Begin the next file, unless another process was first; this broken one stays for a person, older ones go."""
        self.close()
        with _alone(self._directory):
            path, number = _newest(self._directory, self._layout)
            if path != self._path:
                return
            self._next_path.touch(mode=0o600)
            for old in range(1, number):
                for ending in _ENDINGS:
                    path.with_name(f"{_file(self._directory, self._layout, old).name}{ending}").unlink(missing_ok=True)
        _log.error(
            f"what was kept of content is broken and begun anew: {self._layout.forgotten}",
            extra={"file": str(path), "why": str(error)},
        )


def newest_file(directory: Path, layout: Layout = KEPT) -> Path:
    """Return the file that counts; it need not be there yet."""
    return _newest(directory, layout)[0]


def broken_files(directory: Path, layout: Layout) -> list[Path]:
    """Return files of a kind that broke and were left for a person."""
    newest = newest_file(directory, layout)
    return sorted(one for one in directory.glob(f"{layout.stem}-*.db") if one != newest and _number(one, layout))


def _file(directory: Path, layout: Layout, number: int) -> Path:
    return directory / f"{layout.stem}-{number}.db"


def _newest(directory: Path, layout: Layout) -> tuple[Path, int]:
    number = max((_number(one, layout) for one in directory.iterdir()), default=0) or 1
    return _file(directory, layout, number), number


def _number(path: Path, layout: Layout) -> int:
    """Return the number in a file's name, 0 where it is none of the kind."""
    match = re.fullmatch(rf"{layout.stem}-([0-9]{{1,9}})\.db", path.name)
    return int(match[1]) if match else 0


def _connect(path: Path, pragmas: Sequence[str], *, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
    try:
        for pragma in pragmas:
            connection.execute(pragma).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Bring all to the disk beside those who write; then, quickly and without syncing, what they wrote meanwhile."""
    _, wal_pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if wal_pages > _LONG_WAL_PAGES:
        for pragma in _BEGIN_WAL_ANEW:
            connection.execute(pragma).fetchall()


def _leave_no_trace(connection: sqlite3.Connection) -> bool:
    """Give room back and cut the WAL off; tell whether that could be done: a reader may hold it."""
    connection.executescript("PRAGMA incremental_vacuum")  # `execute` would give one page back
    is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def _patiently(connection: sqlite3.Connection, work: Work[_Answer], *, layout: Layout) -> _Answer:
    """Write as soon as no other process does."""
    for _ in range(layout.tries):
        try:
            return _in_transaction(connection, work)
        except sqlite3.OperationalError as error:
            if _code_of(error) != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(layout.pause_s)
    return _in_transaction(connection, work)


def _in_transaction(connection: sqlite3.Connection, work: Work[_Answer]) -> _Answer:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself may have rolled back
            connection.execute("ROLLBACK")
        raise
    return answer


def _code_of(error: Exception) -> int | None:
    """Return SQLite's primary result code; None for an error of another origin."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY


def _is_broken(error: Exception) -> bool:
    return isinstance(error, UnicodeDecodeError) or _code_of(error) in _BROKEN


def _not_kept(error: Exception, path: Path) -> NotKept:
    return NotKept(
        f"what is kept of content cannot be used now: {error}.",
        path=str(path),
        hint="Is the disk full, or may this user not write there?",
    )


def _inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time open or begin a file; the directory itself is the lock."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
