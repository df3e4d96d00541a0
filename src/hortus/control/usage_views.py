"""What the operation on usage takes and gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from hortus.canon.usage import COUNTS
from hortus.control.models import Ask
from hortus.control.views import Instant, View
from hortus.receipts.rollups import DIMENSIONS, SPANS

_BY = ", ".join(f"`{name}`" for name in (*SPANS, *DIMENSIONS))


class UsageQuery(Ask):
    """Which usage, and by what it is divided; without bounds, that of this month."""

    by: Annotated[
        str, Field(max_length=200, description=f"Words with commas between, at most one of them of time: {_BY}.")
    ] = "project"
    since: Annotated[
        str | None,
        Field(
            max_length=40,
            description="From then on: `7d`, `2026-11`, `2026-11-01`, an instant by RFC 3339 or in milliseconds; this"
            " month's beginning if absent.",
        ),
    ] = None
    until: Annotated[
        str | None, Field(max_length=40, description="Likewise; a day, month or year is meant whole. Now if absent.")
    ] = None
    timezone: Annotated[
        str, Field(max_length=64, description="Whose days and months: a name of the IANA database.")
    ] = "UTC"
    project: Annotated[str | None, Field(description="Only this project's, by name.")] = None
    key: Annotated[str | None, Field(description="Only this key's, by id.")] = None
    route: Annotated[str | None, Field(description="Only of this route.")] = None
    dialect: Annotated[str | None, Field(description="Only what clients asked in this dialect.")] = None
    operation: Annotated[str | None, Field(description="Only this operation, such as `chat`.")] = None
    endpoint: Annotated[str | None, Field(description="Only of this endpoint.")] = None
    model: Annotated[str | None, Field(description="Only of this model.")] = None
    maker: Annotated[str | None, Field(description="Only of this maker's models.")] = None
    host: Annotated[str | None, Field(description="Only at this host.")] = None
    status: Annotated[
        Literal["completed", "failed", "cancelled", "timed_out", "interrupted", "refused"] | None,
        Field(description="Only attempts that ended so."),
    ] = None
    currency: Annotated[str | None, Field(description="Only what was priced in this currency, such as `EUR`.")] = None
    limit: Annotated[int, Field(ge=1, le=50_000, description="Most groups to return.")] = 1000


class UsageCost(View):
    """Money in one currency."""

    currency: str
    cost: Annotated[str, Field(description="Exact decimal.")]
    estimated: Annotated[str, Field(description="The part of it that is estimated, or charged at a reservation.")]
    share_percent: Annotated[
        Decimal | None, Field(description="Of all that the question found in this currency; null where that is 0.")
    ] = None


class UsageSums(View):
    """What receipts add up to."""

    requests: Annotated[int, Field(description="Each counts where its last attempt is.")]
    refused: Annotated[int, Field(description="Requests that no host was asked for.")]
    attempts: Annotated[int, Field(description="Calls of hosts, those after which another was tried included.")]
    estimated: Annotated[int, Field(description="Attempts whose usage is estimated or was never known.")]
    without_cost: Annotated[int, Field(description="Attempts whose price is unknown.")]
    units: Annotated[dict[str, int], Field(description=f"Those that are not 0, of: {', '.join(COUNTS)}.")]
    costs: Annotated[list[UsageCost], Field(description="One a currency; they are never added.")]
    mean_ms: Annotated[int | None, Field(description="Mean length of an attempt that ended.")] = None
    mean_first_byte_ms: Annotated[int | None, Field(description="Mean time to the host's first byte.")] = None
    share_percent: Annotated[
        Decimal | None, Field(description="Of all tokens, in and out, that the question found; null where that is 0.")
    ] = None


class UsageGroup(UsageSums):
    """One part of the usage."""

    names: Annotated[
        dict[str, str | None],
        Field(description="Value of each word of `by`; null where there is none. Keys bring `key_name`."),
    ]
    start_ms: Annotated[Instant | None, Field(description="Where time divides.")] = None
    end_ms: Instant | None = None


class UsageReport(View):
    """Usage by groups: in the order of time where it divides, then the dearest first."""

    by: list[str]
    timezone: str
    since_ms: Annotated[Instant, Field(description="As asked, at the quarter of an hour before.")]
    until_ms: Annotated[Instant, Field(description="As asked, at the quarter of an hour after.")]
    groups: list[UsageGroup]
    groups_found: int
    is_cut: Annotated[bool, Field(description="Whether groups are left out; `total` is of all of them.")]
    total: UsageSums
