"""How limits and budgets are said: what bounds whom, how much is taken, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.text import Text

from hortus.base.money import EXACT
from hortus.cli.bars import SHADED, SOLID, draw_bar
from hortus.cli.replies import Limit, Standing
from hortus.cli.screen import Column, show_facts, show_table

_PERIODS = {"day": "a day", "month": "a month", "fiscal_year": "a fiscal year", "total": "in total"}
_COUNTS = {
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
    "concurrent_requests": "requests at once",
}
_COLOURS = {"over": "red", "alert": "yellow", "retired": "dim"}
_SHOWN_DECIMALS = Decimal("0.0001")


def show_budgets(found: Sequence[Limit]) -> None:
    """Write budgets as a table with bars on standard output."""
    columns = [
        Column("budget"), Column("amount"), Column("used", is_whole=True), Column("taken"),
        Column("left"), Column("period", is_whole=True), Column("state", is_whole=True),
    ]  # fmt: skip
    show_table(columns, [_budget_row(limit) for limit in found])


def show_limits(found: Sequence[Limit]) -> None:
    """Write limits of every measure as a table on standard output."""
    columns = [
        Column("limit"), Column("binds"), Column("at most"), Column("used", is_whole=True),
        Column("left"), Column("origin"), Column("state", is_whole=True),
    ]  # fmt: skip
    show_table(columns, [_limit_row(limit) for limit in found])


def show_limit(limit: Limit) -> None:
    """Write one limit with all its figures, to the last digit, on standard output."""
    show_facts(facts_of(limit))


def facts_of(limit: Limit) -> Iterator[tuple[str, object]]:
    """Yield what a limit says, in the order in which people ask."""
    yield "limit", limit.name
    yield "binds", say_scope(limit)
    yield "at most", say_bound(limit)
    yield "kind", "hard: what is over it is refused" if limit.kind == "hard" else "soft: it only alerts"
    yield "alerts at", ", ".join(f"{percent} %" for percent in limit.alert_at)
    yield "state", limit.state
    standing = limit.standing
    if standing is not None:
        yield "used", f"{_bar(limit, width=30)} {percent_of(_used(limit, standing), amount_of(limit))}"
        yield "spent", _exact(standing.spent, limit) if limit.money is not None else None
        yield "leased", _exact(standing.leased, limit)
        yield "held by what runs", _exact(standing.reserved, limit) if limit.money is not None else None
        yield "left", _exact(standing.left, limit)
        yield "period", " to ".join(period_of(limit))
        yield "pool", standing.pool
    yield "origin", f"{limit.origin}, {limit.where}" if limit.where else limit.origin


def say_scope(limit: Limit) -> str:
    """Return whom a limit binds."""
    if limit.key is not None:
        return f"key {limit.key_name or limit.key}" + (f" of {limit.project}" if limit.project else "")
    return f"project {limit.project}" if limit.project is not None else "the organisation"


def say_bound(limit: Limit) -> str:
    """Return what a limit allows.

    >>> say_bound(Limit(name="a", id="a~1", scope="organisation", kind="hard", state="fine", requests_per_minute=60))
    '60 requests a minute'
    """
    if limit.money is not None:
        return f"{plain(limit.money)} {limit.currency} {_PERIODS.get(limit.per or '', limit.per)}"
    field = next(field for field in _COUNTS if getattr(limit, field) is not None)
    return f"{getattr(limit, field)} {_COUNTS[field]}"


def say_alert(limit: Limit) -> str:
    """Return one line about a budget that is at an alert or over."""
    standing = limit.standing
    spent = standing.spent if standing is not None else Decimal(0)
    share = percent_of(spent, amount_of(limit))
    told = "is used up" if limit.state == "over" else "is at an alert"
    return f"{limit.name} ({say_scope(limit)}) {told}: {_short(spent)} of {say_bound(limit)}, {share}"


def period_of(limit: Limit) -> tuple[str, ...]:
    """Return beginning and end of the period that runs, in the limit's zone; one word where it has none."""
    standing = limit.standing
    if standing is None or standing.end_ms is None:
        return ("for ever",) if limit.money is not None else ("now",)
    start, end = (say_instant(instant_ms, limit.timezone) for instant_ms in (standing.start_ms, standing.end_ms))
    return start, f"{end} {limit.timezone or 'UTC'}"


def say_instant(instant_ms: int, zone: str | None) -> str:
    """Return date and time in a zone; in UTC where this machine does not know that zone.

    >>> say_instant(1_793_487_600_000, "Europe/Berlin")
    '2026-11-01 00:00'
    """
    try:
        place = ZoneInfo(zone) if zone else UTC
    except (ZoneInfoNotFoundError, OSError):
        place = UTC
    return datetime.fromtimestamp(instant_ms // 1000, tz=place).strftime("%Y-%m-%d %H:%M")


def amount_of(limit: Limit) -> Decimal:
    """Return how much a limit allows, whatever it measures."""
    if limit.money is not None:
        return limit.money
    return Decimal(next(value for field in _COUNTS if (value := getattr(limit, field)) is not None))


def percent_of(part: Decimal, whole: Decimal) -> str:
    """Return a share in whole percents, rounded down; all of it, where the whole is nothing.

    >>> percent_of(Decimal("49.9"), Decimal("50"))
    '99 %'
    """
    return f"{int(part * 100 / whole) if whole else 100} %"


def plain(amount: Decimal) -> str:
    """Return an amount with all its digits and no idle zeros.

    >>> plain(Decimal("0.10"))
    '0.1'
    """
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(amount: Decimal) -> str:
    """Return an amount as a table has room for: four decimals."""
    return plain(amount.quantize(_SHOWN_DECIMALS, ROUND_HALF_EVEN, EXACT)) if amount else "0"


def _exact(amount: Decimal, limit: Limit) -> str:
    return f"{plain(amount)} {limit.currency}" if limit.money is not None else plain(amount)


def _used(limit: Limit, standing: Standing) -> Decimal:
    return standing.spent if limit.money is not None else standing.spent + standing.leased


def _bar(limit: Limit, *, width: int = 10) -> str:
    standing = limit.standing
    if standing is None:
        return ""
    return draw_bar([(standing.spent, SOLID), (standing.leased, SHADED)], amount_of(limit), width=width)


def _budget_row(limit: Limit) -> tuple[object, ...]:
    standing = limit.standing
    amount = f"{plain(amount_of(limit))} {limit.currency}\n{_PERIODS.get(limit.per or '', '')}"
    name = f"{limit.name}\n{say_scope(limit)}"
    if standing is None:
        return name, amount, None, None, None, None, _state(limit)
    taken = f"spent {_short(standing.spent)}\nleased {_short(standing.leased)}\nheld {_short(standing.reserved)}"
    used = f"{_bar(limit)}\n{percent_of(standing.spent, amount_of(limit))}"
    period = "\n".join(period_of(limit)).replace(f" {limit.timezone}", f"\n{limit.timezone}")
    return name, amount, used, taken, _short(standing.left), period, _state(limit)


def _limit_row(limit: Limit) -> tuple[object, ...]:
    left = _short(limit.standing.left) if limit.standing is not None else None
    return limit.name, say_scope(limit), say_bound(limit), _bar(limit), left, limit.origin, _state(limit)


def _state(limit: Limit) -> Text:
    said = limit.state if limit.kind == "hard" else f"{limit.state}\n(soft)"
    return Text(said, style=_COLOURS.get(limit.state, ""))
