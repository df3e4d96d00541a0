"""The gateway as an application: for our own connections by `serve`, for any other server as a bare ASGI callable.

Nothing is spent on watching a client until an await may be long; then its leaving interrupts the await.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote

from hortus.app.interruption import Interruption
from hortus.base.errors import ConfigurationError
from hortus.canon.errors import UpgradeRefused
from hortus.gateway.admit import too_large
from hortus.gateway.exchange import ClientGone, Exchange, Headers
from hortus.gateway.ports import Socket
from hortus.gateway.serve import Gateway

_log = logging.getLogger("hortus.gateway")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class TrustedProxies:
    """Whose word on a client's address is taken.

    Args:
        networks: Addresses or networks (CIDR).

    Raises:
        ConfigurationError: One of them is none.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        for text in networks:
            try:
                self._networks.append(ip_network(text, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"{text!r} is no address and no network.", path="trusted_proxies", hint="Such as 10.0.0.0/8."
                ) from error

    def client_of(self, peer: str | None, headers: Headers) -> str | None:
        """Return the nearest address that is not a trusted proxy's."""
        if not self._networks or peer is None or not self._trusts(peer):
            return peer
        hops = [
            hop.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        nearest = peer
        for hop in reversed(hops):
            try:
                nearest = str(ip_address(hop))
            except ValueError:
                return nearest  # not an address: nothing before it can be believed
            if not self._trusts(nearest):
                return nearest
        return nearest

    def _trusts(self, address: str) -> bool:
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)


class DoorApp:
    """The ASGI application of a worker.

    Args:
        gateway: What serves.
        proxies: Who may say who the client is.
    """

    def __init__(self, gateway: Gateway, proxies: TrustedProxies) -> None:
        self._gateway = gateway
        self._proxies = proxies

    def client_of(self, peer: str | None, headers: Headers) -> str | None:
        """Return the address of a client behind trusted proxies."""
        return self._proxies.client_of(peer, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event; lifespan and the like are the worker's own affair."""
        if scope["type"] == "http":
            peer = scope["client"]
            client = self.client_of(peer[0] if peer else None, scope["headers"])
            await self.serve(AsgiExchange(scope, receive, send, client=client))

    async def serve(self, exchange: Exchange) -> None:
        """Serve one exchange; a fault of ours is logged here and nowhere else."""
        try:
            await self._gateway.serve(exchange)
        except asyncio.CancelledError:
            _log.warning("a request was cut because this process ends")  # the task ends here in any case
        except Exception:  # noqa: BLE001 -- the edge of a process role: the client has its answer, people get the reason
            _log.exception("a request failed by a fault of Hortus")


class AsgiExchange:
    """One request over ASGI; see `gateway.exchange.Exchange`."""

    __slots__ = ("_is_read", "_receive", "_send", "client", "headers", "method", "path", "query", "raw_path")

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, client: str | None) -> None:
        self._receive = receive
        self._send = send
        self._is_read = False
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or quote(self.path).encode("ascii")  # servers may leave it out
        self.query: bytes = scope["query_string"]
        self.headers: Headers = scope["headers"]
        self.client = client

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body; the server cuts a client that stops sending. Raises TooLarge, ClientGone."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > limit_bytes:
                raise too_large(limit_bytes)
            if not message.get("more_body"):
                return b"".join((*parts, part)) if parts else part
            parts.append(part)

    async def read_part(self) -> bytes:
        """Return the next part of the body. Raises ClientGone."""
        while not self._is_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            self._is_read = not message.get("more_body")
            if part := message.get("body", b""):
                return bytes(part)
        return b""

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head."""
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a part."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Send the last part."""
        await self._send({"type": "http.response.body", "body": data})

    def cut(self) -> None:
        """Do nothing: a server cuts what ends without its last part."""

    def check_upgrade(self) -> None:
        """Refuse: this server is told of no WebSocket. Raises UpgradeRefused."""
        raise UpgradeRefused(
            "This installation serves no WebSockets.", hint='An admin can set `door_server = "own"`, which does.'
        )

    def upgrade(self, headers: Headers, *, subprotocol: str | None = None) -> Socket:
        """Refuse. Raises UpgradeRefused."""
        del headers, subprotocol
        self.check_upgrade()
        raise ClientGone  # not reached

    def interrupts(self) -> Interruption:
        """Turn the client's leaving into ClientGone at the await within."""
        return Interruption(self._watch, asyncio.current_task())

    def _watch(self, leave: Callable[[], None]) -> Callable[[], object]:
        return asyncio.ensure_future(self._wait_gone(leave)).cancel

    async def _wait_gone(self, leave: Callable[[], None]) -> None:
        """Watch by the means of plain ASGI: a task that waits for the event."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leave()
