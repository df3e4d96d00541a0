"""The journal's writer: one pwrite(2) a record into preallocated segments, so that a full disk loses nothing.

A writer holds an exclusive flock on a segment of its own for its whole life; whoever gets the lock on the newest one
knows that the writer is dead. One thread writes; a second one only syncs.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from hortus.base.errors import InstallationError
from hortus.base.time import Clock
from hortus.canon.errors import JournalFull
from hortus.receipts.records import Opened, Refused, Settled
from hortus.receipts.segment import NO_HASH, SEGMENT_FORMAT, SegmentHeader, segment_name, write_line

SEGMENT_BYTES = 8 * 1024 * 1024
SETTLED_BYTES = 2048
"""Room that each running attempt keeps for its `Settled`, the line around it included."""

UNFINISHED_SUFFIX = ".new"
"""Ends the name of a segment that is being made; it becomes visible under its own name by a rename."""

_LINE_BYTES = 64  # what a line adds to its payload, rounded up
_LONGEST_TEXT = 128  # of a text that a host chose: two of them, escaped, fit into SETTLED_BYTES with all the rest
_OPENED_BYTES = 16 * 1024  # an `Opened` with more names only the losses that fit into half of it: a client chose them
_COUNT_BYTES = 32  # room for the number of losses that are not named
_SYNC_EVERY_S = 0.05
_TRY_AGAIN_S = 1.0  # how long a full disk is believed to be full
_RETRY_AFTER_S = 5
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Segment(msgspec.Struct):
    descriptor: int
    path: Path
    size: int
    position: int
    chain: bytes
    header_bytes: int


class JournalWriter:
    """One process's journal, for one thread. Implements `receipts.ports.Journal`; close it at the end.

    Args:
        directory: Where segments lie.
        name: Of the process, such as `worker-1`; a random part makes it unique to this life.
        clock: Names segments and times retries.
        entropy: The source of that random part.
        sync: `group` syncs 50 ms after the first unsynced record; `always` before a call returns.
        segment_bytes: Size at which a segment is left for the next.

    Attributes:
        dropped_refusals: Refusals that were not written down because the disk was full.
        failed_syncs: How often the disk did not take what was written.

    Raises:
        InstallationError: The directory cannot be written (a full disk is no reason: it may empty).
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        *,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
        sync: Literal["group", "always"] = "group",
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.writer = f"{name}-{entropy(4).hex()}"
        self.dropped_refusals = 0
        self.failed_syncs = 0
        self._directory = directory
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._encode = msgspec.json.Encoder().encode
        self._segment: _Segment | None = None
        self._running = 0
        self._started_at_ms = 0
        self._is_broken = False
        self._is_name_new = False
        self._full_until_s = 0.0
        self._left: deque[_Segment] = deque()
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._syncer = threading.Thread(target=self._sync_in_groups, name="journal-sync", daemon=True)
        self._syncs_always = sync == "always"
        try:
            self._begin_segment(0)
        except OSError as error:
            if error.errno not in _FULL:
                raise InstallationError(
                    f"the journal cannot be written: {error.strerror}.",
                    path=str(directory),
                    hint="Give this user the right to write there, or set HORTUS_HOME to another directory.",
                ) from error
        if not self._syncs_always:
            self._syncer.start()

    def open(self, record: Opened) -> None:
        """Write an attempt down before its first byte goes upstream.

        Raises:
            JournalFull: No room is left beside the reserve for running requests.
        """
        payload = self._encode(record)
        if len(payload) > _OPENED_BYTES:
            payload = self._encode(replace(record, losses=_fitting(record.losses, _OPENED_BYTES // 2)))
        self._append(payload, reserve=(self._running + 1) * SETTLED_BYTES)
        self._running += 1

    def settle(self, record: Settled) -> None:
        """Write an attempt's end down, into the room that `open` kept for it.

        Raises:
            JournalFull: The disk is broken; a full one still has the reserve.
        """
        payload = self._encode(record)
        if len(payload) > SETTLED_BYTES - _LINE_BYTES:
            record = _shortened(record)
            left = SETTLED_BYTES - _LINE_BYTES - len(self._encode(replace(record, losses=()))) - _COUNT_BYTES
            payload = self._encode(replace(record, losses=_fitting(record.losses, left)))
        self._append(payload, reserve=0)
        self._running = max(0, self._running - 1)

    def refuse(self, record: Refused) -> None:
        """Write a refusal down; dropped and counted when the disk is full."""
        try:
            self._append(self._encode(record), reserve=self._running * SETTLED_BYTES)
        except JournalFull:
            self.dropped_refusals += 1

    def close(self) -> None:
        """Sync everything and give the segment up; attempts without an end become `interrupted`."""
        if self._syncer.is_alive():
            self._stopping.set()
            self._dirty.set()
            self._syncer.join()
        segment, self._segment = self._segment, None
        if segment is not None:
            if segment.position == segment.header_bytes:
                segment.path.unlink(missing_ok=True)  # nothing happened in it, and nothing follows
            self._left.append(segment)
        self._sync()

    def _append(self, payload: bytes, *, reserve: int) -> None:
        segment = self._segment
        needed = len(payload) + _LINE_BYTES + reserve
        if segment is None or self._is_broken or segment.position + needed > segment.size:
            segment = self._next_segment(needed)
        line, chain = write_line(payload, segment.chain)
        try:
            written = os.pwrite(segment.descriptor, line, segment.position)
            if written != len(line):
                _write_rest(segment.descriptor, line[written:], segment.position + written)
        except OSError as error:
            self._is_broken = True  # part of the line may be there: this segment takes no other
            raise _full(error) from error
        segment.position += len(line)
        segment.chain = chain
        if self._syncs_always:
            self._sync()
            if self._is_broken:
                raise JournalFull("the disk under the journal did not take the record.", hint="Look at the disk.")
        elif not self._dirty.is_set():
            self._dirty.set()

    def _next_segment(self, needed: int) -> _Segment:
        if self._clock.monotonic_s() < self._full_until_s:
            raise _full(None)
        try:
            return self._begin_segment(needed)
        except OSError as error:
            self._full_until_s = self._clock.monotonic_s() + _TRY_AGAIN_S
            raise _full(error) from error

    def _begin_segment(self, needed: int) -> _Segment:
        """Make a segment, whole and locked before anyone sees it, and leave the present one after that."""
        self._started_at_ms = max(self._clock.now_ms(), self._started_at_ms + 1)
        previous = self._segment.chain.decode() if self._segment else None
        header = SegmentHeader(SEGMENT_FORMAT, self.writer, self._started_at_ms, previous)
        line, chain = write_line(self._encode(header), NO_HASH.encode())
        size = max(self._segment_bytes, len(line) + needed + 2 * self._running * SETTLED_BYTES)
        path = self._directory / segment_name(self.writer, self._started_at_ms)
        temporary = path.with_name(f".{path.name}{UNFINISHED_SUFFIX}")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(descriptor, 0, size)
            os.pwrite(descriptor, line, 0)
            temporary.rename(path)
        except OSError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        if self._segment is not None:
            self._left.append(self._segment)
        self._segment = _Segment(descriptor, path, size, position=len(line), chain=chain, header_bytes=len(line))
        self._is_broken = False
        self._is_name_new = True
        self._dirty.set()
        return self._segment

    def _sync_in_groups(self) -> None:
        while not self._stopping.is_set():
            self._dirty.wait()
            self._stopping.wait(_SYNC_EVERY_S)
            self._dirty.clear()
            self._sync()

    def _sync(self) -> None:
        try:
            if self._is_name_new:
                self._is_name_new = False
                _sync_directory(self._directory)
            while self._left:
                _leave(self._left.popleft())
            if self._segment is not None:
                os.fdatasync(self._segment.descriptor)
        except OSError:
            # What failed to reach the disk once may be forgotten by the kernel: go on in a fresh segment
            self.failed_syncs += 1
            self._is_broken = True


def _leave(segment: _Segment) -> None:
    """Cut what was never written, sync, and close: only then the lock goes."""
    try:
        os.ftruncate(segment.descriptor, segment.position)
        os.fdatasync(segment.descriptor)
    finally:
        os.close(segment.descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_rest(descriptor: int, rest: bytes, offset: int) -> None:
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _shortened(record: Settled) -> Settled:
    return replace(
        record,
        host_request_id=record.host_request_id and record.host_request_id[:_LONGEST_TEXT],
        served_model=record.served_model and record.served_model[:_LONGEST_TEXT],
    )


def _fitting(losses: tuple[str, ...], most_bytes: int) -> tuple[str, ...]:
    """Return the first losses, as many as fit, and then how many more there are."""
    left = most_bytes
    for place, loss in enumerate(losses):
        left -= len(msgspec.json.encode(loss)) + 1
        if left < 0:
            return (*losses[:place], f"+{len(losses) - place}")
    return losses


def _full(error: OSError | None) -> JournalFull:
    reason = error.strerror if error and error.errno not in _FULL else "it is full"
    return JournalFull(
        f"the disk under the journal takes no new records: {reason}.",
        hint="Make room on the disk of this installation; requests that run can still finish.",
        retry_after_s=_RETRY_AFTER_S,
    )
