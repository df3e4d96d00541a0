"""Administrative acts in the store: each written in the transaction that makes the change, and read by people.

A new one has no place in the chain yet; the ledger gives it one (`store/chain.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, insert, or_, select

from hortus.access.acts import Act, actor, change_of, compare
from hortus.base.ids import ENTROPY_BYTES, make_id
from hortus.base.time import Clock
from hortus.store.database import Store
from hortus.store.schema import acts


class Subject(msgspec.Struct, frozen=True):
    """What is changed; `project` where it belongs to one."""

    kind: str
    name: str
    project: str | None = None


class ActLog:
    """Writes acts down, in the transactions of those who make the changes."""

    def __init__(self, clock: Clock, *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._entropy = entropy

    def write(
        self, connection: Connection, subject: Subject, *, before: Mapping[str, object], after: Mapping[str, object]
    ) -> None:
        """Write down who has changed what, unless nothing differs.

        Args:
            connection: The transaction that changes it.
            subject: What is changed.
            before: The fields as they were; none for a new object.
            after: As they are now. Secrets must be in neither.
        """
        fields = compare(before, after)
        if not fields:
            return
        at_ms, who = self._clock.now_ms(), actor()
        act = Act(
            act_id=make_id("act", at_ms, entropy=self._entropy(ENTROPY_BYTES)),
            at_ms=at_ms,
            by=who.by,
            operation=who.operation,
            change=change_of(before, after),
            kind=subject.kind,
            name=subject.name,
            project=subject.project,
            fields=fields,
        )
        _insert(connection, act)


def _insert(connection: Connection, act: Act) -> None:
    row = {"act_id": act.act_id, "at_ms": act.at_ms, "kind": act.kind, "project": act.project}
    connection.execute(insert(acts).values(row | {"seq": None, "record": msgspec.json.encode(act)}))


class ChainedAct(msgspec.Struct, frozen=True):
    """An act and its place in the chain, None for the moment before the ledger takes it in."""

    act: Act
    seq: int | None


class ActTable:
    """Reads acts, and writes those that change nothing in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, act: Act) -> None:
        """Write down an act that changes nothing in the store: what is kept of content was read or erased."""
        with self._store.writing() as connection:
            _insert(connection, act)

    def acts(
        self, *, kind: str | None = None, project: str | None = None, limit: int = 20, before: str | None = None
    ) -> list[ChainedAct]:
        """Return acts, newest first.

        Args:
            kind: Of the object.
            project: Name of the project that the object belongs to.
            limit: How many at most.
            before: Id of an act; only older ones are returned. An unknown id is older than nothing.
        """
        query = select(acts.c.record, acts.c.seq).order_by(acts.c.at_ms.desc(), acts.c.act_id.desc()).limit(limit)
        if kind is not None:
            query = query.where(acts.c.kind == kind)
        if project is not None:
            query = query.where(acts.c.project == project)
        with self._store.reading() as connection:
            if before is not None:
                mark = connection.execute(select(acts.c.at_ms).where(acts.c.act_id == before)).scalar()
                at_ms = -1 if mark is None else mark
                query = query.where(or_(acts.c.at_ms < at_ms, and_(acts.c.at_ms == at_ms, acts.c.act_id < before)))
            rows: Any = connection.execute(query).all()
        return [ChainedAct(msgspec.json.decode(record, type=Act), seq) for record, seq in rows]
