"""How do hosts look on a screen? One line each in three separate columns, or all that is known of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec

from hortus.catalog import badges
from hortus.catalog.lookup import can_route
from hortus.catalog.residency import Deciding
from hortus.catalog.rows import Host
from hortus.cli.screen import Column, is_wide

_PLAIN = ("id", "name", "operator", "docs", "regions", "control_plane", "subprocessors", "zero_retention", "note")
"""Members of a row that are shown as they are."""


def host_columns() -> list[Column]:
    """Return the heads of the list; a screen with room names the variables too."""
    wide = [Column("variable", is_whole=True)] if is_wide() else []
    return [
        *(
            Column("host", is_whole=True),
            Column("computed in", is_whole=True),
            Column("kept"),
            Column("operator's law"),
        ),
        *(Column("known"), *wide, Column("lit")),
    ]


def host_row(host: Host, *, is_lit: bool, on: date) -> Sequence[object]:
    """Return one line of the list."""
    wide = [variable_of(host)] if is_wide() else []
    three = (badges.computed_in(host), badges.kept(host), badges.law(host))
    return (host.id, *three, badges.known(host, on), *wide, is_lit)


def host_facts(host: Host, *, is_lit: bool, on: date) -> Iterator[tuple[str, object]]:
    """Yield all that is known of a host: what it is, the three separate things, who says so."""
    row = msgspec.to_builtins(host)
    yield from ((name.replace("_", " "), row[name]) for name in _PLAIN[:4])
    yield "computed in", badges.computed_in(host) or "unknown"
    yield from ((f"decided by {table.fact}", _table(table)) for table in host.places)
    yield "kept", badges.kept(host) or "unknown"
    yield "answers to refer to", ", ".join(_states(host))
    yield "operator's law", badges.law(host) or "unknown"
    yield "trains on requests", {None: "unknown", True: "yes", False: "no"}[host.trains_on_content]
    yield "styles of address", _named(host.styles)
    yield "a request can set", _named(lever.name for lever in host.levers)
    yield from ((name.replace("_", " "), row.get(name) or None) for name in _PLAIN[4:])
    yield "variable", variable_of(host)
    yield "lit", is_lit
    yield "source", host.source
    yield "known", badges.known(host, on)


def _named(names: Iterable[str]) -> list[str] | None:
    return list(names) or None


def variable_of(host: Host) -> str | None:
    """Return the variable that lights a host."""
    return host.credential_env if can_route(host) else "not yet"


def _table(table: Deciding) -> str:
    said = ", ".join(f"{value} → {place}" for value, place in table.values.items())
    return said if table.note is None else f"{said}. {table.note}"


def _states(host: Host) -> Iterator[str]:
    for surface in host.surfaces:
        days = {None: "unknown", 0: "none"}.get(surface.state_days, f"up to {surface.state_days} days")
        yield f"{surface.dialect}: {days}"
