"""One request and its answer, as the gateway sees them, whatever server carries them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as they came."""


class Exchange(Protocol):
    """A client's request with the way back to it."""

    method: str
    path: str
    """Percent-decoded once."""
    query: bytes
    headers: Headers
    client: str | None
    """Address of the client, after trusted proxies; None on a Unix socket."""

    def body(self) -> AsyncIterator[bytes]:
        """Chunks of the request body. Raises ClientGone when it leaves midway."""
        ...

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of the answer. Once only."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a part of the answer, waiting while the client is slow. Raises ClientGone."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """Send the last part and end the answer."""
        ...

    async def wait_closed(self) -> None:
        """Return when the client has gone away before the answer ended."""
        ...


class ClientGone(Exception):  # noqa: N818 -- a plain event of networks, not an error of anyone
    """The client went away."""
