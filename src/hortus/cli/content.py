"""`hortus content`: what is kept of requests and answers: found, exported for whom it is about, erased for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hortus.base.errors import HortusError, InstallationError
from hortus.base.time import format_utc
from hortus.cli.admin import Admin, DeclinedError
from hortus.cli.contentfile import Item, write_file
from hortus.cli.exports import entries_bar
from hortus.cli.options import takes
from hortus.cli.replies import ContentErased, KeptContent
from hortus.cli.screen import Column, note, show_json, show_line, show_table

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Find, export and erase what is kept of requests and answers.",
    epilog="Kept is what projects ask for. Reading and erasing stand in `hortus acts --kind content`.",
)

_AT_ONCE = 100
_ERASED_AT_ONCE = 500
_MOST_SHOWN = 200
_SELECTORS = ("subject", "project", "key", "since", "until", "mentions")


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which kept exchanges are meant; every one that is given must hold."""

    subject: Annotated[
        str | None, typer.Option(help="The person behind it, as requests name them (user, user_id).")
    ] = None
    receipt: Annotated[list[str] | None, typer.Option(help="Of this receipt; repeat it.")] = None
    receipts_from: Annotated[
        Path | None, typer.Option(help="Of the receipts in this file, one a line; `erase --list` writes it.")
    ] = None
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None
    key: Annotated[str | None, typer.Option(help="Only through the key with this id.")] = None
    since: Annotated[str | None, typer.Option(help="From then on: 7d, 2026, 2026-11, 2026-11-01T12:00.")] = None
    until: Annotated[str | None, typer.Option(help="Likewise; a day, month or year is meant whole.")] = None
    mentions: Annotated[
        str | None, typer.Option(help="Only where these words stand; each exchange is opened for that.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing says which."""
        return not (self.receipt or self.receipts_from or any(getattr(self, name) for name in _SELECTORS))


class Export(Which, frozen=True, kw_only=True):
    """Which are exported, and where to."""

    file: Annotated[Path, typer.Argument(help="The file to write: NAME.zip with a file each, else JSON Lines.")]


class Erasure(Which, frozen=True, kw_only=True):
    """Which are erased."""

    yes: Annotated[bool, typer.Option("--yes", help="Erase; else only what would be erased is shown.")] = False
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Write the receipts into this file, to erase again after a restore.")
    ] = None


@app.command("find")
@takes(Which)
def find(which: Which) -> None:
    """List kept exchanges by person, receipt, project, key, time, or words that they mention."""
    found = list(_find(Admin.here(), which))
    show_json(found) if which.json else _show(found)


@app.command("export")
@takes(Export)
def export(which: Export) -> None:
    """Write kept exchanges with their words and receipts, readable by those whom they are about."""
    admin = Admin.here()
    found = [one.receipt_id for one in _find(admin, which)]
    count = write_file(which.file.absolute(), _items(admin, found))
    if which.json:
        show_json({"file": str(which.file), "found": len(found), "exchanges": count})
        return
    note(f"{count} exchanges are in {which.file}, which only you may read: hand it to nobody but whom it is about.")
    if count < len(found):
        note(f"{len(found) - count} more could not be opened; the log of control says why.")


@app.command("erase")
@takes(Erasure)
def erase(which: Erasure) -> None:
    """Erase kept exchanges for good; receipts stay, and prove as before that none was changed."""
    if which.is_empty:
        raise HortusError("nothing says what to erase.", hint="Give --subject, --receipt, --project, --key or a time.")
    admin = Admin.here()
    found = list(_find(admin, which))
    if which.list_file is not None:
        _write_list(which.list_file, found)
    if not which.yes:
        _show_plan(found, as_json=which.json)
        return
    portions = _portions([one.receipt_id for one in found], _ERASED_AT_ONCE)
    _tell(_sum_up([admin.erase_content(portion, dry_run=False) for portion in portions]), as_json=which.json)


def _receipts(ids: Sequence[str] | None, file: Path | None) -> list[str]:
    if file is None:
        return list(ids or ())
    try:
        lines = file.read_text("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InstallationError("this list of receipts cannot be read.", path=str(file)) from error
    return [*(ids or ()), *lines]


def _find(admin: Admin, which: Which) -> Iterator[KeptContent]:
    """Yield what is meant, page by page, showing how far it is."""
    said = {name: getattr(which, name) for name in _SELECTORS if getattr(which, name) is not None}
    receipts = _receipts(which.receipt, which.receipts_from)
    for portion in list(_portions(receipts, _ERASED_AT_ONCE)) or [[]]:
        ask: dict[str, object] = {**said, "receipts": portion, "limit": _AT_ONCE}
        with entries_bar("looking") as on_progress:
            page = admin.find_content(ask)
            total, seen = page.total, page.looked_at
            on_progress(seen, total)
            yield from page.found
            while page.after < page.last:
                page = admin.find_content({**ask, "after": page.after, "last": page.last})
                seen += page.looked_at
                on_progress(seen, total)
                yield from page.found


def _items(admin: Admin, receipts: Sequence[str]) -> Iterator[Item]:
    with entries_bar("exchanges") as on_progress:
        done = 0
        for portion in _portions(receipts, _AT_ONCE):
            for raw in admin.read_content(portion):
                receipt_id = msgspec.json.decode(raw, type=_Named).receipt_id
                yield Item(exchange=raw, receipt=_receipt(admin, receipt_id))
            done += len(portion)
            on_progress(done, len(receipts))


class _Named(msgspec.Struct):
    receipt_id: str


def _receipt(admin: Admin, receipt_id: str) -> msgspec.Raw | None:
    try:
        return admin.receipt(receipt_id)
    except DeclinedError as error:
        if error.is_absent:
            return None
        raise


def _show_plan(found: Sequence[KeptContent], *, as_json: bool) -> None:
    if as_json:
        show_json({"dry_run": True, "receipts": [one.receipt_id for one in found]})
        return
    _show(found)
    if found:
        note(f"These {len(found)} would be erased for good. Erase them: the same with --yes.")


def _sum_up(parts: Sequence[ContentErased]) -> ContentErased:
    return ContentErased(
        receipts=[one for part in parts for one in part.receipts],
        dry_run=False,
        seals=sum(part.seals for part in parts),
        host_ids=sum(part.host_ids for part in parts),
        leaves_no_trace=all(part.leaves_no_trace for part in parts),
        broken_files=sorted({one for part in parts for one in part.broken_files}),
    )


def _tell(erased: ContentErased, *, as_json: bool) -> None:
    if as_json:
        show_json(erased)
        return
    count = len(erased.receipts)
    note(f"{count} exchanges are erased, with {erased.seals} seals and {erased.host_ids} owners of hosts' ids.")
    note("Backups made before hold them still, and so may the hosts that answered: `hortus receipts ID` names them.")
    if not erased.leaves_no_trace:
        note("A worker read the file at that moment: its free room is cleared at the next sweep, in some seconds.")
    for file in erased.broken_files:
        show_line(f"{file} broke earlier and was not looked at; remove it if what it holds must go.")


def _show(found: Sequence[KeptContent]) -> None:
    if not found:
        note("Nothing is kept that fits.")
        return
    columns = [
        Column("UTC", is_whole=True), Column("receipt", is_whole=True), Column("project"), Column("route"),
        Column("until", is_whole=True),
    ]  # fmt: skip
    show_table(columns, [
        (format_utc(one.at_ms)[:19].replace("T", " "), one.receipt_id, one.project, one.route,
         format_utc(one.until_ms)[:10]) for one in found[:_MOST_SHOWN]
    ])  # fmt: skip
    if len(found) > _MOST_SHOWN:
        note(f"{len(found) - _MOST_SHOWN} more: --json lists them.")


def _write_list(file: Path, found: Sequence[KeptContent]) -> None:
    try:
        file.write_text("".join(f"{one.receipt_id}\n" for one in found), "utf-8")
    except OSError as error:
        raise InstallationError(f"cannot be written: {error.strerror}.", path=str(file)) from error


def _portions(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
