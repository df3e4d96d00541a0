"""One request on a connection of our own and its answer: what the gateway sees as an `Exchange`, nothing in between.

The connection feeds it from the parser; it writes to the connection's transport, each answer in as few writes as it has
parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from hortus.app.door_heads import accept_to
from hortus.app.interruption import Interruption
from hortus.canon.errors import UpgradeRefused
from hortus.gateway.admit import too_large
from hortus.gateway.exchange import ClientGone, Headers
from hortus.gateway.ports import Socket
from hortus.transport.websocket import Link

_UNREAD_BYTES = 65_536
"""How much of a body is taken in before somebody asks for it."""

_SWITCHING_PROTOCOLS = 101

WEBSOCKET_HINT = "It is a GET in HTTP/1.1 with `Upgrade`, `Connection`, `Sec-WebSocket-Version: 13` and a key."

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    task: asyncio.Task[None] | None
    """Answers the connection's requests, one after the other."""
    is_full: bool
    """The client reads more slowly than we write."""

    def standing_lines(self) -> bytes:
        """Return the header lines that every answer has."""
        ...

    def hold(self) -> None:
        """Read no more from the client for now."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    async def wait_writable(self) -> None:
        """Wait until the client has read enough, or is gone."""
        ...

    def is_ahead(self) -> bool:
        """Tell whether the client has sent more than the request that is being answered."""
        ...

    def switch(self, link: Link) -> None:
        """Let a WebSocket have whatever comes from now on."""
        ...

    def end(self) -> None:
        """Hear that the answer is complete."""
        ...


class DoorWire:
    """A client's connection as a WebSocket needs it."""

    def __init__(self, exchange: DoorExchange, wire: Wire) -> None:
        self._exchange = exchange
        self._wire = wire
        self.hold, self.resume, self.wait_writable = wire.hold, wire.resume, wire.wait_writable

    def is_full(self) -> bool:
        """Tell whether the client reads more slowly than we write."""
        return self._wire.is_full

    def write(self, data: bytes) -> None:
        """Hand bytes to the connection."""
        if data and not self._exchange.is_gone and not self._wire.transport.is_closing():
            self._wire.transport.write(data)

    def close(self) -> None:
        """End the connection once what was written is gone."""
        self._exchange.end_socket()


