"""`hortus usage`: requests, tokens and money added up by project, model, day or anything else; a table with bars."""

from __future__ import annotations

import csv as spreadsheet
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.text import Text

from hortus.base.errors import ConfigurationError
from hortus.canon.usage import COUNTS
from hortus.cli.admin import Admin
from hortus.cli.bars import SOLID, draw_bar
from hortus.cli.options import takes
from hortus.cli.receipts import say_unit
from hortus.cli.screen import Column, note, show_json, show_line, show_table
from hortus.receipts.rollups import DIMENSIONS, SPANS

app = typer.Typer(add_completion=False)

_USUAL_GROUPS = 40
_MOST_GROUPS = 50_000
_WHOLE = Decimal(100)
_COUNTED = ("requests", "refused", "attempts", "estimated", "without_cost")
_BESIDE_TOKENS = tuple(name for name in COUNTS if not name.endswith("_tokens"))
_EXACT_TOKENS = 10_000
_UNITS = ("", "k", "M", "G", "T", "P")
_FOUR_DIGITS = Context(prec=4, rounding=ROUND_HALF_EVEN)


class Options(msgspec.Struct, frozen=True):
    """Options of the command; all but the last two are members of the admin API's question."""

    by: Annotated[
        str, typer.Option(help=f"Words with commas between: {', '.join((*SPANS, *DIMENSIONS))}; one of time at most.")
    ] = "project"
    since: Annotated[
        str | None,
        typer.Option(help="From then on: 24h, 7d, 4w, 2026, 2026-11, 2026-11-01, 2026-11-01T12:00. Else this month."),
    ] = None
    until: Annotated[
        str | None, typer.Option(help="Likewise; a day, month or year is meant whole. Else until now.")
    ] = None
    timezone: Annotated[str, typer.Option(help="Whose days and months, such as Europe/Berlin.")] = "UTC"
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None
    key: Annotated[str | None, typer.Option(help="Only this key's, by its id.")] = None
    route: Annotated[str | None, typer.Option(help="Only of this route.")] = None
    endpoint: Annotated[str | None, typer.Option(help="Only of this endpoint.")] = None
    model: Annotated[str | None, typer.Option(help="Only of this model.")] = None
    maker: Annotated[str | None, typer.Option(help="Only of this maker's models.")] = None
    host: Annotated[str | None, typer.Option(help="Only at this host.")] = None
    status: Annotated[str | None, typer.Option(help="Only what ended so: completed, failed, refused, …")] = None
    currency: Annotated[str | None, typer.Option(help="Only what was priced in it, such as EUR.")] = None
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_GROUPS, help=f"Most groups; {_USUAL_GROUPS} in a table, else all."),
    ] = None
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


class Cost(msgspec.Struct, frozen=True):
    """Money in one currency."""

    currency: str
    cost: Decimal
    estimated: Decimal
    share_percent: Decimal | None = None


class Sums(msgspec.Struct, frozen=True):
    """What receipts add up to, as the admin API says it."""

    requests: int
    refused: int
    attempts: int
    estimated: int
    without_cost: int
    units: dict[str, int]
    costs: list[Cost]
    names: dict[str, str | None] = {}
    share_percent: Decimal | None = None
    mean_ms: int | None = None
    mean_first_byte_ms: int | None = None


class Report(msgspec.Struct, frozen=True):
    """Usage by groups."""

    by: list[str]
    timezone: str
    since_ms: int
    until_ms: int
    groups: list[Sums]
    groups_found: int
    is_cut: bool
    total: Sums


@app.command()
@takes(Options)
def usage(options: Options) -> None:
    """Show requests, tokens and cost by project, model, day and more."""
    if options.csv and options.json:
        raise ConfigurationError("it stands beside --json.", path="--csv", hint="Give one of the two.")
    asked = {name: getattr(options, name) for name in Options.__struct_fields__ if name not in {"csv", "json"}}
    is_for_people = not (options.csv or options.json)
    raw = Admin.here().usage(asked | {"limit": options.limit or (_USUAL_GROUPS if is_for_people else _MOST_GROUPS)})
    report = msgspec.json.decode(raw, type=Report)
    if options.json:
        show_json(raw)
    elif options.csv:
        write_csv(report)
    else:
        show_report(report)
    if report.is_cut:
        wanted = min(report.groups_found, _MOST_GROUPS)
        note(f"{len(report.groups)} of {report.groups_found} groups are here; `--limit {wanted}` brings more.")


def write_csv(report: Report) -> None:
    """Write one line a group on standard output; money in two columns for each currency."""
    currencies = [one.currency for one in report.total.costs]
    names = [*report.by, "key_name"] if "key" in report.by else report.by
    money = [f"{kind}_{currency}" for currency in currencies for kind in ("cost", "estimated")]
    writer = spreadsheet.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*names, *_COUNTED, *COUNTS, *money])
    for group in report.groups:
        units = [group.units.get(name, 0) for name in COUNTS]
        counted = [getattr(group, name) for name in _COUNTED]
        writer.writerow(
            [*(_safe(group.names.get(name)) for name in names), *counted, *units, *_money(group, currencies)]
        )


def _money(group: Sums, currencies: list[str]) -> Iterator[str]:
    costs = {one.currency: one for one in group.costs}
    for currency in currencies:
        found = costs.get(currency)
        yield format(found.cost, "f") if found else "0"
        yield format(found.estimated, "f") if found else "0"


