"""What the operation that reckons receipts anew takes and gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hortus.control.models import Ask
from hortus.control.views import View


class RecomputeQuery(Ask):
    """Which receipts are to be reckoned anew."""

    since: Annotated[
        str,
        Field(
            max_length=40,
            description="From then on: `7d`, `2026-11`, `2026-11-01`, an instant by RFC 3339 or in milliseconds (UTC).",
        ),
    ]
    project: Annotated[str | None, Field(description="Only this project's, by name.")] = None


class PriceDifference(View):
    """Attempts at one endpoint that cost another amount by today's price rows of their day."""

    endpoint: str
    host: str
    model: str
    old_price: Annotated[str | None, Field(description="Price row that they name; null where they have none.")]
    new_price: Annotated[str, Field(description="Price row that holds for their day by what is known today.")]
    old_currency: str | None
    new_currency: str
    attempts: int
    old_cost: Annotated[Decimal | None, Field(description="Sum as written; null where there was no price.")]
    new_cost: Annotated[Decimal, Field(description="Sum by the new row.")]
    difference: Annotated[
        Decimal | None, Field(description="New less old; null where their currencies are not the same.")
    ]


class PriceSum(View):
    """What all attempts that were reckoned add up to, in one currency."""

    currency: str
    old_cost: Decimal
    new_cost: Decimal
    difference: Decimal


class Recomputation(View):
    """What receipts cost by today's price rows of their day; nothing is changed."""

    since_ms: int
    until_ms: int
    receipts: Annotated[int, Field(description="Receipts that were read.")]
    attempts: Annotated[int, Field(description="Attempts in them.")]
    unchanged: Annotated[int, Field(description="Attempts whose cost is the same.")]
    without_usage: Annotated[int, Field(description="Attempts that used nothing, or of which nobody knows what.")]
    without_price: Annotated[int, Field(description="Attempts for which no price row is known today either.")]
    estimated: Annotated[int, Field(description="Attempts of both kinds above and below whose usage is an estimate.")]
    differences: list[PriceDifference]
    sums: list[PriceSum]
