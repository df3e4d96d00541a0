"""How a connection comes about: names resolved, addresses judged and raced, proxies asked for tunnels, TLS on top.

A name is resolved once and only the addresses that were judged are called: what it resolves to later is of no use.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from hortus.base.addresses import Permission, read_address, read_networks, why_not
from hortus.transport.connection import Connection
from hortus.transport.faults import not_allowed, not_connected, timed_out, unavailable
from hortus.transport.head import write_connect
from hortus.transport.proxies import Proxy
from hortus.transport.racing import Resolve, connect_any, resolve
from hortus.transport.target import Target
from hortus.transport.tls import make_tls_context
from hortus.transport.tunnel import Tunnel

Factory = Callable[[], Connection]

_P = TypeVar("_P", Connection, Tunnel)


class Way(msgspec.Struct, frozen=True):
    """How a target is reached.

    Attributes:
        may_be_private: Whether it may lie on this machine or in a private network.
    """

    target: Target
    proxy: Proxy | None = None
    unix_socket: str | None = None
    may_be_private: bool = False


class Dialler:
    """Opens connections.

    Args:
        ca_bundle: File with further CAs.
        private_networks: Those that may be called though they are not public.
        find: Finds the addresses of a name.

    Raises:
        ConfigurationError: The file cannot be read, or one of them is no network.
    """

    def __init__(self, ca_bundle: str | None, *, private_networks: Sequence[str] = (), find: Resolve = resolve) -> None:
        self._ca_bundle = ca_bundle
        self._networks = read_networks(private_networks, setting="private_networks")
        self._find = find
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
            whose = "its name" if way.proxy is None else "the name of its proxy"
            raise unavailable(origin, f"{whose} is not known", hint="Check the name and this machine's DNS.") from error
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
            if read_address(target.host) is not None:  # a name is the proxy's to resolve, and to judge
                self._judge(way, [target.host])
            return await self._open_through(way.proxy, target, factory)
        addresses = self._judge(way, await self._find(target.host, target.port))
        return await _connect(addresses, target.host, port=target.port, factory=factory, context=context)

    def _judge(self, way: Way, addresses: Sequence[str]) -> list[str]:
        """Return the addresses that may be called. Raises HostUnavailable where none is left."""
        permission = Permission(way.may_be_private, self._networks)
        allowed = []
        kinds = set()
        for text in addresses:
            address = read_address(text)
            kind = "unknown" if address is None else why_not(address, permission)
            if kind is None:
                allowed.append(text)
            else:
                kinds.add(kind)
        if not allowed and kinds:
            raise not_allowed(way.target.origin, sorted(kinds))
        return allowed

    async def _open_through(self, proxy: Proxy, target: Target, factory: Factory) -> Connection:
        outer = self._trust() if proxy.scheme == "https" else None
        addresses = await self._find(proxy.host, proxy.port)  # an admin's own setting: it may lie anywhere
        if target.scheme == "http":
            return await _connect(addresses, proxy.host, port=proxy.port, factory=factory, context=outer)
        tunnel = await _connect(
            addresses, proxy.host, port=proxy.port, factory=lambda: Tunnel(target.origin), context=outer
        )
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


async def _connect(
    addresses: Sequence[str], host: str, *, port: int, factory: Callable[[], _P], context: ssl.SSLContext | None
) -> _P:
    server_name = host if context is not None else None

    async def dial(address: str) -> _P:
        # Not by a socket of our own: cancelled in the middle, uvloop would neither close nor return it.
        _, protocol = await asyncio.get_running_loop().create_connection(
            factory, address, port, ssl=context, server_hostname=server_name
        )
        return protocol

    return await connect_any(addresses, dial, discard=_abort)


def _abort(protocol: Connection | Tunnel) -> None:
    if protocol.transport is not None:
        protocol.transport.abort()
