"""What is wrong with a declared limit, price or currency rate by itself? Pure but for the zones' own files.

What it names besides (project, key, currency) is looked up in `scopes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hortus.catalog.pricerows import ContractPrice, Figures
from hortus.control.fault import MOST_QUOTED, Fault, suggest
from hortus.control.tomllines import Path
from hortus.snapshot.declared import BudgetPeriod, LimitSpec, RateSpec
from hortus.snapshot.limits import MEASURES, measures_of

_MOST_COUNTED = 10**15
_MOST_MONEY = Decimal(10**15)
_MOST_DECIMALS = 18
_MOST_PERCENT = 1000
_MOST_ALERTS = 10
_MONTHS = 12
_LONGEST_SOURCE = 1000
_CURRENCY = re.compile(r"[A-Z]{3}")
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Names that `zoneinfo` opens and that mean another zone on another machine, or none."""


def check_limit(spec: LimitSpec) -> Iterator[Fault]:
    """Return what is wrong with a limit, its name left out."""
    if spec.project is not None and spec.key is not None:
        hint = "Leave one out; a limit that names neither binds the organisation."
        yield Fault(("key",), "A limit binds a project or a key, not both.", hint)
    yield from _check_measure(spec)
    if spec.money is None:
        yield from _check_no_money(spec)
    else:
        yield from _check_money(spec)
    yield from _check_calendar(spec)
    yield from _check_alerts(spec.alert_at)


def check_rate(spec: RateSpec) -> Iterator[Fault]:
    """Return what is wrong with a currency rate."""
    for field, currency in (("from", spec.from_currency), ("to", spec.to_currency)):
        yield from _check_currency(currency, field)
    if spec.from_currency == spec.to_currency:
        yield Fault(("to",), "A rate leads from one currency to another.", "Remove it; a currency is worth itself.")
    if not _is_exact(spec.factor) or spec.factor <= 0:
        yield Fault(("factor",), "The factor is out of bounds.", 'Use a number above 0, such as "1.0834".')
    if not spec.source.strip() or len(spec.source) > _LONGEST_SOURCE:
        yield Fault(("source",), "The source is empty.", "Say who gives this rate: a page, a contract, a decision.")


def check_price(price: ContractPrice) -> Iterator[Fault]:
    """Return what is wrong with an endpoint's own price."""
    yield from _check_currency(price.currency, "currency")
    yield from _check_figures(price, ())
    for index, variant in enumerate(price.variants):
        where: Path = ("variants", index)
        yield from _check_figures(variant, where)
        if variant.above_input_tokens <= 0 and variant.service_tier is None:
            hint = "Set above_input_tokens, service_tier or both."
            yield Fault(where, "This variant holds under no condition.", hint)
    for region, factor in price.regions.items():
        if not _is_exact(factor) or factor <= 0:
            yield Fault(("regions", region[:MOST_QUOTED]), "The factor is out of bounds.", "Use a number above 0.")
    for cap, count in price.caps.items():
        if not 0 <= count <= _MOST_COUNTED:
            yield Fault(("caps", cap), "The cap is out of bounds.", "Use a whole number from 0.")
    if not 0 <= price.fixed_input_tokens <= _MOST_COUNTED:
        yield Fault(("fixed_input_tokens",), "The number is out of bounds.", "Use a whole number from 0.")


def _check_figures(figures: Figures, where: Path) -> Iterator[Fault]:
    for field in Figures.__struct_fields__:
        amount = getattr(figures, field)
        if amount is not None and (not _is_exact(amount) or amount < 0):
            yield Fault((*where, field), "The price is out of bounds.", 'Use an amount from 0, such as "0.40".')


def _check_measure(spec: LimitSpec) -> Iterator[Fault]:
    found = measures_of(spec)
    choice = ", ".join(MEASURES)
    if not found:
        yield Fault(("name",), f"The limit `{spec.name[:MOST_QUOTED]}` bounds nothing.", f"Set one of: {choice}.")
    for extra in found[1:]:
        hint = "Declare a second limit for it."
        yield Fault((extra,), f"A limit has one measure, and this one has `{found[0]}` already.", hint)
    for field in found:
        value = getattr(spec, field)
        if field != "money" and not 0 <= value <= _MOST_COUNTED:
            yield Fault(
                (field,), f"{field} is out of bounds.", f"Use a whole number from 0 (nothing) to {_MOST_COUNTED}."
            )


