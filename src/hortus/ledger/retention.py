"""How long absorbed segments stay beside the journal: a week after all of each was safe in the store.

Only segments that the store names are touched. A damaged one is evidence: it is set aside, for a person to judge.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from hortus.base.time import Clock
from hortus.ledger.ports import ReceiptStore

KEPT_MS = 7 * 24 * 3600 * 1000
"""Time between a segment's arrival in the archive and its removal."""

ASIDE = "damaged"
"""Directory below the archive for damaged segments whose time is over."""

_LOOK_EVERY_S = 3600.0

_log = logging.getLogger("hortus.ledger")


class Retention:
    """Removes what is old from the archive, for one thread; the store's errors pass through, the next look goes on."""

    def __init__(self, archive: Path, sink: ReceiptStore, *, clock: Clock) -> None:
        self._archive = archive
        self._sink = sink
        self._clock = clock
        self._due_s = clock.monotonic_s()

    def run_if_due(self) -> int:
        """Once an hour, remove the segments whose time is over; return how many.

        Files go before the store forgets them, so that one that comes back after a power cut is removed again.

        Raises:
            hortus.ledger.ports.StoreUnavailable: What was not forgotten is next time.
        """
        if self._clock.monotonic_s() < self._due_s:
            return 0
        old = self._sink.archived_before(self._clock.now_ms() - KEPT_MS)
        for name, is_damaged in old.items():
            with contextlib.suppress(FileNotFoundError):  # a person, or a pass that was killed, was first
                self._remove(self._archive / name, is_damaged=is_damaged)
        if old:
            _sync_directory(self._archive)
            self._sink.forget(list(old))
            _log.info("old segments removed from the archive", extra={"segments": len(old)})
        self._due_s = self._clock.monotonic_s() + _LOOK_EVERY_S
        return len(old)

    def _remove(self, file: Path, *, is_damaged: bool) -> None:
        if not is_damaged:
            file.unlink()
            return
        aside = file.parent / ASIDE
        aside.mkdir(mode=0o700, exist_ok=True)
        file.rename(aside / file.name)
        _log.warning("a damaged segment is kept aside", extra={"file": file.name})


def _sync_directory(directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
