"""How a connection comes about: names resolved, addresses raced, proxies asked for tunnels, TLS on top."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

import msgspec

from hortus.transport.connection import Connection
from hortus.transport.faults import not_connected, timed_out, unavailable
from hortus.transport.head import write_connect
from hortus.transport.proxies import Proxy
from hortus.transport.racing import connect_any, resolve
from hortus.transport.target import Target
from hortus.transport.tls import make_tls_context
from hortus.transport.tunnel import Tunnel

Factory = Callable[[], Connection]

_P = TypeVar("_P", Connection, Tunnel)


class Way(msgspec.Struct, frozen=True):
    """How a target is reached."""

    target: Target
    proxy: Proxy | None = None
    unix_socket: str | None = None


class Dialler:
    """Opens connections.

    Args:
        ca_bundle: File with further CAs.

    Raises:
        ConfigurationError: The file cannot be read.
    """

    def __init__(self, ca_bundle: str | None) -> None:
        self._ca_bundle = ca_bundle
        self._context: ssl.SSLContext | None = make_tls_context(ca_bundle) if ca_bundle is not None else None

    async def open(self, way: Way, factory: Factory, *, connect_s: float) -> Connection:
        """Return a connection that is ready for a request.

        Raises:
            HostUnavailable: None could be made; the message says why.
            HostTimedOut: It took longer than `connect_s`.
        """
        origin = way.target.origin
        try:
            async with asyncio.timeout(connect_s):
                return await self._open(way, factory)
        except TimeoutError as error:
            raise timed_out(origin, "connect", seconds=connect_s) from error
        except socket.gaierror as error:
            name = way.target.host if way.proxy is None else way.proxy.host
            raise unavailable(
                origin, f"the name {name} is not known", hint="Check the name and this machine's DNS."
            ) from error
        except OSError as error:
            raise not_connected(origin, error) from error

    async def _open(self, way: Way, factory: Factory) -> Connection:
        target = way.target
        loop = asyncio.get_running_loop()
        context = self._trust() if target.scheme == "https" else None
        if way.unix_socket is not None:
            _, connection = await loop.create_unix_connection(
                factory, way.unix_socket, ssl=context, server_hostname=target.host if context else None
            )
            return connection
        if way.proxy is not None:
            return await self._open_through(way.proxy, target, factory)
        return await _connect(target.host, target.port, factory=factory, context=context)

    async def _open_through(self, proxy: Proxy, target: Target, factory: Factory) -> Connection:
        outer = self._trust() if proxy.scheme == "https" else None
        if target.scheme == "http":
            return await _connect(proxy.host, proxy.port, factory=factory, context=outer)
        tunnel = await _connect(proxy.host, proxy.port, factory=lambda: Tunnel(target.origin), context=outer)
        transport = tunnel.transport
        try:
            await tunnel.ask(write_connect(target, proxy))
            connection = factory()
            secured = await asyncio.get_running_loop().start_tls(
                transport, connection, self._trust(), server_hostname=target.host
            )
        except BaseException:
            transport.abort()
            raise
        if secured is None:  # the proxy went away in the middle
            raise unavailable(target.origin, "the proxy closed the connection", hint="Look at the proxy's log.")
        connection.connection_made(secured)
        return connection

    def _trust(self) -> ssl.SSLContext:
        if self._context is None:  # loading the system's CAs takes 20 ms, which a client on loopback never needs
            self._context = make_tls_context(self._ca_bundle)
        return self._context


async def _connect(host: str, port: int, *, factory: Callable[[], _P], context: ssl.SSLContext | None) -> _P:
    server_name = host if context is not None else None

    async def dial(address: str) -> _P:
        # Not by a socket of our own: cancelled in the middle, uvloop would neither close nor return it.
        _, protocol = await asyncio.get_running_loop().create_connection(
            factory, address, port, ssl=context, server_hostname=server_name
        )
        return protocol

    return await connect_any(await resolve(host, port), dial, discard=_abort)


def _abort(protocol: Connection | Tunnel) -> None:
    if protocol.transport is not None:
        protocol.transport.abort()
