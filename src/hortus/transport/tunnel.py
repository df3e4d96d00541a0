"""How a proxy is asked for a tunnel, and what its answer means."""

from __future__ import annotations

import asyncio
from typing import cast

from typing_extensions import override

from hortus.canon.errors import HostUnavailable
from hortus.transport.faults import unavailable

_LONGEST_HEAD_BYTES = 16_384

PROXY_AUTHENTICATION_REQUIRED = 407


class Tunnel(asyncio.Protocol):
    """The connection to a proxy until the tunnel stands; then TLS takes its place.

    Args:
        origin: What lies behind the tunnel, for messages.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._head = b""
        self._answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport = cast("asyncio.Transport", None)  # set before the protocol is handed out

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(None)

    @override
    def data_received(self, data: bytes) -> None:
        self._head += data
        head, blank_line, rest = self._head.partition(b"\r\n\r\n")
        if blank_line:
            self._settle(None if rest else _read_status(head))
        elif len(self._head) > _LONGEST_HEAD_BYTES:
            self._settle(None)

    def _settle(self, status: int | None) -> None:
        if self._answered.done():
            return
        if status is None:
            self._answered.set_exception(self._refuse("the proxy did not answer in HTTP or closed the connection"))
        elif status == PROXY_AUTHENTICATION_REQUIRED:
            self._answered.set_exception(self._refuse("the proxy wants another user name or password (407)"))
        elif not 200 <= status <= 299:  # noqa: PLR2004 -- RFC 9110, 9.3.6: any 2xx opens the tunnel
            self._answered.set_exception(self._refuse(f"the proxy refused a tunnel with status {status}"))
        else:
            self._answered.set_result(status)
        self._answered.exception()  # it may be that nobody asked yet, or any more

    def _refuse(self, what: str) -> HostUnavailable:
        return unavailable(self._origin, what, hint="Check `https_proxy` and `no_proxy`, or ask who runs the proxy.")

    async def ask(self, request: bytes) -> None:
        """Ask for the tunnel and wait until it stands.

        Raises:
            HostUnavailable: The proxy refused it.
        """
        self.transport.write(request)
        await self._answered  # ended by the connect deadline of the dialler


def _read_status(head: bytes) -> int | None:
    """Return the status of a head, None where it is not HTTP/1."""
    version, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    code = rest[:3]
    return int(code) if version in {b"HTTP/1.0", b"HTTP/1.1"} and len(code) == 3 and code.isdigit() else None  # noqa: PLR2004 -- a status has three digits
