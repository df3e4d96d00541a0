"""Do the budgets agree with the receipts? What each attempt took, what a budget allows, what people are shown. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from faults.run.reconcile import Finding
from hortus.receipts.records import Attempt, Receipt

ALL, EDGE = "all-money", "edge-money"
"""Budgets of a run: one that is never reached, of everybody; and one that is, of the project `edge`."""

TOML = """
[[project]]
name = "edge"
routes = ["*"]
loss = "lenient"
[[limit]]
name = "all-money"
money = 1000000
currency = "USD"
per = "total"
[[limit]]
name = "edge-money"
project = "edge"
money = {amount}
currency = "USD"
per = "total"
[[limit]]
name = "edge-requests"
project = "edge"
requests_per_minute = 1000000
[[limit]]
name = "edge-at-once"
project = "edge"
concurrent_requests = 64
"""


class Standing(NamedTuple):
    """A budget as `hortus budgets` shows it, and its amount; what is reserved is a part of what is leased."""

    amount: Decimal
    spent: Decimal
    reserved: Decimal
    leased: Decimal
    left: Decimal


def taken(receipts: Sequence[Receipt]) -> dict[str, Decimal]:
    """Return what receipts say was taken of each budget, by its name."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for receipt in receipts:
        for attempt in receipt.attempts:
            for charge in attempt.charges:
                found[charge.pool.partition("~")[0]] += charge.amount
    return dict(found)


def compare(receipts: Sequence[Receipt], standings: Mapping[str, Standing]) -> Iterator[Finding]:
    """Yield where charges, costs, budgets and what is shown of them do not agree."""
    for receipt in receipts:
        for attempt in receipt.attempts:
            for what in _judge(attempt):
                yield Finding("wrong charge", receipt.request_id, f"{attempt.status}: {what}")
    sums = taken(receipts)
    for name, standing in standings.items():
        total = sums.get(name, Decimal(0))
        if total > standing.amount:
            yield Finding("overspent", name, f"{total} of {standing.amount}")
        if standing.spent != total:
            yield Finding("wrong charge", name, f"{standing.spent} is shown as spent, receipts took {total}")
        if standing.left < 0 or standing.spent + standing.leased + standing.left != standing.amount:
            yield Finding("wrong charge", name, f"{standing} does not add up")


def _judge(attempt: Attempt) -> Iterator[str]:
    """Yield what is wrong with the charges of one attempt; all budgets of a run are in the currency of its prices."""
    held = {hold.pool: hold.amount for hold in attempt.holds}
    charged = {charge.pool: charge.amount for charge in attempt.charges}
    if not held:
        yield "nothing was reserved"
    if charged.keys() != held.keys():
        yield f"reserved of {sorted(held)}, charged to {sorted(charged)}"
    for pool, amount in charged.items():
        if amount != (attempt.cost or Decimal(0)):
            yield f"{amount} charged to {pool}, the cost is {attempt.cost}"
        if amount > held.get(pool, Decimal(0)):
            yield f"{amount} charged to {pool}, {held.get(pool)} was reserved"
