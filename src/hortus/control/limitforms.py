"""What the admin API takes and answers about limits, budgets and currency rates. Amounts are decimal strings."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from hortus.control.endpointforms import Amount, Count, Currency
from hortus.control.models import Ask, ShortName
from hortus.control.views import Instant, ObjectView, View
from hortus.snapshot.declared import BudgetPeriod, LimitKind


class LimitWanted(Ask):
    """A bound on what a key, a project or the whole organisation may use; a limit of money is a budget."""

    name: ShortName
    project: Annotated[str | None, Field(description="Name of the project that it binds.")] = None
    key: Annotated[
        str | None,
        Field(description="Id (or name) of the key that it binds; the organisation where there is no project either."),
    ] = None
    requests_per_minute: Annotated[Count | None, Field(description="One measure of the four; 0 blocks.")] = None
    tokens_per_minute: Annotated[Count | None, Field(description="Input and output together.")] = None
    concurrent_requests: Annotated[Count | None, Field(description="Requests that run at the same time.")] = None
    money: Annotated[Amount | None, Field(description="An exact amount, as text; 0 blocks.", examples=["500"])] = None
    currency: Annotated[Currency | None, Field(description="Of the amount (ISO 4217).")] = None
    per: Annotated[BudgetPeriod | None, Field(description="How long the amount has to last.")] = None
    kind: Annotated[LimitKind, Field(description="`hard` refuses what is over it, `soft` only alerts.")] = "hard"
    timezone: Annotated[
        str | None, Field(description="IANA name of the zone in which days, months and years begin; UTC where absent.")
    ] = None
    year_starts_in: Annotated[
        Count | None, Field(description="Month (1 to 12) in which a fiscal year begins; 1 where absent.")
    ] = None
    alert_at: Annotated[tuple[Count, ...], Field(description="Percentages at which `hortus status` tells of it.")] = (
        80,
        100,
    )


class LimitsWanted(Ask):
    """Which limits to list; every member that is set must hold."""

    include_retired: Annotated[bool, Field(description="Whether retired ones are listed too.")] = False
    budgets: Annotated[bool | None, Field(description="Only those of money, or only the others.")] = None
    project: Annotated[str | None, Field(description="Only those that bind this project, or a key of it.")] = None


class OneLimit(Ask):
    """A limit by its name."""

    name: ShortName


class RateWanted(Ask):
    """A currency rate of the organisation's own."""

    model_config = ConfigDict(populate_by_name=True)

    from_currency: Annotated[Currency, Field(alias="from", description="ISO 4217 code.")]
    to_currency: Annotated[Currency, Field(alias="to", description="ISO 4217 code.")]
    factor: Annotated[Amount, Field(description="What one unit of `from` is worth in `to`.", examples=["1.0834"])]
    since: Annotated[date, Field(description="Day (UTC) from which on it holds.")]
    source: Annotated[str, Field(max_length=1000, description="Who says so: a page, a contract, a decision.")]


class OneRate(Ask):
    """A rate by its name."""

    name: Annotated[str, Field(max_length=128, description="Such as `EUR-USD@2026-11-01`.")]


class StandingView(View):
    """How much of a limit is used in the period that runs now."""

    pool: Annotated[str, Field(description="Limit and period, as receipts name them.")]
    start_ms: Instant
    end_ms: Annotated[int | None, Field(description="End of the period (UTC, ms); null: it never ends.")] = None
    spent: Annotated[Amount, Field(description="What is settled, as far as the ledger has taken it in.")]
    reserved: Annotated[Amount, Field(description="Upper bound of what runs now.")]
    leased: Annotated[Amount, Field(description="Given to workers in portions and not spent: what is reserved, too.")]
    left: Annotated[Amount, Field(description="Neither spent nor leased; below zero where a soft limit is over.")]


class LimitView(ObjectView):
    """A limit, and how it stands."""

    id: Annotated[str, Field(description="Name of what is counted; another one when measure, period or scope change.")]
    scope: Annotated[str, Field(description="`organisation`, `project` or `key`.")]
    project: Annotated[str | None, Field(description="The project that it binds, or whose key it binds.")] = None
    key: Annotated[str | None, Field(description="Id of the key that it binds.")] = None
    key_name: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    money: Amount | None = None
    currency: str | None = None
    per: str | None = None
    kind: LimitKind
    timezone: Annotated[str | None, Field(description="Zone of its periods; null where that means nothing.")] = None
    year_starts_in: int | None = None
    alert_at: tuple[int, ...]
    standing: Annotated[StandingView | None, Field(description="Null where it is retired.")] = None
    state: Annotated[
        str,
        Field(description="`fine`, `alert` (at or over a percentage of `alert_at`), `over` (used up) or `retired`."),
    ]


class LimitList(View):
    """Limits, by name."""

    limits: list[LimitView]


class RateView(ObjectView):
    """A currency rate of the organisation's own."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_currency: Annotated[str, Field(alias="from")]
    to_currency: Annotated[str, Field(alias="to")]
    factor: Amount
    since: date
    source: str


class RateList(View):
    """Own rates, by name; the catalog's come after them."""

    rates: list[RateView]
