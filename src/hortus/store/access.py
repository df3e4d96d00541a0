"""Organisation, projects and keys in the store, and the grants that follow from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from hortus.access.objects import Key, Organisation, Project
from hortus.base.errors import ConfigurationError
from hortus.base.ids import ENTROPY_BYTES, make_id
from hortus.base.secrets import DIGEST_SCHEME, read_pair_name
from hortus.base.time import Clock
from hortus.snapshot.declared import ProjectSpec
from hortus.snapshot.grants import Grant
from hortus.store.acts import ActLog, Subject
from hortus.store.conflicts import NotStored, check_origin
from hortus.store.counters import ACCESS_VERSION, bump, read_counter
from hortus.store.database import Store
from hortus.store.limits import LimitTable
from hortus.store.schema import keys, organisations, projects

FIRST_NAME = "My organisation"
"""What the organisation is called until somebody names it."""


class AccessTable:
    """Reads and changes who may do what. Every change bumps `access_version` in the same transaction."""

    def __init__(self, store: Store, clock: Clock, *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._acts = ActLog(clock, entropy=entropy)
        self._limits = LimitTable(store)

    def organisation(self) -> Organisation:
        """Return the owner of this installation, made at the first call."""
        with self._store.reading() as connection:
            row = connection.execute(select(organisations)).mappings().first()
        if row is None:
            with self._store.writing() as connection:
                return self._ensure_organisation(connection)
        return Organisation(id=row["id"], name=row["name"])

    def rename_organisation(self, name: str) -> Organisation:
        """Give the organisation another name."""
        with self._store.writing() as connection:
            known = self._ensure_organisation(connection)
            connection.execute(update(organisations).values(name=name))
            subject = Subject("organisation", known.id)
            self._acts.write(connection, subject, before={"name": known.name}, after={"name": name})
        return Organisation(id=known.id, name=name)

    def projects(self, include_retired: bool = False) -> list[Project]:  # noqa: FBT001, FBT002 -- one flag, as agreed
        """Return all projects by name."""
        query = select(projects).order_by(projects.c.name)
        if not include_retired:
            query = query.where(projects.c.retired_at_ms.is_(None))
        with self._store.reading() as connection:
            return [_to_project(row) for row in connection.execute(query).mappings()]

    def project(self, name: str) -> Project | None:
        """Return a project, retired or not; None where there is none of this name."""
        with self._store.reading() as connection:
            row = _find_project(connection, name)
        return _to_project(row) if row else None

    def put_project(self, spec: ProjectSpec, *, origin: str) -> Project:
        """Make a project, change it, or bring a retired one back with its keys.

        Raises:
            OriginConflict: One of this name is in use and has another origin.
        """
        with self._store.writing() as connection:
            row = _find_project(connection, spec.name)
            if row:
                check_origin("project", spec.name, stored=row, origin=origin)
            values: dict[str, Any] = {
                "routes": _encode(spec.routes),
                "loss": spec.loss,
                "policy": spec.policy,
                "shadow_policy": spec.shadow_policy,
                "keep_content_days": spec.keep_content_days,
                "origin": origin,
                "retired_at_ms": None,
            }
            if row and all(row[name] == value for name, value in values.items()):
                return _to_project(row)
            if row:
                connection.execute(update(projects).where(projects.c.id == row["id"]).values(values))
            else:
                values |= {"id": self._make_id("prj"), "name": spec.name, "created_at_ms": self._clock.now_ms()}
                connection.execute(insert(projects).values(values))
            bump(connection, ACCESS_VERSION)
            changed = _find_project(connection, spec.name)
            assert changed is not None  # noqa: S101 -- written a line ago, in this transaction
            self._record_project(connection, row, changed)
            return _to_project(changed)

    def retire_project(self, name: str) -> None:
        """Take a project out of use: its keys stop working, its receipts stay. Retired already: nothing happens.

        Raises:
            NotStored: There is none of this name.
        """
        with self._store.writing() as connection:
            row = _find_project(connection, name)
            if row is None:
                raise NotStored("project", name)
            if row["retired_at_ms"] is None:
                now_ms = self._clock.now_ms()
                connection.execute(update(projects).where(projects.c.id == row["id"]).values(retired_at_ms=now_ms))
                bump(connection, ACCESS_VERSION)
                self._record_project(connection, row, {**row, "retired_at_ms": now_ms})

    def keys(self, project: str | None = None) -> list[Key]:
        """Return keys, revoked ones too, in the order in which they were made."""
        query = _select_keys().order_by(keys.c.created_at_ms, keys.c.id)
        if project is not None:
            query = query.where(projects.c.name == project)
        with self._store.reading() as connection:
            return [_to_key(row) for row in connection.execute(query).mappings()]

    def add_key(
        self, *, project: str, name: str, digest: str, hint: str, secret_version: int, expires_at_ms: int | None
    ) -> Key:
        """Write down a key that was just made.

        Raises:
            NotStored: There is no such project, or it is retired.
            ConfigurationError: The digest is taken.
        """
        with self._store.writing() as connection:
            row = _find_project(connection, project)
            if row is None or row["retired_at_ms"] is not None:
                raise NotStored("project", project)
            key_id = self._make_id("key")
            values = {
                "id": key_id,
                "project_id": row["id"],
                "name": name,
                "digest": digest,
                "digest_scheme": DIGEST_SCHEME,
                "secret_version": secret_version,
                "hint": hint,
                "created_at_ms": self._clock.now_ms(),
                "expires_at_ms": expires_at_ms,
            }
            try:
                connection.execute(insert(keys).values(values))
            except IntegrityError as error:
                raise ConfigurationError("this key exists already.", path=name, hint="Make a new key.") from error
            bump(connection, ACCESS_VERSION)
            return self._record_key(connection, key_id, before=None)

    def revoke_key(self, key_id: str) -> Key:
        """Make a key useless for ever. Revoked already: nothing happens.

        Raises:
            NotStored: There is no such key.
        """
        with self._store.writing() as connection:
            row = connection.execute(_select_keys().where(keys.c.id == key_id)).mappings().first()
            if row is None:
                raise NotStored("key", key_id)
            if row["revoked_at_ms"] is None:
                connection.execute(update(keys).where(keys.c.id == key_id).values(revoked_at_ms=self._clock.now_ms()))
                bump(connection, ACCESS_VERSION)
            return self._record_key(connection, key_id, before=row)

    def grant(self, digest: str) -> Grant | None:
        """Return what a key may do; None if it is unknown, revoked, or its project retired.

        Args:
            digest: Of the key; or the access key id of its pair, which must be of the version that keyed the digest.
        """
        pair = read_pair_name(digest)
        if pair is None:
            is_meant = keys.c.digest == digest
        else:
            is_meant = and_(keys.c.id == pair.key_id, keys.c.secret_version == pair.version)
        query = (
            select(keys.c.id, keys.c.name, keys.c.expires_at_ms, keys.c.project_id, projects.c.routes)
            .add_columns(projects.c.name.label("project"), projects.c.loss)
            .add_columns(projects.c.policy, projects.c.shadow_policy, projects.c.keep_content_days)
            .join_from(keys, projects)
            .where(is_meant, keys.c.revoked_at_ms.is_(None), projects.c.retired_at_ms.is_(None))
        )
        with self._store.reading() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            limits = self._limits.binding(connection, key_id=row["id"], project_id=row["project_id"])
        return Grant(
            key_id=row["id"],
            key_name=row["name"],
            project_id=row["project_id"],
            project=row["project"],
            routes=_decode(row["routes"]),
            expires_at_ms=row["expires_at_ms"],
            loss=row["loss"],
            limits=limits,
            policy=row["policy"],
            shadow_policy=row["shadow_policy"],
            keep_content_days=row["keep_content_days"],
        )

    def access_version(self) -> int:
        """Return a number that grows with every change of keys, projects or limits."""
        with self._store.reading() as connection:
            return read_counter(connection, ACCESS_VERSION)

    def _ensure_organisation(self, connection: Connection) -> Organisation:
        row = connection.execute(select(organisations)).mappings().first()
        if row:
            return Organisation(id=row["id"], name=row["name"])
        made = Organisation(id=self._make_id("org"), name=FIRST_NAME)
        now_ms = self._clock.now_ms()
        connection.execute(insert(organisations).values(id=made.id, name=made.name, created_at_ms=now_ms))
        return made

    def _record_project(self, connection: Connection, before: RowMapping | None, after: Mapping[Any, Any]) -> None:
        subject = Subject("project", after["name"], after["name"])
        self._acts.write(connection, subject, before=_shown_project(before), after=_shown_project(after))

    def _record_key(self, connection: Connection, key_id: str, *, before: RowMapping | None) -> Key:
        """Write down what has become of a key, and return it."""
        after = _to_key(connection.execute(_select_keys().where(keys.c.id == key_id)).mappings().one())
        was = _shown_key(_to_key(before)) if before is not None else {}
        self._acts.write(connection, Subject("key", key_id, after.project), before=was, after=_shown_key(after))
        return after

    def _make_id(self, prefix: str) -> str:
        return make_id(prefix, self._clock.now_ms(), entropy=self._entropy(ENTROPY_BYTES))


def _encode(routes: tuple[str, ...]) -> str:
    return msgspec.json.encode(routes).decode()


def _decode(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def _find_project(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(select(projects).where(projects.c.name == name)).mappings().first()


def _to_project(row: RowMapping) -> Project:
    return Project(
        id=row["id"],
        name=row["name"],
        routes=_decode(row["routes"]),
        origin=row["origin"],
        created_at_ms=row["created_at_ms"],
        retired_at_ms=row["retired_at_ms"],
        loss=row["loss"],
        policy=row["policy"],
        shadow_policy=row["shadow_policy"],
        keep_content_days=row["keep_content_days"],
    )


def _shown_project(row: Mapping[Any, Any] | None) -> dict[str, object]:
    """Return what an act says of a project."""
    if row is None:
        return {}
    shown = ("name", "loss", "policy", "shadow_policy", "keep_content_days", "origin", "retired_at_ms")
    return {name: row[name] for name in shown} | {"routes": _decode(row["routes"])}


def _shown_key(key: Key) -> dict[str, object]:
    """Return what an act says of a key: neither digest nor last letters."""
    return {name: getattr(key, name) for name in ("name", "secret_version", "expires_at_ms", "revoked_at_ms")}


def _select_keys() -> Select[Any]:
    return select(keys, projects.c.name.label("project")).join_from(keys, projects)


def _to_key(row: RowMapping) -> Key:
    return Key(**{name: row[name] for name in Key.__struct_fields__})
