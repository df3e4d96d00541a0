"""What a store's file says of itself, read with SQLite alone: for backups and for commands that need no server.

Nothing here writes. Read a copy with `is_still`, a store that may be in use without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from hortus.base.errors import InstallationError
from hortus.receipts.segment import Position
from hortus.store.copying import connect_live, connect_still


class SegmentMark(msgspec.Struct, frozen=True):
    """How far the store has taken a segment in.

    Attributes:
        records: How many came out of it.
        is_archived: Nothing more will come.
    """

    end: Position
    records: int
    is_archived: bool


class LiveKey(msgspec.Struct, frozen=True):
    """A key that is neither revoked nor expired."""

    id: str
    name: str
    project: str
    secret_version: int


class StoreFacts(msgspec.Struct, frozen=True):
    """A store at one instant.

    Attributes:
        schema: Revision of its tables.
        organisation: Id of the owner: the same for as long as the installation exists; None in one that never started.
        waiting: Records of requests that are not over.
        segments: By name of the file.
        secret_checks: By version of the installation's secret.
    """

    schema: str | None
    organisation: str | None
    receipts: int
    waiting: int
    segments: Mapping[str, SegmentMark]
    secret_checks: Mapping[int, str]
    keys: tuple[LiveKey, ...]


def read_facts(store: Path, *, now_ms: int, is_still: bool) -> StoreFacts:
    """Read a store.

    Args:
        store: Its file.
        now_ms: Tells which keys have expired.
        is_still: Nobody writes to it, and nothing is made beside it.

    Raises:
        InstallationError: It cannot be read.
    """
    try:
        with closing(connect_still(store) if is_still else connect_live(store)) as connection:
            connection.execute("BEGIN")
            return _read(connection, now_ms)
    except sqlite3.DatabaseError as error:
        raise InstallationError(
            f"the store cannot be read: {error}.",
            path=str(store),
            hint="`hortus up` brings an old store up to this release; `hortus doctor` looks at what is wrong.",
        ) from error


def _read(connection: sqlite3.Connection, now_ms: int) -> StoreFacts:
    schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    organisation = connection.execute("SELECT id FROM organisations").fetchone()
    segments = connection.execute("SELECT name, end_offset, end_chain, records, archived_at_ms FROM segments")
    keys = connection.execute(
        "SELECT keys.id, keys.name, projects.name, secret_version FROM keys JOIN projects ON projects.id = project_id"
        " WHERE revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?) ORDER BY keys.id",
        (now_ms,),
    )
    return StoreFacts(
        schema=schema[0] if schema else None,
        organisation=organisation[0] if organisation else None,
        receipts=connection.execute("SELECT count(*) FROM receipts").fetchone()[0],
        waiting=connection.execute("SELECT count(*) FROM waiting").fetchone()[0],
        segments={
            name: SegmentMark(Position(offset, chain), records, is_archived=archived_at_ms is not None)
            for name, offset, chain, records, archived_at_ms in segments
        },
        secret_checks=dict(connection.execute("SELECT version, check_digest FROM secret_checks").fetchall()),
        keys=tuple(LiveKey(*row) for row in keys),
    )
