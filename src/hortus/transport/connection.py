"""One connection to a host: bytes out with back-pressure, bytes in to the answer that is due."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import sys
import termios
from typing import Protocol, cast

from typing_extensions import override

from hortus.gateway.ports import Body, size_of

PoolKey = tuple[str, str, int, object, bool]
"""Scheme, host, port, proxy, whether it may be private: what two requests must share to share a connection."""

_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S = 60, 15
"""The kernel notices a host that vanished without a word, and firewalls see that a silent stream lives."""

_NO_COUNT = bytes(4)
"""What FIONREAD writes where nothing is to be read."""

_ACKED_AT, _TCP_INFO_BYTES = 120, 128
"""Where `tcpi_bytes_acked` lies in the kernel's `tcp_info`."""

_SLICE_BYTES = 262_144
"""How much of a body is handed to the socket before its buffer is looked at again."""


class Receiver(Protocol):
    """Who takes what comes: the answer that is due."""

    def feed(self, data: bytes) -> None:
        """Take bytes from the host."""
        ...

    def lose(self, cause: Exception | None) -> None:
        """Hear that the connection is gone."""
        ...

    def note_upload(self, *, is_over: bool) -> None:
        """Hear that more of the request has gone out, or the whole."""
        ...

    def is_decided(self) -> bool:
        """Tell whether the host has begun a final answer, or none will come."""
        ...

    def close(self) -> None:
        """End with an error, unless it has ended."""
        ...


class Owner(Protocol):
    """Who keeps connections."""

    def put(self, connection: Connection, *, keep_alive_s: float | None) -> None:
        """Take a connection that has no more to do for now."""
        ...

    def forget(self, connection: Connection) -> None:
        """Hear that a connection is no more."""
        ...


class Connection(asyncio.Protocol):
    """A connection, used for one request at a time.

    Args:
        key: What it may be used for.
        owner: Takes it back between two requests.
    """

    __slots__ = (
        "_descriptor",
        "_is_encrypted",
        "_is_full",
        "_mark",
        "_owner",
        "_sent_bytes",
        "_writer",
        "answer",
        "idle_until_s",
        "is_lost",
        "key",
        "loop",
        "may_have_delivered",
        "transport",
    )

    def __init__(self, key: PoolKey, owner: Owner) -> None:
        self.key = key
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.answer: Receiver | None = None
        self.idle_until_s = 0.0
        self.is_lost = False
        self.may_have_delivered = True
        """Once lost: whether the host may have had any byte of the request that `begin_request` told of."""
        self._mark: int | None = None
        self._sent_bytes = 0
        self._descriptor: int | None = None
        self._is_encrypted = False
        self._owner = owner
        self._is_full = False
        self._writer: asyncio.Future[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        self._descriptor = sock.fileno() if sock is not None else None
        self._is_encrypted = transport.get_extra_info("ssl_object") is not None
        _keep_alive(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._descriptor = None
        if self.answer is not None and self._mark is not None and (exc is None or isinstance(exc, BrokenPipeError)):
            # The host closed its side first. A mere reset says nothing: it may come before what it has read is
            # acknowledged
            acknowledged = acknowledged_bytes(self.transport)
            self.may_have_delivered = acknowledged is None or acknowledged > self._mark
        self._owner.forget(self)
        self.wake_writer()
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.lose(exc)

    @override
    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:  # nobody asked: what follows could not be told from the next answer
            self.abort()
        else:
            answer.feed(data)

    @override
    def pause_writing(self) -> None:
        self._is_full = True

    @override
    def resume_writing(self) -> None:
        self._is_full = False
        self.wake_writer()

    def pause_reading(self) -> None:
        """Let the host wait: what it sends stays in the kernel's buffers, then in its own."""
        if self.transport is not None and not self.is_lost:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what the host sends again."""
        if self.transport is not None and not self.is_lost:
            self.transport.resume_reading()

    def is_usable(self) -> bool:
        """Tell whether a request may be sent."""
        return not self.is_lost and self.transport is not None and not self.transport.is_closing()

    @property
    def is_full(self) -> bool:
        """Whether the host reads more slowly than we write."""
        return self._is_full

    def is_drained(self) -> bool:
        """Tell whether everything written has left."""
        return self.transport is not None and self.transport.get_write_buffer_size() == 0

    def has_unasked(self) -> bool:
        """Tell whether bytes lie in the socket that no request asked for: they would be taken for the next answer."""
        if self._descriptor is None:
            return False
        return fcntl.ioctl(self._descriptor, termios.FIONREAD, _NO_COUNT) != _NO_COUNT

    def begin_request(self) -> None:
        """Take note of what the host's system has had so far, to know later whether it had any of what follows."""
        self._mark = acknowledged_bytes(self.transport) if self._is_encrypted else self._sent_bytes

    def send(self, request: bytes) -> None:
        """Hand a whole request to the socket."""
        if self.transport is not None:
            self._sent_bytes += len(request)
            self.transport.write(request)

    async def upload(self, body: Body) -> None:
        """Send a large body as fast as the host takes it; stop where the host has answered or is gone."""
        answer, transport = self.answer, self.transport
        if answer is None or transport is None:
            return
        answer.note_upload(is_over=False)
        for start in range(0, size_of(body), _SLICE_BYTES):
            part = await _slice(body, start)
            if answer.is_decided() or not self.is_usable():
                return
            self._sent_bytes += len(part)
            transport.write(part)
            while self._is_full and not answer.is_decided():
                await self._wait_writable()
            answer.note_upload(is_over=False)
        if not answer.is_decided():
            answer.note_upload(is_over=True)

    async def wait_writable(self) -> None:
        """Wait until the host has read enough, or is gone."""
        while self._is_full and self.is_usable():
            await self._wait_writable()

    async def _wait_writable(self) -> None:
        self._writer = self.loop.create_future()
        try:
            await self._writer  # ended by the answer's deadlines, which wake the writer
        finally:
            self._writer = None

    def wake_writer(self) -> None:
        """Let an upload that waits look again."""
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def release(self, *, keep_alive_s: float | None) -> None:
        """Give the connection back for the next request."""
        self.answer = None
        self._owner.put(self, keep_alive_s=keep_alive_s)

    def close(self) -> None:
        """End the connection once what was written is gone."""
        if self.transport is not None and not self.is_lost:
            self.transport.close()

    def abort(self) -> None:
        """Cut the connection at once, whatever is still on its way."""
        self.answer = None
        self.wake_writer()
        if self.transport is not None and not self.is_lost:
            self.transport.abort()


def acknowledged_bytes(transport: asyncio.BaseTransport | None) -> int | None:
    """Return how many bytes the other side's system has acknowledged; None where that cannot be told.

    A system acknowledges what it keeps for a program that may read it, at the latest with its own FIN. To a connection
    that the program has closed it answers with a reset and acknowledges nothing. man 7 tcp, linux/tcp.h
    (tcpi_bytes_acked counts the SYN).
    """
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return None
    try:
        known = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:  # a Unix socket
        return None
    if len(known) < _TCP_INFO_BYTES:
        return None
    return int.from_bytes(known[_ACKED_AT:_TCP_INFO_BYTES], sys.byteorder) - 1


async def _slice(body: Body, start: int) -> bytes | memoryview:
    end = start + _SLICE_BYTES
    return memoryview(body)[start:end] if isinstance(body, bytes) else await body.read(start, _SLICE_BYTES)


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
