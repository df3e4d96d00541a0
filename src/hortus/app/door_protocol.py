"""The server's side of a connection: uvicorn's httptools protocol, with bounds on heads and patience, and a hook.

What it adds: heads are bounded (431), a head must come in time, a client that does not read is cut in time, requests
that are not HTTP get an error that SDKs can read, and a client's leaving calls back without a task for each request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hortus.app.asgi import GONE_HOOK

_log = logging.getLogger("hortus.door")

HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 128
HEAD_WITHIN_S = 30.0
"""A connection must bring the head of a request within this time (once it has begun to send one)."""

BODY_SILENCE_S = 60.0
"""A client must not stop for longer in the middle of a body."""

STUCK_WITHIN_S = 300.0
"""A client must go on reading its answer within this time."""

_SWEEP_S = 1.0

_TOO_LONG = "The head of the request is too long."


class HeadTooLong(Exception):  # noqa: N818 -- stops the parser; never leaves this module
    """Raised inside the parser."""


class DoorProtocol(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_since_s: float | None = None
        self.body_since_s: float | None = None
        self.stuck_since_s: float | None = None
        self._head_bytes = 0
        self._is_head_too_long = False
        self._leavers: set[Callable[[], None]] = set()
        self._extensions = {GONE_HOOK: self._when_gone}

    def _when_gone(self, leave: Callable[[], None]) -> Callable[[], None]:
        self._leavers.add(leave)
        if self.transport.is_closing():
            leave()
        return lambda: self._leavers.discard(leave)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)  # type: ignore[arg-type]  # the loop gives a Transport
        self.head_since_s = self.loop.time()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for leave in tuple(self._leavers):
            leave()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
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

    @override
    def on_body(self, body: bytes) -> None:
        self.body_since_s = self.loop.time()
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self.body_since_s = None
        super().on_message_complete()

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
            if isinstance(connection, DoorProtocol) and is_too_slow(connection, now_s):
                _log.warning("client cut: too slow", extra={"client": connection.client and connection.client[0]})
                connection.transport.abort()


def is_too_slow(connection: DoorProtocol, now_s: float) -> bool:
    """Tell whether a client has kept the door waiting too long."""
    waits = (
        (connection.head_since_s, HEAD_WITHIN_S),
        (connection.body_since_s, BODY_SILENCE_S),
        (connection.stuck_since_s, STUCK_WITHIN_S),
    )
    return any(since_s is not None and now_s - since_s > limit_s for since_s, limit_s in waits)
