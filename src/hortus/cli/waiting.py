"""Waiting for what Hortus does in the background: an engine that starts, a receipt that is taken in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from hortus.app.clock import SystemClock
from hortus.base.errors import HortusError
from hortus.cli.admin import Admin, DeclinedError
from hortus.cli.receipts import read_receipt
from hortus.cli.replies import Deployment
from hortus.receipts.records import Receipt

_LOOK_EVERY_S = 0.1
_RECEIPT_WITHIN_S = 10.0

Seen = TypeVar("Seen")


class EngineFailedError(HortusError):
    """A deployment's engine cannot run; its own reason."""

    code = "engine_failed"


def wait_for_engine(
    admin: Admin, name: str, *, within_s: float, on_look: Callable[[Deployment], None] = lambda _: None
) -> Deployment:
    """Wait until a deployment answers as it is declared now.

    Raises:
        EngineFailedError: Its engine cannot run, or takes longer than `within_s`.
    """

    def look() -> Deployment | None:
        seen = admin.deployment(name)
        on_look(seen)
        if seen.state == "failed":
            raise EngineFailedError(seen.error or "its engine failed.", path=f"deployment {name}")
        if seen.successor == "failed" and not seen.is_current:
            hint = "What served before goes on serving; deploy that again, or mend this."
            raise EngineFailedError(seen.successor_error or "its engine failed.", path=f"deployment {name}", hint=hint)
        return seen if seen.state == "ready" and seen.is_current else None

    ready = _poll(look, within_s=within_s)
    if ready is None:
        raise EngineFailedError(
            f"not ready after {within_s:.0f} s.",
            path=f"deployment {name}",
            hint="`hortus deployments` shows how it does.",
        )
    return ready


def wait_for_receipt(admin: Admin, receipt_id: str) -> Receipt | None:
    """Wait until the ledger has taken a receipt in, settled; None where that takes too long."""

    def look() -> Receipt | None:
        try:
            receipt = read_receipt(admin.receipt(receipt_id))
        except DeclinedError as error:
            if error.is_absent:
                return None
            raise
        return receipt if receipt.settled_at_ms is not None else None

    return _poll(look, within_s=_RECEIPT_WITHIN_S)


def _poll(look: Callable[[], Seen | None], *, within_s: float) -> Seen | None:
    clock = SystemClock()
    deadline_s = clock.monotonic_s() + within_s
    while (seen := look()) is None and clock.monotonic_s() < deadline_s:
        time.sleep(_LOOK_EVERY_S)
    return seen
