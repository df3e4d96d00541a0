"""`hortus prices`: what a model costs at each host, figure by figure, and what receipts would cost by today's rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
import typer

from hortus.app.clock import SystemClock
from hortus.base.errors import ConfigurationError
from hortus.base.time import utc_day
from hortus.catalog.loading import load_catalog
from hortus.catalog.pricerows import Figures, PriceRow
from hortus.catalog.prices import price_of_offer
from hortus.catalog.rows import Offer
from hortus.cli.admin import Admin
from hortus.cli.catalog import AsJson, plain_number
from hortus.cli.receipts import say_cost
from hortus.cli.screen import Column, note, show_facts, show_json, show_line, show_table

app = typer.Typer(
    add_completion=False,
    help="Show what models cost, and what receipts would cost by today's prices.",
    epilog="A wrong price is set right by a new row and by `hortus prices recompute`, never in a receipt.",
)

_SAID = {
    "input_per_million": "input",
    "cached_input_per_million": "cached input",
    "cache_write_per_million": "cache write",
    "cache_write_long_per_million": "cache write, one hour",
    "output_per_million": "output",
    "input_audio_per_million": "sound in",
    "cached_audio_per_million": "cached sound",
    "output_audio_per_million": "sound out",
    "input_image_per_million": "pictures in",
    "output_image_per_million": "pictures out",
    "per_image": "each picture",
    "per_second": "each second of sound",
    "per_thousand_searches": "thousand searches",
    "per_thousand_pages": "thousand pages",
    "per_million_characters": "million characters",
    "per_thousand_search_units": "thousand search units",
    "per_request": "each request",
}
"""Figures in the order in which people ask, per million tokens where nothing else is said."""


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="A model's id or another name of it.")],
    *,
    host: Annotated[str | None, typer.Option(help="Only at this host.")] = None,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="On this day, such as 2026-11-01; else today.")] = None,
    json: AsJson = False,
) -> None:
    """Show every figure of a model's prices by the catalog: tiers, cache, searches, and where each row comes from."""
    catalog = load_catalog()
    row = catalog.model_named(model) or catalog.model(model)
    if host is not None:
        catalog.host(host)
    day = _read_day(at)
    found = [(offer, price_of_offer(catalog, offer, at=day)) for offer in catalog.offers(model=row.id, host=host)]
    if json:
        show_json(
            [{"host": offer.host, "upstream_model": offer.upstream_name, "price": price} for offer, price in found]
        )
        return
    for offer, price in found:
        _show_row(offer, price)
    words = "per million tokens where nothing else is said" if found else "nobody offers it"
    note(f"Prices of {row.id} on {day}: {words}.")


class Difference(msgspec.Struct, frozen=True):
    """Attempts that would cost another amount."""

    endpoint: str
    model: str
    new_price: str
    new_currency: str
    attempts: int
    new_cost: Decimal
    old_price: str | None = None
    old_currency: str | None = None
    old_cost: Decimal | None = None
    difference: Decimal | None = None


class Sum(msgspec.Struct, frozen=True):
    """All that was reckoned, in one currency."""

    currency: str
    old_cost: Decimal
    new_cost: Decimal
    difference: Decimal


class Report(msgspec.Struct, frozen=True):
    """What the admin API says."""

    receipts: int
    attempts: int
    unchanged: int
    without_usage: int
    without_price: int
    estimated: int
    differences: list[Difference]
    sums: list[Sum]


@app.command()
def recompute(
    *,
    since: Annotated[str, typer.Option(help="From then on: 24h, 7d, 4w, 2026-11, 2026-11-01, 2026-11-01T12:00 (UTC).")],
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    json: AsJson = False,
) -> None:
    """Say what receipts would cost by the price rows that today are known for their day; changes nothing."""
    raw = Admin.here().recompute_prices(since=since, project=project)
    if json:
        show_json(raw)
        return
    _show_report(msgspec.json.decode(raw, type=Report))


def _read_day(text: str | None) -> date:
    if text is None:
        return utc_day(SystemClock().now_ms())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no day.", path="--at", hint="Write it as 2026-11-01.") from None


def _show_row(offer: Offer, price: PriceRow | None) -> None:
    show_line(f"{offer.host}: {offer.upstream_name}")
    if price is None:
        show_line("  no price is known")
        show_line("")
        return
    show_facts(_facts_of(price))
    sets: list[tuple[str, Figures]] = [("usual", price)]
    sets += [(_say_variant(one.service_tier, one.above_input_tokens), one) for one in price.variants]
    names = [name for name in _SAID if any(getattr(figures, name) is not None for _, figures in sets)]
    columns = [Column(price.currency), *(Column(title, is_number=True) for title, _ in sets)]
    rows = [(_SAID[name], *(_say(getattr(figures, name)) for _, figures in sets)) for name in names]
    _show_in_parts(columns, rows)
    show_line("")


_MOST_SETS = 5
"""Columns of figures that stand side by side in 80 characters."""


def _show_in_parts(columns: list[Column], rows: list[tuple[str | None, ...]]) -> None:
    for start in range(1, len(columns), _MOST_SETS):
        part = slice(start, start + _MOST_SETS)
        show_table([columns[0], *columns[part]], [(row[0], *row[part]) for row in rows])


def _facts_of(price: PriceRow) -> Iterator[tuple[str, object]]:
    yield "price row", price.id
    yield "source", price.source
    yield "since", price.since
    yield "as of", price.as_of
    yield "by place", ", ".join(f"{place} times {plain_number(factor)}" for place, factor in price.regions.items())
    yield "searches", "one a request at most is charged" if price.is_search_per_request else None
    yield "the host may choose", ", ".join(price.auto_tiers)
    caps = {name.replace("_", " "): most for name, most in price.caps.items()}
    caps["fixed input tokens"] = price.fixed_input_tokens
    yield "reserved at most", ", ".join(f"{name} {most}" for name, most in caps.items() if most)


def _say_variant(tier: str | None, above: int) -> str:
    length = f">{above // 1000}k" if above else ""
    return " ".join(word for word in (tier or "", length) if word)


def _say(amount: Decimal | None) -> str | None:
    return None if amount is None else plain_number(amount)


def _show_report(report: Report) -> None:
    if report.differences:
        columns = [
            Column("endpoint, model"), Column("price row: old, new"), Column("attempts", is_number=True),
            Column("cost: old, new", is_number=True), Column("difference", is_number=True),
        ]  # fmt: skip
        show_table(columns, [_row_of(one) for one in report.differences])
        show_line("")
    show_facts((f"sum in {one.currency}", _say_sum(one)) for one in report.sums)
    others = (
        f"{report.unchanged} unchanged, {report.without_usage} without usage, {report.without_price} without a price"
    )
    note(f"{report.receipts} receipts with {report.attempts} attempts: {others}. Nothing was changed.")


def _row_of(one: Difference) -> tuple[object, ...]:
    return (
        f"{one.endpoint}\n{one.model}",
        f"{one.old_price or '-'}\n{one.new_price}",
        one.attempts,
        f"{say_cost(one.old_cost, one.old_currency) or '-'}\n{say_cost(one.new_cost, one.new_currency)}",
        None if one.difference is None else _signed(one.difference),
    )


def _say_sum(one: Sum) -> str:
    return f"{plain_number(one.old_cost)} → {plain_number(one.new_cost)} ({_signed(one.difference)})"


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{plain_number(amount)}"
