"""The desk at which workers claim idempotency keys, one after the other.

Asked `{"ask":"claim","claim":{…}}` it answers `{"claimed":RECEIPT,"first":{…}}`; told `{"ask":"claim","claim":{…},
"is_done":true}` that the request is over, it answers nothing. While the store cannot be used nobody is answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

import msgspec

from hortus.base.time import Clock
from hortus.ledger.desks import Client, InThread
from hortus.ledger.ports import ClaimStore, StoreUnavailable
from hortus.receipts.claims import KEPT_MS, Claim, Claimed

NAME = "claim"
"""What stands in `ask`."""

_MOST_WAITING = 10_000
"""Messages that wait; with more the oldest go unanswered, whose senders have given up."""

_FORGET_EVERY_S = 3600.0

_log = logging.getLogger("hortus.ledger")


class _Said(msgspec.Struct, frozen=True):
    claim: Claim
    is_done: bool | None = None


class First(msgspec.Struct, frozen=True):
    """The answer to the claim of the request whose receipt is `claimed`."""

    claimed: str
    first: Claimed


class ClaimDesk:
    """Implements `ledger.desks.Desk`.

    Args:
        store: Where claims lie.
        in_thread: Runs its blocking calls.
        clock: Tells what is old.
    """

    def __init__(self, store: ClaimStore, in_thread: InThread, *, clock: Clock) -> None:
        self._store = store
        self._in_thread = in_thread
        self._clock = clock
        self._decoder = msgspec.json.Decoder(_Said)
        self._waiting: deque[tuple[Client, _Said]] = deque(maxlen=_MOST_WAITING)
        self._is_any = asyncio.Event()
        self._forget_at_s = 0.0

    def hear(self, client: Client, line: bytes) -> None:
        """Take a message. Raises ValueError."""
        self._waiting.append((client, self._decoder.decode(line)))
        self._is_any.set()

    def leave(self, client: Client) -> None:
        """Forget what the client asked; what it told counts."""
        left = [one for one in self._waiting if one[0] is not client or one[1].is_done is not None]
        self._waiting = deque(left, maxlen=_MOST_WAITING)

    async def run(self) -> None:
        """Answer for ever, in the order in which they asked."""
        while True:
            await self._is_any.wait()
            self._is_any.clear()
            while self._waiting:
                client, said = self._waiting.popleft()
                try:
                    await self._take(client, said)
                except StoreUnavailable as error:
                    _log.warning("a claim goes unanswered: %s", error)

    async def _take(self, client: Client, said: _Said) -> None:
        claim, is_done = said.claim, said.is_done
        if is_done is not None:
            await self._in_thread(lambda: self._store.end(claim, is_done=is_done))
        else:
            first = await self._in_thread(lambda: self._store.claim(claim))
            client.send(First(claim.receipt, first))
        if self._clock.monotonic_s() >= self._forget_at_s:
            self._forget_at_s = self._clock.monotonic_s() + _FORGET_EVERY_S
            before_ms = self._clock.now_ms() - KEPT_MS
            await self._in_thread(lambda: self._store.forget(before_ms))
