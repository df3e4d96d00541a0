"""How the testkit's hosts listen on loopback: a task for each connection, and requests that are read whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httptools
import msgspec

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers the requests of one connection until it is over."""

_HEAD_BYTES = 2**20
_BACKLOG = 1024
_READ_BYTES = 65_536


class Incoming(msgspec.Struct, frozen=True):
    """One request; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """Takes connections in and cuts them in the end.

    Args:
        talk: What happens on each.
        ends: What `talk` raises, besides errors of the connection, where it is over.
    """

    def __init__(self, talk: Talk, *, ends: type[Exception]) -> None:
        self._talk = talk
        self._ends = (ConnectionError, asyncio.CancelledError, ends)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_HEAD_BYTES, backlog=_BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Cut every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a callback of the loop always runs in a task
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except self._ends:
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def read_request(reader: asyncio.StreamReader) -> Incoming | None:
    """Return the next request, None where the client has closed its side."""
    parsed = _Parsed()
    parser = httptools.HttpRequestParser(parsed)
    while not parsed.is_complete:
        data = await reader.read(_READ_BYTES)
        if not data:
            return None
        parser.feed_data(data)
    return Incoming(parser.get_method().decode(), parsed.url.decode(), parsed.headers, b"".join(parsed.parts))


class _Parsed:
    """Collects one request for httptools."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        self.is_complete = True
