"""A limit: what bounds whom by how much in which time. A budget is a limit whose measure is money."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Scope = Literal["organisation", "project", "key"]
Measure = Literal["requests", "tokens", "concurrent", "money"]
PeriodKind = Literal["minute", "day", "month", "fiscal_year", "total", "none"]

ALERT_AT = (80, 100)
"""Percents of a limit at which the ledger says so, unless the limit has its own."""


class Limit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One declared bound.

    Attributes:
        id: Its declared name; pools are named after it.
        scope_id: Id of the project or key; of the organisation where the scope is that.
        measure: `requests` and `tokens` are counted by the calendar minute (UTC), `concurrent` has no period.
        amount: In `currency` where the measure is money, else a whole number.
        is_hard: Refuses what does not fit. A soft limit only alerts: it has no leases, for what it takes is known
            from the charges in receipts.
        timezone: IANA name; days, months and fiscal years begin at its midnight.
        year_starts_in: Month with which a fiscal year begins.
        alert_at: Percents at which the ledger says once that so much is spent.
    """

    id: str
    name: str
    scope: Scope
    scope_id: str
    measure: Measure
    amount: Decimal
    period: PeriodKind
    currency: str | None = None
    is_hard: bool = True
    timezone: str = "UTC"
    year_starts_in: int = 1
    alert_at: tuple[int, ...] = ALERT_AT
