"""The gateway as a bare ASGI callable: adapts scope, receive and send to an `Exchange`.

Nothing is spent on watching a client until an await may be long; then its leaving interrupts the await.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Any, Protocol

from hortus.base.errors import ConfigurationError
from hortus.gateway.admit import too_large
from hortus.gateway.exchange import ClientGone, Headers
from hortus.gateway.serve import Gateway

_log = logging.getLogger("hortus.gateway")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NONE: dict[str, Any] = {}

LINE = "hortus.line"
"""Extension of our own server protocol: the short ways to the client."""

WhenGone = Callable[[Callable[[], None]], Callable[[], object]]


class Line(Protocol):
    """The short ways to a client."""

    def when_gone(self, leave: Callable[[], None]) -> Callable[[], object]:
        """Call `leave` once the client has gone; return what takes that back."""
        ...

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a whole answer at once; tell whether that could be done."""
        ...


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event; lifespan and the like are the worker's own affair."""
        if scope["type"] != "http":
            return
        peer = scope["client"]
        client = self._proxies.client_of(peer[0] if peer else None, scope["headers"])
        try:
            await self._gateway.serve(AsgiExchange(scope, receive, send, client=client))
        except asyncio.CancelledError:
            _log.warning("a request was cut because this process ends")  # the task ends here in any case
        except Exception:  # noqa: BLE001 -- the edge of a process role: the client has its answer, people get the reason
            _log.exception("a request failed by a fault of Hortus")


class AsgiExchange:
    """One request over ASGI; see `gateway.exchange.Exchange`."""

    __slots__ = ("_line", "_receive", "_send", "client", "headers", "method", "path", "query")

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, client: str | None) -> None:
        self._line: Line | None = scope.get("extensions", _NONE).get(LINE)
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
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

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        if self._line is not None and self._line.answer(status, headers, body):
            return
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

    def interrupts(self) -> Interruption:
        """Turn the client's leaving into ClientGone at the await within."""
        return Interruption(self._watch_by_asgi if self._line is None else self._line.when_gone)

    def _watch_by_asgi(self, leave: Callable[[], None]) -> Callable[[], object]:
        return asyncio.ensure_future(self._wait_gone(leave)).cancel

    async def _wait_gone(self, leave: Callable[[], None]) -> None:
        """Watch by the means of plain ASGI: a task that waits for the event."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leave()


class Interruption:
    """Cancels the task that enters it once its client leaves, in a way that can be told from other cancellations.

    Args:
        watch: Registers what to call when the client leaves; returns what takes that back.
    """

    __slots__ = ("_cancelling", "_is_gone", "_stop", "_task", "_watch")

    def __init__(self, watch: WhenGone) -> None:
        self._watch = watch
        self._task: asyncio.Task[Any] | None = None
        self._stop: Callable[[], object] | None = None
        self._cancelling = 0
        self._is_gone = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._task is not None:
            self._cancelling = self._task.cancelling()
        self._stop = self._watch(self._leave)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stop is not None:
            self._stop()
        if self._is_gone and self._task is not None:
            still_cancelled = self._task.uncancel() > self._cancelling  # by somebody else too
            if kind is asyncio.CancelledError and not still_cancelled:
                raise ClientGone from error

    def _leave(self) -> None:
        if not self._is_gone and self._task is not None:
            self._is_gone = True
            self._task.cancel()
