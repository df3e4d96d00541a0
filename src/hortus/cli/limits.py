"""`hortus limits`: bounds on requests, tokens and money of a key, a project or the organisation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.limitwords import say_bound, say_scope, show_limit, show_limits
from hortus.cli.options import takes
from hortus.cli.replies import Limit
from hortus.cli.screen import note, show_json

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Bound requests, tokens and money; those of money are budgets.",
    epilog="Alone it lists them. `hortus budgets` has those of money, with bars.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
All = Annotated[bool, typer.Option("--all", help="Retired ones too.")]
Name = Annotated[str, typer.Argument(help="The limit's name.")]
Project = Annotated[str | None, typer.Option(help="Only those that bind this project, or a key of it.")]

_MEASURES = frozenset({"requests_per_minute", "tokens_per_minute", "concurrent_requests", "money"})
_OF_MONEY = frozenset({"currency", "per", "timezone", "year_starts_in"})
_SCOPES = frozenset({"project", "key"})


class Period(StrEnum):
    """How long an amount of money has to last."""

    DAY = "day"
    MONTH = "month"
    FISCAL_YEAR = "fiscal_year"
    TOTAL = "total"


class Bound(msgspec.Struct, frozen=True):
    """Whom a limit binds, and how: what `limits set` and `budgets set` have in common."""

    name: Annotated[str, typer.Argument(help="What it is called; one of that name is changed.")]
    project: Annotated[str | None, typer.Option(help="It binds this project; else, and without --key, all.")] = None
    key: Annotated[str | None, typer.Option(help="It binds this key (its id, or a name that no other has).")] = None
    money: Annotated[str | None, typer.Option(help="An exact amount, such as 500 or 0.25; 0 blocks.")] = None
    currency: Annotated[str | None, typer.Option(help="EUR, USD, or any that has a rate.")] = None
    per: Annotated[Period | None, typer.Option(help="How long the amount has to last.")] = None
    timezone: Annotated[
        str | None, typer.Option(help="Zone in which days, months and years begin, such as Europe/Berlin; else UTC.")
    ] = None
    year_starts_in: Annotated[
        int | None, typer.Option(min=1, max=12, help="Month in which the fiscal year begins; else January.")
    ] = None
    soft: Annotated[bool | None, typer.Option("--soft/--hard", help="It only alerts, or it refuses.")] = None
    alert_at: Annotated[
        list[int] | None, typer.Option(help="Tell at so many percent; repeat it. Else at 80 and 100.")
    ] = None
    json: AsJson = False


class Options(Bound, frozen=True):
    """Options of `limits set`."""

    requests_per_minute: Annotated[int | None, typer.Option(min=0, help="Requests in each minute; 0 blocks.")] = None
    tokens_per_minute: Annotated[int | None, typer.Option(min=0, help="Tokens, input and output together.")] = None
    concurrent_requests: Annotated[int | None, typer.Option(min=0, help="Requests that run at the same time.")] = None


@app.command("list")
def list_limits(*, project: Project = None, all_: All = False, json: AsJson = False) -> None:
    """List limits and budgets with what is left of them."""
    found = Admin.here().limits(project=project, include_retired=all_)
    if json:
        show_json(found)
    elif found:
        show_limits(found)
    else:
        note("No limits yet. `hortus limits set NAME --requests-per-minute 60 --project PROJECT` sets one.")


@app.command("set")
@takes(Options)
def set_(options: Options) -> None:
    """Set a limit; of one that is there, change what is given and keep the rest."""
    set_limit(options)


@app.command()
def show(name: Name, *, json: AsJson = False) -> None:
    """Show one limit with all its figures."""
    found = Admin.here().limit(name)
    show_json(found) if json else show_limit(found)


@app.command()
def remove(name: Name, *, json: AsJson = False) -> None:
    """Take a limit out of use; set again, it goes on with what was spent."""
    removed = Admin.here().retire_limit(name)
    show_json(removed) if json else note(f"{removed.name} no longer binds {say_scope(removed)}.")


def set_limit(bound: Bound) -> None:
    """Set a limit and say what it is from now on."""
    admin = Admin.here()
    before = {limit.name: limit for limit in admin.limits()}.get(bound.name)
    made = admin.set_limit(bound.name, merge(before, _given(bound)), is_new=before is None)
    if bound.json:
        show_json(made)
    else:
        effect = "what is over it is refused" if made.kind == "hard" else "it only alerts"
        note(f"{made.name}: {say_scope(made)} may use {say_bound(made)} from now on; {effect}.")


def merge(before: Limit | None, given: dict[str, object]) -> dict[str, object]:
    """Return all members of a limit: what is given, else what it had, but for what the given puts aside.

    Args:
        before: The limit that is there, None where it is new.
        given: Members that are set, without the name.
    """
    had = _members(before) if before is not None else {}
    measures = given.keys() & _MEASURES
    aside: set[str] = set()
    if given.keys() & _SCOPES:
        aside |= _SCOPES
    if measures and not measures & had.keys():
        aside |= _MEASURES | _OF_MONEY
    if given.get("per", had.get("per")) != had.get("per"):
        aside.add("year_starts_in")
    if given.get("per") == Period.TOTAL:
        aside.add("timezone")
    return {**{name: value for name, value in had.items() if name not in aside}, **given}


def _members(limit: Limit) -> dict[str, object]:
    names = _MEASURES | _OF_MONEY | _SCOPES | {"kind", "alert_at"}
    found = {name: value for name in names if (value := getattr(limit, name)) is not None}
    if limit.key is not None:
        found.pop("project", None)  # the view names the project that the key belongs to
    return found


def _given(bound: Bound) -> dict[str, object]:
    asked = {name: value for name, value in msgspec.structs.asdict(bound).items() if value is not None}
    soft = asked.pop("soft", None)
    kind = {} if soft is None else {"kind": "soft" if soft else "hard"}
    return {name: value for name, value in asked.items() if name not in {"name", "json"}} | kind
