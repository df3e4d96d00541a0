"""What hosts keep for projects until it is deleted (files, batches, tuning jobs …): whose, and at which endpoint.

Nothing here lapses by time: a batch that nobody looks at for a month still belongs to who paid for it. Rows that an
older version of the secret wrote are sealed anew by the sweep, so that the version can be retired.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from hortus.base.secrets import SecretVersions
from hortus.base.time import Clock
from hortus.canon.dialect import HostIdKind
from hortus.content.box import Box, Lid
from hortus.content.database import THINGS, Database
from hortus.content.ports import Note, NotKept, Thing

LASTING: frozenset[HostIdKind] = frozenset(
    ("file", "upload", "batch", "message_batch", "batch_job", "tuning_job", "tuned_model")
)
"""Kinds that are remembered until they are deleted; ids of the others lapse."""

_PURPOSE = "things of hosts"
_TABLES = (
    (
        "CREATE TABLE things (number INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL, at_ms INTEGER NOT"
        " NULL, scope BLOB NOT NULL, name BLOB NOT NULL UNIQUE, value BLOB NOT NULL)"
    ),
    "CREATE INDEX things_scope ON things (scope, number)",
    "CREATE INDEX things_version ON things (version)",
)
_PUT = "INSERT INTO things (version, at_ms, scope, name, value) VALUES (?, ?, ?, ?, ?)"
_CHANGE = "UPDATE things SET version = ?, scope = ?, name = ?, value = ? WHERE number = ?"
_ROW = "SELECT number, version, at_ms, name, value FROM things"
_PUSH = (
    "DELETE FROM things WHERE number IN (SELECT number FROM things WHERE scope = (SELECT scope FROM things"
    " GROUP BY scope ORDER BY count(*) DESC LIMIT 1) ORDER BY number LIMIT ?)"
)
_AT_A_SWEEP = 32
_EVER = (1 << 63) - 1

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Thing).decode

_Row = tuple[int, int, int, bytes, bytes]
_log = logging.getLogger("hortus.content")


class Things:
    """One file for the whole machine; for one thread, but for `sweep`.

    Args:
        directory: Where the file lies.
        secrets: Versions of the installation's secret; the newest one writes, all read.
        most: So many are remembered, of all projects together; then the oldest go of the project that has the most.
        clock: Tells when one was made.
        entropy: Source of random bytes.
    """

    def __init__(
        self, directory: Path, secrets: SecretVersions, *, most: int, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._most = most
        self._clock = clock
        self._box = Box(_PURPOSE, secrets, entropy=entropy)
        self._database = Database(directory, _TABLES, clock=clock, layout=THINGS)

    def claim(self, thing: Thing) -> None:
        """Remember one; whose it is never changes, and what is noted of it is what was noted first.

        Raises:
            NotKept: It has another owner, or cannot be written.
        """

        def claim(connection: sqlite3.Connection) -> None:
            found = self._find(connection, thing.kind, thing.id)
            if found is None:
                self._put(connection, thing)
            elif (found[1].project_id, found[1].endpoint) != (thing.project_id, thing.endpoint):
                raise NotKept("this id of a host belongs to another project or endpoint.")
            elif found[1].note.is_empty and not thing.note.is_empty:
                self._change(connection, found[0], msgspec.structs.replace(found[1], note=thing.note))

        self._database.write(claim)

    def find(self, kind: HostIdKind, host_id: str) -> Thing | None:
        """Return one; None where it is not known, or not what was written. Raises NotKept."""
        found = self._database.read(lambda connection: self._find(connection, kind, host_id))
        return None if found is None else found[1]

    def of_project(self, project_id: str, kind: HostIdKind, *, after: str | None, limit: int) -> list[Thing] | None:
        """Return a project's things of a kind, newest first; None where it has none with the id `after`.

        Raises:
            NotKept: The file cannot be read.
        """

        def read(connection: sqlite3.Connection) -> list[Thing] | None:
            before = _EVER
            if after is not None:
                found = self._find(connection, kind, after)
                if found is None or found[1].project_id != project_id:
                    return None
                before = found[0]
            return [thing for _, thing in self._of_scope(connection, (project_id, kind), before=before, limit=limit)]

        return self._database.read(read)

    def forget(self, kind: HostIdKind, host_id: str) -> None:
        """Remember one no longer. Raises NotKept."""
        names = [(lid.name,) for lid in self._lids((kind, host_id))]
        self._database.write(lambda connection: connection.executemany("DELETE FROM things WHERE name = ?", names))

    def take_advance(self, kind: HostIdKind, host_id: str) -> Note | None:
        """Return what is noted of something that was charged beforehand, to the first who asks.

        Raises:
            NotKept: It cannot be written down that somebody has it now.
        """

        def take(connection: sqlite3.Connection) -> Note | None:
            found = self._find(connection, kind, host_id)
            if found is None or found[1].note.advance is None:
                return None
            number, thing = found
            left = msgspec.structs.replace(thing.note, advance=None)
            self._change(connection, number, msgspec.structs.replace(thing, note=left))
            return thing.note

        return self._database.write(take)

    def sweep(self) -> int:
        """Seal anew what an older version sealed, let the oldest go where there are too many. For another thread.

        Raises:
            NotKept: The file cannot be used now.
        """
        return self._database.sweep(lambda connection: self._renew(connection) + self._push(connection))

    def shares(self) -> Counter[int]:
        """Return how many each version of the secret seals. Raises NotKept."""
        query = "SELECT version, count(*) FROM things GROUP BY version"
        return Counter(dict(self._database.read(lambda connection: connection.execute(query).fetchall())))

    def forget_share(self, version: int) -> None:
        """Remove all that one version of the secret seals. Raises NotKept."""
        self._database.write(lambda connection: connection.execute("DELETE FROM things WHERE version = ?", (version,)))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _find(self, connection: sqlite3.Connection, kind: HostIdKind, host_id: str) -> tuple[int, Thing] | None:
        names = [lid.name for lid in self._lids((kind, host_id))]
        rows = connection.execute(f"{_ROW} WHERE name IN ({_gaps(names)})", names).fetchall()
        found = next(((row[0], thing) for row in rows if (thing := self._open(row)) is not None), None)
        return found if found is not None and (found[1].kind, found[1].id) == (kind, host_id) else None

    def _of_scope(
        self, connection: sqlite3.Connection, scope: tuple[str, HostIdKind], *, before: int, limit: int
    ) -> Iterator[tuple[int, Thing]]:
        names = [lid.name for lid in self._lids(_scope(*scope))]
        query = f"{_ROW} WHERE scope IN ({_gaps(names)}) AND number < ? ORDER BY number DESC LIMIT ?"
        for row in connection.execute(query, (*names, before, limit)).fetchall():
            thing = self._open(row)
            if thing is not None and (thing.project_id, thing.kind) == scope:
                yield row[0], thing

    def _open(self, row: _Row) -> Thing | None:
        _, version, at_ms, name, value = row
        data = self._box.open(Lid(version, name), at_ms, value=value) if version in self._versions() else None
        if data is None:
            _log.error("an owner of what a host keeps is not what was put there; it counts as lost")
            return None
        return _decode(data)

    def _put(self, connection: sqlite3.Connection, thing: Thing) -> None:
        lid = self._box.lid((thing.kind, thing.id))
        scope = self._box.lid(_scope(thing.project_id, thing.kind)).name
        value = self._box.close(lid, thing.at_ms, data=_encode(thing))
        connection.execute(_PUT, (lid.version, thing.at_ms, scope, lid.name, value))

    def _change(self, connection: sqlite3.Connection, number: int, thing: Thing) -> None:
        lid = self._box.lid((thing.kind, thing.id))
        scope = self._box.lid(_scope(thing.project_id, thing.kind)).name
        value = self._box.close(lid, thing.at_ms, data=_encode(thing))
        connection.execute(_CHANGE, (lid.version, scope, lid.name, value, number))

    def _renew(self, connection: sqlite3.Connection) -> int:
        newest, *older = self._versions()
        query = f"{_ROW} WHERE version IN ({_gaps(older)}) AND version <> ? LIMIT {_AT_A_SWEEP}"
        rows = connection.execute(query, (*older, newest)).fetchall()
        for row in rows:
            thing = self._open(row)
            if thing is None:
                connection.execute("DELETE FROM things WHERE number = ?", (row[0],))
            else:
                self._change(connection, row[0], thing)
        return len(rows)

    def _push(self, connection: sqlite3.Connection) -> int:
        """Let the oldest go of whoever has the most: nobody's things go because others make many."""
        ((newest, oldest),) = connection.execute("SELECT max(number), min(number) FROM things").fetchall()
        if newest is None or newest - oldest < self._most:
            return 0
        ((count,),) = connection.execute("SELECT count(*) FROM things").fetchall()
        return connection.execute(_PUSH, (max(0, count - self._most),)).rowcount

    def _versions(self) -> list[int]:
        """Return the versions of the secret that are known, the newest first."""
        return [lid.version for lid in self._box.lids(())]

    def _lids(self, parts: Sequence[str]) -> list[Lid]:
        """Return every name under which something may stand, also those of a version that another process knows."""
        self._box.look_again()
        return self._box.lids(parts)


def _scope(project_id: str, kind: HostIdKind) -> tuple[str, str, str]:
    return ("scope", project_id, kind)


def _gaps(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
