"""The server side of a connection as uvicorn has it, with the door's bounds on heads and its law of what is refused.

For the admin port, whose first bytes come before any token, and for a door that was set to `door_server = "uvicorn"`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hortus.app.door_heads import find_fault, measure
from hortus.app.door_protocol import AHEAD_LIMIT, HEAD_LIMIT_BYTES, HEAD_WITHIN_S, HEADERS_LIMIT

_REFUSED = "The head of the request is not taken."


class HeadRefused(Exception):  # noqa: N818 -- stops the parser; never leaves this module
    """Raised inside the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """One caller's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_in_head = False
        self._seen_bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # the loop gives a Transport
        self._patience = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._calm()

    @override
    def data_received(self, data: bytes) -> None:
        self._seen_bytes = len(data) + (self._seen_bytes if self._is_in_head else 0)
        super().data_received(data)
        if self._is_in_head and self._seen_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self.send_400_response(_REFUSED)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._calm()
        self._patience = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # trailers are nobody's business
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._calm()
        is_wrong = find_fault(self.headers, version=self.parser.get_http_version()) is not None
        may_be_long = self._seen_bytes > HEAD_LIMIT_BYTES  # or is it the body that came along?
        is_long = may_be_long and measure(self.headers) > HEAD_LIMIT_BYTES
        if is_wrong or is_long or len(self.headers) > HEADERS_LIMIT or len(self.pipeline) >= AHEAD_LIMIT:
            raise HeadRefused
        super().on_headers_complete()

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