def _check_no_money(spec: LimitSpec) -> Iterator[Fault]:
    for field in ("currency", "per"):
        if getattr(spec, field) is not None:
            yield Fault((field,), f"`{field}` belongs to a limit of money.", "Leave it out, or set money.")
    if spec.kind == "soft":
        hint = "Leave kind out: it refuses what is over it."
        yield Fault(("kind",), "Only a limit of money can be soft: what it is charged stands in receipts.", hint)


def _check_money(spec: LimitSpec) -> Iterator[Fault]:
    money = spec.money
    if money is None or not _is_exact(money) or money < 0:
        hint = f'Use an amount from 0 (nothing) to {_MOST_MONEY}, such as "500" or "0.25".'
        yield Fault(("money",), "The amount is out of bounds.", hint)
    if spec.currency is None:
        yield Fault(("currency",), "The amount has no currency.", 'Add one, such as currency = "EUR".')
    else:
        yield from _check_currency(spec.currency, "currency")
    if spec.per is None:
        yield Fault(("per",), "The amount has no period.", f"Add per, one of: {', '.join(get_args(BudgetPeriod))}.")


def _check_currency(currency: str, field: str) -> Iterator[Fault]:
    if _CURRENCY.fullmatch(currency) is None:
        yield Fault((field,), "This is not an ISO 4217 code.", 'Write three capitals, such as "EUR".')


def _is_exact(amount: Decimal) -> bool:
    """Tell whether an amount is a number that columns, answers and people can hold."""
    if not amount.is_finite():
        return False
    _, _, exponent = amount.as_tuple()
    return isinstance(exponent, int) and exponent >= -_MOST_DECIMALS and abs(amount) <= _MOST_MONEY


def _check_calendar(spec: LimitSpec) -> Iterator[Fault]:
    if spec.timezone is not None:
        if spec.money is not None and spec.per == "total":
            yield Fault(("timezone",), "A budget in total has no days that could begin anywhere.", "Leave it out.")
        elif spec.money is None:
            yield Fault(("timezone",), "Minutes are the same in every zone.", "Leave it out.")
        else:
            yield from check_timezone(spec.timezone)
    if spec.year_starts_in is None:
        return
    if spec.per != "fiscal_year":
        hint = 'Leave it out, or set per = "fiscal_year".'
        yield Fault(("year_starts_in",), "Only a budget per fiscal year has a year that starts.", hint)
    elif not 1 <= spec.year_starts_in <= _MONTHS:
        yield Fault(("year_starts_in",), "There is no such month.", "Use 1 (January) to 12 (December).")


def check_timezone(name: str) -> Iterator[Fault]:
    """Yield what is wrong with the name of a time zone."""
    try:
        is_zone = bool(name) and name not in _NO_ZONES and not name.startswith(("posix/", "right/"))
        is_zone = is_zone and bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        is_zone = False
    if not is_zone:
        hint = _zone_like(name) or 'Use a name of the IANA database, such as "Europe/Berlin" or "UTC".'
        yield Fault(("timezone",), f"There is no time zone `{name[:MOST_QUOTED]}`.", hint)


def _zone_like(name: str) -> str | None:
    """Return a zone that was meant by a mistyped place; an abbreviation (`CEST`) means no place."""
    known = available_timezones()
    same = [zone for zone in known if zone.lower() == name.lower()]
    if same:
        return f"Did you mean `{same[0]}`?"
    return suggest(name[:MOST_QUOTED], sorted(known)) if "/" in name else None


def _check_alerts(percents: tuple[int, ...]) -> Iterator[Fault]:
    if len(percents) > _MOST_ALERTS:
        yield Fault(
            ("alert_at",), f"These are more than {_MOST_ALERTS} percentages.", "Keep those that somebody acts on."
        )
    for index, percent in enumerate(percents[:_MOST_ALERTS]):
        if not 1 <= percent <= _MOST_PERCENT:
            yield Fault(("alert_at", index), "This percentage is out of bounds.", f"Use 1 to {_MOST_PERCENT}.")
        elif percent in percents[:index]:
            yield Fault(("alert_at", index), "This percentage stands twice.", "Remove one.")
