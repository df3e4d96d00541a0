"""What the ledger needs from the store: somewhere to put receipts, grants and leases to hand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from hortus.base.errors import InstallationError
from hortus.limits.pool import Outcome
from hortus.limits.ports import Ask
from hortus.receipts.claims import Claim, Claimed
from hortus.receipts.records import JournalRecord, Receipt
from hortus.receipts.segment import Position
from hortus.snapshot.grants import Grant


class StoreUnavailable(InstallationError):  # noqa: N818 -- a state that passes, told apart from a wrong installation
    """The store cannot be used now: locked for long, its disk full, or its file moved away. Trying again may help."""

    code = "store_unavailable"


class Misplaced(Exception):  # noqa: N818 -- an answer of the store, which nobody sees: go on from `actual`
    """A batch does not start where the store's last one of that segment ended; nothing was written.

    Attributes:
        actual: Where it ended.
    """

    def __init__(self, segment: str, actual: Position) -> None:
        super().__init__(segment)
        self.actual = actual


class Batch(msgspec.Struct, frozen=True):
    """Records of one segment that go into the store together with the place where they end.

    Attributes:
        segment: Name of the segment's file.
        writer: Who wrote it; unique to one life of one process.
        start: Where the records begin; the store refuses any other place than the one it has.
        end: Where to go on next time.
        damage: What was skipped between start and end because it could not be read.
    """

    segment: str
    writer: str
    start: Position
    end: Position
    records: tuple[JournalRecord, ...] = ()
    damage: str | None = None


class Absorbed(msgspec.Struct, frozen=True):
    """What one batch, or one death of a writer, became.

    Attributes:
        receipts: Receipts that were completed and written.
        doubled: Records that the store already had; they changed nothing.
        done: Those receipts.
    """

    receipts: int = 0
    doubled: int = 0
    done: tuple[Receipt, ...] = ()


class ReceiptStore(Protocol):
    """Where receipts go. Every call is one transaction, and on the disk when it returns: segments go on its word.

    Any of them may raise StoreUnavailable.
    """

    def positions(self) -> Mapping[str, Position]:
        """Return how far each segment that is not archived has been absorbed."""
        ...

    def absorb(self, batch: Batch) -> Absorbed:
        """Write what the batch completes, keep what still runs, and remember where it ended.

        Raises:
            Misplaced: The store's position is not the batch's start.
        """
        ...

    def waiting_writers(self) -> frozenset[str]:
        """Return the writers of records whose requests are not over."""
        ...

    def bury(self, writer: str) -> Absorbed:
        """A writer is dead and all it wrote is absorbed: what still waits becomes `interrupted`."""
        ...

    def archive(self, segment: str) -> None:
        """Remember that nothing more will come from a segment. All of it must outlive a power cut by now."""
        ...

    def archived_before(self, instant_ms: int) -> Mapping[str, bool]:
        """Return the segments that were archived before an instant, oldest first, and whether each was damaged."""
        ...

    def forget(self, names: Sequence[str]) -> None:
        """Remember no longer that there were these archived segments: their files are gone."""
        ...


class GrantStore(Protocol):
    """Where grants come from; both may raise StoreUnavailable."""

    def grant(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest or its pair's access key id, None for an unknown or revoked key."""
        ...

    def access_version(self) -> int:
        """Return a number that grows with every change of keys, projects or limits."""
        ...


class PoolAsk(msgspec.Struct, frozen=True):
    """What one writer asks of one pool."""

    writer: str
    ask: Ask


class Alert(msgspec.Struct, frozen=True):
    """A pool of which so much is spent that people want to know it.

    Attributes:
        percent: The highest of the limit's `alert_at` that is reached.
    """

    limit_id: str
    pool: str
    percent: int
    spent: Decimal
    amount: Decimal


class LeaseStore(Protocol):
    """What writers hold of pools. Every call is one transaction; any of them may raise StoreUnavailable."""

    def lease(self, asks: Sequence[PoolAsk]) -> Sequence[Outcome]:
        """Settle asks in their order; what was granted is on the disk when it returns."""
        ...

    def weigh(self) -> Sequence[Alert]:
        """Return the alerts of what was spent since the last call, each once, and remember them."""
        ...

    def tidy(self) -> None:
        """Forget the pools of minutes that are long over."""
        ...

    def lease_writers(self) -> frozenset[str]:
        """Return the writers that hold leases."""
        ...


class ClaimStore(Protocol):
    """Where claims lie; each call is one transaction. Any may raise StoreUnavailable."""

    def claim(self, claim: Claim) -> Claimed:
        """Take the key, unless a request that runs or has succeeded has it."""
        ...

    def end(self, claim: Claim, *, is_done: bool) -> None:
        """The request is over: it has succeeded and keeps the key, or it has not and leaves it to others."""
        ...

    def forget(self, before_ms: int) -> None:
        """Forget what has ended before an instant."""
        ...
