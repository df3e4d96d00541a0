"""Which calls bring a seal back, tell whose an id is that a host gave out, and keep what a client sent and got?

Seals are opaque bytes of a maker, without which its next turn fails. Ids of hosts belong to the project and endpoint
that made them. Every call is quick enough for an event loop or waits beside it; none waits for ledger, control or
store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from hortus.base.errors import HortusError
from hortus.canon.dialect import HostIdKind
from hortus.canon.work import Advance, Work
from hortus.content.exchange import Exchange


class NotKept(HortusError):  # noqa: N818 -- a state that a request goes on with, named as canon's faults are
    """Something could not be kept: the disk is full or broken, or the id is somebody else's. The request may go on."""

    code = "content_not_kept"


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """Whose an id is, and at which endpoint it means something."""

    project_id: str
    endpoint: str


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What is to be known of something that a host keeps when it is named again.

    Attributes:
        work: Of a file of requests, and of what runs it: what they may use.
        advance: What was charged for it beforehand, until that is set right.
    """

    work: Work | None = None
    advance: Advance | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return self.work is None and self.advance is None


NO_NOTE = Note()


class Thing(msgspec.Struct, frozen=True, array_like=True):
    """Something that a host keeps for a project until it is deleted."""

    project_id: str
    endpoint: str
    kind: HostIdKind
    id: str
    at_ms: int
    note: Note = NO_NOTE


class Seals(Protocol):
    """Brings seals back to the project and endpoint that they came for; shared by all workers of the machine."""

    def keep(self, project_id: str, endpoint: str, call_id: str, data: bytes) -> None:
        """Keep the seal of one tool call; the latest of a call counts.

        Raises:
            NotKept: It is too large, or cannot be written.
        """
        ...

    def find(self, project_id: str, endpoint: str, call_id: str) -> bytes | None:
        """Return the seal; None if it was never kept, is over its time, was pushed out, or cannot be read."""
        ...


class HostIds(Protocol):
    """Remembers who owns which id of a host; shared by all workers of the machine."""

    def claim(self, project_id: str, endpoint: str, kind: HostIdKind, host_id: str, *, note: Note = NO_NOTE) -> None:
        """Remember an owner; the first one stays for as long as it is remembered, and a further claim renews it.

        Of kinds that hosts keep until they are deleted the note is kept, too.

        Raises:
            NotKept: The id has another owner, or cannot be written: it stays unknown to this one.
        """
        ...

    def forget(self, project_id: str, endpoint: str, *, ids: Sequence[str]) -> tuple[int, int]:
        """Forget what is kept under ids that an answer gave out: seals of its calls, and that they are the project's.

        Returns:
            How many seals, and how many owners of ids.

        Raises:
            NotKept: It cannot be written.
        """
        ...

    def thing(self, kind: HostIdKind, host_id: str) -> Thing | None:
        """Return what is known of something that a host keeps until it is deleted; None as in `owner`."""
        ...

    def things(self, project_id: str, kind: HostIdKind, *, after: str | None, limit: int) -> list[Thing] | None:
        """Return what hosts keep for a project, newest first; None where it has nothing with the id `after`.

        Raises:
            NotKept: It cannot be read now.
        """
        ...

    def take_advance(self, kind: HostIdKind, host_id: str) -> Note | None:
        """Return what is noted of something that was charged beforehand, to the first who asks; then None, for ever.

        Raises:
            NotKept: It cannot be written down that somebody has it now, so nobody has.
        """
        ...

    def release(self, kind: HostIdKind, host_id: str) -> None:
        """Forget something that its host keeps no longer.

        Raises:
            NotKept: It cannot be written.
        """
        ...

    def owner(self, kind: HostIdKind, host_id: str) -> Owner | None:
        """Return the owner; None for an id that nobody claimed, that is over its time, or that cannot be read."""
        ...


class KeptExchanges(Protocol):
    """Keeps what clients of projects that ask for it sent and got; shared by all workers of the machine."""

    async def keep(self, exchange: Exchange) -> None:
        """Keep one; it is kept even if nobody waits for that any longer.

        Raises:
            NotKept: It is not.
        """
        ...

    async def answer(self, project_id: str, response_id: str) -> Exchange | None:
        """Return the exchange whose answer has an id, None where the project has none such.

        Raises:
            NotKept: It cannot be found out now.
        """
        ...

    async def forget_answer(self, project_id: str, response_id: str) -> bool:
        """Let an answer be continued and fetched no longer; the exchange stays. Tell whether there was one.

        Raises:
            NotKept: It cannot be forgotten now.
        """
        ...
