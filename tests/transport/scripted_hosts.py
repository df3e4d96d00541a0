"""Hosts on loopback that do exactly what a script says, and what tests of the client share."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from hortus.gateway.ports import HostRequest
from hortus.snapshot.model import Timeouts
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings

TICK_S = 0.01
LOOPBACK = ("127.0.0.0/8", "::1/128")
PATIENT = Timeouts(connect_s=20, first_byte_s=20, idle_s=20, total_s=60)
HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nDigest: no\r\n\r\n"
)


class Visit:
    """One connection as the host sees it."""

    def __init__(self, host: ScriptedHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.host = host
        self.number = host.connections
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes | None:
        """Read one request, head and body; None when the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        length = 0
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length: "):
                length = int(line.partition(b": ")[2])
        request = head + (await self.reader.readexactly(length) if length else b"")
        self.host.requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_gone(self) -> None:
        """Return when the client has closed or cut the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.host.departures += 1

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Visit], Awaitable[None]]


class ScriptedHost:
    """Counts what came and knows its address."""

    def __init__(self) -> None:
        self.connections = 0
        self.departures = 0
        self.requests: list[bytes] = []
        self.visits: list[Visit] = []
        self.port = 0
        self.name = "127.0.0.1"
        self.scheme = "http"

    @property
    def url(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.scheme}://{name}:{self.port}/v1/x"


@asynccontextmanager
async def scripted(
    script: Script, *, context: ssl.SSLContext | None = None, name: str = "127.0.0.1"
) -> AsyncIterator[ScriptedHost]:
    """Run a host for the length of a block."""
    host = ScriptedHost()
    host.name = name
    host.scheme = "https" if context else "http"
    tasks: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        host.connections += 1
        one = Visit(host, reader, writer)
        host.visits.append(one)
        try:
            await script(one)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(visit, name, 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=10)
        await server.wait_closed()


def answering(*answers: bytes) -> Script:
    """Return a script that gives these answers in turn, the last one for ever, on each connection."""

    async def script(visit: Visit) -> None:
        count = 0
        while await visit.request() is not None:
            await visit.send(answers[min(count, len(answers) - 1)])
            count += 1
        visit.host.departures += 1

    return script


def once(*pieces: bytes) -> Script:
    """Return a script that answers a request in pieces, with turns of the loop between, and closes."""

    async def script(visit: Visit) -> None:
        await visit.request()
        for piece in pieces:
            await visit.send(piece)
            for _ in range(3):
                await asyncio.sleep(0)

    return script


@asynccontextmanager
async def client(settings: TransportSettings | None = None) -> AsyncIterator[HttpHosts]:
    """Give a client, and check that it leaves nothing open."""
    hosts = HttpHosts(settings or TransportSettings(tick_s=TICK_S, private_networks=LOOPBACK))
    try:
        yield hosts
    finally:
        await hosts.close()
        assert (hosts.open_connections, hosts.idle_connections, hosts.running_calls) == (0, 0, 0)


def asking(
    url: str,
    method: str = "GET",
    *,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    body: bytes = b"",
    timeouts: Timeouts = PATIENT,
) -> HostRequest:
    """Return a request."""
    return HostRequest(method, url, headers, body, timeouts, may_be_private=True)


async def fetch(hosts: HttpHosts, url: str, method: str = "GET", *, body: bytes = b"") -> bytes:
    """Return a whole body, with generous limits."""
    answer = await hosts.send(asking(url, method, body=body))
    try:
        return await answer.read(1 << 26)
    finally:
        answer.close()


async def eventually(condition: Callable[[], bool], *, what: str, within_s: float = 10.0) -> None:
    """Poll until something is true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true"
        await asyncio.sleep(0.005)
