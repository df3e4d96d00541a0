"""The server's side of a connection: uvicorn's httptools protocol, with bounds, and short ways for what is frequent.

Bounds: on heads (431), on a client's patience-taking with head, body, reading and idling; one sweep instead of a timer
for each request. Short ways: a client's leaving calls back without a task; a whole answer goes out in one write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from hortus.app.asgi import LINE

_log = logging.getLogger("hortus.door")

HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 128
HEAD_WITHIN_S = 30.0
"""A connection must bring the head of a request within this time (once it has begun to send one)."""

BODY_SILENCE_S = 60.0
"""A client must not stop for longer in the middle of a body."""

STUCK_WITHIN_S = 300.0
"""A client must go on reading its answer within this time."""

IDLE_WITHIN_S = 75.0
"""Longer than the usual load balancer keeps an idle connection (60 s), so that it is never the one to be surprised."""

_SWEEP_S = 1.0

_TOO_LONG = "The head of the request is too long."


class HeadTooLong(Exception):  # noqa: N818 -- stops the parser; never leaves this module
    """Raised inside the parser."""


class ClientLine:
    """What an exchange may ask of its connection beside plain ASGI; found in the scope's extensions under `LINE`."""

    __slots__ = ("_cycle", "_protocol")

    def __init__(self, protocol: DoorProtocol, cycle: RequestResponseCycle) -> None:
        self._protocol = protocol
        self._cycle = cycle

    def when_gone(self, leave: Callable[[], None]) -> Callable[[], None]:
        """Call `leave` once the client has gone; return what takes that back."""
        leavers = self._protocol.leavers
        leavers.add(leave)
        if self._protocol.transport.is_closing():
            leave()
        return partial(leavers.discard, leave)

    def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one write, as the cycle would in two; tell whether that could be done.

        Args:
            status: HTTP status.
            headers: With the content length; values hold no line ends.
            body: The rest.
        """
        cycle = self._cycle
        if cycle.disconnected:
            return True
        if cycle.response_started or cycle.flow.write_paused or cycle.scope["method"] == "HEAD":
            return False
        head = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            head += (name, b": ", value, b"\r\n")
        for name, value in headers:
            head += (name, b": ", value, b"\r\n")
        head.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        head.append(body)
        cycle.response_started = cycle.response_complete = True
        cycle.transport.write(b"".join(head))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class DoorProtocol(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_since_s: float | None = None
        self.body_since_s: float | None = None
        self.stuck_since_s: float | None = None
        self.unread_bytes = 0
        self.idle_since_s: float | None = None
        self.leavers: set[Callable[[], None]] = set()
        self._head_bytes = 0
        self._is_head_too_long = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # the loop gives a Transport
        self.head_since_s = self.loop.time()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for leave in tuple(self.leavers):
            leave()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.idle_since_s = None
        self.head_since_s = self.loop.time()
        self._head_bytes = 0

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def _count(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > HEAD_LIMIT_BYTES or len(self.headers) > HEADERS_LIMIT:
            self._is_head_too_long = True
            raise HeadTooLong

    @override
    def on_headers_complete(self) -> None:
        self.head_since_s = None
        self.body_since_s = self.loop.time()
        super().on_headers_complete()
        self.scope["extensions"] = {LINE: ClientLine(self, self.cycle)}  # type: ignore[dict-item]  # not one of ASGI's own

    @override
    def on_body(self, body: bytes) -> None:
        self.body_since_s = self.loop.time()
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self.body_since_s = None
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer for idle connections."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.idle_since_s = self.loop.time()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or too long, in OpenAI's form; there is no request to have a receipt."""
        status, code = (431, "headers_too_large") if self._is_head_too_long else (400, "invalid_http")
        text = _TOO_LONG if self._is_head_too_long else msg
        body = b'{"error":{"message":"%b","type":"invalid_request_error","param":null,"code":"%b"}}' % (
            text.encode(),
            code.encode(),
        )
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    @override
    def pause_writing(self) -> None:
        self.stuck_since_s = self.loop.time()
        super().pause_writing()

    def note_reading(self, now_s: float) -> None:
        """Give a client that reads slowly, but reads, its time anew."""
        if self.stuck_since_s is not None:
            unread_bytes = self.transport.get_write_buffer_size()
            if unread_bytes < self.unread_bytes:
                self.stuck_since_s = now_s
            self.unread_bytes = unread_bytes

    @override
    def resume_writing(self) -> None:
        self.stuck_since_s = None
        super().resume_writing()


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
                    _log.warning("client cut: too slow", extra={"client": connection.client and connection.client[0]})
                connection.transport.abort()


def is_too_slow(connection: DoorProtocol, now_s: float) -> bool:
    """Tell whether a client has kept the door waiting too long."""
    waits = (
        (connection.head_since_s, HEAD_WITHIN_S),
        (connection.body_since_s, BODY_SILENCE_S),
        (connection.stuck_since_s, STUCK_WITHIN_S),
        (connection.idle_since_s, IDLE_WITHIN_S),
    )
    return any(since_s is not None and now_s - since_s > limit_s for since_s, limit_s in waits)
