"""What a worker keeps of content and finds again: seals and owners of hosts' ids, for the whole machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from hortus.base.secrets import SecretVersions
from hortus.base.time import Clock
from hortus.canon.dialect import HostIdKind
from hortus.content.box import Box
from hortus.content.database import Database
from hortus.content.ports import NO_NOTE, Note, NotKept, Owner, Thing
from hortus.content.shelf import Bounds, Shelf
from hortus.content.things import LASTING, Things

LONGEST_SEAL_BYTES = 1024 * 1024
MOST_SEAL_BYTES = 1024 * 1024 * 1024
"""Of all seals together."""

_MOST_ID_BYTES = 64 * 1024 * 1024 * 1024  # the number of ids bounds them; an owner is short
_RENEWED_AFTER_MS = 86_400_000
"""A claim of an id that is younger than this writes nothing: each turn of a conversation claims it."""

_MARK = 4
"""Characters by which ids of sealed calls end that clients got (`gateway.sealing`)."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS

_read_owner = msgspec.json.Decoder(Owner).decode


class Kind(msgspec.Struct, frozen=True):
    """One kind of what is kept: its table, and the purpose from which its keys are derived."""

    table: str
    purpose: str


SEALS = Kind("seals", "seals")
HOST_IDS = Kind("host_ids", "ids of hosts")


class KeptBounds(msgspec.Struct, frozen=True):
    """How much is kept, and for how long."""

    seals: int = 100_000
    seals_hours: int = 24
    host_ids: int = 1_000_000
    host_ids_days: int = 60

    def age_ms(self, kind: Kind) -> int:
        """Return how long one of a kind is kept."""
        return self.seals_hours * _HOUR_MS if kind == SEALS else self.host_ids_days * _DAY_MS


