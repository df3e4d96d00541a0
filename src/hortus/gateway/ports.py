"""What the gateway needs from outside: a way to call a host, and what is kept between requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from hortus.canon.errors import HostUnavailable
from hortus.canon.realtime import Message
from hortus.content.ports import HostIds, Seals
from hortus.snapshot.model import Timeouts


class LongBody(Protocol):
    """A request body that is not held in memory; it can be read as often as one likes."""

    @property
    def size_bytes(self) -> int:
        """Its length."""
        ...

    async def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on, fewer only at the end.

        Raises:
            hortus.canon.errors.StorageFull: The disk does not give them.
        """
        ...


Body = bytes | LongBody
"""A request body."""


def size_of(body: Body) -> int:
    """Return the length of a body, in bytes."""
    return len(body) if isinstance(body, bytes) else body.size_bytes


class HostRequest(msgspec.Struct, frozen=True):
    """One HTTP call to a host.

    Attributes:
        url: Absolute, `http` or `https`.
        headers: Names in lower case; host, content-length and connection are the client's own affair.
        may_be_private: Whether it may go to this machine or a private network.
        standing: Headers that are the same in many requests to this URL: looked at and written down once.
    """

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: Body
    timeouts: Timeouts
    standing: tuple[tuple[bytes, bytes], ...] = ()
    may_be_private: bool = False


def body_to_sign(request: HostRequest, endpoint: str) -> bytes:
    """Return the body of a request to an endpoint that is signed.

    Raises:
        hortus.canon.errors.HostUnavailable: It is not held in memory, so it cannot be.
    """
    if isinstance(request.body, bytes):
        return request.body
    raise HostUnavailable(
        f"Requests to {endpoint} are signed, and one with files is not.", hint="Use a model at another host."
    )


class HostResponse(Protocol):
    """An answer whose head has come; the body follows. Must be closed, which cancels what has not come."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    """Names in lower case."""

    def body(self) -> AsyncIterator[bytes]:
        """De-chunked parts as they arrive.

        Raises:
            hortus.canon.errors.BrokenStream: The host broke off.
            hortus.canon.errors.HostTimedOut: Silence for `idle_s`, or `total_s` over.
        """
        ...

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body. Raises as `body`, and BrokenStream above the limit."""
        ...

    def close(self) -> None:
        """Be done with it: the connection goes back to the pool if the body was read to its end, else it is cut."""
        ...


class SocketClosed(Exception):  # noqa: N818 -- a plain event of networks, not an error of anyone
    """The other side of a WebSocket has closed it, or is gone; `code` as RFC 6455, 7.4.1 has it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Socket(Protocol):
    """An open WebSocket to a client or a host."""

    heard_at_s: float
    """When the last bytes came, on the event loop's clock."""

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            SocketClosed: There is none any more.
        """
        ...

    async def send(self, message: Message) -> None:
        """Send a message, waiting while the other side is slow; one that has left is no error."""
        ...

    def ping(self) -> None:
        """Ask whether the other side is there; its answer counts as heard."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close it; what was sent before still arrives."""
        ...


class Declined(msgspec.Struct, frozen=True):
    """A host's answer that opens no WebSocket."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class Hosts(Protocol):
    """Calls hosts over pooled connections."""

    async def open_socket(self, request: HostRequest, *, subprotocols: Sequence[str] = ()) -> Socket | Declined:
        """Ask for a WebSocket on a connection of its own; `request` is a GET without a body.

        Raises:
            hortus.canon.errors.HostUnavailable: Not connected, or cut.
            hortus.canon.errors.HostTimedOut: `connect_s` or `first_byte_s` is over.
            hortus.canon.errors.BrokenStream: What came is not HTTP, or opens something else.
        """
        ...

    async def send(self, request: HostRequest) -> HostResponse:
        """Send a request and wait for the head of its answer.

        Raises:
            hortus.canon.errors.HostUnavailable: Not connected, or cut before any byte of an answer; it is never sent
                twice where the host may have had it.
            hortus.canon.errors.HostTimedOut: `connect_s` or `first_byte_s` is over.
            hortus.canon.errors.BrokenStream: What came is not HTTP.
        """
        ...


class Kept(Seals, HostIds, Protocol):
    """What is kept of content between requests."""
