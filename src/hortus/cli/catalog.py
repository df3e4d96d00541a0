"""`hortus catalog`: which models there are, who made them, who runs them where and for how much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import groupby
from typing import Annotated, get_args

import msgspec
import typer
from rich.markup import escape

from hortus.app.clock import SystemClock
from hortus.app.settings import read_environment
from hortus.base.errors import ConfigurationError, HortusError
from hortus.base.time import utc_day
from hortus.catalog import badges
from hortus.catalog.abilities import Feature
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog, Found, PricedOffer, PriceOf, Query
from hortus.catalog.places import ISO_COUNTRIES
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.prices import price_of_offer
from hortus.catalog.rows import State
from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.hostviews import host_columns, host_facts, host_row
from hortus.cli.lit import is_lit
from hortus.cli.options import takes
from hortus.cli.replies import SyncReport
from hortus.cli.screen import Column, note, show_facts, show_json, show_line, show_table, working

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Search makers' models and the hosts that run them.",
    epilog="Words alone search: `hortus catalog mistral --in EU`. All filters: `hortus catalog list --help`.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_USUAL_CURRENCY = "USD"
"""It stands in the head of the column; a price in another says so itself."""

_MOST_NAMED = 12
"""More values than this are not all named in a refusal."""

_ORIGIN = ("source", "as_of", "confidence")
"""Where a row comes from; shown last."""

_PLACES = (
    "[dim]Place EU*: some country of the EU; EEA+CH*: or of the EEA, or Switzerland; GLOBAL: any; -: unknown, which "
    "never counts as allowed. Computed, kept and law are three things: none makes another true.[/dim]"
)


class Search(msgspec.Struct, frozen=True):
    """Options of the search."""

    words: Annotated[list[str] | None, typer.Argument(help="All must occur in name, family, licence or maker.")] = None
    maker: Annotated[str | None, typer.Option(help="Only this maker's, such as mistral.")] = None
    open_: Annotated[bool | None, typer.Option("--open/--closed", help="Open weights, or closed ones.")] = None
    max_price: Annotated[str | None, typer.Option(help="At most this much per million tokens, in and out.")] = None
    place: Annotated[str | None, typer.Option("--in", help="Computed there: EU, or a country such as FR.")] = None
    state: Annotated[list[str] | None, typer.Option(help="Lifecycle: " + ", ".join(get_args(State)) + ".")] = None
    host: Annotated[str | None, typer.Option(help="Offered by this host.")] = None
    feature: Annotated[str | None, typer.Option(help="One of " + ", ".join(get_args(Feature)) + ".")] = None
    json: AsJson = False


@app.command("list")
@takes(Search)
def list_models(search: Search) -> None:
    """Search models; one row each, with the cheapest offer that fits."""
    catalog = load_catalog()
    found = catalog.search(_query_of(search, catalog), price_of=prices_today(catalog))
    if search.json:
        show_json([_plain(one) for one in found])
        return
    if not found:
        note("Nothing in the catalog is like that. Leave a filter out, or look at `hortus catalog hosts`.")
        return
    columns = [
        Column("model", is_whole=True), Column("state", is_whole=True), Column("open", is_whole=True),
        Column(f"{_USUAL_CURRENCY} in → out", is_whole=True), Column("at"),
    ]  # fmt: skip
    show_table(columns, _rows_by_maker(found))
    note(f"{count_of(found)}; prices per million tokens, the cheapest that is known, at the host that stands first.")
    note("More about one: `hortus catalog show MODEL`.")


@app.command()
def show(
    model: Annotated[str, typer.Argument(help="A model's id or another name of it.")], *, json: AsJson = False
) -> None:
    """Show all that is known about one model, with sources."""
    catalog = load_catalog()
    row = catalog.model_named(model) or catalog.model(model)
    price_of = prices_today(catalog)
    offers = tuple(
        PricedOffer(offer=offer, country=catalog.country_of(offer), price=price_of(offer))
        for offer in catalog.offers(model=row.id)
    )
    found = Found(model=row, maker=catalog.maker(row.maker), offers=offers)
    if json:
        show_json(_plain(found))
        return
    known = {name: value for name, value in msgspec.to_builtins(row).items() if value != []}
    origin = {name: known.pop(name) for name in _ORIGIN if name in known}
    show_facts((name.replace("_", " "), value) for name, value in (known | origin).items())
    show_line("")
    columns = [
        Column("host", is_whole=True), Column("called there"), Column("computed in"), Column("kept"),
        Column("operator's law"), Column("per million in → out"),
    ]  # fmt: skip
    show_table(columns, [_offer_row(one, catalog) for one in offers])
    note(_PLACES)


def _offer_row(one: PricedOffer, catalog: Catalog) -> Sequence[object]:
    host = catalog.host(one.offer.host)
    three = (badges.computed_in(host), badges.kept(host), badges.law(host))
    return (host.id, one.offer.upstream_name, *three, say_price(one.price))


@app.command()
def hosts(*, json: AsJson = False) -> None:
    """List hosts, where they compute, and which variable connects each."""
    catalog = load_catalog()
    lit = _lit_hosts(catalog)
    rows = [host for host in catalog.rows.hosts if host.id != "local"]
    if json:
        today = _today()
        show_json(
            [
                {
                    **msgspec.to_builtins(host),
                    "is_lit": host.id in lit,
                    "is_stale": badges.is_stale(host, review_days=host.review_days, on=today),
                }
                for host in rows
            ]
        )
        return
    today = _today()
    show_table(host_columns(), [host_row(host, is_lit=host.id in lit, on=today) for host in rows])
    note("A host whose variable is set is lit; `hortus connect HOST` makes its routes. One without a variable is")
    note("yours: declare its endpoint in hortus.toml. All about one, its variable too: `hortus catalog host HOST`.")
    note(_PLACES)


@app.command()
def host(host: Annotated[str, typer.Argument(help="A host's id.")], *, json: AsJson = False) -> None:
    """Show all that is known about one host: place, retention, law, and who says so."""
    catalog = load_catalog()
    row, is_lit = catalog.host(host), host in _lit_hosts(catalog)
    today = _today()
    if json:
        stale = badges.is_stale(row, review_days=row.review_days, on=today)
        show_json({**msgspec.to_builtins(row), "is_lit": is_lit, "is_stale": stale})
        return
    show_facts(host_facts(row, is_lit=is_lit, on=today))
    note("What a contract of yours says goes into the `terms` of an endpoint in hortus.toml; it comes before this row.")
    note(_PLACES)


@app.command()
def sync(*, json: AsJson = False) -> None:
    """Ask lit hosts what they serve now: new models, and retired ones."""
    admin = Admin.here()
    with working("Asking the lit hosts for their lists"):
        reply = admin.sync_catalog()
    if json:
        show_json(reply)
    else:
        for line in sync_lines(reply):
            note(escape(line))
    if reply.asked and all(host.error for host in reply.asked):
        raise typer.Exit(1)


def sync_lines(report: SyncReport) -> Iterator[str]:
    """Yield what the hosts' own lists say, as sentences."""
    if not report.asked:
        yield "No host is lit: `hortus catalog hosts` lists them, `hortus catalog host HOST` names the variable of one."
    for host in report.asked:
        yield f"{host.host}: {host.error or f'lists {host.listed} models'}"
    for row in report.proposed:
        known = f" (the catalog's {row.model})" if row.model else ""
        yield f"new at {row.host}: {row.upstream_model}{known}; price {row.price}, place {row.place}"
    for end in report.retirements:
        used = f"; used here by {', '.join(end.endpoints)}" if end.endpoints else ""
        yield f"ending at {end.host}: {end.upstream_model}: {end.reason}{used}"


