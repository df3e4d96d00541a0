"""What the doctor finds about the chain of receipts: whether its newest entries are what was chained."""

from __future__ import annotations

from hortus.control import views
from hortus.control.plane import Plane

NEWEST = 1000
"""Entries that are looked at; `hortus receipts verify` looks at all of an export."""


def examine_chain(plane: Plane) -> views.Finding:
    """Return whether the newest receipts and acts are those that were chained."""
    flaw = plane.ports.chain.find_flaw(newest=NEWEST)
    if flaw is None:
        message = "The newest entries are what was chained."
        return views.Finding(name="chain of receipts", is_fine=True, message=message)
    name = f" ({flaw.record_id})" if flaw.record_id else ""
    return views.Finding(
        name="chain of receipts",
        is_fine=False,
        message=f"Entry {flaw.seq}{name} does not fit: {flaw.why}.",
        mend="Somebody has changed the store: `hortus receipts export` and `verify` show how far it reaches.",
    )
