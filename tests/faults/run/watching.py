"""How far has the run come? Records in the journal and bytes of the host: what schedules are counted in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from hortus.testkit.faults.book import sent_bytes

_LOOK_EVERY_S = 0.002
_STUCK_AFTER_S = 90.0
_AT_ONCE_BYTES = 1024 * 1024

Unit = Literal["records", "bytes"]


class StuckError(AssertionError):
    """Nothing moves any more."""


class Mark(NamedTuple):
    """A point in a run: so many more records in the journal, or bytes that the host has sent."""

    unit: Unit
    amount: int

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


class _Segment:
    """One segment, read from where it was left."""

    def __init__(self, file: Path) -> None:
        self.descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = 0

    def new_records(self) -> int:
        data = os.pread(self.descriptor, _AT_ONCE_BYTES, self._offset)
        lines = data[: data.rfind(b"\n") + 1] if b"\n" in data else b""
        self._offset += len(lines)
        return lines.count(b"\n")


class Watch:
    """Counts.

    Args:
        journal: Directory of the segments.
        book: The host's book.
    """

    def __init__(self, journal: Path, book: Path) -> None:
        self._journal = journal
        self._book = book
        self._segments: dict[str, _Segment] = {}
        self._records = 0

    def count(self, unit: Unit) -> int:
        """Return how many there are by now."""
        if unit == "bytes":
            return sent_bytes(self._book)
        for entry in os.scandir(self._journal):
            if entry.name.endswith(".journal") and not entry.name.startswith(".") and entry.name not in self._segments:
                try:
                    self._segments[entry.name] = _Segment(Path(entry.path))
                except FileNotFoundError:
                    continue
        self._records += sum(segment.new_records() for segment in self._segments.values())
        return self._records

    async def reach(self, mark: Mark, *, unless: Callable[[], bool] = lambda: False) -> None:
        """Return when so much more is there, or when `unless` is true.

        Raises:
            StuckError: Nothing has moved for a long time.
        """
        loop = asyncio.get_running_loop()
        start = last = self.count(mark.unit)
        moved_s = loop.time()
        while last < start + mark.amount and not unless():
            await asyncio.sleep(_LOOK_EVERY_S)
            now = self.count(mark.unit)
            if now != last:
                last, moved_s = now, loop.time()
            elif loop.time() - moved_s > _STUCK_AFTER_S:
                raise StuckError(f"{mark} did not come: {last - start} within {_STUCK_AFTER_S:.0f} s of nothing new")

    def close(self) -> None:
        """Close the segments' files."""
        for segment in self._segments.values():
            os.close(segment.descriptor)
