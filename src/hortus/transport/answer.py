"""One answer of a host on its way to one reader: buffered within bounds, watched by deadlines, cut when unwanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

import msgspec

from hortus.canon.errors import HostFault
from hortus.snapshot.model import Timeouts
from hortus.transport.connection import Connection
from hortus.transport.faults import broken, cut_unanswered, timed_out
from hortus.transport.incoming import AnswerLimits, Incoming

_FIRST_BYTE = "first_byte"
"""What an answer is waited for first; a kind of timeout."""

_HEAD, _NEXT_PART = 0, 1
"""How many buffered bytes wake the reader: the head alone, or the first byte of a body."""


class Call(msgspec.Struct, frozen=True):
    """What an answer must know of its request.

    Attributes:
        origin: For messages.
        is_head: The method is HEAD.
        total_ends_at_s: On the loop's clock.
        on_end: Told once, when nothing more will come.
    """

    origin: str
    is_head: bool
    timeouts: Timeouts
    total_ends_at_s: float
    limits: AnswerLimits
    on_end: Callable[[Answer], None]


class Answer:
    """Implements `HostResponse`, for a single reader.

    The connection goes back to the pool as soon as the last byte is here, read or not.
    """

    __slots__ = (
        "_call",
        "_connection",
        "_error",
        "_high_bytes",
        "_incoming",
        "_is_heard",
        "_is_paused",
        "_is_uploaded",
        "_loop",
        "_phase",
        "_phase_ends_at_s",
        "_waiter",
        "_wake_at_bytes",
        "headers",
        "is_stale",
        "status",
    )

    def __init__(self, connection: Connection, call: Call, *, now_s: float) -> None:
        self.status = 0
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.is_stale = False
        """Cut before any byte: if the connection was a pooled one, the request may be sent again on another."""
        self._connection: Connection | None = connection
        self._loop = connection.loop
        self._call = call
        self._incoming = Incoming(call.limits, is_to_head=call.is_head)
        self._high_bytes = call.limits.buffer_bytes
        self._wake_at_bytes = _HEAD
        self._waiter: asyncio.Future[None] | None = None
        self._error: HostFault | None = None
        self._is_paused = self._is_heard = False
        self._is_uploaded = True
        self._phase = _FIRST_BYTE
        self._phase_ends_at_s = now_s + call.timeouts.first_byte_s
        connection.answer = self

    # The reader's side.

    async def wait_head(self) -> None:
        """Return when the head is here. Raises HostUnavailable, HostTimedOut, BrokenStream."""
        while not self._incoming.is_head_done:
            await self._wait(_HEAD)
        self.status = self._incoming.status
        self.headers = self._incoming.headers

    def body(self) -> AsyncIterator[bytes]:
        """Return the parts as they arrive, those of one moment joined. Raises BrokenStream, HostTimedOut."""
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        incoming = self._incoming
        while not incoming.parts:
            if incoming.is_complete:
                raise StopAsyncIteration
            await self._wait(_NEXT_PART)
        if self._is_paused:
            self._resume()
        return incoming.take()

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body.

        Raises:
            BrokenStream: It is longer than `limit_bytes`, or did not end as it should.
            HostTimedOut: Silence for `idle_s`, or `total_s` over.
        """
        incoming = self._incoming
        self._high_bytes = limit_bytes
        if self._is_paused:
            self._resume()
        while (
            incoming.buffered_bytes <= limit_bytes
            and incoming.content_length <= limit_bytes
            and not incoming.is_complete
        ):
            await self._wait(limit_bytes + 1)
        if incoming.buffered_bytes > limit_bytes or not incoming.is_complete:
            self._end_with(broken(self._call.origin, f"its body is longer than {limit_bytes} bytes"))
            incoming.parts.clear()
            raise broken(self._call.origin, f"its body is longer than {limit_bytes} bytes")
        return incoming.take()

    def close(self) -> None:
        """Be done with it; what has not come yet is cancelled by cutting the connection."""
        self._incoming.parts.clear()
        if self._connection is not None:
            self._end_with(broken(self._call.origin, "it was closed on this side before its end"))

    def _wait(self, wake_at_bytes: int) -> asyncio.Future[None]:
        """Return what ends when there is something to see; the sweep of deadlines ends it at the latest."""
        if self._error is not None:
            raise self._error
        self._wake_at_bytes = wake_at_bytes
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # The connection's side.

    def feed(self, data: bytes) -> None:
        """Take bytes from the host."""
        incoming = self._incoming
        self._is_heard = True
        incoming.parse(data)
        if incoming.is_complete:
            self._end(can_be_followed=incoming.can_be_followed)
        elif incoming.refusal is not None:
            self._end_with(broken(self._call.origin, incoming.refusal))
        elif incoming.is_head_done:
            if incoming.buffered_bytes > self._high_bytes and not self._is_paused:
                self._pause()
            if incoming.buffered_bytes >= self._wake_at_bytes:
                self._wake()
            if not self._is_uploaded:  # the host has made up its mind without the rest
                self._wake_writer()

    def lose(self, cause: Exception | None) -> None:
        """Hear that the connection is gone; without length or chunks, that is how an answer ends."""
        if cause is None and self._incoming.ends_with_connection():
            self._incoming.is_complete = True
            self._end(can_be_followed=False)
        elif self._incoming.has_begun():
            self._end_with(broken(self._call.origin, "the connection was lost before its end"))
        else:
            self.is_stale = True
            self._end_with(cut_unanswered(self._call.origin))

    def note_upload(self, *, is_over: bool) -> None:
        """Hear that more of the request has gone out, or the whole; until then the connection cannot be used again.

        The host's time for its first byte begins anew: a long request takes as long as it takes, while it moves.
        """
        self._is_uploaded = is_over
        if self._phase == _FIRST_BYTE:
            self._phase_ends_at_s = self._loop.time() + self._call.timeouts.first_byte_s

    def is_decided(self) -> bool:
        """Tell whether the host has begun a final answer, or none will come."""
        return self._incoming.is_head_done or self._error is not None

    # The deadlines' side.

    def expire(self, now_s: float) -> None:
        """Fail if a deadline has passed."""
        timeouts = self._call.timeouts
        if now_s >= self._call.total_ends_at_s:
            self._end_with(timed_out(self._call.origin, "total", seconds=timeouts.total_s))
        elif self._is_heard and self._incoming.is_head_done:
            self._is_heard = False
            self._phase = "idle"
            self._phase_ends_at_s = now_s + timeouts.idle_s
        elif now_s >= self._phase_ends_at_s and not self._is_paused:
            seconds = timeouts.idle_s if self._phase == "idle" else timeouts.first_byte_s
            self._end_with(timed_out(self._call.origin, self._phase, seconds=seconds))

    # How it ends, once.

    def _end_with(self, error: HostFault) -> None:
        if self._connection is not None:
            self._error = error
            self._end(can_be_followed=False)

    def _end(self, *, can_be_followed: bool) -> None:
        connection, self._connection = self._connection, None
        self._call.on_end(self)
        self._incoming.drop_parser()
        if connection is not None and connection.answer is self:
            if can_be_followed and self._is_uploaded and connection.is_drained():
                if self._is_paused:  # the end came in with what was read before the pause took hold
                    connection.resume_reading()
                connection.release(keep_alive_s=self._incoming.keep_alive_s)
            else:
                connection.abort()
        self._wake()

    # The other direction.

    def _wake_writer(self) -> None:
        if self._connection is not None:
            self._connection.wake_writer()

    def _pause(self) -> None:
        if self._connection is not None:
            self._is_paused = True
            self._connection.pause_reading()

    def _resume(self) -> None:
        self._is_paused = False
        self._is_heard = True  # silence counts from now: it was this side that was slow
        if self._connection is not None:
            self._connection.resume_reading()
