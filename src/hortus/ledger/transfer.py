"""Moves records from the journal into the store, and segments that are done into the archive beside it.

Every step may be the last (kill -9): records and position go in together, a segment is moved only when all of it is in
the store, and the store is told after the move.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from hortus.base.time import Clock
from hortus.ledger.ports import Batch, Misplaced, ReceiptStore
from hortus.ledger.retention import Retention
from hortus.receipts.journal import UNFINISHED_SUFFIX
from hortus.receipts.reading import CorruptJournal, Portion, read_portion
from hortus.receipts.records import Receipt
from hortus.receipts.segment import START, Position, split_name

ARCHIVE = "done"
"""Directory below the journal's where absorbed segments are kept for a while (`ledger/retention.py`)."""

_ABANDONED_AFTER_MS = 60_000  # a segment is made within milliseconds; one that took longer has lost its maker

_log = logging.getLogger("hortus.ledger")


class Moved(msgspec.Struct):
    """What one pass has moved.

    Attributes:
        removed: Segments that left the archive because they were old.
    """

    records: int = 0
    receipts: int = 0
    segments: int = 0
    removed: int = 0


class Transfer:
    """Follows every segment in a directory. For one thread; the store's errors pass through, the next pass goes on.

    Args:
        directory: Where the journal's segments are.
        sink: Where their records go.
        clock: Tells the time.
        when_stored: Is told of receipts once they are stored, in the same thread; must neither wait nor fail.
    """

    def __init__(
        self,
        directory: Path,
        sink: ReceiptStore,
        *,
        clock: Clock,
        when_stored: Callable[[Sequence[Receipt]], None] | None = None,
    ) -> None:
        self._directory = directory
        self._archive = directory / ARCHIVE
        self._sink = sink
        self._clock = clock
        self._when_stored = when_stored
        self._retention = Retention(self._archive, sink, clock=clock)
        self._positions: dict[str, Position] | None = None

    def run_once(self) -> Moved:
        """Move everything that is there now.

        Raises:
            hortus.ledger.ports.StoreUnavailable: What was not moved stays in the journal.
        """
        moved = Moved()
        if self._positions is None:
            self._positions = dict(self._sink.positions())
            self._tidy(moved)
        for writer, files in self._segments().items():
            for file in files[:-1]:
                torn_bytes = self._drain(file, writer, moved, is_finished=True)
                self._put_away(file, moved, torn_bytes=torn_bytes)
            self._follow(files[-1], writer, moved)
        moved.removed = self._retention.run_if_due()
        return moved

    def _segments(self) -> dict[str, list[Path]]:
        """Return the segments of each writer, oldest first."""
        found = sorted((name, file) for file in self._directory.iterdir() if (name := split_name(file.name)))
        by_writer: dict[str, list[Path]] = {}
        for (writer, _), file in found:
            if not file.name.startswith("."):
                by_writer.setdefault(writer, []).append(file)
        return by_writer

    def _follow(self, file: Path, writer: str, moved: Moved) -> None:
        """Absorb a writer's newest segment; where its lock is free, the writer is dead and this was its last."""
        self._drain(file, writer, moved, is_finished=False)
        with _lock_of_the_dead(file) as is_dead:
            if not is_dead or self._segments().get(writer, [])[-1:] != [file]:
                return  # alive, or it has just gone on to a newer segment
            torn_bytes = self._drain(file, writer, moved, is_finished=True)
            moved.receipts += self._bury(writer)
            if torn_bytes:
                _log.warning("journal ends in a torn record", extra={"file": file.name, "torn_bytes": torn_bytes})
            self._put_away(file, moved, torn_bytes=torn_bytes)

    def _drain(self, file: Path, writer: str, moved: Moved, *, is_finished: bool) -> int:
        """Absorb all that can be read of a segment; return the length of its torn tail."""
        while True:
            start = self._position(file)
            try:
                portion, damage = read_portion(file, start, is_finished=is_finished), None
            except CorruptJournal as error:
                _log.error(str(error))
                portion, damage = Portion((), None, error.resume, is_all=False), str(error)
            except FileNotFoundError:
                return 0  # an idle writer took its empty segment with it
            if portion.end != start:
                self._absorb(Batch(file.name, writer, start, portion.end, portion.records, damage), moved)
            if portion.is_all:
                return portion.torn_bytes

    def _absorb(self, batch: Batch, moved: Moved) -> None:
        assert self._positions is not None  # noqa: S101 -- read at the beginning of the first pass
        try:
            absorbed = self._sink.absorb(batch)
        except Misplaced as error:
            _log.warning("store and ledger differ on a position", extra={"file": batch.segment})
            self._positions[batch.segment] = error.actual
            return
        self._positions[batch.segment] = batch.end
        moved.records += len(batch.records)
        moved.receipts += absorbed.receipts
        self._tell(absorbed.done)
        if absorbed.doubled:
            _log.warning("journal repeats records", extra={"file": batch.segment, "doubled": absorbed.doubled})

    def _bury(self, writer: str) -> int:
        absorbed = self._sink.bury(writer)
        receipts = absorbed.receipts
        self._tell(absorbed.done)
        if receipts:
            _log.warning("a writer died with requests open", extra={"writer": writer, "interrupted": receipts})
        return receipts

    def _tell(self, done: Sequence[Receipt]) -> None:
        if done and self._when_stored is not None:
            self._when_stored(done)

    def _put_away(self, file: Path, moved: Moved, *, torn_bytes: int) -> None:
        assert self._positions is not None  # noqa: S101 -- read at the beginning of the first pass
        self._archive.mkdir(mode=0o700, exist_ok=True)
        try:
            os.truncate(file, self._position(file).offset + torn_bytes)  # the rest was never written
            file.rename(self._archive / file.name)
        except FileNotFoundError:
            return
        self._sink.archive(file.name)
        self._positions.pop(file.name, None)
        moved.segments += 1

    def _tidy(self, moved: Moved) -> None:
        """Finish what a killed ledger, or a writer killed while it made a segment, left behind."""
        assert self._positions is not None  # noqa: S101 -- read by the caller
        by_writer = self._segments()
        present = {file.name for files in by_writer.values() for file in files}
        for name in self._positions.keys() - present:
            self._sink.archive(name)
            del self._positions[name]
        for writer in self._sink.waiting_writers() - by_writer.keys():
            moved.receipts += self._bury(writer)
        for file in self._directory.glob(f".*{UNFINISHED_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # it was finished at this moment
                if self._clock.now_ms() - file.stat().st_mtime_ns // 1_000_000 > _ABANDONED_AFTER_MS:
                    file.unlink()

    def _position(self, file: Path) -> Position:
        assert self._positions is not None  # noqa: S101 -- read at the beginning of the first pass
        return self._positions.get(file.name, START)


@contextlib.contextmanager
def _lock_of_the_dead(file: Path) -> Iterator[bool]:
    """Hold a segment's lock if nobody else does, and tell whether it is held."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_dead = True
    except BlockingIOError:
        is_dead = False
    try:
        yield is_dead
    finally:
        os.close(descriptor)
