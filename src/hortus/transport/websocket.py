"""One WebSocket on a connection that has changed to it, towards a client or a host: messages in and out, in order.

Whoever reads slowly makes the other side wait: nothing piles up here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from hortus.canon.realtime import Message
from hortus.framing.websocket import Closing, Frames
from hortus.gateway.ports import SocketClosed

MOST_BYTES = 16 * 1024 * 1024
"""Longest message: OpenAI takes 15 MiB of sound in one. https://platform.openai.com/docs/guides/realtime, recalled."""

_BUFFER_BYTES = 1024 * 1024
"""So much may wait to be read before the other side has to wait, too."""

_MESSAGE_BYTES = 64
"""What a message takes at least, however short."""

_SLICE_BYTES = 16 * 1024
"""So much is read at once: thousands of tiny frames must not keep everybody else waiting."""

_LINGER_S = 2.0
"""So long the other side has to answer our close. Cut while it still sends, it may never read what we sent last."""

_ABNORMAL = 1006


class Wire(Protocol):
    """The connection below."""

    def write(self, data: bytes) -> None:
        """Hand bytes to the connection."""
        ...

    def hold(self) -> None:
        """Read no more for now."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    async def wait_writable(self) -> None:
        """Wait until the other side has read enough, or is gone."""
        ...

    def is_full(self) -> bool:
        """Tell whether the other side reads more slowly than we write."""
        ...

    def close(self) -> None:
        """End the connection once what was written is gone."""
        ...


class Link:
    """See `gateway.ports.Socket`. The connection feeds it.

    Args:
        wire: The connection.
        is_client: Whether this side has asked for the WebSocket.
    """

    def __init__(self, wire: Wire, *, is_client: bool) -> None:
        self._wire = wire
        self._frames = Frames(is_client=is_client, most_bytes=MOST_BYTES)
        self._messages: deque[Message] = deque()
        self._buffered_bytes = 0
        self._unread = bytearray()
        self._is_lost = self._is_held = False
        self._owed = b""
        """The answer to a ping of a side that does not read."""
        self._closing: Closing | None = None
        self._is_closed = False
        """Whether this side has closed."""
        self._linger: asyncio.TimerHandle | None = None
        self._reader: asyncio.Future[None] | None = None
        self.heard_at_s = asyncio.get_running_loop().time()

    def feed(self, data: bytes) -> None:
        """Take bytes from the other side."""
        self.heard_at_s = asyncio.get_running_loop().time()
        is_due = bool(self._unread)
        self._unread += data
        if not is_due:
            self._read()

    def _read(self) -> None:
        """Read one slice of what came; the rest when others had their turn."""
        part = bytes(self._unread[:_SLICE_BYTES])
        del self._unread[:_SLICE_BYTES]
        self._take(part)
        if self._unread:
            asyncio.get_running_loop().call_soon(self._read)
        elif self._is_lost:
            self.lose()
        self._balance()
        self._wake()

    def _take(self, part: bytes) -> None:
        found, reply = self._frames.feed(part)
        for one in found:
            if isinstance(one, Closing):
                self._end(one)
                if self._is_closed:
                    self._finish()
            elif not self._is_closed:
                self._messages.append(one)
                self._buffered_bytes += len(one) + _MESSAGE_BYTES
        if self._closing is None and self._wire.is_full():
            self._owed = reply or self._owed
        else:
            self._wire.write(reply)

    def _balance(self) -> None:
        """Let the other side wait while there is much to read, and no longer."""
        most_bytes = _BUFFER_BYTES // 2 if self._is_held else _BUFFER_BYTES
        wants_hold = bool(self._unread) or self._buffered_bytes > most_bytes
        if wants_hold != self._is_held:
            self._is_held = wants_hold
            (self._wire.hold if wants_hold else self._wire.resume)()

    def lose(self) -> None:
        """Hear that the connection is gone; what came before is still read."""
        self._is_lost = True
        if self._linger is not None:
            self._linger.cancel()
        if not self._unread:
            self._end(Closing(_ABNORMAL, "The connection was lost."))
            self._wake()

    def _end(self, closing: Closing) -> None:
        if self._closing is None:
            self._closing = closing

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def receive(self) -> Message:
        """Return the next message. Raises SocketClosed once all are read and the other side has closed."""
        while not self._messages:
            if self._closing is not None:
                raise SocketClosed(self._closing.code, self._closing.reason)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader  # ended by bytes, or by the connection's end, which the heartbeat brings about
            finally:
                self._reader = None
        message = self._messages.popleft()
        self._buffered_bytes -= len(message) + _MESSAGE_BYTES
        self._balance()
        return message

    async def send(self, message: Message) -> None:
        """Send a message, waiting while the other side is slow; one that is gone is told by `receive`."""
        await self._wire.wait_writable()
        owed, self._owed = self._owed, b""
        self._wire.write(owed + self._frames.write(message))

    def ping(self) -> None:
        """Ask whether the other side is there."""
        owed, self._owed = self._owed, b""
        self._wire.write(owed + self._frames.ping())

    def close(self, code: int, reason: str = "") -> None:
        """Close; what was sent before still arrives."""
        if self._is_closed:
            return
        self._is_closed = True
        self._wire.write(self._frames.close(code, reason))
        if self._closing is None:
            self._end(Closing(code, reason))
            self._linger = asyncio.get_running_loop().call_later(_LINGER_S, self._wire.close)
        else:
            self._wire.close()
        self._messages.clear()
        self._buffered_bytes = 0
        self._balance()
        self._wake()

    def _finish(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._wire.close()
