"""A worker's one connection to the ledger: kept, made anew when it breaks, shared by all that have questions.

Newline-delimited JSON both ways. Each part says anew what matters to it after every connection: what it had asked
before may be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

_log = logging.getLogger("hortus.grants")

_FIRST_DELAY_S = 0.05
_LONGEST_DELAY_S = 1.0
_LINE_LIMIT_BYTES = 16 * 1024 * 1024
_LOST = (OSError, msgspec.DecodeError, ValueError)
"""How a connection ends that the ledger ended."""

_encode = msgspec.json.Encoder().encode


class Part(Protocol):
    """One who talks with the ledger."""

    def arrive(self) -> None:
        """There is a new connection; everything else begins with it."""
        ...

    def leave(self) -> None:
        """The connection is lost: what was asked is not answered any more."""
        ...

    def hear(self, line: bytes) -> None:
        """The ledger has said something, to this part or to another.

        Raises:
            msgspec.DecodeError: It does not speak our language.
        """
        ...


class LedgerLink:
    """The connection; `run` keeps it.

    Args:
        socket: The ledger's Unix socket.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._parts: list[Part] = []
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_up(self) -> bool:
        """Whether there is a connection now."""
        return self._writer is not None

    def join(self, part: Part) -> None:
        """Let a part hear of everything from now on; before `run`."""
        self._parts.append(part)

    def send(self, message: msgspec.Struct) -> None:
        """Say something; without a connection, nothing: `arrive` is the time to say it again."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(_encode(message) + b"\n")

    async def run(self, *, is_ending: Callable[[], bool] = lambda: False) -> None:
        """Keep the connection, for ever; its end is no news where this process `is_ending` too."""
        delay_s = _FIRST_DELAY_S
        while True:
            with contextlib.suppress(*_LOST):
                reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_LINE_LIMIT_BYTES)
                delay_s = _FIRST_DELAY_S
                with contextlib.suppress(*_LOST):
                    await self._talk(reader, writer)
                if not is_ending():
                    _log.warning("ledger away, known keys stay good for a while")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            for part in self._parts:
                part.arrive()
            while line := await reader.readline():
                for part in self._parts:
                    part.hear(line)
        finally:
            self._writer = None
            for part in self._parts:
                part.leave()
            writer.close()
