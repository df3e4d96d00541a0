"""Why does a request not fit under a limit, what would, and when may it come again? Errors for people, pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from hortus.canon.errors import NoBound, OverBudget, OverLimit, RulesFault
from hortus.limits.limit import Limit, Measure, PeriodKind
from hortus.limits.period import Period
from hortus.limits.ports import Shortage

_SOON_S = 1
"""When to try again where running requests hold what is missing."""

_CENT = Decimal("0.000001")

_WHAT: Mapping[Measure, str] = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "concurrent": "requests at the same time",
    "money": "",
}
_HOW_LONG: Mapping[PeriodKind, str] = {"day": " a day", "month": " a month", "fiscal_year": " a fiscal year"}


def refuse(
    limit: Limit, period: Period, shortage: Shortage, *, need: Decimal, fit: int | None, now_ms: int
) -> RulesFault:
    """Return the error for a request that needs more of a limit than is left.

    Args:
        limit: Which one.
        period: In which it was asked for.
        shortage: What is left of it.
        need: What the request may use at most.
        fit: The limit of output tokens with which it would fit; None where no such limit would help.
        now_ms: When the request began.
    """
    is_held_by_others = shortage.left + shortage.reserved >= need
    retry_after_s = _SOON_S if is_held_by_others else _seconds_until(period, now_ms)
    message = f"The {describe(limit)} has {_spell(shortage.left, limit)} left"
    if shortage.reserved:
        message += f", and running requests hold {_spell(shortage.reserved, limit)}"
    message += f"; this request may take up to {_spell(need, limit)}."
    hint = _hint(limit, fit=fit, retry_after_s=retry_after_s)
    if limit.measure != "money":
        return OverLimit(message, hint=hint, retry_after_s=retry_after_s)
    error = OverBudget(message, hint=hint, retry_after_s=retry_after_s)
    error.retry_helps = is_held_by_others
    return error


def describe(limit: Limit) -> str:
    """Return what a limit is, for people: its name, what it bounds, and whose it is."""
    whose = {"organisation": "the organisation", "project": "the project", "key": "this key"}[limit.scope]
    if limit.measure == "money":
        return f"budget `{limit.name}` of {whose} ({_spell(limit.amount, limit)}{_HOW_LONG.get(limit.period, '')})"
    return f"limit `{limit.name}` of {whose} ({limit.amount} {_WHAT[limit.measure]})"


def no_bound(limit: Limit, units: tuple[str, ...]) -> NoBound:
    """Return the error for a request of which nothing says what it may use at most."""
    if units == ("output_tokens",):
        return NoBound(
            f"Nothing limits the output of this request, and the {describe(limit)} wants a bound.",
            hint="Set a limit of output tokens (max_tokens), or ask an admin for an output_cap of this route.",
        )
    return NoBound(
        f"Nothing bounds what this request may use ({', '.join(units)}), and the {describe(limit)} wants a bound.",
        hint="Leave these out, or ask an admin to set `caps` in the price of this endpoint.",
    )


def no_price(limit: Limit, endpoint: str) -> NoBound:
    """Return the error for an endpoint without a price."""
    return NoBound(
        f"Nobody knows what {endpoint} costs, and the {describe(limit)} wants to know.",
        hint="Use another model, or ask an admin to set the endpoint's `price`.",
    )


def no_look(limit: Limit) -> NoBound:
    """Return the error for requests in a file that Hortus has not seen."""
    return NoBound(
        f"Nobody knows what the requests in this file may use, and the {describe(limit)} wants a bound.",
        hint="Send the file through this Hortus, with the purpose `batch`: its lines are counted as they pass.",
    )


def no_tuning_price(limit: Limit) -> NoBound:
    """Return the error for a tuning job."""
    return NoBound(
        f"Nobody knows what tuning a model costs before it is done, and the {describe(limit)} wants to know.",
        hint="Use a key without a hard budget, or ask an admin to make the budget a soft one.",
    )


def no_rate(limit: Limit, endpoint: str, *, currency: str) -> NoBound:
    """Return the error for a price in a currency that the budget's cannot be reckoned from."""
    return NoBound(
        f"{endpoint} costs {currency}, there is no rate to {limit.currency}, and the {describe(limit)} wants one.",
        hint=f"Ask an admin to declare a rate from {currency} to {limit.currency}.",
    )


def _hint(limit: Limit, *, fit: int | None, retry_after_s: int | None) -> str:
    if fit is not None and fit > 0:
        return f"A limit of {fit} output tokens would fit."
    if retry_after_s == _SOON_S:
        return "Try again when they are done."
    if retry_after_s is None:
        return "Ask an admin for more."
    if limit.measure != "money":
        return f"Try again in {retry_after_s} s, or ask an admin for more."
    return "Ask an admin for more, or wait for the next period."


def _spell(amount: Decimal, limit: Limit) -> str:
    if limit.measure != "money":
        return f"{amount:f}"
    shown = amount.quantize(_CENT, rounding=ROUND_FLOOR).normalize()
    return f"{shown:f} {limit.currency}"


def _seconds_until(period: Period, now_ms: int) -> int | None:
    return None if period.end_ms is None else max(1, -(-(period.end_ms - now_ms) // 1000))
