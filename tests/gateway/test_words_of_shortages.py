"""What people are told of a limit that has no room: what is left, what would fit, when to come again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hortus.canon.errors import OverBudget, OverLimit, RulesFault
from hortus.gateway.shortages import refuse
from hortus.limits.limit import Limit, Measure, PeriodKind
from hortus.limits.period import ALWAYS, Period
from hortus.limits.ports import Shortage

NOW_MS = 1_795_000_000_000


def _refuse(
    measure: Measure,
    *,
    left: str,
    reserved: str = "0",
    need: str = "5",
    period: Period = ALWAYS,
    fit: int | None = None,
) -> RulesFault:
    kind: PeriodKind = "total" if measure == "money" else "none" if measure == "concurrent" else "minute"
    limit = Limit(
        id="team~1",
        name="team",
        scope="project",
        scope_id="prj_1",
        measure=measure,
        amount=Decimal(100),
        period=kind,
        currency="EUR" if measure == "money" else None,
    )
    shortage = Shortage("team~1@0", "team~1", Decimal(left), Decimal(reserved), limit.amount)
    return refuse(limit, period, shortage, need=Decimal(need), fit=fit, now_ms=NOW_MS)


def test_a_budget_says_what_is_left_and_what_would_fit() -> None:
    error = _refuse("money", left="0.1234567", fit=12)
    assert isinstance(error, OverBudget)
    assert error.message == (
        "The budget `team` of the project (100 EUR) has 0.123456 EUR left; this request may take up to 5 EUR."
    )
    assert error.hint == "A limit of 12 output tokens would fit."
    assert (error.retry_helps, error.retry_after_s) == (False, None)


def test_where_running_requests_hold_it_trying_again_soon_helps() -> None:
    error = _refuse("money", left="3", reserved="4")
    assert "running requests hold 4 EUR" in error.message
    assert (error.retry_helps, error.retry_after_s, error.hint) == (True, 1, "Try again when they are done.")


def test_a_period_that_ends_says_when() -> None:
    error = _refuse("tokens", left="3", period=Period(NOW_MS - 30_500, NOW_MS + 29_500))
    assert isinstance(error, OverLimit)
    assert error.retry_after_s == 30
    assert error.hint == "Try again in 30 s, or ask an admin for more."


@pytest.mark.parametrize("measure", ["concurrent", "money"])
def test_what_never_comes_free_by_itself_is_an_admins_affair(measure: Measure) -> None:
    error = _refuse(measure, left="0")
    assert (error.hint, error.retry_after_s) == ("Ask an admin for more.", None)
