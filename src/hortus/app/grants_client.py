"""Grants of keys from the ledger's socket, kept in a bounded cache; revocations are pushed.

While the ledger is away, what is known stays good for a while. After it comes back everything is asked anew, for a
revocation may have been missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from hortus.base.time import Clock
from hortus.canon.errors import NotReady
from hortus.snapshot.grants import Grant

_log = logging.getLogger("hortus.grants")

ANSWER_WITHIN_S = 5.0
STALE_FOR_S = 3600.0
"""How long known grants stay good without the ledger."""

UNKNOWN_FOR_S = 1.0
"""How long an unknown key is not asked for again (pushes end it sooner)."""

MOST_UNKNOWN = 1024
_FIRST_DELAY_S = 0.05
_LONGEST_DELAY_S = 1.0
_LINE_LIMIT_BYTES = 16 * 1024 * 1024
_LOST = (OSError, msgspec.DecodeError, ValueError)
"""How a connection ends that the ledger ended."""


class _Ask(msgspec.Struct):
    digest: str
    ask: str = "grant"


class _Said(msgspec.Struct):
    digest: str | None = None
    grant: Grant | None = None
    forget: list[str] | Literal["all"] | None = None


class LedgerGrants:
    """Implements `snapshot.grants.Grants`; `run` keeps the connection.

    Args:
        socket: The ledger's Unix socket.
        size: Grants that are remembered.
        clock: Tells the time.
    """

    def __init__(self, socket: Path, *, size: int, clock: Clock) -> None:
        self._socket = socket
        self._size = size
        self._clock = clock
        self._known: OrderedDict[str, Grant] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Grant | None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._away_since_s = clock.monotonic_s()

    async def find(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest, None for an unknown or revoked key.

        Raises:
            NotReady: The ledger cannot be asked, and the cache does not know the key (or not freshly enough).
        """
        grant = self._known.get(digest)
        if grant is not None and (self._writer is not None or self._is_fresh_enough()):
            self._known.move_to_end(digest)
            return grant
        until_s = self._unknown.get(digest)
        if until_s is not None and self._clock.monotonic_s() < until_s:
            return None
        return await self._ask(digest)

    def _is_fresh_enough(self) -> bool:
        return self._clock.monotonic_s() - self._away_since_s < STALE_FOR_S

    async def _ask(self, digest: str) -> Grant | None:
        """Ask the ledger; where it is away, wait a little for its return."""
        future = self._asked.get(digest)
        if future is None:
            future = self._asked[digest] = asyncio.get_running_loop().create_future()
            if self._writer is not None:
                self._writer.write(_write_ask(digest))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await asyncio.shield(future)
        except TimeoutError as error:
            self._asked.pop(digest, None)
            raise NotReady("Keys cannot be checked at this moment.", hint="Try again in a moment.") from error

    async def run(self, *, is_ending: Callable[[], bool] = lambda: False) -> None:
        """Keep a connection to the ledger, for ever; its end is no news where this process `is_ending` too."""
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
        self._forget("all")
        self._writer = writer
        writer.writelines(_write_ask(digest) for digest in self._asked)
        try:
            while line := await reader.readline():
                self._hear(msgspec.json.decode(line, type=_Said))
        finally:
            self._writer = None
            self._away_since_s = self._clock.monotonic_s()
            writer.close()

    def _hear(self, said: _Said) -> None:
        if said.forget is not None:
            self._forget(said.forget)
            return
        if said.digest is None:
            return
        future = self._asked.pop(said.digest, None)
        self._remember(said.digest, said.grant)
        if future is not None and not future.done():
            future.set_result(said.grant)

    def _remember(self, digest: str, grant: Grant | None) -> None:
        if grant is None:
            self._unknown[digest] = self._clock.monotonic_s() + UNKNOWN_FOR_S
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._known[digest] = grant
        if len(self._known) > self._size:
            self._known.popitem(last=False)

    def _forget(self, digests: list[str] | Literal["all"]) -> None:
        if digests == "all":
            self._known.clear()
            self._unknown.clear()
            return
        for digest in digests:
            self._known.pop(digest, None)
            self._unknown.pop(digest, None)


def _write_ask(digest: str) -> bytes:
    return msgspec.json.encode(_Ask(digest)) + b"\n"
