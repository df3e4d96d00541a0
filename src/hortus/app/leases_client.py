"""What this worker may take of limits: out of its purse at once, else from the ledger.

Most requests never come further than `try_reserve`. Whoever finds too little waits here, in the order of arrival, while
one ask of each pool is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from hortus.app.ledger_link import LedgerLink
from hortus.base.time import Clock
from hortus.canon.errors import NotReady
from hortus.limits.amounts import ZERO, add
from hortus.limits.ports import Ask, Reply, Shortage, Want
from hortus.limits.purse import Purse

ANSWER_WITHIN_S = 5.0
IDLE_AFTER_S = 30.0
"""About how long what nobody uses is kept."""

_LOOK_EVERY_S = 1.0  # for periods that are over
_PARTING_S = 1.0  # for the ledger to hear what a stopping worker gives back
_POOLS_AT_ONCE = 64  # in one message, which has to fit into a line of 64 KiB
_RETRY_AFTER_S = 1
_MOST_ASKS = 20  # of one request: others may be quicker each time


class _LeaseAsk(msgspec.Struct):
    writer: str
    nr: int
    pools: Sequence[Ask]
    ask: str = "lease"


class _Said(msgspec.Struct):
    lease: int | None = None
    pools: tuple[Reply, ...] = ()
    recall: tuple[str, ...] = ()
    forget: list[str] | Literal["all"] | None = None


class _Waiter(msgspec.Struct, eq=False):
    """A request that waits; its future brings a shortage, or None for reserved.

    Attributes:
        after: Number of the last message before it came; answers to that or earlier ones do not refuse it.
        asked: How often the ledger was asked anew because something had come free.
    """

    wants: Sequence[Want]
    after: int
    future: asyncio.Future[Shortage | None]
    asked: int = 0


_decode = msgspec.json.Decoder(_Said).decode


class LedgerLeases:
    """This worker's leases. Implements `limits.ports.Leases`; `run` looks after them, `close` gives them back.

    Args:
        link: The connection to the ledger.
        writer: Who writes this worker's journal: leases end with it.
        clock: Tells the time.
        answer_within_s: How long a request waits.
    """

    def __init__(
        self, link: LedgerLink, writer: str, *, clock: Clock, answer_within_s: float = ANSWER_WITHIN_S
    ) -> None:
        self._link = link
        self._writer = writer
        self._clock = clock
        self._answer_within_s = answer_within_s
        self._idle_due_s = clock.monotonic_s() + IDLE_AFTER_S
        self._purse = Purse()
        self._waiters: list[_Waiter] = []
        self._nr = 0
        self._is_fetching = False
        self._is_quiet = asyncio.Event()
        link.join(self)

    def try_reserve(self, wants: Sequence[Want]) -> bool:
        """Reserve all of it out of what this worker holds, or nothing; never waits."""
        if self._purse.reserve(wants):
            return False
        if self._purse.low and not self._is_fetching:
            self._is_fetching = True
            asyncio.get_running_loop().call_soon(self._fetch_ahead)
        return True

    async def reserve(self, wants: Sequence[Want]) -> Shortage | None:
        """Reserve all of it, asking the ledger where that is needed; None: reserved. Cancelled: nothing is.

        Raises:
            NotReady: The ledger cannot be asked, or this worker's limits are not up to date.
        """
        if self.try_reserve(wants):
            return None
        waiter = _Waiter(wants, self._nr, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._send(self._purse.reserve(wants))
        is_taken = False
        try:
            async with asyncio.timeout(self._answer_within_s):
                shortage = await waiter.future
            is_taken = True
        except TimeoutError as error:
            raise NotReady(
                "Limits cannot be checked at this moment.", hint="Try again in a moment.", retry_after_s=_RETRY_AFTER_S
            ) from error
        finally:
            if not is_taken:
                self._let_go(waiter)
        return shortage

    def settle(self, pool: str, reserved: Decimal, *, charged: Decimal) -> None:
        """End a reservation with what it took, which may be more than was reserved."""
        self._purse.settle(pool, reserved, charged=charged)

    def free(self, pool: str, reserved: Decimal) -> None:
        """End a reservation of which nothing was used."""
        self._purse.free(pool, reserved)

    async def run(self) -> None:
        """Give back what is no longer of use, for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Give back what is left of periods that are over and, now and then, what nobody uses."""
        self._send(self._purse.forget_over(self._clock.now_ms()))
        if self._clock.monotonic_s() >= self._idle_due_s:
            self._idle_due_s = self._clock.monotonic_s() + IDLE_AFTER_S
            self._send(self._purse.idle())

    async def close(self) -> None:
        """Give back everything that no request holds; to be called while the link still runs."""
        try:
            async with asyncio.timeout(_PARTING_S):
                while self._link.is_up:
                    self._send(self._purse.give_back())
                    if not self._purse.is_any_asked():
                        return
                    self._is_quiet.clear()
                    await self._is_quiet.wait()
        except TimeoutError:
            return  # the ledger gives them back itself, once it has read the journal

    def arrive(self) -> None:
        """Say what is held, and ask again for those who wait: what was answered meanwhile is lost."""
        self._send(self._purse.restate(), is_first=True)

    def leave(self) -> None:
        """What is held stays good; who needs more waits for the next connection."""
        self._is_quiet.set()

    def hear(self, line: bytes) -> None:
        """Take what was granted, and give back what is asked for."""
        said = _decode(line)
        if said.lease is not None:
            self._take(said.lease, said.pools)
        if said.recall:
            self._send(self._purse.recall(said.recall))
        if said.forget is not None:
            self._send(self._purse.give_back())

    def _take(self, nr: int, replies: Iterable[Reply]) -> None:
        refused: dict[str, tuple[Ask, Reply]] = {}
        for reply in replies:
            ask = self._purse.take(reply)
            if ask is not None and reply.granted < add(ask.held, ask.need):
                refused[reply.pool] = (ask, reply)
        for waiter in tuple(self._waiters):
            self._serve(waiter, refused if waiter.after < nr else {})
        self._send(self._purse.recalled())
        self._is_quiet.set()

    def _serve(self, waiter: _Waiter, refused: Mapping[str, tuple[Ask, Reply]]) -> None:
        """Reserve for one who waits, tell it that there is no room, or ask on."""
        if waiter.future.done():
            return
        short = self._purse.reserve(waiter.wants)
        if not short:
            self._answer(waiter, None)
            return
        for ask in short:
            if ask.pool in refused and self._is_final(waiter, ask, *refused[ask.pool]):
                self._refuse(waiter, ask, refused[ask.pool][1])
                return
        waiter.asked += 1
        self._send(short)

    def _is_final(self, waiter: _Waiter, ask: Ask, before: Ask, reply: Reply) -> bool:
        """Tell whether a refusal holds for one who waits: it needs no less, and not enough has come free meanwhile."""
        if ask.need < before.need or not reply.is_known:
            return ask.need >= before.need
        return waiter.asked >= _MOST_ASKS or add(reply.left, max(self._purse.free_of(ask.pool), ZERO)) < ask.need

    def _refuse(self, waiter: _Waiter, ask: Ask, reply: Reply) -> None:
        if not reply.is_known:
            self._waiters.remove(waiter)
            waiter.future.set_exception(
                NotReady(
                    "The limits of this request are changing.",
                    hint="Try again in a moment.",
                    retry_after_s=_RETRY_AFTER_S,
                )
            )
            return
        left = add(reply.left, max(self._purse.free_of(ask.pool), ZERO))
        reserved = add(reply.reserved_elsewhere, self._purse.reserved_of(ask.pool))
        self._answer(waiter, Shortage(ask.pool, ask.limit, left, reserved, reply.limit))

    def _answer(self, waiter: _Waiter, shortage: Shortage | None) -> None:
        self._waiters.remove(waiter)
        waiter.future.set_result(shortage)

    def _let_go(self, waiter: _Waiter) -> None:
        """Undo what was done for one that waits no longer."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            waiter.future.cancel()
        elif waiter.future.exception() is None and waiter.future.result() is None:
            for want in waiter.wants:
                self.free(want.pool, want.amount)

    def _fetch_ahead(self) -> None:
        self._is_fetching = False
        self._send(self._purse.prefetch())

    def _send(self, asks: Sequence[Ask], *, is_first: bool = False) -> None:
        """Send what can be asked now: of each pool one ask at a time."""
        if not self._link.is_up:
            return
        ready = [ask for ask in asks if not self._purse.is_asked(ask.pool)]
        for ask in ready:
            self._purse.begin(ask)
        for start in range(0, max(len(ready), int(is_first)), _POOLS_AT_ONCE):
            self._nr += 1
            self._link.send(_LeaseAsk(self._writer, self._nr, ready[start : start + _POOLS_AT_ONCE]))
