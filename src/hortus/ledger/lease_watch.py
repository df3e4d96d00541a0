"""What leases need besides answers: alerts, minutes that are over, and writers that left without a journal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from hortus.base.time import Clock
from hortus.ledger.ports import LeaseStore, ReceiptStore
from hortus.receipts.segment import split_name

_TIDY_EVERY_S = 60.0
_LOST_EVERY_S = 10.0

_log = logging.getLogger("hortus.ledger")


class LeaseWatch:
    """For the thread that writes the journal into the store; the store's errors pass through, the next look goes on.

    Args:
        directory: The journal's.
        leases: Where leases lie.
        sink: Where receipts go; it buries writers.
        is_here: Whether a writer is connected.
        clock: Tells the time.
    """

    def __init__(
        self,
        directory: Path,
        leases: LeaseStore,
        sink: ReceiptStore,
        *,
        is_here: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._leases = leases
        self._sink = sink
        self._is_here = is_here
        self._clock = clock
        self._suspects: frozenset[str] = frozenset()
        self._due_s = {"tidy": clock.monotonic_s(), "lost": clock.monotonic_s()}

    def run_once(self) -> None:
        """Log alerts; from time to time, tidy up and bury the lost.

        Raises:
            hortus.ledger.ports.StoreUnavailable: The next call goes on.
        """
        for alert in self._leases.weigh():
            _log.warning(
                "a limit is used up to an alert",
                extra={
                    "limit": alert.limit_id,
                    "pool": alert.pool,
                    "percent": alert.percent,
                    "spent": format(alert.spent, "f"),
                    "amount": format(alert.amount, "f"),
                },
            )
        if self._is_due("tidy", _TIDY_EVERY_S):
            self._leases.tidy()
        if self._is_due("lost", _LOST_EVERY_S):
            self._bury_lost()

    def _bury_lost(self) -> None:
        """Bury writers without a segment: they ended before they wrote anything.

        One whose disk was full at its start has no segment either, but comes back to the socket within a second: only
        who was away at two looks in a row is lost.
        """
        writers = self._leases.lease_writers()  # before the look at the segments: whoever got a lease had one by then
        writing = {name[0] for file in self._directory.iterdir() if (name := split_name(file.name))}
        away = frozenset(writer for writer in writers - writing if not self._is_here(writer))
        for writer in away & self._suspects:
            self._sink.bury(writer)
        self._suspects = away - self._suspects

    def _is_due(self, what: str, every_s: float) -> bool:
        if self._clock.monotonic_s() < self._due_s[what]:
            return False
        self._due_s[what] = self._clock.monotonic_s() + every_s
        return True
