"""`hortus acts`: who changed what, in the same chain as the receipts."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from hortus.access.acts import FieldChange
from hortus.base.time import format_utc
from hortus.cli.admin import Admin
from hortus.cli.screen import Column, note, show_json, show_table

app = typer.Typer(add_completion=False)

_LONGEST_VALUE = 60


class ActReply(msgspec.Struct, frozen=True):
    """An act as the admin API gives it."""

    act_id: str
    at_ms: int
    by: str
    change: str
    kind: str
    name: str
    operation: str
    seq: int | None = None
    fields: tuple[FieldChange, ...] = ()


@app.command()
def acts(
    *,
    kind: Annotated[str | None, typer.Option(help="Only of such objects: key, project, route, limit, …")] = None,
    project: Annotated[str | None, typer.Option(help="Only what belongs to this project.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, max=1000, help="The newest N.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List who changed which key, project, route or limit, and how."""
    found = Admin.here().acts({"kind": kind, "project": project, "limit": last})
    if json:
        show_json(found)
        return
    if not found:
        note("Nothing has been changed yet.")
        return
    read = [msgspec.json.decode(raw, type=ActReply) for raw in found]
    columns = [Column("UTC", is_whole=True), Column("by", is_whole=True), Column("what"), Column("changed")]
    show_table(columns, [(_when(one), one.by, f"{one.change} {one.kind} {one.name}", say_fields(one)) for one in read])


def say_fields(act: ActReply) -> str:
    """Return what changed as people read it: old and new of each field; for a new object its fields."""
    return "\n".join(
        f"{one.field}: {_short(one.after)}"
        if one.before is None
        else f"{one.field}: {_short(one.before)} → {_short(one.after)}"
        for one in act.fields
        if act.change != "create" or one.after not in {"[]", "{}", "false"}
    )


def _when(act: ActReply) -> str:
    return format_utc(act.at_ms)[:19].replace("T", " ")


def _short(value: str | None) -> str:
    if value is None:
        return "none"
    return value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
