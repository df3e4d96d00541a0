"""One conversation over a WebSocket once both sides are open: messages pass, each answer is an attempt of the receipt.

An attempt is always open before the model can begin to answer: what the next answer may use is reserved, and the key,
the policy and the limits are asked again after each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from hortus.canon.errors import BrokenStream, CallerFault, OurFault, RequestError, RulesFault
from hortus.canon.realtime import Mark, Message, Meter, Realtime
from hortus.canon.usage import Usage
from hortus.framing.counting import estimate_whole
from hortus.framing.websocket import FAULT, GOING_AWAY, NORMAL, RULES
from hortus.gateway.ports import Socket, SocketClosed
from hortus.gateway.settle import Attempt, Books, Ending
from hortus.gateway.visit import Visit

SWITCHED = 101
"""Status of a request that has become a WebSocket."""

BEAT_S = 20.0
_SILENT_S = 60.0
"""After so long without a byte, not even an answer to a ping, a side counts as gone."""

_MOST_AT_ONCE = 32
"""Answers of one conversation: each is reserved and written down."""

_ABNORMAL = 1006


class End(msgspec.Struct, frozen=True):
    """How a conversation ended: what each side is told, and the error where there is one."""

    code: int = NORMAL
    reason: str = ""
    error: RequestError | None = None


class Words(msgspec.Struct, frozen=True):
    """What is read of a conversation's messages, and changed.

    Attributes:
        meter: Hears the host's.
        write_next: A client's message to the one for the host; raises CallerFault where it may not pass.
    """

    meter: Meter
    write_next: Callable[[Message], Message]


class Ledger:
    """The attempts of one conversation.

    Args:
        books: Where they are written down.
        open_next: Asks key, policy and limits again and opens an attempt of this number; raises RequestError.
        first: The attempt that is open as the conversation begins.
    """

    def __init__(self, books: Books, open_next: Callable[[int], Awaitable[Attempt]], *, first: Attempt) -> None:
        self._books = books
        self._open_next = open_next
        self._spare: Attempt | None = first
        self._number = first.number
        self._running: dict[str, Attempt] = {}
        self._input_bytes = 0
        self._output_bytes = 0

    def count(self, *, input_bytes: int = 0, output_bytes: int = 0) -> None:
        """Count what passes, for answers whose use the host never tells."""
        self._input_bytes += input_bytes
        self._output_bytes += output_bytes

    async def note(self, mark: Mark) -> None:
        """Take note of what the host says of an answer. Raises RequestError where no further one may follow."""
        if mark.kind == "begun":
            if len(self._running) >= _MOST_AT_ONCE:
                raise BrokenStream("the host has begun more answers at once than there can be.", hint="Connect again.")
            if mark.answer not in self._running:
                self._running[mark.answer] = await self._take()
            return
        attempt = self._running.pop(mark.answer, None) or await self._take()
        usage = mark.usage or self._estimate()
        self._books.pay(attempt, usage)
        refusal: RequestError | None = None
        if self._spare is None:
            try:
                self._spare = await self._open()
            except RequestError as error:
                refusal = error
        self._settle(attempt, "failed" if mark.is_failed else "completed", usage=usage)
        if refusal is not None:
            raise refusal

    def end(self, *, status: str, error_code: str | None) -> None:
        """Settle what is open: answers under way as estimated, what has not begun as having cost nothing."""
        while self._running:
            _, attempt = self._running.popitem()
            self._settle(attempt, status, usage=self._estimate(), error_code=error_code)
        spare, self._spare = self._spare, None
        if spare is not None:
            self._settle(spare, "completed" if status == "cancelled" else status, usage=None, error_code=error_code)

    async def _take(self) -> Attempt:
        spare, self._spare = self._spare, None
        return spare if spare is not None else await self._open()

    async def _open(self) -> Attempt:
        self._number += 1
        return await self._open_next(self._number)

    def _estimate(self) -> Usage:
        return estimate_whole(input_bytes=self._input_bytes, output_bytes=self._output_bytes)

    def _settle(self, attempt: Attempt, status: str, *, usage: Usage | None, error_code: str | None = None) -> None:
        ending = Ending(
            status=status,
            is_last=self._spare in {None, attempt} and not self._running,
            http_status=SWITCHED,
            usage=usage,
            error_code=error_code,
            output_bytes=self._output_bytes,
        )
        self._books.settle(attempt, ending)
        self._input_bytes = self._output_bytes = 0


class Talk:
    """Passes messages between a client and a host until one of them, or a rule, ends it.

    Args:
        client: Towards the client.
        host: Towards the host.
        words: What is read and changed.
        ledger: Its attempts.
        check: Asks key and policy again; raises RequestError where they say no.
        beat_s: After so long both sides are asked whether they are there, and key and policy are asked.
    """

    def __init__(
        self,
        client: Socket,
        host: Socket,
        *,
        words: Words,
        ledger: Ledger,
        check: Callable[[], Awaitable[None]],
        beat_s: float = BEAT_S,
    ) -> None:
        self._client = client
        self._host = host
        self._words = words
        self._ledger = ledger
        self._check = check
        self._beat_s = beat_s

    async def run(self) -> End:
        """Return how it ended; nothing is left running. Raises only for faults of our own."""
        works = [asyncio.create_task(work) for work in (self._to_host(), self._to_client(), self._beat())]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        return next(iter(done)).result()

    async def _to_host(self) -> End:
        try:
            while True:
                message = await self._client.receive()
                self._ledger.count(input_bytes=len(message))
                await self._host.send(self._words.write_next(message))
        except SocketClosed as closed:
            return End(closed.code, closed.reason)
        except RequestError as error:
            return End(error=error)

    async def _to_client(self) -> End:
        try:
            while True:
                message = await self._host.receive()
                self._ledger.count(output_bytes=len(message))
                marks = self._words.meter.hear(message)
                await self._client.send(message)
                for mark in marks:
                    await self._ledger.note(mark)
        except SocketClosed as closed:
            lost = BrokenStream("the host's WebSocket was lost.", hint="Connect again.")
            return End(closed.code, closed.reason, error=lost if closed.code == _ABNORMAL else None)
        except RequestError as error:
            return End(error=error)

    async def _beat(self) -> End:
        """Ask both sides whether they are there, and whether they may still talk, for as long as they are and may."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._beat_s)
            try:
                await self._check()
            except OurFault:
                pass  # nothing can be found out now; before the next answer it must
            except RequestError as error:
                return End(error=error)
            for side in (self._client, self._host):
                if loop.time() - side.heard_at_s > _SILENT_S:
                    return End(GOING_AWAY, "The other side has fallen silent.")
                side.ping()


async def tell(client: Socket, end: End, *, realtime: Realtime, receipt_id: str) -> None:
    """End a client's side: an error in the dialect's own form where it has one, then the close frame."""
    if end.error is None:
        client.close(end.code, end.reason)
        return
    message = realtime.write_error(end.error, receipt_id)
    if message is not None:
        await client.send(message)
    client.close(close_code_of(end.error), end.error.message)


def close_code_of(error: RequestError) -> int:
    """Return the close code for an error: one of the rules and of the client's own, or one of somebody else's.

    >>> close_code_of(RulesFault("No."))
    1008
    """
    return RULES if isinstance(error, RulesFault | CallerFault) else FAULT


def note_end(visit: Visit, end: End, ledger: Ledger) -> None:
    """Write down how a conversation ended."""
    if end.error is None:
        ledger.end(status="cancelled", error_code=None)
        return
    visit.error_code = end.error.code
    ledger.end(status="failed", error_code=end.error.code)
