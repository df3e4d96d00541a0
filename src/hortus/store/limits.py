"""Limits in use as the ledger counts them, out of the objects in the store."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from hortus.limits.limit import Limit
from hortus.snapshot.declared import LimitSpec
from hortus.snapshot.limits import limit_of
from hortus.store.counters import ACCESS_VERSION, read_counter
from hortus.store.database import Store
from hortus.store.schema import objects, organisations, projects


class _Read(msgspec.Struct, frozen=True):
    version: int
    by_id: dict[str, Limit]
    by_scope: dict[str, tuple[Limit, ...]]


class LimitTable:
    """Reads limits. What was read stays in memory for as long as `access_version` stays the same.

    Implements `limits.ports.LimitBook`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: _Read | None = None

    def limits(self) -> list[Limit]:
        """Return all limits in use, by name."""
        with self._store.reading() as connection:
            return list(self._read(connection).by_id.values())

    def limit(self, limit_id: str) -> Limit | None:
        """Return a limit in use; None for one that is retired, or counts something else by now."""
        with self._store.reading() as connection:
            return self._read(connection).by_id.get(limit_id)

    def binding(self, connection: Connection, *, key_id: str, project_id: str) -> tuple[Limit, ...]:
        """Return the limits that bind a key: its own, its project's, the organisation's."""
        found = self._read(connection).by_scope
        scopes = (key_id, project_id, _organisation_id(connection)) if found else ()
        return tuple(limit for scope_id in scopes for limit in found.get(scope_id, ()))

    def _read(self, connection: Connection) -> _Read:
        version = read_counter(connection, ACCESS_VERSION)
        if self._last is None or self._last.version != version:
            self._last = _read_limits(connection, version)
        return self._last


def _read_limits(connection: Connection, version: int) -> _Read:
    chosen = select(objects.c.spec).where(objects.c.kind == "limit", objects.c.retired_at_ms.is_(None))
    specs = [
        msgspec.json.decode(text, type=LimitSpec)
        for text in connection.execute(chosen.order_by(objects.c.name)).scalars()
    ]
    project_ids = {row.name: row.id for row in connection.execute(select(projects.c.name, projects.c.id))}
    organisation_id = _organisation_id(connection)
    by_scope: dict[str, tuple[Limit, ...]] = {}
    for spec in specs:
        scope_id = spec.key or (project_ids.get(spec.project) if spec.project is not None else organisation_id)
        if scope_id is not None:
            by_scope[scope_id] = (*by_scope.get(scope_id, ()), limit_of(spec, scope_id=scope_id))
    every = sorted((limit for limits in by_scope.values() for limit in limits), key=lambda limit: limit.name)
    return _Read(version, {limit.id: limit for limit in every}, by_scope)


def _organisation_id(connection: Connection) -> str:
    """Return the organisation's id; nothing where the store has none yet, and then it has no keys either."""
    return connection.execute(select(organisations.c.id)).scalar() or ""
