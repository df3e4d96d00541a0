"""The store itself: opening it (or saying why not), and the transactions that every table uses."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from urllib.parse import quote

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from hortus.base.errors import InstallationError
from hortus.base.money import EXACT
from hortus.base.time import Clock
from hortus.ledger.ports import StoreUnavailable
from hortus.store.ground import check_ground
from hortus.store.migrating import current_revision, migrate

BUSY_TIMEOUT_S = 5.0
"""How long a transaction waits for another process's before it gives up."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # kept in the file; readers and one writer at the same time
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a revoked key, or receipts whose segment goes, must outlive a power cut
)
_BEGIN = "hortus_begin"


class Store:
    """An open store, for any number of threads. Made by `open_store`."""

    def __init__(self, path: Path, engine: Engine, *, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self._reader = engine
        self._writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._inode = path.stat().st_ino

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the store and does not write.

        Raises:
            StoreUnavailable: The store cannot be used now.
            InstallationError: The store's file is damaged.
        """
        with _explained(self.path):
            self._stay_in_place()
            with self._reader.begin() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; it waits for others at its start, never midway.

        Raises:
            StoreUnavailable: The store cannot be used now.
            InstallationError: The store's file is damaged.
        """
        with _explained(self.path):
            self._stay_in_place()
            with self._writer.begin() as connection:
                yield connection

    @property
    def dialect(self) -> Dialect:
        """The database's way of speaking, for statements that are compiled once."""
        return self._reader.dialect

    def schema_version(self) -> str:
        """Return the revision of the store's tables."""
        with self.reading() as connection:
            return current_revision(connection) or "none"

    def close(self) -> None:
        """Close all connections."""
        self._reader.dispose()

    def _stay_in_place(self) -> None:
        """Notice that the file was moved away or replaced: open connections would write into the old one."""
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError as error:
            self._reader.dispose()
            raise StoreUnavailable(
                "the store's file is gone.", path=str(self.path), hint="Put it back, or restart Hortus."
            ) from error
        if inode != self._inode:
            self._reader.dispose()
            self._inode = inode


def open_store(path: Path, *, clock: Clock, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Store:
    """Open the store at `path`, creating it or bringing its tables up to this release.

    Raises:
        StoreUnavailable: Another process keeps it locked.
        InstallationError: It cannot live here, is damaged, or was written by a newer release.
    """
    check_ground(path)
    with _explained(path), _alone(path.parent):
        _create_file(path)
        engine = _make_engine(path, busy_timeout_s)
        try:
            store = Store(path, engine, clock=clock)
            with store.writing() as connection:
                migrate(connection, path=path)
        except BaseException:
            engine.dispose()
            raise
    return store


def _create_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise InstallationError(
            f"the store cannot be opened: {error.strerror}.",
            path=str(path),
            hint="Give this user the right to read and write it, or set HORTUS_HOME to another directory.",
        ) from error


def _make_engine(path: Path, busy_timeout_s: float) -> Engine:
    # mode=rw: a store that was moved away must not come back as an empty one
    engine = create_engine(
        f"sqlite:///file:{quote(str(path.resolve()))}?mode=rw&uri=true", connect_args={"timeout": busy_timeout_s}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SQLiteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver would begin too late, and never for reads
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    connection.create_function("decimal_add", 2, _decimal_add, deterministic=True)
    connection.create_aggregate("decimal_sum", 1, _DecimalSum)  # type: ignore[arg-type]  # typeshed knows sums of int only


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _decimal_add(first: str | None, second: str | None) -> str:
    """SQL's `+` for amounts kept as text; none is nothing."""
    return format(EXACT.add(Decimal(first or 0), Decimal(second or 0)), "f")


class _DecimalSum:
    """SQL's `sum` for amounts kept as text."""

    def __init__(self) -> None:
        self._sum = Decimal(0)

    def step(self, value: str | None) -> None:
        if value is not None:
            self._sum = EXACT.add(self._sum, Decimal(value))

    def finalize(self) -> str:
        return format(self._sum, "f")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let only one process at a time create and migrate; the directory itself is the lock."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except IntegrityError:
        raise  # a rule of ours was broken: whoever wrote the statement knows which
    except OperationalError as error:
        raise StoreUnavailable(
            f"the store cannot be used now: {error.orig}.",
            path=str(path),
            hint="Is its disk full, or does another program keep it locked?",
        ) from error
    except DatabaseError as error:
        raise InstallationError(
            f"the store is damaged: {error.orig}.",
            path=str(path),
            hint="Restore it from a backup, or move it away to begin with an empty one.",
        ) from error
