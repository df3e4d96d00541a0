"""The server side of a connection under uvicorn's server: HTTP/1.1 by httptools, with bounds, straight to the gateway.

Bounds: on heads (431), on a client's patience-taking with head, body, reading and idling; one sweep instead of a timer
for each request. One request is answered at a time; those that a client sends ahead wait in their order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from hortus.app.asgi import DoorApp
from hortus.app.door_exchange import DoorExchange
from hortus.app.door_heads import find_fault, measure, write_bare_head
from hortus.framing.websocket import GOING_AWAY
from hortus.transport.websocket import Link

_log = logging.getLogger("hortus.door")

HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 128
AHEAD_LIMIT = 128
"""Requests that a client may send ahead of its answers on one connection."""

HEAD_WITHIN_S = 30.0
"""A connection must bring the head of a request within this time (once it has begun to send one)."""

BODY_SILENCE_S = 60.0
"""A client must not stop for longer in the middle of a body."""

BODY_WITHIN_S = 600.0
"""A body must be whole within this time, however steadily it drips."""

STUCK_WITHIN_S = 300.0
"""A client must go on reading its answer within this time."""

IDLE_WITHIN_S = 75.0
"""Longer than the usual load balancer keeps an idle connection (60 s), so that it is never the one to be surprised."""

_SWEEP_S = 1.0
_TARGETS_REMEMBERED = 64


class HeadTooLong(Exception):  # noqa: N818 -- stops the parser; never leaves this module
    """Raised inside the parser."""


class HeadWrong(Exception):  # noqa: N818 -- stops the parser; never leaves this module
    """Raised inside the parser."""


class DoorProtocol(asyncio.Protocol):
    """One client's connection. The parser calls the `on_` methods.

    Args:
        config: Of the server; its application is a `DoorApp`.
        server_state: The server's: it closes what stands in `connections` and waits for `tasks` when it ends.
        app_state: Not used.
        _loop: The event loop; so does the server call it.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        del app_state
        self.loop = _loop or asyncio.get_running_loop()
        self.transport = cast("asyncio.Transport", None)  # set before anything else happens
        self.peer: str | None = None
        self.is_full = False
        self.head_since_s: float | None = None
        self.body_since_s: float | None = None
        self.body_begun_s: float | None = None
        self.stuck_since_s: float | None = None
        self.unread_bytes = 0
        self.idle_since_s: float | None = None
        self._app: DoorApp = config.loaded_app
        self._server_state = server_state
        self._parser: httptools.HttpRequestParser | None = self._new_parser()
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_in_head = self._is_head_too_long = self._is_declining = False
        self._fault = b"Invalid HTTP request received."
        self._seen_bytes = 0
        """At least the length of the head so far: all bytes since those that brought its beginning."""
        self._incoming: DoorExchange | None = None
        """Whose body comes in."""
        self._running: DoorExchange | None = None
        """Who is being answered."""
        self._waiting: deque[DoorExchange] = deque()
        self.task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[None] | None = None
        """What the task waits for between two requests."""
        self._is_held = False
        self._writer: asyncio.Future[None] | None = None
        self._standing: tuple[object, bytes] = (None, b"")
        self._link: Link | None = None
        """The WebSocket that the connection has become."""

    # The loop's side.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else None
        self.head_since_s = self.loop.time()
        self._server_state.connections.add(self)  # type: ignore[arg-type]  # it only ever calls `shutdown`

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        running, incoming = self._running, self._incoming
        self._running = self._incoming = self._parser = None
        self._waiting.clear()
        self.resume_writing()
        self._rouse()
        for exchange in (running, incoming):
            if exchange is not None:
                exchange.lose()
        if self._link is not None:
            self._link.lose()

    @override
    def data_received(self, data: bytes) -> None:
        if self._link is not None:
            self._link.feed(data)
            return
        if self._parser is None:
            return
        self._seen_bytes = len(data) + (self._seen_bytes if self._is_in_head else 0)
        try:
            while data:
                data = self._parse(data)
        except httptools.HttpParserError:
            self._refuse()
            return
        if self._is_in_head and self._seen_bytes > HEAD_LIMIT_BYTES:
            self._is_head_too_long = True
            self._refuse()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # the rest is thrown away, not refused
        return parser

    def _parse(self, data: bytes) -> bytes:
        """Take bytes; return those that are left because a request in them asked for another protocol.

        That is declined by going on (RFC 9110, 7.8), but the parser gives up there, before a body. So a fresh one is
        told what the head said of the body. Java's client asks for HTTP/2 with each first request.
        """
        parser = cast("httptools.HttpRequestParser", self._parser)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parser = self._new_parser()
            self._is_declining = True
            self._parser.feed_data(write_bare_head(self._headers))
            self._is_declining = False
            return data[upgrade.args[0] :]
        return b""

    @override
    def pause_writing(self) -> None:
        self.is_full = True
        self.stuck_since_s = self.loop.time()

    @override
    def resume_writing(self) -> None:
        self.is_full = False
        self.stuck_since_s = self.loop.time() if self.transport.is_closing() else None
        if self.idle_since_s is not None:
            self.idle_since_s = self.loop.time()
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    # The server's side.

    def shutdown(self) -> None:
        """End after the running request; at once where there is none."""
        if self._running is None:
            self.transport.close()
        elif self._link is not None:
            self._link.close(GOING_AWAY, "This gateway ends; connect again.")
        else:
            self._running.keeps_alive = False

    # The parser's side.

    def on_message_begin(self) -> None:
        """Hear of a request's first byte."""
        if self._is_declining:
            return
        self.idle_since_s = None
        self.head_since_s = self.loop.time()
        self._is_in_head = True
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are nobody's business."""
        if self._is_in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin the request, or let it wait for those before it."""
        if self._is_declining:
            return
        parser = cast("httptools.HttpRequestParser", self._parser)
        self.head_since_s = None
        self.body_since_s = self.body_begun_s = self.loop.time()
        self._is_in_head = False
        self._check_head(parser.get_http_version())
        headers = self._headers
        exchange = DoorExchange(
            self,
            parser,
            target=_split_target(self._url),
            headers=headers,
            client=self._app.client_of(self.peer, headers),
        )
        self._incoming = exchange
        if self._running is None:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)
            self.hold()

    def on_body(self, part: bytes) -> None:
        """Take a part of a body."""
        self.body_since_s = self.loop.time()
        if self._incoming is not None:
            self._incoming.take(part)

    def on_message_complete(self) -> None:
        """Hear a request's end, unless it is only the parser's, at a wish for another protocol."""
        if cast("httptools.HttpRequestParser", self._parser).should_upgrade():
            return
        self.body_since_s = self.body_begun_s = None
        if self._incoming is not None:
            self._incoming.take_end()
            self._incoming = None

    def _check_head(self, version: str) -> None:
        is_long = self._seen_bytes > HEAD_LIMIT_BYTES  # or is it the body that came along?
        if is_long:
            is_long = len(self._url) + measure(self._headers) > HEAD_LIMIT_BYTES
        if is_long or len(self._headers) > HEADERS_LIMIT:
            self._is_head_too_long = True
            raise HeadTooLong
        fault = find_fault(self._headers, version=version)
        if len(self._waiting) >= AHEAD_LIMIT:
            fault = b"Too many requests were sent ahead of their answers."
        if fault is not None:
            self._fault = fault
            raise HeadWrong

    # The exchange's side.

    def standing_lines(self) -> bytes:
        """Return the header lines that every answer has: the date, which the server makes anew every second."""
        pairs, lines = self._standing
        if pairs is not self._server_state.default_headers:
            pairs = self._server_state.default_headers
            lines = b"".join([b"%b: %b\r\n" % pair for pair in pairs])
            self._standing = pairs, lines
        return lines

    def is_ahead(self) -> bool:
        """Tell whether the client has sent more than the request that is being answered."""
        return bool(self._waiting) or self._is_in_head

    def switch(self, link: Link) -> None:
        """Let a WebSocket have whatever comes from now on."""
        self._link, self._parser, self._incoming = link, None, None
        self.body_since_s = self.body_begun_s = None
        self._waiting.clear()
        self.resume()

    def hold(self) -> None:
        """Read no more from the client for now."""
        if not self._is_held and not self.transport.is_closing():
            self._is_held = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._is_held and not self.transport.is_closing():
            self._is_held = False
            self.transport.resume_reading()

    async def wait_writable(self) -> None:
        """Wait until the client has read enough, or is gone."""
        while self.is_full:
            self._writer = self.loop.create_future()
            try:
                await self._writer  # the sweep ends this at the latest
            finally:
                self._writer = None

    def end(self) -> None:
        """Go on to the next request after an answer."""
        running, self._running = self._running, None
        self._server_state.total_requests += 1
        if running is not None and not running.keeps_alive:
            self.transport.close()
            if self.transport.get_write_buffer_size() and self.stuck_since_s is None:
                self.stuck_since_s = self.loop.time()  # whoever never reads the end does not hold the connection
        elif not self.transport.is_closing():
            if self._waiting:
                self._running = self._waiting.popleft()
            else:
                self.idle_since_s = self.loop.time()
            if not self._waiting:
                self.resume()

    def _begin(self, exchange: DoorExchange) -> None:
        self._running = exchange
        if self.task is None:
            self.task = self.loop.create_task(self._serve())
            self._server_state.tasks.add(self.task)
            self.task.add_done_callback(self._server_state.tasks.discard)
        else:
            self._rouse()

    async def _serve(self) -> None:
        """Answer one request after the other; a task for each would cost more than all that it waits for."""
        while (exchange := self._running) is not None:
            await self._app.serve(exchange)
            if self._link is not None:
                return  # it ends the connection, once the client has heard the end
            if not exchange.is_over:  # half an answer must not look like a whole one
                self.transport.close()
                return
            if self.transport.is_closing():
                return
            if self._running is None:
                self._rest = self.loop.create_future()
                await self._rest  # ended by the next request or the connection's end, which the sweep brings about

    def _rouse(self) -> None:
        if self._rest is not None and not self._rest.done():
            self._rest.set_result(None)

    def _refuse(self) -> None:
        """Answer what is not HTTP, or too long, in OpenAI's form; there is no request to have a receipt."""
        _log.warning("client cut: not HTTP, or too long", extra={"client": self.peer})
        self._parser = None
        if self._running is None or not self._running.has_started:
            self.transport.write(_write_refusal(self._fault, is_too_long=self._is_head_too_long))
        self.transport.close()

    # The sweep's side.

    def note_reading(self, now_s: float) -> None:
        """Give a client that reads slowly, but reads, its time anew."""
        if self.stuck_since_s is not None:
            unread_bytes = self.transport.get_write_buffer_size()
            if unread_bytes < self.unread_bytes:
                self.stuck_since_s = now_s
            self.unread_bytes = unread_bytes


