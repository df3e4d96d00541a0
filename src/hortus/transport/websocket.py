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
        self._is_held = False
        self._closing: Closing | None = None
        self._reader: asyncio.Future[None] | None = None
        self.heard_at_s = asyncio.get_running_loop().time()

    def feed(self, data: bytes) -> None:
        """Take bytes from the other side."""
        self.heard_at_s = asyncio.get_running_loop().time()
        found, reply = self._frames.feed(data)
        if reply:
            self._wire.write(reply)
        for one in found:
            if isinstance(one, Closing):
                self._end(one)
            else:
                self._messages.append(one)
                self._buffered_bytes += len(one)
        if self._buffered_bytes > _BUFFER_BYTES and not self._is_held:
            self._is_held = True
            self._wire.hold()
        self._wake()

    def lose(self) -> None:
        """Hear that the connection is gone."""
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
        self._buffered_bytes -= len(message)
        if self._is_held and self._buffered_bytes <= _BUFFER_BYTES // 2:
            self._is_held = False
            self._wire.resume()
        return message

    async def send(self, message: Message) -> None:
        """Send a message, waiting while the other side is slow; one that is gone is told by `receive`."""
        await self._wire.wait_writable()
        self._wire.write(self._frames.write(message))

    def ping(self) -> None:
        """Ask whether the other side is there."""
        self._wire.write(self._frames.ping())

    def close(self, code: int, reason: str = "") -> None:
        """Close; what was sent before still arrives."""
        self._wire.write(self._frames.close(code, reason))
        self._end(Closing(code, reason))
        self._wake()
        self._wire.close()
