"""What may a file of requests use at most, once a host works through it, and what was charged for that beforehand?

The lines are summed up as they pass, before any of them is run.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hortus.canon.usage import Usage


class Work(msgspec.Struct, frozen=True, array_like=True):
    """The requests of one file, together.

    Attributes:
        route: Which all of them name.
        operation: What all of them ask for, such as `chat`.
        requests: How many there are.
        input_bytes: Of their bodies.
        output_tokens: Most output tokens of those that name a limit, all their choices together.
        unlimited: Answers that are wanted without such a limit.
        images: Pictures in them; likewise the next two.
        documents: Files in them.
        kept: What the host adds of its own accord.
        searches: Whether the host may search for any of them.
        server_tools: Whether it may run other tools of its own, or anything else is used that nothing here bounds.
        longest_bytes: Of the longest of their bodies; 0: unknown.
        looked_at: For which policy guards have read them, as receipts name it; empty: for none.
    """

    route: str
    operation: str
    requests: int = 0
    input_bytes: int = 0
    output_tokens: int = 0
    unlimited: int = 0
    images: int = 0
    documents: int = 0
    kept: int = 0
    searches: bool = False
    server_tools: bool = False
    longest_bytes: int = 0
    looked_at: str = ""


class Share(msgspec.Struct, frozen=True, array_like=True):
    """A budget that was charged beforehand.

    Attributes:
        pool: The budget, in the period in which the work was begun.
        factor: What the price's currency is worth in the budget's.
        is_hard: Whether it refuses what does not fit.
    """

    pool: str
    factor: Decimal
    is_hard: bool


class Advance(msgspec.Struct, frozen=True, array_like=True):
    """What work was charged when it was begun, before anybody knew what it would use.

    Attributes:
        usage: What it was taken to use.
        cost: In `currency`; None where nobody knows.
        currency: The price's; None where there was none.
        shares: The budgets that were charged.
    """

    usage: Usage
    cost: Decimal | None
    currency: str | None
    shares: tuple[Share, ...] = ()
