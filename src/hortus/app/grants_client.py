"""Grants of keys from the ledger, kept in a bounded cache; revocations are pushed.

While the ledger is away, what is known stays good for a while. After it comes back everything is asked anew, for a
revocation may have been missed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Literal

import msgspec

from hortus.app.ledger_link import LedgerLink
from hortus.base.time import Clock
from hortus.canon.errors import NotReady
from hortus.snapshot.grants import Grant

ANSWER_WITHIN_S = 5.0
STALE_FOR_S = 3600.0
"""How long known grants stay good without the ledger."""

UNKNOWN_FOR_S = 1.0
"""How long an unknown key is not asked for again (pushes end it sooner)."""

MOST_UNKNOWN = 1024


class _Ask(msgspec.Struct):
    digest: str
    ask: str = "grant"


class _Said(msgspec.Struct):
    digest: str | None = None
    grant: Grant | None = None
    forget: list[str] | Literal["all"] | None = None


_decode = msgspec.json.Decoder(_Said).decode


class LedgerGrants:
    """Implements `snapshot.grants.Grants`.

    Args:
        link: The connection to the ledger.
        size: Grants that are remembered.
        clock: Tells the time.
        renew_within_s: How long the ledger is waited for where the cache has a grant already.
    """

    def __init__(self, link: LedgerLink, *, size: int, clock: Clock, renew_within_s: float = 1.0) -> None:
        self._link = link
        self._size = size
        self._clock = clock
        self._renew_within_s = renew_within_s
        self._known: OrderedDict[str, Grant] = OrderedDict()
        self._digests: OrderedDict[str, str] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Grant | None]] = {}
        self._away_since_s = clock.monotonic_s()
        link.join(self)

    def known(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest where the cache has it, and freshly enough."""
        grant = self._known.get(digest)
        if grant is None or not (self._link.is_up or self._is_fresh_enough()):
            return None
        self._known.move_to_end(digest)
        return grant

    async def find(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest, None for an unknown or revoked key.

        Raises:
            NotReady: The ledger cannot be asked, and the cache does not know the key (or not freshly enough).
        """
        grant = self.known(digest)
        if grant is not None:
            return grant
        until_s = self._unknown.get(digest)
        if until_s is not None and self._clock.monotonic_s() < until_s:
            return None
        return await self._ask(digest)

    async def renew(self, grant: Grant) -> Grant | None:
        """Ask the ledger for a grant that the cache has; one ask at a time for each key, however many wait for it."""
        digest = self._digests.get(grant.key_id)
        if digest is None or not self._link.is_up:
            return grant
        try:
            async with asyncio.timeout(self._renew_within_s):
                return await self._ask(digest)
        except TimeoutError:
            return grant

    def _is_fresh_enough(self) -> bool:
        return self._clock.monotonic_s() - self._away_since_s < STALE_FOR_S

    async def _ask(self, digest: str) -> Grant | None:
        """Ask the ledger; where it is away, wait a little for its return."""
        future = self._asked.get(digest)
        if future is None:
            future = self._asked[digest] = asyncio.get_running_loop().create_future()
            self._link.send(_Ask(digest))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await asyncio.shield(future)
        except TimeoutError as error:
            self._asked.pop(digest, None)
            raise NotReady("Keys cannot be checked at this moment.", hint="Try again in a moment.") from error

    def arrive(self) -> None:
        """Ask everything anew: a revocation may have been missed."""
        self._forget("all")
        for digest in self._asked:
            self._link.send(_Ask(digest))

    def leave(self) -> None:
        """What is known stays good for a while."""
        self._away_since_s = self._clock.monotonic_s()

    def hear(self, line: bytes) -> None:
        """Take a grant, or forget some."""
        said = _decode(line)
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
            self._known.pop(digest, None)
            self._unknown[digest] = self._clock.monotonic_s() + UNKNOWN_FOR_S
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._known[digest] = grant
        self._digests[grant.key_id] = digest  # also of grants that are forgotten: a request may still have one
        for full in (self._known, self._digests):
            if len(full) > self._size:
                full.popitem(last=False)

    def _forget(self, digests: list[str] | Literal["all"]) -> None:
        if digests == "all":
            self._known.clear()
            self._unknown.clear()
            return
        for digest in digests:
            self._known.pop(digest, None)
            self._unknown.pop(digest, None)
