"""One table of kept things: how they are put, found, and pushed out by newer ones or by time.

Rows are numbered in the order in which they came, and each knows how many bytes came up to it. So what is too much
is always at the old end, and telling so takes no counting: a bound may come a little early, never late.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

import msgspec

from hortus.base.time import Clock
from hortus.content.box import Box
from hortus.content.ports import NotKept

_AT_ONCE = 8  # old rows that a write looks at: more than one, so that it gains on a bound that was lowered
_AT_A_SWEEP = 32  # a batch of a sweep: other processes wait for it

_SOUND = "typeof(at_ms) = 'integer' AND typeof(value) = 'blob'"  # what we write; damage may make anything of it

_log = logging.getLogger("hortus.content")


class Bounds(msgspec.Struct, frozen=True):
    """How much is kept, and for how long."""

    most: int
    most_bytes: int
    age_ms: int


class Found(msgspec.Struct, frozen=True, gc=False):
    """What was put, and when."""

    at_ms: int
    data: bytes


class Shelf:
    """Puts and finds one kind of thing, within the caller's transaction.

    Args:
        table: Its name, one of ours.
        box: Hides names and values.
        bounds: When the oldest goes.
        clock: Tells how old things are.
    """

    def __init__(self, table: str, box: Box, *, bounds: Bounds, clock: Clock) -> None:
        self.definition = (
            f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, end_bytes INTEGER NOT NULL,"
            " name BLOB NOT NULL UNIQUE, value BLOB NOT NULL)"
        )
        self._box = box
        self._bounds = bounds
        self._clock = clock
        oldest = f"SELECT number, at_ms, end_bytes FROM {table} ORDER BY number LIMIT ?"  # noqa: S608 -- the table's name is ours, here and below
        self._find = f"SELECT at_ms, value FROM {table} WHERE name = ? AND {_SOUND}"  # noqa: S608 -- as above
        self._put = (
            f"INSERT OR REPLACE INTO {table} (at_ms, end_bytes, name, value) SELECT ?1, ?2 + coalesce((SELECT end_bytes"  # noqa: S608 -- as above
            f" FROM {table} ORDER BY number DESC LIMIT 1), 0), ?3, ?4 RETURNING number, end_bytes"
        )
        self._forget = f"DELETE FROM {table} WHERE name = ?"  # noqa: S608 -- as above
        self._last = f"SELECT number, CAST(end_bytes AS INTEGER) FROM {table} ORDER BY number DESC LIMIT 1"  # noqa: S608 -- as above
        self._push_out = (
            f"DELETE FROM {table} WHERE number IN (SELECT number FROM ({oldest})"  # noqa: S608 -- as above
            " WHERE number <= ? OR end_bytes <= ? OR at_ms <= ?)"
        )

    def find(self, connection: sqlite3.Connection, parts: Sequence[str]) -> Found | None:
        """Return what was put under a name, None where it is not there, over its time or not what was put."""
        found = self._find_as_known(connection, parts)
        if found is None and self._box.look_again():
            found = self._find_as_known(connection, parts)
        return found

    def _find_as_known(self, connection: sqlite3.Connection, parts: Sequence[str]) -> Found | None:
        for lid in self._box.lids(parts):
            row = connection.execute(self._find, (lid.name,)).fetchone()
            if row is None:
                continue
            at_ms, value = row
            if at_ms <= self._clock.now_ms() - self._bounds.age_ms:
                return None
            data = self._box.open(lid, at_ms, value=value)
            if data is None:
                _log.error("something that was kept of content is not what was put there; it counts as lost")
                return None
            return Found(at_ms, data)
        return None

    def put(self, connection: sqlite3.Connection, parts: Sequence[str], *, data: bytes) -> None:
        """Put something under a name, in the place of what was there.

        Raises:
            NotKept: It alone is larger than everything may be.
        """
        lid, at_ms = self._box.lid(parts), self._clock.now_ms()
        value = self._box.close(lid, at_ms, data=data)
        if len(value) > self._bounds.most_bytes:
            raise NotKept("this is larger than all that may be kept.")
        last: tuple[int, int] = connection.execute(self._put, (at_ms, len(value), lid.name, value)).fetchone()
        self._push(connection, last, at_once=_AT_ONCE)

    def forget(self, connection: sqlite3.Connection, parts: Sequence[str]) -> int:
        """Remove what was put under a name; return how many rows that were."""
        return sum(connection.execute(self._forget, (lid.name,)).rowcount for lid in self._box.lids(parts))

    def sweep(self, connection: sqlite3.Connection) -> int:
        """Push out some of what is too much or too old; return how many, 0 where nothing is left to push out."""
        last: tuple[int, int] | None = connection.execute(self._last).fetchone()
        return 0 if last is None else self._push(connection, last, at_once=_AT_A_SWEEP)

    def _push(self, connection: sqlite3.Connection, last: tuple[int, int], *, at_once: int) -> int:
        bounds = self._bounds
        over = (last[0] - bounds.most, last[1] - bounds.most_bytes, self._clock.now_ms() - bounds.age_ms)
        return connection.execute(self._push_out, (at_once, *over)).rowcount
