"""A connection to a host that becomes a WebSocket: what is asked, what the answer means, and who takes the bytes then.

https://www.rfc-editor.org/rfc/rfc6455#section-4.1
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Sequence

import httptools

from hortus.canon.errors import HostFault
from hortus.framing.websocket import accept_of
from hortus.gateway.ports import Declined
from hortus.transport.connection import Connection
from hortus.transport.faults import broken, cut_unanswered
from hortus.transport.websocket import Link

_SWITCHING_PROTOCOLS = 101
_LINGER_S = 5.0
_MOST_BODY_BYTES = 64 * 1024
"""Of an answer that opens nothing: more words are not needed to say why."""


class ConnectionWire:
    """A host's connection as a WebSocket needs it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        """Hand bytes to the connection."""
        if data and self._connection.is_usable():
            self._connection.send(data)

    def hold(self) -> None:
        """Read no more for now."""
        self._connection.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._connection.resume_reading()

    async def wait_writable(self) -> None:
        """Wait until the host has read enough, or is gone."""
        await self._connection.wait_writable()

    def is_full(self) -> bool:
        """Tell whether the host reads more slowly than we write."""
        return self._connection.is_full

    def close(self) -> None:
        """End the connection once what was written is gone; a host that does not read it is cut after a moment."""
        self._connection.close()
        if not self._connection.is_drained():
            self._connection.loop.call_later(_LINGER_S, self._connection.abort)


class Upgrading:
    """Takes what comes on a connection on which a WebSocket was asked for: first the answer, then its bytes.

    Args:
        connection: It will carry nothing else any more.
        origin: For messages.
        most_head_bytes: Longest head of an answer.
    """

    def __init__(self, connection: Connection, *, origin: str, most_head_bytes: int) -> None:
        self.key = base64.b64encode(os.urandom(16))
        self._connection = connection
        self._origin = origin
        self._left_bytes = most_head_bytes + _MOST_BODY_BYTES
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._has_head = False
        self._answer: asyncio.Future[Link | Declined] = connection.loop.create_future()
        self._link: Link | None = None
        connection.answer = self

    def lines(self, subprotocols: Sequence[str]) -> bytes:
        """Return the header lines that ask for the WebSocket."""
        wanted = b"sec-websocket-protocol: %b\r\n" % ", ".join(subprotocols).encode("ascii") if subprotocols else b""
        opening = b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        return opening + b"sec-websocket-key: %b\r\n%b\r\n" % (self.key, wanted)

    async def wait(self) -> Link | Declined:
        """Return what the host has made of it. Raises HostFault; whatever else ends it, nothing is left open."""
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise

    # The connection's side.

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        if self._link is not None:
            self._link.feed(data)
            return
        self._left_bytes -= len(data)
        parser = self._parser
        if parser is None:
            return
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(parser.get_status_code(), rest=data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._fail(broken(self._origin, "what came is not HTTP/1.1 as it should be"))
        if self._left_bytes < 0 and self._link is None:
            self._decline()

    def lose(self, cause: Exception | None) -> None:
        """Hear that the connection is gone."""
        del cause
        if self._link is not None:
            self._link.lose()
        elif self._has_head:
            self._decline()
        else:
            self._fail(cut_unanswered(self._origin))

    def note_upload(self, *, is_over: bool) -> None:
        """Hear of an upload: there is none."""

    def is_decided(self) -> bool:
        """Tell whether the host has answered."""
        return self._answer.done()

    def close(self) -> None:
        """Cut the connection."""
        self._parser = None
        self._connection.abort()
        if self._link is not None:
            self._link.lose()

    # The parser's side.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Hear that the head is here."""
        self._has_head = True

    def on_body(self, part: bytes) -> None:
        """Take a part of the words of an answer that opens nothing."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Hear the end of such an answer; at one that opens, the parser says this too."""
        if self._parser is not None and self._parser.get_status_code() != _SWITCHING_PROTOCOLS:
            self._decline()

    def _switch(self, status: int, *, rest: bytes) -> None:
        said = dict(self._headers)
        is_meant = (
            status == _SWITCHING_PROTOCOLS
            and said.get(b"upgrade", b"").lower() == b"websocket"
            and said.get(b"sec-websocket-accept", b"").strip() == accept_of(self.key)
            and b"sec-websocket-extensions" not in said
        )
        if not is_meant:
            self._fail(broken(self._origin, "it opened something else than the WebSocket that was asked for"))
            return
        self._parser = None
        self._link = Link(ConnectionWire(self._connection), is_client=True)
        if rest:
            self._link.feed(rest)
        if not self._answer.done():
            self._answer.set_result(self._link)

    def _decline(self) -> None:
        parser, self._parser = self._parser, None
        if parser is not None and not self._answer.done():
            self._answer.set_result(Declined(parser.get_status_code(), self._headers, b"".join(self._body)))
        self._connection.abort()

    def _fail(self, error: HostFault) -> None:
        self._parser = None
        if not self._answer.done():
            self._answer.set_exception(error)
        self._connection.abort()
