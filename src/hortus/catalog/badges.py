"""What does a host's row say in three words: computed where, kept where and how long, under whose law?

Three separate things; none of them makes another true, and there is no badge for "EU".
"""

from __future__ import annotations

from datetime import date, timedelta

from hortus.catalog.rows import Host, Row


def computed_in(host: Host) -> str:
    """Return where it computes, or what decides that; empty where unknown."""
    if host.is_router:
        return "as the host behind"
    if host.decided_by is None:
        return host.country or ""
    deciding = next((table for table in host.places if table.fact == host.decided_by), None)
    return f"by {'region' if deciding is not None and deciding.read == 'region' else host.decided_by}"


def kept(host: Host) -> str:
    """Return where and for how long requests and answers are kept; empty where both are unknown."""
    if host.is_router:
        return "as the host behind"
    if host.retention_days == 0:
        return "nothing"
    place = "" if host.storage is None else _where(host, host.storage)
    days = "" if host.retention_days is None else f"{host.retention_days} d"
    return ", ".join(filter(None, (place, days)))


def _where(host: Host, storage: str) -> str:
    return f"by {storage}" if any(table.fact == storage for table in host.places) else storage


def law(host: Host) -> str:
    """Return whose law binds the operator, and which other countries' reach it; empty where unknown."""
    reached = [f"{country} {reach}" for country, reach in host.laws.items() if reach != "no" and country != host.home]
    return "; ".join(filter(None, (host.home or "", *reached)))


def is_stale(row: Row, *, review_days: int, on: date) -> bool:
    """Tell whether a row was read longer ago than its review period."""
    return on > row.as_of + timedelta(days=review_days)


def known(host: Host, on: date) -> str:
    """Return how well and since when that is known: `stated 2026-11-23`, with a mark where it is stale."""
    mark = ", stale" if is_stale(host, review_days=host.review_days, on=on) else ""
    return f"{host.confidence} {host.as_of.isoformat()}{mark}"
