"""Sends the traces of receipts to a collector, beside the ledger's work: a dead collector never holds that up.

What waits is bounded: the oldest goes first, counted and said once. A ledger that is killed takes along what waits; the
receipts are the record, traces are for looking.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

import msgspec

from hortus.canon.errors import HostFault
from hortus.ledger.desks import InThread
from hortus.ledger.tracing import is_sampled, write_traces
from hortus.receipts.records import Receipt
from hortus.telemetry.meters import LedgerMeters
from hortus.telemetry.otlp import ExportReply

_OK = range(200, 300)
# https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes, read 2026-11: all others must not be sent again
_TRY_AGAIN = frozenset((429, 502, 503, 504))
_LONGEST_HEED_S = 300.0
"""How long a collector's `Retry-After` is obeyed at most."""

_log = logging.getLogger("hortus.spans")


class Reply(msgspec.Struct, frozen=True):
    """A collector's answer; `retry_after_s` where it says when to come again."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None


class Collector(Protocol):
    """Where traces go."""

    async def post(self, body: bytes) -> Reply:
        """Send a body and return the answer, whatever it is.

        Raises:
            hortus.canon.errors.HostFault: There was none.
        """
        ...


class Pace(msgspec.Struct, frozen=True):
    """How much is kept and sent at once, and how often.

    Attributes:
        most_waiting: Receipts; an average one takes some 2 KiB of memory.
        most_at_once: Receipts in one request, of some 3 KiB each.
        every_s: Rest between two looks when nothing waits.
        first_retry_s: Wait after the first failure; it doubles with each further one.
        end_within_s: How long the end waits for a collector.
    """

    most_waiting: int = 16_384
    most_at_once: int = 256
    every_s: float = 0.2
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    end_within_s: float = 2.0


class SpanSender:
    """What waits to be sent. `offer` may be called from any thread, everything else from the loop's.

    Args:
        collector: Where traces go.
        meters: Where figures go.
        in_thread: Runs what takes a while beside the loop.
        version: That of Hortus.
        draw: Random numbers below 1, to spread attempts.
        pace: How much, how often.
    """

    def __init__(
        self,
        collector: Collector,
        meters: LedgerMeters,
        *,
        in_thread: InThread,
        version: str,
        draw: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._collector = collector
        self._meters = meters
        self._in_thread = in_thread
        self._version = version
        self._draw = draw
        self._pace = pace
        self._waiting: deque[Receipt] = deque()
        self._lock = Lock()
        self._dropped = 0
        self._unsampled = 0
        self._in_hand: Sequence[Receipt] = ()
        self._ending = asyncio.Event()
        self._trouble: str | None = None
        self._is_full = False
        """There was no room for what came, and it has been said."""
        self._unsent = 0

    @property
    def waiting(self) -> int:
        """How many receipts wait."""
        return len(self._waiting) + len(self._in_hand)

    def offer(self, receipts: Sequence[Receipt]) -> None:
        """Take receipts that have just been stored."""
        wanted = [receipt for receipt in receipts if is_sampled(receipt)]
        with self._lock:
            self._unsampled += len(receipts) - len(wanted)
            self._waiting.extend(wanted)
            while len(self._waiting) > self._pace.most_waiting:
                self._dropped += _spans_in(self._waiting.popleft())

    def end(self) -> None:
        """Wait for nothing any more: what waits is tried once, and `run` returns."""
        self._ending.set()

    async def rest(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Send until told to end."""
        try:
            while True:
                self._in_hand = self._take()
                if self._in_hand:
                    await self._deliver(self._in_hand)
                elif self._ending.is_set():
                    return
                else:
                    await self.rest(self._pace.every_s)
        finally:
            self._let_go(self._in_hand)
            self._in_hand = ()

    def give_up(self) -> None:
        """Count what will never be sent."""
        with self._lock:
            left = tuple(self._waiting)
            self._waiting.clear()
        self._let_go(left)
        self._say_counts()
        if self._unsent:
            _log.warning("%d spans were not sent before the end. Receipts are not touched.", self._unsent)

    def _take(self) -> Sequence[Receipt]:
        with self._lock:
            count = min(len(self._waiting), self._pace.most_at_once)
            taken = [self._waiting.popleft() for _ in range(count)]
        self._say_counts()
        return taken

    async def _deliver(self, batch: Sequence[Receipt]) -> None:
        """Send a batch, however often it takes; after the end was said, once more."""
        body, spans = await self._in_thread(lambda: write_traces(batch, version=self._version))
        wait_s = self._pace.first_retry_s
        while True:
            is_last = self._ending.is_set()
            reply = await self._post(body)
            if reply is not None and reply.status not in _TRY_AGAIN:
                self._take_note(reply, spans)
                self._in_hand = ()
                return
            self._complain("answers nothing" if reply is None else f"answers {reply.status}", "sent again")
            self._say_counts()
            if is_last:
                self._let_go(batch)
                self._in_hand = ()
                return
            heed_s = min((reply.retry_after_s if reply else None) or 0.0, _LONGEST_HEED_S)
            await self.rest(max(heed_s, wait_s * (0.5 + self._draw())))
            wait_s = min(2 * wait_s, self._pace.longest_retry_s)

    async def _post(self, body: bytes) -> Reply | None:
        try:
            return await self._collector.post(body)
        except HostFault:
            return None

    def _take_note(self, reply: Reply, spans: int) -> None:
        if reply.status not in _OK:
            self._meters.count_spans("refused", count=spans)
            self._complain(f"answers {reply.status}", "not sent again, as its protocol asks")
            return
        refused = min(_refused_in(reply.body), spans)
        self._meters.count_spans("sent", count=spans - refused)
        if refused:
            self._meters.count_spans("refused", count=refused)
            self._complain("takes only a part", "not sent again, as its protocol asks")
        elif self._trouble is not None:
            self._trouble, self._is_full = None, False
            _log.info("the collector takes spans again")

    def _complain(self, trouble: str, fate: str) -> None:
        """Say what is wrong, once for each kind of trouble."""
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("the collector of traces %s; spans are %s. Receipts are not touched.", trouble, fate)

    def _let_go(self, receipts: Sequence[Receipt]) -> None:
        spans = sum(map(_spans_in, receipts))
        self._unsent += spans
        self._meters.count_spans("dropped", count=spans)

    def _say_counts(self) -> None:
        """Carry over what was counted in any thread."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            unsampled, self._unsampled = self._unsampled, 0
        if unsampled:
            self._meters.count_unsampled(unsampled)
        if dropped:
            self._meters.count_spans("dropped", count=dropped)
            if not self._is_full:
                self._is_full = True
                _log.warning("spans are dropped: more wait for the collector than are kept. Receipts are not touched.")


def _spans_in(receipt: Receipt) -> int:
    return 1 + len(receipt.attempts)


def _refused_in(body: bytes) -> int:
    """Return how many spans a collector says that it did not take."""
    try:
        reply = msgspec.json.decode(body, type=ExportReply, strict=False)
    except msgspec.MsgspecError:
        return 0
    return reply.partial_success.rejected_spans if reply.partial_success is not None else 0
