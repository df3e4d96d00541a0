"""Hands out leases over the ledger's socket: many asks in one transaction, and recalls before anybody is refused.

Asked `{"ask":"lease","writer":W,"nr":N,"pools":[Ask…]}`, answers `{"lease":N,"pools":[Reply…]}`, in parts where some
must wait; pushes `{"recall":[POOL…]}`: give back what is free, answered with an ask without a need. While the store
cannot be used, nothing is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from hortus.base.errors import InstallationError
from hortus.ledger.desks import Client, InThread
from hortus.ledger.ports import LeaseStore, PoolAsk
from hortus.limits.amounts import ZERO
from hortus.limits.pool import Outcome
from hortus.limits.ports import Ask, Reply

RECALL_WITHIN_S = 0.25
"""Longest wait for workers that do not answer a recall; those that do take a millisecond."""

_RETRY_S = (0.05, 2.0)  # first and longest wait for a store that cannot be used

_log = logging.getLogger("hortus.ledger")


class LeaseAsk(msgspec.Struct, frozen=True):
    """What a writer sends.

    Attributes:
        nr: Grows with every message of a writer.
    """

    writer: str
    nr: int
    pools: tuple[Ask, ...]


class LeaseReply(msgspec.Struct, frozen=True):
    """The answer to some of the pools of an ask."""

    lease: int
    pools: tuple[Reply, ...]


class Recall(msgspec.Struct, frozen=True):
    """Pools of which somebody needs more than is left."""

    recall: tuple[str, ...]


class _Waiting(msgspec.Struct, frozen=True, eq=False):
    """One pool of an ask that is not answered yet. After a recall it is answered whatever comes."""

    client: Client
    nr: int
    ask: PoolAsk
    is_last: bool = False


class _Round(msgspec.Struct, eq=False):
    """A recall of one pool: who has to answer, for whom, and who came while it ran."""

    open: set[str]
    refused: list[_Waiting]
    until_s: float
    later: list[_Waiting] = []


def _no_count(outcome: Literal["granted", "short"]) -> None:
    del outcome


class LeaseDesk:
    """Shares pools out among the writers of this machine. Implements `desks.Desk`.

    Args:
        store: Where pools and leases lie.
        in_thread: Runs its blocking calls, best on a thread of its own: nobody should wait for the journal.
        count: Hears of each need that was met, or not.
        recall_within_s: How long a refusal waits for what others may give back.
    """

    def __init__(
        self,
        store: LeaseStore,
        in_thread: InThread,
        *,
        count: Callable[[Literal["granted", "short"]], None] = _no_count,
        recall_within_s: float = RECALL_WITHIN_S,
    ) -> None:
        self._store = store
        self._count = count
        self._recall_within_s = recall_within_s
        self._in_thread = in_thread
        self._decode = msgspec.json.Decoder(LeaseAsk).decode
        self._queue: deque[_Waiting] = deque()
        self._is_work = asyncio.Event()
        self._clients: dict[str, Client] = {}
        self._last_nr: dict[str, int] = {}
        self._rounds: dict[str, _Round] = {}
        self._amounts: dict[str, Decimal] = {}

    def is_here(self, writer: str) -> bool:
        """Tell whether a writer is connected now."""
        return writer in self._clients

    @property
    def waiting(self) -> int:
        """How many asks wait for the store."""
        return len(self._queue)

    def hear(self, client: Client, line: bytes) -> None:
        """Take an ask.

        Raises:
            ValueError: This is none.
        """
        message = self._decode(line)
        if not all(_is_sane(ask) for ask in message.pools):
            raise ValueError("an amount is negative or no number")
        if message.nr <= self._last_nr.get(message.writer, -1):
            return  # said on an earlier connection, and read after what was said on this one
        self._last_nr[message.writer] = message.nr
        self._clients[message.writer] = client
        self._queue.extend(_Waiting(client, message.nr, PoolAsk(message.writer, ask)) for ask in message.pools)
        self._is_work.set()

    def leave(self, client: Client) -> None:
        """Forget a connection; a recall waits for it no longer."""
        for writer in [writer for writer, its in self._clients.items() if its is client]:
            del self._clients[writer]
            for pool in self._rounds:
                self._is_answered(pool, writer)

    async def run(self) -> None:
        """Answer asks for ever."""
        while True:
            await self._wait_for_work()
            self._end_rounds()
            batch = [one for one in self._queue if self._clients.get(one.ask.writer) is one.client]
            self._queue.clear()
            if batch:
                self._settle(batch, await self._lease(batch))

    async def _wait_for_work(self) -> None:
        soonest_s = min((one.until_s for one in self._rounds.values()), default=None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(soonest_s):
                await self._is_work.wait()
        self._is_work.clear()

    async def _lease(self, batch: Sequence[_Waiting]) -> Sequence[Outcome]:
        """Settle asks in the store; while it cannot be used, all wait."""
        asks = [self._without_extra(one.ask) for one in batch]
        wait_s = _RETRY_S[0]
        while True:
            try:
                return await self._in_thread(lambda: self._store.lease(asks))
            except InstallationError as error:
                _log.warning("no leases now: %s", error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _RETRY_S[1])

    def _without_extra(self, one: PoolAsk) -> PoolAsk:
        """While somebody waits for part of a pool, nobody fetches ahead."""
        if one.ask.pool not in self._rounds or not one.ask.want:
            return one
        return PoolAsk(one.writer, msgspec.structs.replace(one.ask, want=ZERO))

    def _settle(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
        """Answer what can be answered; for the rest, recall what others may not need."""
        replies: dict[tuple[Client, int], list[Reply]] = {}
        begun: set[str] = set()
        lowered: set[str] = set()
        for one, outcome in zip(batch, outcomes, strict=True):
            ask = one.ask.ask
            if self._is_lowered(ask.limit, outcome):
                lowered.add(ask.pool)
            if not ask.need and not ask.want:
                self._is_answered(ask.pool, one.ask.writer)
            if not (outcome.is_refused and not one.is_last and self._defer(one, outcome, begun)):
                replies.setdefault((one.client, one.nr), []).append(self._counted(ask, outcome))
        for (client, nr), answered in replies.items():
            client.send(LeaseReply(nr, tuple(answered)))
        self._recall({pool: self._rounds[pool].open for pool in begun} | dict.fromkeys(lowered, self._clients.keys()))

    def _counted(self, ask: Ask, outcome: Outcome) -> Reply:
        if ask.need:
            self._count("short" if outcome.is_refused else "granted")
        return outcome.reply

    def _defer(self, one: _Waiting, outcome: Outcome, begun: set[str]) -> bool:
        """Let an ask wait for a recall, if there is anybody to recall from."""
        pool = one.ask.ask.pool
        running = self._rounds.get(pool)
        if running is None:
            holders = {writer for writer in outcome.holders if writer in self._clients}
            if not holders:
                return False
            self._rounds[pool] = _Round(holders, [one], asyncio.get_running_loop().time() + self._recall_within_s)
            begun.add(pool)
            return True
        # An ask with a need gives back all that is free: its writer need not answer
        self._is_answered(pool, one.ask.writer)
        # Those who came after the recall went out need a fresh one: something may have come free since its answers
        (running.refused if pool in begun else running.later).append(one)
        return True

    def _is_lowered(self, limit_id: str, outcome: Outcome) -> bool:
        """Tell whether a limit is less than it was: what is free of it in other workers must come back."""
        if not outcome.reply.is_known:
            return False
        before = self._amounts.get(limit_id)
        self._amounts[limit_id] = outcome.reply.limit
        return before is not None and outcome.reply.limit < before

    def _recall(self, pools: Mapping[str, Collection[str]]) -> None:
        by_writer: dict[str, list[str]] = {}
        for pool, writers in pools.items():
            for writer in writers:
                by_writer.setdefault(writer, []).append(pool)
        for writer, its in by_writer.items():
            if writer in self._clients:
                self._clients[writer].send(Recall(tuple(sorted(its))))

    def _is_answered(self, pool: str, writer: str) -> None:
        running = self._rounds.get(pool)
        if running is not None:
            running.open.discard(writer)
            if not running.open:
                self._is_work.set()

    def _end_rounds(self) -> None:
        """Bring back those whose recall is answered, or whose time is over."""
        now_s = asyncio.get_running_loop().time()
        for pool, one in tuple(self._rounds.items()):
            if not one.open or one.until_s <= now_s:
                del self._rounds[pool]
                last = [msgspec.structs.replace(waiting, is_last=True) for waiting in one.refused]
                self._queue.extendleft(reversed(last))
                self._queue.extend(one.later)


def _is_sane(ask: Ask) -> bool:
    return all(amount.is_finite() and amount >= 0 for amount in (ask.held, ask.need, ask.want))