class DoorExchange:
    """One request; see `gateway.exchange.Exchange`.

    Args:
        wire: Its connection.
        parser: Has just read the head.
        target: Path, query and path as it came.
        headers: Names in lower case.
        client: Its address.
    """

    __slots__ = (
        "_body_bytes",
        "_held",
        "_is_in_parts",
        "_is_invited",
        "_is_whole",
        "_leave",
        "_parts",
        "_reader",
        "_room_bytes",
        "_wire",
        "can_chunk",
        "client",
        "has_started",
        "headers",
        "is_gone",
        "is_over",
        "keeps_alive",
        "method",
        "path",
        "query",
        "raw_path",
    )

    def __init__(
        self,
        wire: Wire,
        parser: httptools.HttpRequestParser,
        *,
        target: tuple[str, bytes, bytes],
        headers: Headers,
        client: str | None,
    ) -> None:
        self.method = parser.get_method().decode("ascii")
        self.path, self.query, self.raw_path = target
        self.headers = headers
        self.client = client
        self.can_chunk = parser.get_http_version() != "1.0"
        self.keeps_alive = self.can_chunk and parser.should_keep_alive()
        self.has_started = self.is_over = self.is_gone = False
        self._wire = wire
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._room_bytes = _UNREAD_BYTES
        self._is_whole = False
        self._is_in_parts = self._is_invited = False
        self._reader: asyncio.Future[None] | None = None
        self._leave: Callable[[], None] | None = None
        self._held = b""

    # The connection's side.

    def take(self, part: bytes) -> None:
        """Take a part of the body; what comes after the answer is thrown away."""
        if self.is_over:
            return
        self._parts.append(part)
        self._body_bytes += len(part)
        if self._body_bytes > self._room_bytes:
            self._wire.hold()
            self._wake()
        elif self._is_in_parts:
            self._wake()

    def take_end(self) -> None:
        """Hear that the body is whole."""
        self._is_whole = True
        self._wake()

    def lose(self) -> None:
        """Hear that the client is gone."""
        self.is_gone = True
        self._wake()
        if self._leave is not None:
            self._leave()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # The gateway's side.

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body; the connection cuts a client that stops sending. Raises TooLarge, ClientGone."""
        if not self._is_whole:
            await self._wait_body(limit_bytes)
        if self.is_gone:
            raise ClientGone
        if self._body_bytes > limit_bytes:
            raise too_large(limit_bytes)
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read_part(self) -> bytes:
        """Return what has come of the body; the connection cuts a client that stops sending. Raises ClientGone."""
        self._is_in_parts = True
        while not self._parts and not self._is_whole and not self.is_gone:
            self._ask_for_body()
            await self._wait_part()
        if self.is_gone:
            raise ClientGone
        parts, self._parts = self._parts, []
        self._body_bytes = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _wait_body(self, limit_bytes: int) -> None:
        self._room_bytes = limit_bytes
        self._ask_for_body()
        while not self._is_whole and not self.is_gone and self._body_bytes <= limit_bytes:
            await self._wait_part()

    async def _wait_part(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader  # the connection's sweep ends this at the latest
        finally:
            self._reader = None

    def _ask_for_body(self) -> None:
        """Read on, and let a client send its body that waits to be asked for it."""
        is_asked = any(name == b"expect" for name, _ in self.headers)
        if is_asked and not self._is_invited and not self._wire.transport.is_closing():
            self._wire.transport.write(_CONTINUE)
        self._is_invited = True
        self._wire.resume()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer, in one write."""
        if await self._may_write():
            self.has_started = True
            lines = self._head_lines(status, headers)
            if self.method != "HEAD":
                lines.append(body)
            self._wire.transport.write(b"".join(lines))
            self._end()

    async def start(self, status: int, headers: Headers) -> None:
        """Take the head; it goes out with the first part."""
        self.has_started = True
        self.can_chunk &= self.method != "HEAD"
        if self.can_chunk:
            headers = (*headers, (b"transfer-encoding", b"chunked"))
        else:
            self.keeps_alive = False
        self._held = b"".join(self._head_lines(status, headers))

    async def write(self, data: bytes) -> None:
        """Send a part, waiting while the client is slow."""
        wire = self._wire
        if wire.is_full:
            await wire.wait_writable()
        if data and not self.is_gone:
            wire.transport.write(self._frame(data))

    async def finish(self, data: bytes = b"") -> None:
        """Send the last part."""
        if await self._may_write():
            end = b"0\r\n\r\n" if self.can_chunk else b""
            self._wire.transport.write(self._frame(data) + end)
            self._end()

    def cut(self) -> None:
        """Break off: a connection that ends in order could look like the end of the answer."""
        self._wire.transport.abort()

    def check_upgrade(self) -> None:
        """See that the client asks for a WebSocket as it should. Raises UpgradeRefused."""
        self._accept()

    def upgrade(self, headers: Headers, *, subprotocol: str | None = None) -> Socket:
        """Change to a WebSocket. Raises UpgradeRefused, ClientGone."""
        if self.is_gone or self._wire.transport.is_closing():
            raise ClientGone
        accept = self._accept()
        self.has_started, self.keeps_alive = True, False
        own: Headers = ((b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-accept", accept))
        if subprotocol is not None:
            own = (*own, (b"sec-websocket-protocol", subprotocol.encode("ascii")))
        lines = [STATUS_LINE[_SWITCHING_PROTOCOLS], self._wire.standing_lines()]
        for name, value in (*own, *headers):
            lines += (name, b": ", value, b"\r\n")
        self._wire.transport.write(b"".join((*lines, b"\r\n")))
        link = Link(DoorWire(self, self._wire), is_client=False)
        self._wire.switch(link)
        return link

    def _accept(self) -> bytes:
        accept = accept_to(self.headers) if self.can_chunk and self.method == "GET" else None
        if accept is None:
            raise UpgradeRefused("This is no request for a WebSocket as RFC 6455 has it.", hint=WEBSOCKET_HINT)
        if self._wire.is_ahead():
            raise UpgradeRefused("Something was sent ahead of the switch to a WebSocket.", hint="Wait for the answer.")
        return accept

    def end_socket(self) -> None:
        """Hear that the WebSocket is closed on this side."""
        if not self.is_over:
            self._end()

    def interrupts(self) -> Interruption:
        """Turn the client's leaving into ClientGone at the await within."""
        return Interruption(self._when_gone, self._wire.task)

    def _when_gone(self, leave: Callable[[], None]) -> Callable[[], None]:
        self._leave = leave
        if self.is_gone or self._wire.transport.is_closing():
            leave()
        return self._stay

    def _stay(self) -> None:
        self._leave = None

    async def _may_write(self) -> bool:
        if self._wire.is_full:
            await self._wire.wait_writable()
        return not self.is_gone and not self.is_over

    def _head_lines(self, status: int, headers: Headers) -> list[bytes]:
        lines = [STATUS_LINE[status], self._wire.standing_lines()]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n" if self.keeps_alive else b"connection: close\r\n\r\n")
        return lines

    def _frame(self, data: bytes) -> bytes:
        held, self._held = self._held, b""
        if not self.can_chunk or not data:
            return held if self.method == "HEAD" else held + data
        return b"%b%x\r\n%b\r\n" % (held, len(data), data)

    def _end(self) -> None:
        self.is_over = True
        self._wire.end()