@lru_cache(_TARGETS_REMEMBERED)
def _split_target(target: bytes) -> tuple[str, bytes, bytes]:
    """Return path (percent-decoded once), query, and the path as it came. Raises HttpParserInvalidURLError."""
    parsed = httptools.parse_url(target)
    raw_path = parsed.path or b""
    path = raw_path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.query or b"", raw_path


def _write_refusal(fault: bytes, *, is_too_long: bool) -> bytes:
    status, code = (431, b"headers_too_large") if is_too_long else (400, b"invalid_http")
    text = b"The head of the request is too long." if is_too_long else fault
    body = b'{"error":{"message":"%b","type":"invalid_request_error","param":null,"code":"%b"}}' % (text, code)
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return STATUS_LINE[status] + head + body


async def sweep(connections: Callable[[], Iterable[object]]) -> None:
    """Cut connections whose client is too slow, for ever; no timer is needed for each request."""
    while True:
        await asyncio.sleep(_SWEEP_S)
        now_s = asyncio.get_running_loop().time()
        for connection in tuple(connections()):
            if not isinstance(connection, DoorProtocol):
                continue
            connection.note_reading(now_s)
            if is_too_slow(connection, now_s):
                if connection.idle_since_s is None:
                    _log.warning("client cut: too slow", extra={"client": connection.peer})
                connection.transport.abort()


def is_too_slow(connection: DoorProtocol, now_s: float) -> bool:
    """Tell whether a client has kept the door waiting too long."""
    idle_since_s = None if connection.is_full else connection.idle_since_s  # it still reads its answer
    waits = (
        (connection.head_since_s, HEAD_WITHIN_S),
        (connection.body_since_s, BODY_SILENCE_S),
        (connection.body_begun_s, BODY_WITHIN_S),
        (connection.stuck_since_s, STUCK_WITHIN_S),
        (idle_since_s, IDLE_WITHIN_S),
    )
    return any(since_s is not None and now_s - since_s > limit_s for since_s, limit_s in waits)
