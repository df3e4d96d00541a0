"""Numbers that only grow, one for each kind of change, so that others notice it with one cheap read."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from hortus.store.schema import counters

ACCESS_VERSION = "access_version"
OBJECTS_VERSION = "objects_version"


def read_counter(connection: Connection, name: str) -> int:
    """Return a counter; 0 before its first change."""
    return connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar() or 0


def bump(connection: Connection, name: str) -> None:
    """Count one change, in the transaction that makes it."""
    changed = connection.execute(update(counters).where(counters.c.name == name).values(value=counters.c.value + 1))
    if not changed.rowcount:
        connection.execute(insert(counters).values(name=name, value=1))