def _lit_hosts(catalog: Catalog) -> set[str]:
    """Return the hosts that are lit where Hortus runs, else those that would be if it were started here."""
    with suppress(HortusError):
        return set(Admin.here().status().lit_hosts)
    environment = read_environment()
    return {host.id for host in catalog.rows.hosts if is_lit(host, environment)}


def prices_today(catalog: Catalog) -> PriceOf:
    """Return the function that says what an offer costs today."""
    return partial(price_of_offer, catalog, at=_today())


def _today() -> date:
    return utc_day(SystemClock().now_ms())


def say_price(price: PriceRow | None) -> str | None:
    """Return a price as people read it, such as `2 → 6 USD`."""
    if price is None:
        return None
    return f"{plain_number(price.input_per_million)} → {plain_number(price.output_per_million)} {price.currency}"


def plain_number(amount: Decimal) -> str:
    """Return an amount without an exponent and without zeros at its end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _query_of(search: Search, catalog: Catalog) -> Query:
    if search.maker:
        catalog.maker(search.maker)
    if search.host:
        catalog.host(search.host)
    _refuse_unknown("--state", search.state or (), get_args(State))
    _refuse_unknown("--feature", [search.feature] if search.feature else (), get_args(Feature))
    if search.place:
        _refuse_unknown("--in", [search.place.upper()], ("EU", *sorted(ISO_COUNTRIES)))
    asked = {
        "words": tuple(search.words or ()),
        "maker": search.maker,
        "open_weights": search.open_,
        "max_price": _read_price(search.max_price),
        "place": search.place.upper() if search.place else None,
        "host": search.host,
        "states": tuple(search.state or ()),
        "feature": search.feature,
    }
    return msgspec.convert(asked, Query)


def _refuse_unknown(flag: str, given: Iterable[str], known: Sequence[str]) -> None:
    for word in given:
        if word not in known:
            shown = ", ".join(known) if len(known) <= _MOST_NAMED else f"{known[0]}, or a country's code such as FR"
            raise ConfigurationError(f"it cannot be {word!r}.", path=flag, hint=f"It takes {shown}.")


def _read_price(text: str | None) -> Decimal | None:
    try:
        price = Decimal(text) if text is not None else None
    except InvalidOperation:
        price = Decimal("NaN")
    if price is not None and not price.is_finite():
        raise ConfigurationError(f"{text!r} is no amount.", path="--max-price", hint="Write it as 2 or 0.5.")
    return price


def _rows_by_maker(found: Sequence[Found]) -> Iterator[Sequence[object] | str]:
    for _, group in groupby(found, key=lambda one: one.maker.id):
        models = list(group)
        yield f"{models[0].maker.name} ({models[0].maker.home})"
        yield from map(_row_of, models)


def _row_of(found: Found) -> Sequence[object]:
    offers = sorted(found.offers, key=_sum_of)
    cheapest = say_price(offers[0].price) if offers else None
    price = cheapest and cheapest.removesuffix(f" {_USUAL_CURRENCY}")
    return (f" {found.model.id}", found.model.state, found.model.open_weights, price, _places_of(offers))


def _sum_of(priced: PricedOffer) -> Decimal:
    """Order offers by price, those without one last."""
    price = priced.price
    return price.input_per_million + price.output_per_million if price is not None else Decimal("Infinity")


def _places_of(offers: Sequence[PricedOffer]) -> str:
    """Return the first host, and how many more there are."""
    shown = list(dict.fromkeys(one.offer.host for one in offers))
    return " ".join([*shown[:1], *([f"+{len(shown) - 1}"] if len(shown) > 1 else [])])


def count_of(found: Sequence[Found]) -> str:
    """Return how many models there are, in words."""
    return "1 model" if len(found) == 1 else f"{len(found)} models"


def _plain(found: Found) -> dict[str, object]:
    return {
        **msgspec.to_builtins(found.model),
        "maker_name": found.maker.name,
        "maker_home": found.maker.home,
        "offers": [
            {
                "host": one.offer.host,
                "upstream_model": one.offer.upstream_name,
                "region": one.offer.region,
                "country": one.country,
                "price": one.price,
            }
            for one in found.offers
        ],
    }
