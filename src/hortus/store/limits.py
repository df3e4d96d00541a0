"""Limits in use as the ledger counts them, out of the objects in the store."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from hortus.limits.limit import Limit
from hortus.snapshot.declared import LimitSpec
from hortus.snapshot.limits import limit_of, name_in
from hortus.store.counters import ACCESS_VERSION, read_counter
from hortus.store.database import Store
from hortus.store.schema import objects, organisations, projects


class LimitTable:
    """Reads limits. What was read stays in memory for as long as `access_version` stays the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: tuple[int, dict[str, tuple[Limit, ...]]] | None = None

    def limits(self) -> list[Limit]:
        """Return all limits in use, by name."""
        with self._store.reading() as connection:
            found = self._by_scope(connection)
        return sorted((limit for group in found.values() for limit in group), key=lambda limit: limit.name)

    def limit(self, limit_id: str) -> Limit | None:
        """Return a limit in use; None for one that is retired, or counts something else by now."""
        name = name_in(limit_id)
        return next((limit for limit in self.limits() if limit.name == name and limit.id == limit_id), None)

    def binding(self, connection: Connection, *, key_id: str, project_id: str) -> tuple[Limit, ...]:
        """Return the limits that bind a key: its own, its project's, the organisation's."""
        found = self._by_scope(connection)
        if not found:
            return ()
        organisation_id = _organisation_id(connection)
        return tuple(limit for scope_id in (key_id, project_id, organisation_id) for limit in found.get(scope_id, ()))

    def _by_scope(self, connection: Connection) -> dict[str, tuple[Limit, ...]]:
        version = read_counter(connection, ACCESS_VERSION)
        if self._read is None or self._read[0] != version:
            self._read = version, _read_limits(connection)
        return self._read[1]


def _read_limits(connection: Connection) -> dict[str, tuple[Limit, ...]]:
    """Return the limits in use by the id of what they bind."""
    chosen = select(objects.c.spec).where(objects.c.kind == "limit", objects.c.retired_at_ms.is_(None))
    specs = [msgspec.json.decode(text, type=LimitSpec) for text in connection.execute(chosen).scalars()]
    if not specs:
        return {}
    project_ids = {row.name: row.id for row in connection.execute(select(projects.c.name, projects.c.id))}
    organisation_id = _organisation_id(connection)
    found: dict[str, tuple[Limit, ...]] = {}
    for spec in sorted(specs, key=lambda spec: spec.name):
        scope_id = spec.key or (project_ids.get(spec.project) if spec.project is not None else organisation_id)
        if scope_id is not None:
            found[scope_id] = (*found.get(scope_id, ()), limit_of(spec, scope_id=scope_id))
    return found


def _organisation_id(connection: Connection) -> str:
    """Return the organisation's id; nothing where the store has none yet, and then it has no keys either."""
    return connection.execute(select(organisations.c.id)).scalar() or ""
