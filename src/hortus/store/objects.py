"""Declared objects in the store, of every kind but projects; retired ones stay, for receipts refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from hortus.base.time import Clock
from hortus.policy.rules import Policy
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, LimitSpec, RateSpec, RouteSpec
from hortus.store.acts import ActLog, Subject
from hortus.store.conflicts import NotStored, check_origin
from hortus.store.counters import ACCESS_VERSION, OBJECTS_VERSION, bump, read_counter
from hortus.store.database import Store
from hortus.store.schema import objects

Declared = EndpointSpec | RouteSpec | DeploymentSpec | LimitSpec | RateSpec | Policy

KINDS: dict[str, type[Declared]] = {
    "endpoint": EndpointSpec,
    "route": RouteSpec,
    "deployment": DeploymentSpec,
    "limit": LimitSpec,
    "rate": RateSpec,
    "policy": Policy,
}

GRANTED_KINDS = frozenset({"limit"})
"""Kinds that grants of keys carry: a change of one is a change of access."""


class StoredObject(msgspec.Struct, frozen=True):
    """A declared object with its history.

    Attributes:
        origin: `file` when declared in `hortus.toml`, else `api`.
        where: File and line of the declaration, None for other origins.
        retired_at_ms: Instant (UTC) at which it went out of use.
    """

    kind: str
    name: str
    spec: Declared
    origin: str
    where: str | None
    created_at_ms: int
    updated_at_ms: int
    retired_at_ms: int | None


class ObjectTable:
    """Reads and changes declared objects.

    Every change bumps `objects_version` in the same transaction, and one of a limit `access_version` too.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._acts = ActLog(clock)

    def list(self, kind: str, include_retired: bool = False) -> list[StoredObject]:  # noqa: FBT001, FBT002 -- one flag
        """Return all objects of a kind by name."""
        query = select(objects).where(objects.c.kind == kind).order_by(objects.c.name)
        if not include_retired:
            query = query.where(objects.c.retired_at_ms.is_(None))
        with self._store.reading() as connection:
            return [_to_object(row) for row in connection.execute(query).mappings()]

    def get(self, kind: str, name: str) -> StoredObject | None:
        """Return an object, retired or not; None where there is none."""
        with self._store.reading() as connection:
            row = _find(connection, kind, name)
        return _to_object(row) if row else None

    def put(self, spec: Declared, *, origin: str, where: str | None) -> StoredObject:
        """Make an object, change it, or bring a retired one back. Unchanged: nothing happens, nothing is bumped.

        Raises:
            OriginConflict: One of this kind and name is in use and has another origin.
        """
        kind = kind_of(spec)
        values: dict[str, Any] = {
            "spec": msgspec.json.encode(spec).decode(),
            "origin": origin,
            "declared_where": where,
            "retired_at_ms": None,
        }
        with self._store.writing() as connection:
            row = _find(connection, kind, spec.name)
            if row:
                check_origin(kind, spec.name, stored=row, origin=origin)
            if row is None or any(row[name] != value for name, value in values.items()):
                self._write(connection, kind, spec.name, values, is_new=row is None)
                subject = Subject(kind, spec.name, _project_of(spec))
                self._acts.write(connection, subject, before=_shown(row), after=_shown(values))
            written = _find(connection, kind, spec.name)
            assert written is not None  # noqa: S101 -- written a line ago, in this transaction
            return _to_object(written)

    def retire(self, kind: str, name: str) -> None:
        """Take an object out of use. Retired already: nothing happens.

        Raises:
            NotStored: There is none of this kind and name.
        """
        with self._store.writing() as connection:
            row = _find(connection, kind, name)
            if row is None:
                raise NotStored(kind, name)
            if row["retired_at_ms"] is None:
                retired = {"retired_at_ms": self._clock.now_ms()}
                self._write(connection, kind, name, retired, is_new=False)
                subject = Subject(kind, name, _project_of(_to_object(row).spec))
                self._acts.write(connection, subject, before=_shown(row), after=_shown({**row, **retired}))

    def objects_version(self) -> int:
        """Return a number that grows with every change of an object."""
        with self._store.reading() as connection:
            return read_counter(connection, OBJECTS_VERSION)

    def _write(self, connection: Connection, kind: str, name: str, values: dict[str, Any], *, is_new: bool) -> None:
        now_ms = self._clock.now_ms()
        if is_new:
            made = {"kind": kind, "name": name, "created_at_ms": now_ms}
            connection.execute(insert(objects).values(**made, **values, updated_at_ms=now_ms))
        else:
            chosen = update(objects).where(objects.c.kind == kind, objects.c.name == name)
            connection.execute(chosen.values(**values, updated_at_ms=now_ms))
        bump(connection, OBJECTS_VERSION)
        if kind in GRANTED_KINDS:
            bump(connection, ACCESS_VERSION)


def _shown(row: Mapping[Any, Any] | None) -> dict[str, object]:
    """Return what an act says of an object; specs hold references to credentials, never credentials."""
    if row is None:
        return {}
    spec: dict[str, object] = msgspec.json.decode(row["spec"])
    return {**spec, "origin": row["origin"], "retired_at_ms": row["retired_at_ms"]}


def _project_of(spec: Declared) -> str | None:
    return spec.project if isinstance(spec, LimitSpec) else None


def kind_of(spec: Declared) -> str:
    """Return the kind of a declared object."""
    return next(kind for kind, spec_type in KINDS.items() if isinstance(spec, spec_type))


def _find(connection: Connection, kind: str, name: str) -> RowMapping | None:
    chosen = select(objects).where(objects.c.kind == kind, objects.c.name == name)
    return connection.execute(chosen).mappings().first()


def _to_object(row: RowMapping) -> StoredObject:
    return StoredObject(
        kind=row["kind"],
        name=row["name"],
        spec=msgspec.json.decode(row["spec"], type=KINDS[row["kind"]]),
        origin=row["origin"],
        where=row["declared_where"],
        created_at_ms=row["created_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        retired_at_ms=row["retired_at_ms"],
    )
