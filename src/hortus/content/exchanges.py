"""Kept exchanges in their file: kept, found by person, receipt, project, key, time or answer, opened, and erased.

For one thread. What stands in the file to be looked for is ids, names of routes and keyed digests; whatever a client
sent or got, and who is behind it, is sealed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from hortus.base.secrets import SecretVersions
from hortus.base.time import Clock
from hortus.content.box import Box, Lid
from hortus.content.database import EXCHANGES, Database, broken_files
from hortus.content.exchange import Entry, Exchange, Extent, Wanted

_PURPOSE = "exchanges"
_TABLES = (
    (
        "CREATE TABLE exchanges (number INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL,"
        " name BLOB NOT NULL, receipt_id TEXT NOT NULL UNIQUE, at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,"
        " project_id TEXT NOT NULL, key_id TEXT NOT NULL, route TEXT NOT NULL, dialect TEXT NOT NULL,"
        " operation TEXT NOT NULL, value BLOB NOT NULL)"
    ),
    "CREATE INDEX exchanges_until ON exchanges (until_ms)",
    "CREATE TABLE marks (name BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (name, number)) WITHOUT ROWID",
    "CREATE INDEX marks_number ON marks (number)",
)
_COLUMNS = "number, version, name, receipt_id, at_ms, until_ms, project_id, key_id, route, dialect, operation"
_ENTRY = f"SELECT {_COLUMNS}, length(value) FROM exchanges"  # noqa: S608 -- nothing but our own columns
_PUT = (
    "INSERT INTO exchanges (version, name, receipt_id, at_ms, until_ms, project_id, key_id, route, dialect, operation,"
    " value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_AT_A_SWEEP = 32
_AT_ONCE = 100  # erased in one transaction: workers come in between

_SUBJECT, _ANSWER = "subject", "answer"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Exchange).decode

_log = logging.getLogger("hortus.content")


class Exchanges:
    """Implements what `content.desk` does for workers and `content.archive` for admins.

    Args:
        directory: Where the file lies.
        secrets: Versions of the installation's secret; the newest one writes, all read.
        clock: Tells what is over its time.
        entropy: Source of random bytes.
    """

    def __init__(
        self, directory: Path, secrets: SecretVersions, *, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._box = Box(_PURPOSE, secrets, entropy=entropy)
        self._database = Database(directory, _TABLES, clock=clock, layout=EXCHANGES)

    def keep(self, exchange: Exchange) -> None:
        """Keep one.

        Raises:
            NotKept: It cannot be written.
        """
        lid = self._box.lid(_name_of(exchange.project_id, exchange.receipt_id))
        value = self._box.close(lid, exchange.at_ms, data=_encode(exchange))
        marks = [self._box.lid((_SUBJECT, one)).name for one in exchange.subjects]
        if exchange.response_id is not None:
            marks.append(self._box.lid((_ANSWER, exchange.project_id, exchange.response_id)).name)

        def put(connection: sqlite3.Connection) -> None:
            row = (
                *(lid.version, lid.name, exchange.receipt_id, exchange.at_ms, exchange.until_ms, exchange.project_id),
                *(exchange.key_id, exchange.route, exchange.dialect, exchange.operation, value),
            )
            number = connection.execute(_PUT, row).lastrowid
            connection.executemany("INSERT OR IGNORE INTO marks VALUES (?, ?)", [(mark, number) for mark in marks])

        self._database.write(put)

    def answer(self, project_id: str, response_id: str) -> Exchange | None:
        """Return the exchange whose answer has an id; None where the project has none such that is not over its time.

        Raises:
            NotKept: The file cannot be read.
        """
        entry = self._database.read(lambda connection: self._answer_entry(connection, project_id, response_id))
        return self.open(entry) if entry is not None and entry.until_ms > self._clock.now_ms() else None

    def forget_answer(self, project_id: str, response_id: str) -> bool:
        """Let an answer be continued and fetched no longer; the exchange stays. Tell whether there was one.

        Raises:
            NotKept: The file cannot be written.
        """

        def forget(connection: sqlite3.Connection) -> bool:
            entry = self._answer_entry(connection, project_id, response_id)
            names = self._marks((_ANSWER, project_id, response_id))
            connection.executemany("DELETE FROM marks WHERE name = ?", [(name,) for name in names])
            return entry is not None

        return self._database.write(forget)

    def extent(self, wanted: Wanted) -> Extent:
        """Return how many are meant.

        Raises:
            NotKept: The file cannot be read.
        """
        clause, values = self._clause(wanted)
        query = f"SELECT count(*), coalesce(max(number), 0) FROM exchanges WHERE {clause}"  # noqa: S608 -- our own words
        count, last = self._database.read(lambda connection: connection.execute(query, values).fetchone())
        return Extent(count, last)

    def entries(self, wanted: Wanted, *, after: int, last: int, limit: int) -> list[Entry]:
        """Return those that are meant, oldest first, from the one after `after` up to `last`.

        Raises:
            NotKept: The file cannot be read.
        """
        clause, values = self._clause(wanted)
        query = f"{_ENTRY} WHERE {clause} AND number > ? AND number <= ? ORDER BY number LIMIT ?"
        asked = (*values, after, last, limit)
        return [
            _entry(row) for row in self._database.read(lambda connection: connection.execute(query, asked).fetchall())
        ]

    def open(self, entry: Entry) -> Exchange | None:
        """Return what was kept; None where it has gone or is not what was put there (the log says so).

        Raises:
            NotKept: The file cannot be read.
        """
        row = self._database.read(
            lambda connection: connection.execute(
                "SELECT value FROM exchanges WHERE number = ? AND receipt_id = ?", (entry.number, entry.receipt_id)
            ).fetchone()
        )
        if row is None:
            return None
        lid = next((one for one in self._box.lids(_name_of(entry.project_id, entry.receipt_id))
                    if one.version == entry.version), None)  # fmt: skip
        data = None if lid is None else self._box.open(Lid(lid.version, entry.name), entry.at_ms, value=row[0])
        found = None if data is None else _decode(data)
        if found is None or lid is None or lid.name != entry.name or not _is_same(found, entry):
            _log.error(
                "a kept exchange is not what was put there, or its secret is gone", extra={"receipt": entry.receipt_id}
            )
            return None
        return found

    def erase(self, receipt_ids: Sequence[str]) -> list[str]:
        """Remove exchanges for good; return the receipts of those that were there.

        Raises:
            NotKept: The file cannot be written; what was removed before is gone all the same.
        """
        gone: list[str] = []
        for begin in range(0, len(receipt_ids), _AT_ONCE):
            portion = receipt_ids[begin : begin + _AT_ONCE]
            clause = f"receipt_id IN ({_gaps(portion)})"
            gone += self._database.write(partial(_delete, clause=clause, values=portion))
        return gone

    def leave_no_trace(self) -> bool:
        """Tell whether nothing of what was erased is left in the files either. Raises NotKept."""
        return self._database.leave_no_trace()

    def sweep(self) -> int:
        """Remove what is over its time and bring the rest to the disk; return how many went. For another thread.

        Raises:
            NotKept: The file cannot be used now.
        """
        clause = f"number IN (SELECT number FROM exchanges WHERE until_ms <= ? LIMIT {_AT_A_SWEEP})"  # noqa: S608 -- a number of ours
        return self._database.sweep(
            lambda connection: len(_delete(connection, clause=clause, values=(self._clock.now_ms(),)))
        )

    def shares(self) -> Counter[int]:
        """Return how many each version of the secret seals.

        Raises:
            NotKept: The file cannot be read.
        """
        query = "SELECT version, count(*) FROM exchanges WHERE until_ms > ? GROUP BY version"
        now_ms = self._clock.now_ms()
        return Counter(dict(self._database.read(lambda connection: connection.execute(query, (now_ms,)).fetchall())))

    def forget_share(self, version: int) -> None:
        """Remove all that one version of the secret seals. Raises NotKept."""
        clause = f"number IN (SELECT number FROM exchanges WHERE version = ? LIMIT {_AT_ONCE})"  # noqa: S608 -- a number of ours
        while self._database.write(partial(_delete, clause=clause, values=(version,))):
            pass

    def broken(self) -> list[Path]:
        """Return files that broke and were left for a person: what they hold is neither found nor erased."""
        return broken_files(self._directory, EXCHANGES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _answer_entry(self, connection: sqlite3.Connection, project_id: str, response_id: str) -> Entry | None:
        names = self._marks((_ANSWER, project_id, response_id))
        chosen = f"number IN (SELECT number FROM marks WHERE name IN ({_gaps(names)}))"  # noqa: S608 -- gaps
        query = f"{_ENTRY} WHERE {chosen} ORDER BY number DESC"
        row = connection.execute(query, names).fetchone()
        return None if row is None else _entry(row)

    def _marks(self, parts: Sequence[str]) -> list[bytes]:
        """Return every name under which a mark may stand, also those of a version that another process knows."""
        self._box.look_again()
        return [lid.name for lid in self._box.lids(parts)]

    def _clause(self, wanted: Wanted) -> tuple[str, tuple[object, ...]]:
        clauses, values = ["until_ms > ?"], [self._clock.now_ms()]  # type: list[str], list[object]
        if wanted.subject is not None:
            names = self._marks((_SUBJECT, wanted.subject))
            clauses.append(f"number IN (SELECT number FROM marks WHERE name IN ({_gaps(names)}))")  # noqa: S608 -- gaps
            values += names
        if wanted.receipt_ids:
            clauses.append(f"receipt_id IN ({_gaps(wanted.receipt_ids)})")
            values += wanted.receipt_ids
        for text, value in (
            ("project_id = ?", wanted.project_id),
            ("key_id = ?", wanted.key_id),
            ("at_ms >= ?", wanted.since_ms),
            ("at_ms < ?", wanted.until_ms),
        ):
            if value is not None:
                clauses.append(text)
                values.append(value)
        return " AND ".join(clauses), tuple(values)


def opened(exchanges: Exchanges, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Exchange | None]]:
    """Yield each entry with what it holds; None where that cannot be opened."""
    for entry in entries:
        yield entry, exchanges.open(entry)


def _name_of(project_id: str, receipt_id: str) -> tuple[str, str, str]:
    return ("exchange", project_id, receipt_id)


def _entry(row: tuple[object, ...]) -> Entry:
    return msgspec.convert(row, Entry)


def _is_same(found: Exchange, entry: Entry) -> bool:
    """Tell whether what is sealed is what the columns beside it say: they are not sealed themselves."""
    return (found.key_id, found.route, found.dialect, found.operation, found.until_ms) == (
        *(entry.key_id, entry.route, entry.dialect, entry.operation, entry.until_ms),
    )


def _delete(connection: sqlite3.Connection, *, clause: str, values: Sequence[object]) -> list[str]:
    """Delete rows and their marks; return the receipts."""
    rows = connection.execute(f"SELECT number, receipt_id FROM exchanges WHERE {clause}", values).fetchall()  # noqa: S608 -- our own words
    numbers = [(number,) for number, _ in rows]
    connection.executemany("DELETE FROM marks WHERE number = ?", numbers)
    connection.executemany("DELETE FROM exchanges WHERE number = ?", numbers)
    return [receipt_id for _, receipt_id in rows]


def _gaps(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
