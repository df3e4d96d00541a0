"""One request and its answer, as the gateway sees them, whatever server carries them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from hortus.gateway.ports import Socket

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as they came."""


class Exchange(Protocol):
    """A client's request with the way back to it."""

    method: str
    path: str
    """Percent-decoded once."""
    raw_path: bytes
    """As it came, still percent-encoded: signatures are of that."""
    query: bytes
    headers: Headers
    client: str | None
    """Address of the client, after trusted proxies; None on a Unix socket."""

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole request body.

        Raises:
            hortus.canon.errors.TooLarge: It is longer than `limit_bytes`.
            ClientGone: The client left midway.
        """
        ...

    async def read_part(self) -> bytes:
        """Return what has come of the request body since the last call, waiting for some; nothing at its end.

        Not with `read`. What nobody asks for stays with the client.

        Raises:
            ClientGone: The client left midway.
        """
        ...

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; a client that has left is no error."""
        ...

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of an answer in parts. Once only, and not with `answer`."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a part of the answer, waiting while the client is slow."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """Send the last part and end the answer; a client that has left is no error."""
        ...

    def cut(self) -> None:
        """Break off an answer that was begun and cannot be ended: the client sees that it is not whole."""
        ...

    def check_upgrade(self) -> None:
        """See that the connection can change to a WebSocket, before anybody else is asked for one.

        Raises:
            hortus.canon.errors.UpgradeRefused: The client has not asked for one as RFC 6455 has it, or this server
                cannot.
        """
        ...

    def upgrade(self, headers: Headers, *, subprotocol: str | None = None) -> Socket:
        """Change the connection to a WebSocket, with these headers in the answer; instead of `answer` and `start`.

        Raises:
            hortus.canon.errors.UpgradeRefused: As `check_upgrade`.
            ClientGone: There is nobody to talk to.
        """
        ...

    def interrupts(self) -> AbstractContextManager[None]:
        """While within, a client that goes away interrupts what is awaited: ClientGone is raised."""
        ...


class ClientGone(Exception):  # noqa: N818 -- a plain event of networks, not an error of anyone
    """The client went away."""