class KeptContent:
    """Implements `content.ports.Seals` and `content.ports.HostIds`; for one thread, but for `sweep`.

    Args:
        directory: Where the file lies.
        secrets: Versions of the installation's secret; the newest one writes, all read.
        bounds: How much is kept.
        clock: Tells how old things are.
        entropy: Source of random bytes.
    """

    def __init__(
        self,
        directory: Path,
        secrets: SecretVersions,
        *,
        bounds: KeptBounds,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._clock = clock
        self._seals = Shelf(
            SEALS.table,
            Box(SEALS.purpose, secrets, entropy=entropy),
            bounds=Bounds(bounds.seals, MOST_SEAL_BYTES, bounds.age_ms(SEALS)),
            clock=clock,
        )
        self._host_ids = Shelf(
            HOST_IDS.table,
            Box(HOST_IDS.purpose, secrets, entropy=entropy),
            bounds=Bounds(bounds.host_ids, _MOST_ID_BYTES, bounds.age_ms(HOST_IDS)),
            clock=clock,
        )
        self._database = Database(directory, (self._seals.definition, self._host_ids.definition), clock=clock)
        self._things = Things(directory, secrets, most=bounds.host_ids, clock=clock, entropy=entropy)

    def keep(self, project_id: str, endpoint: str, call_id: str, data: bytes) -> None:
        """Keep the seal of one tool call; the latest of a call counts.

        Raises:
            NotKept: It is too large, or cannot be written.
        """
        if len(data) > LONGEST_SEAL_BYTES:
            raise NotKept(f"a seal of {len(data)} bytes is not kept; {LONGEST_SEAL_BYTES} are the most.")
        parts = (project_id, endpoint, call_id)
        self._database.write(lambda connection: self._seals.put(connection, parts, data=data))

    def find(self, project_id: str, endpoint: str, call_id: str) -> bytes | None:
        """Return the seal; None if it was never kept, is over its time, was pushed out, or cannot be read."""
        try:
            found = self._database.read(
                lambda connection: self._seals.find(connection, (project_id, endpoint, call_id))
            )
        except NotKept:  # the log has it
            return None
        return found.data if found is not None else None

    def claim(self, project_id: str, endpoint: str, kind: HostIdKind, host_id: str, *, note: Note = NO_NOTE) -> None:
        """Remember an owner; the first one stays for as long as it is remembered, and a further claim renews it.

        Of kinds that hosts keep until they are deleted the note is kept, too.

        Raises:
            NotKept: The id has another owner, or cannot be written: it stays unknown to this one.
        """
        if kind in LASTING:
            self._things.claim(Thing(project_id, endpoint, kind, host_id, self._clock.now_ms(), note))
            return
        parts, claimed = (kind, host_id), msgspec.json.encode(Owner(project_id, endpoint))
        self._database.write(lambda connection: self._claim(connection, parts, claimed=claimed))

    def owner(self, kind: HostIdKind, host_id: str) -> Owner | None:
        """Return the owner; None for an id that nobody claimed, that is over its time, or that cannot be read."""
        if kind in LASTING:
            thing = self.thing(kind, host_id)
            return Owner(thing.project_id, thing.endpoint) if thing is not None else None
        try:
            found = self._database.read(lambda connection: self._host_ids.find(connection, (kind, host_id)))
        except NotKept:  # the log has it
            return None
        return _read_owner(found.data) if found is not None else None

    def thing(self, kind: HostIdKind, host_id: str) -> Thing | None:
        """Return what is known of something that a host keeps until it is deleted; None as in `owner`."""
        try:
            return self._things.find(kind, host_id)
        except NotKept:  # the log has it
            return None

    def things(self, project_id: str, kind: HostIdKind, *, after: str | None, limit: int) -> list[Thing] | None:
        """Return what hosts keep for a project, newest first; None where it has nothing with the id `after`.

        Raises:
            NotKept: It cannot be read now.
        """
        return self._things.of_project(project_id, kind, after=after, limit=limit)

    def take_advance(self, kind: HostIdKind, host_id: str) -> Note | None:
        """Return what is noted of something that was charged beforehand, to the first who asks; then None, for ever.

        Raises:
            NotKept: It cannot be written down that somebody has it now, so nobody has.
        """
        return self._things.take_advance(kind, host_id)

    def release(self, kind: HostIdKind, host_id: str) -> None:
        """Forget something that its host keeps no longer.

        Raises:
            NotKept: It cannot be written.
        """
        self._things.forget(kind, host_id)

    def forget(self, project_id: str, endpoint: str, *, ids: Sequence[str]) -> tuple[int, int]:
        """Forget what is kept under ids that an answer gave out: seals of its calls, and that they are the project's.

        Returns:
            How many seals, and how many owners of ids.

        Raises:
            NotKept: It cannot be written.
        """

        def forget(connection: sqlite3.Connection) -> tuple[int, int]:
            seals = owners = 0
            for one in ids:
                bare = one[:-_MARK] if one[-_MARK:].startswith("_hs") else one
                seals += self._seals.forget(connection, (project_id, endpoint, bare))
                found = self._host_ids.find(connection, ("response", one))
                if found is not None and _read_owner(found.data).project_id == project_id:
                    owners += self._host_ids.forget(connection, ("response", one))
            return seals, owners

        return self._database.write(forget)

    def sweep(self) -> int:
        """Push out what is too old or too much, bring the rest to the disk, return how many went. For another thread.

        Raises:
            NotKept: The file cannot be used now.
        """
        gone = self._database.sweep(lambda connection: self._seals.sweep(connection) + self._host_ids.sweep(connection))
        return gone + self._things.sweep()

    def close(self) -> None:
        """Close the files."""
        self._database.close()
        self._things.close()

    def _claim(self, connection: sqlite3.Connection, parts: tuple[str, str], *, claimed: bytes) -> None:
        found = self._host_ids.find(connection, parts)
        if found is not None and found.data != claimed:
            raise NotKept("this id of a host belongs to another project or endpoint.")
        if found is None or found.at_ms <= self._clock.now_ms() - _RENEWED_AFTER_MS:
            self._host_ids.put(connection, parts, data=claimed)
