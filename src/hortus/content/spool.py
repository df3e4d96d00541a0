"""Where a long request body lies while it is served: in memory while it is short, then in a file that has no name.

Nothing of it outlives the process. The disk is waited for beside the event loop, one piece at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO, Final

from hortus.canon.errors import StorageFull

PIECE_BYTES: Final = 256 * 1024
"""So much is held in memory at most, and written or read at once."""

SPARED_BYTES: Final = 64 * 1024 * 1024
"""So much of the disk is left for the journal."""

OpenFile = Callable[[], BinaryIO]


def files_in(directory: Path) -> OpenFile:
    """Return what opens files without a name in a directory, which need not exist yet."""

    def open_file() -> BinaryIO:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return TemporaryFile(dir=directory, buffering=0)

    return open_file


class Spool:
    """One body: written to its end, then read, as often as one likes; closed at the end.

    Args:
        open_file: Opens a file without a name; called once the body has become long.
        spared_bytes: How much of the disk is left alone.
    """

    __slots__ = ("_file", "_held", "_lock", "_open_file", "_spared_bytes", "_written_bytes", "size_bytes")

    def __init__(self, open_file: OpenFile, *, spared_bytes: int = SPARED_BYTES) -> None:
        self._open_file = open_file
        self._spared_bytes = spared_bytes
        self._held = bytearray()
        self._written_bytes = 0
        self._file: BinaryIO | None = None
        self._lock = Lock()  # a thread that was given up on must be done with the file before it is closed
        self.size_bytes = 0

    @property
    def held_bytes(self) -> int:
        """How much of it is in memory."""
        return len(self._held)

    @property
    def is_closed(self) -> bool:
        """Whether it was let go."""
        return self._open_file is _refuse_to_open

    async def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            StorageFull: The disk has no room for them.
        """
        self._held += data
        self.size_bytes += len(data)
        while len(self._held) > PIECE_BYTES:
            piece = bytes(self._held[:PIECE_BYTES])
            del self._held[:PIECE_BYTES]
            await asyncio.to_thread(self._append, piece)

    async def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on, fewer only at the end.

        Raises:
            StorageFull: The disk does not give them back.
        """
        end = min(start + size, self.size_bytes)
        written = self._written_bytes
        if start >= written:
            return bytes(self._held[start - written : max(start, end) - written])
        there = await asyncio.to_thread(self._fetch, start, min(end, written) - start)
        return there if end <= written else there + bytes(self._held[: end - written])

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                file.close()
        self._open_file = _refuse_to_open
        self._held.clear()

    def _append(self, piece: bytes) -> None:
        with self._lock:
            try:
                if self._file is None:
                    self._file = self._open_file()
                disk = os.fstatvfs(self._file.fileno())
                if disk.f_frsize * disk.f_bavail < self._spared_bytes:
                    raise _no_room()
                view = memoryview(piece)
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise _no_room() from error
            self._written_bytes += len(piece)

    def _fetch(self, start: int, size: int) -> bytes:
        with self._lock:
            if self._file is None:
                raise _no_room()
            try:
                data = os.pread(self._file.fileno(), size, start)
            except OSError as error:
                raise _no_room() from error
        if len(data) < size:
            raise _no_room()
        return data


def _refuse_to_open() -> BinaryIO:
    raise OSError("The body was let go.")


def _no_room() -> StorageFull:
    return StorageFull(
        "The disk has no room for a body of this length, so nothing was sent.",
        hint="Try again in a moment; an admin can make room below HORTUS_HOME.",
    )
