"""`hortus receipts`: what was asked of which model, what it used and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Annotated

import msgspec
import typer
from typer.core import TyperCommand

from hortus.base.time import format_utc
from hortus.canon.usage import COUNTS, Usage
from hortus.cli import proofs
from hortus.cli.admin import Admin
from hortus.cli.defaults import FirstUnlessNamed
from hortus.cli.screen import Column, is_wide, note, show_facts, show_json, show_line, show_table
from hortus.receipts.records import Attempt, Receipt

app = typer.Typer(
    cls=FirstUnlessNamed,
    add_completion=False,
    help="Show receipts, and prove that none was changed.",
    epilog="Alone it lists them; `hortus receipts ID` and `--last [[N]]` show some.",
)

_USUAL_COUNT = 20
_SHORT_MS = 1000


class _LastAlone(TyperCommand):
    """Lets `--last` stand without a number: the newest one."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override,explicit-override]  # typing.override comes with Python 3.12
        """Read the arguments, with the number that `--last` means where it has none."""
        followed = zip(args, [*args[1:], ""], strict=False)
        filled = [[word, "1"] if word == "--last" and not after.isdigit() else [word] for word, after in followed]
        return super().parse_args(ctx, [word for words in filled for word in words])


@app.command("show", cls=_LastAlone)
def receipts(
    receipt_id: Annotated[str | None, typer.Argument(help="One receipt: an answer's header hortus-receipt.")] = None,
    *,
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="[N]", help="The newest N; alone: the newest one, in full.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show receipts: model, endpoint, tokens, cost, times and status."""
    admin = Admin.here()
    if receipt_id:
        one = admin.receipt(receipt_id)
        show_json(one) if json else show_receipt(read_receipt(one))
        return
    found = admin.receipts(project=project, count=last or _USUAL_COUNT)
    if json:
        show_json(found)
    elif not found:
        note("No receipts yet. `hortus ask` makes one.")
    elif last == 1:
        show_receipt(read_receipt(found[0]))
    else:
        _show_list([read_receipt(raw) for raw in found])


for _name, _command in (
    ("export", proofs.export),
    ("verify", proofs.check),
    ("checkpoint", proofs.make_checkpoint),
    ("public-key", proofs.show_public_key),
    ("check-content", proofs.check_content),
):
    app.command(_name)(_command)


def read_receipt(raw: msgspec.Raw) -> Receipt:
    """Return a receipt as a value; `--json` passes on what came instead."""
    return msgspec.json.decode(raw, type=Receipt)


def show_receipt(receipt: Receipt) -> None:
    """Write one receipt with its attempts on standard output."""
    show_facts(facts_of(receipt))
    columns = [
        Column("attempt", is_number=True), Column("endpoint"), Column("status"),
        Column("used", is_number=True), Column("first byte", is_number=True), Column("cost", is_whole=True),
    ]  # fmt: skip
    if receipt.attempts:
        show_line("")
        is_priced_alike = len({attempt.price_id for attempt in receipt.attempts}) == 1  # then it stands above
        show_table(columns, [_attempt_row(attempt, names_price=not is_priced_alike) for attempt in receipt.attempts])


def _show_list(found: list[Receipt]) -> None:
    may_be_wide = is_wide()
    columns = [
        Column("UTC", is_whole=True), Column("status", is_whole=True),
        *([Column("route"), Column("receipt", is_whole=True)] if may_be_wide else [Column("route, receipt")]),
        Column("used", is_number=True), Column("cost", is_number=True),
    ]  # fmt: skip
    show_table(columns, _rows_by_day(found, may_be_wide=may_be_wide))
    note("One with its attempts: `hortus receipts ID`.")


def _rows_by_day(found: list[Receipt], *, may_be_wide: bool) -> Iterator[tuple[object, ...] | str]:
    for day, group in groupby(found, key=lambda one: format_utc(one.opened_at_ms)[:10]):
        yield day
        for one in group:
            used = say_usage(one.usage, is_short=True)
            cost = say_cost(one.cost, one.currency)
            names = (one.route, one.receipt_id) if may_be_wide else (f"{one.route or '-'}\n{one.receipt_id}",)
            yield (format_utc(one.opened_at_ms)[11:19], one.status, *names, used, cost)


def facts_of(receipt: Receipt) -> Iterator[tuple[str, object]]:
    """Yield what a receipt says, in the order in which people ask."""
    yield "receipt", receipt.receipt_id
    yield "status", _status_of(receipt)
    yield "route", receipt.route
    yield "model", receipt.model
    yield "endpoint", receipt.endpoint
    has_tokens = receipt.usage is None or not say_units(receipt.usage)
    yield "tokens" if has_tokens else "used", say_usage(receipt.usage)
    yield "charged apart", ", ".join(say_parts(receipt.usage))
    yield "cost", say_cost(receipt.cost, receipt.currency)
    yield "price row", next((attempt.price_id for attempt in reversed(receipt.attempts) if attempt.price_id), None)
    yield from _crossing_of(receipt.attempts)
    yield from _judgement_of(receipt)
    yield "project", receipt.project
    yield "key", receipt.caller.key_id
    yield "asked", format_utc(receipt.opened_at_ms)
    if receipt.settled_at_ms is not None:
        took_ms = receipt.settled_at_ms - receipt.opened_at_ms
        yield "took", f"{took_ms} ms" if took_ms < _SHORT_MS else f"{took_ms / 1000:.2f} s"
    yield "request id", receipt.request_id


def _judgement_of(receipt: Receipt) -> Iterator[tuple[str, object]]:
    """Yield what policies and guards said, and what became of the content."""
    yield "policy", receipt.policy
    yield "ruled out", ", ".join(receipt.rulings)
    yield "shadow policy says", ", ".join(receipt.shadow)
    yield "guards found", ", ".join(receipt.findings)
    yield "given again from", receipt.cached_from
    kept = receipt.attempts[-1].is_kept if receipt.attempts else None
    yield "content kept", None if kept is None else ("yes" if kept else "no, it could not be written")


def _crossing_of(attempts: tuple[Attempt, ...]) -> Iterator[tuple[str, object]]:
    """Yield how the last attempt's request was changed on its way, and what it lost there and back."""
    if not attempts:
        return
    last = attempts[-1]
    yield "adapted", ", ".join(last.adaptations)
    yield "translated to", last.host_dialect
    yield "host did not get", ", ".join(last.losses)
    yield "you did not get", ", ".join(last.answer_losses)


def say_usage(usage: Usage | None, *, is_short: bool = False) -> str | None:
    """Return tokens as people read them; where there are none, what was used instead of them.

    >>> say_usage(Usage(input_tokens=12, output_tokens=40, is_estimated=True))
    '12 → 40 (estimated)'
    >>> say_usage(Usage(pages=2))
    '2 pages'
    """
    if usage is None:
        return None
    units = say_units(usage)
    if units or is_short:
        return units or f"{usage.input_tokens} → {usage.output_tokens}"
    cached = f" ({usage.cached_input_tokens} cached)" if usage.cached_input_tokens else ""
    estimated = " (estimated)" if usage.is_estimated else ""
    return f"{usage.input_tokens}{cached} → {usage.output_tokens}{estimated}"


_PARTS = tuple(name for name in COUNTS if name not in {"input_tokens", "output_tokens", "cached_input_tokens"})


def say_units(usage: Usage) -> str:
    """Return what was used where no tokens were; nothing where some were.

    >>> say_units(Usage(search_units=1)), say_units(Usage(9, 4, images=1))
    ('1 search unit', '')
    """
    if usage.input_tokens or usage.output_tokens:
        return ""
    counted = ", ".join(say_unit(count, name) for name in _PARTS if (count := getattr(usage, name)))
    return f"{counted} (estimated)" if counted and usage.is_estimated else counted


def say_parts(usage: Usage | None) -> Iterator[str]:
    """Yield what may have a price of its own beside tokens, in words.

    >>> list(say_parts(Usage(9, 4, searches=2, service_tier="flex")))
    ['2 searches', 'served as flex']
    """
    if usage is None:
        return
    for name in _PARTS if usage.input_tokens or usage.output_tokens else ():
        if count := getattr(usage, name):
            yield say_unit(count, name)
    if usage.service_tier is not None:
        yield f"served as {usage.service_tier}"
    if usage.region is not None:
        yield f"computed in {usage.region}"


def say_unit(count: int, name: str) -> str:
    """Return a count with its unit, as in `Usage`.

    >>> say_unit(1, "searches"), say_unit(1, "search_units"), say_unit(1700, "characters")
    ('1 search', '1 search unit', '1,700 characters')
    """
    words = name.replace("_", " ")
    return f"{count:,} {words}" if count != 1 else "1 " + words.removesuffix("es" if words == "searches" else "s")


def say_cost(cost: Decimal | None, currency: str | None) -> str | None:
    """Return an exact amount with its currency; None where the price is unknown or nothing was sent.

    >>> say_cost(Decimal("0.00120"), "USD")
    '0.0012 USD'
    """
    if cost is None or currency is None:
        return None
    text = f"{cost:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {currency}"


def _status_of(one: Receipt | Attempt) -> str:
    return f"{one.status} ({one.error_code})" if one.error_code else one.status


def _attempt_row(attempt: Attempt, *, names_price: bool) -> tuple[object, ...]:
    first_byte = f"{attempt.first_byte_ms} ms" if attempt.first_byte_ms is not None else None
    cost = say_cost(attempt.cost, attempt.currency)
    used = say_usage(attempt.usage)
    endpoint = f"{attempt.endpoint}\n{attempt.price_id or 'no price row'}" if names_price else attempt.endpoint
    return (attempt.number, endpoint, _status_of(attempt), used, first_byte, cost)
