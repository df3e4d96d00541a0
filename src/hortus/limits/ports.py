"""What passes between who needs part of a limit, the worker's purse, and the ledger that shares the limit out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from hortus.limits.limit import Limit


class Want(msgspec.Struct, frozen=True, gc=False):
    """What one attempt must reserve of one pool, at most.

    Attributes:
        pool: `period.pool_id` of a hard limit in the period in which the request began.
        limit_amount: All of the limit, for the size of the portions that are fetched.
    """

    pool: str
    limit_id: str
    amount: Decimal
    limit_amount: Decimal


class Ask(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a writer says to the ledger about one pool.

    Attributes:
        limit: The limit's id.
        held: All that this writer has been granted of the pool so far, less what it gives back with this.
        need: Without this much more, a request is refused.
        want: Good to have on top.
    """

    pool: str
    limit: str
    held: Decimal
    need: Decimal = Decimal(0)
    want: Decimal = Decimal(0)


class Reply(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the ledger answers.

    Attributes:
        granted: All that this writer has been granted so far; less than held and needed together: refused.
        left: What nobody has been granted.
        reserved_elsewhere: What other writers hold and have not spent, as far as receipts tell.
        limit: The limit's amount now.
        end_ms: Where the pool's period ends.
        is_known: False where there is no such limit, or its periods are others now: whoever asks is not up to date.
    """

    pool: str
    granted: Decimal
    left: Decimal
    reserved_elsewhere: Decimal
    limit: Decimal
    end_ms: int | None = None
    is_known: bool = True


class Shortage(msgspec.Struct, frozen=True, gc=False):
    """Why nothing was reserved: this pool has no room.

    Attributes:
        left: Neither spent nor reserved by anybody.
        reserved: By requests that run, here or elsewhere; part of it comes back when they end.
        limit: All of the limit.
    """

    pool: str
    limit_id: str
    left: Decimal
    reserved: Decimal
    limit: Decimal


class Leases(Protocol):
    """What a worker may take of limits. Every reservation ends with `settle` or `free`, for each of its pools."""

    def try_reserve(self, wants: Sequence[Want]) -> bool:
        """Reserve all of it out of what this worker holds, or nothing; never waits."""
        ...

    async def reserve(self, wants: Sequence[Want]) -> Shortage | None:
        """Reserve all of it, asking the ledger where that is needed; None: reserved. Cancelled: nothing is.

        Raises:
            hortus.canon.errors.NotReady: The ledger cannot be asked, or this worker's limits are not up to date.
        """
        ...

    def settle(self, pool: str, reserved: Decimal, *, charged: Decimal) -> None:
        """End a reservation with what it took, which may be more than was reserved."""
        ...

    def free(self, pool: str, reserved: Decimal) -> None:
        """End a reservation of which nothing was used."""
        ...


class LimitBook(Protocol):
    """The limits as they are declared now."""

    def limit(self, limit_id: str) -> Limit | None:
        """Return a limit, None where there is none (any more). May raise what a store raises."""
        ...