def _safe(name: str | None) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name and name[0] in "=+-@\t\r" else name or ""


def show_report(report: Report) -> None:
    """Write usage as a table with bars on standard output, what it leaves open on standard error."""
    if not report.groups:
        note("No usage in this time. `--since 30d` looks further back; `hortus ask` makes some.")
        return
    show_line(f"Usage {say_time(report)}" + (f", by {', '.join(report.by)}" if report.by else ""))
    show_line("")
    is_money = any(one.cost for one in report.total.costs)
    heading, *rest = [*report.by, None] if len(report.by) > 1 and report.by[0] in SPANS else [None, *report.by]
    columns = [
        *(Column(name, is_whole=name in SPANS) for name in rest if name),
        Column("requests", is_number=True),
        Column("used", is_number=True),
        Column("cost", is_number=True),
        Column("share of cost" if is_money else "share of tokens", is_whole=True),
    ]
    words = [name for name in rest if name]
    show_table(columns, _rows(report, words, heading=heading, is_money=is_money))
    for sentence in sentences(report.total):
        note(sentence)


def _rows(
    report: Report, words: list[str], *, heading: str | None, is_money: bool
) -> Iterator[tuple[object, ...] | str]:
    under = None
    for group in report.groups:
        if heading is not None and group.names[heading] != under:
            under = group.names[heading]
            yield under or "-"
        yield (*(_say_name(group, word) for word in words), *_figures(group, is_money=is_money))
    if words:
        yield (Text(""),) * (len(words) + 4)
        total = tuple(Text("total", style="bold") if index == 0 else Text("") for index in range(len(words)))
        yield (*total, *_figures(report.total, is_money=is_money)[:-1], Text(""))


def _say_name(group: Sums, word: str) -> str | None:
    name = group.names.get(word)
    called = group.names.get("key_name") if word == "key" else None
    return f"{name}\n{called}" if called else name


def _figures(sums: Sums, *, is_money: bool) -> tuple[object, ...]:
    """Return requests, what was used, cost and bar; a unit and a currency a line."""
    used = "\n".join(say_used(sums.units))
    costs = "\n".join(f"{say_money(one.cost)} {one.currency}" for one in sums.costs)
    shares = [one.share_percent for one in sums.costs] if is_money else [sums.share_percent]
    return (f"{sums.requests:,}", used, costs, Text("\n".join(say_share(share) for share in shares)))


def say_used(units: Mapping[str, int]) -> Iterator[str]:
    """Yield tokens, where there are any or nothing else is, and what else is charged.

    >>> list(say_used({"input_tokens": 1234, "output_tokens": 5, "pages": 2})), list(say_used({"seconds": 1}))
    (['1,234 → 5', '2 pages'], ['1 second'])
    """
    others = [say_unit(units[name], name) for name in _BESIDE_TOKENS if units.get(name)]
    tokens_in, tokens_out = units.get("input_tokens", 0), units.get("output_tokens", 0)
    if tokens_in or tokens_out or not others:
        yield f"{say_count(tokens_in)} → {say_count(tokens_out)}"
    yield from others


def sentences(total: Sums) -> Iterator[str]:
    """Yield what people must know to trust the figures."""
    parts = [f"{say_money(one.estimated)} {one.currency}" for one in total.costs if one.estimated]
    if total.estimated:
        cost = f", {' and '.join(parts)} of the cost" if parts else ""
        yield f"Estimated, for the host did not say: {total.estimated:,} of {total.attempts:,} attempts{cost}."
    if total.without_cost:
        yield f"Without a price, so not in the cost: {total.without_cost:,} attempts. `hortus receipts` shows which."
    if total.refused:
        yield f"Refused before any host was asked: {total.refused:,} requests."
    if total.costs:
        yield "Money is rounded here; --json and --csv are exact."


def say_time(report: Report) -> str:
    """Return the bounds of a report in its own time zone."""
    zone = ZoneInfo(report.timezone)
    begin, end = (datetime.fromtimestamp(bound / 1000, tz=zone) for bound in (report.since_ms, report.until_ms))
    return f"from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({report.timezone})"


def say_share(percent: Decimal | None) -> str:
    """Return a share as a bar with its figure.

    >>> say_share(Decimal("62.50"))
    '██████····  62.5 %'
    """
    if percent is None:
        return ""
    return f"{draw_bar([(percent, SOLID)], _WHOLE)} {percent:5.1f} %"


def say_count(count: int) -> str:
    """Return a number of tokens as people read it.

    >>> say_count(1234), say_count(3_249_000)
    ('1,234', '3.25M')
    """
    if count < _EXACT_TOKENS:
        return f"{count:,}"
    value, power = Decimal(count), 0
    while value >= Decimal("999.5") and power < len(_UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{Context(prec=3).plus(value):f}{_UNITS[power]}"


def say_money(amount: Decimal) -> str:
    """Return an amount rounded for people: cents, or four digits where it is less than one.

    >>> say_money(Decimal("1234.567")), say_money(Decimal("0.000123456"))
    ('1,234.57', '0.0001235')
    """
    if not amount:
        return "0"
    if abs(amount) >= 1:
        return f"{amount:,.2f}"
    whole, _, rest = f"{_FOUR_DIGITS.plus(amount):f}".partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}"
