"""A convenient client for our own commands: fetch an answer whole, or line by line."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import Self

import msgspec

from hortus.canon.errors import BrokenStream
from hortus.gateway.ports import Body, HostRequest, HostResponse
from hortus.snapshot.model import Timeouts
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings

MOST_BYTES = 64 * 1024 * 1024
"""Largest answer that is fetched whole."""

LONGEST_LINE_BYTES = 16 * 1024 * 1024

_USUAL_TIMEOUTS = Timeouts()
_USUAL_SETTINGS = TransportSettings()


class Fetched(msgspec.Struct, frozen=True):
    """An answer as a whole; names of headers are in lower case, the last one of a name wins."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """An HTTP client for the length of an `async with`.

    Args:
        may_be_private: Whether it may call this machine and private networks: where a person or a setting says whom.

    >>> async def version(port: int) -> bytes:
    ...     async with Client(may_be_private=True) as client:
    ...         return (await client.fetch(f"http://127.0.0.1:{port}/version")).body

    Raises:
        ConfigurationError: A setting is wrong.
    """

    def __init__(
        self,
        settings: TransportSettings = _USUAL_SETTINGS,
        *,
        timeouts: Timeouts = _USUAL_TIMEOUTS,
        may_be_private: bool = False,
    ) -> None:
        self._hosts = HttpHosts(settings)
        self._may_be_private = may_be_private
        self._timeouts = timeouts

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._hosts.close()

    async def fetch(
        self,
        url: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
        limit_bytes: int = MOST_BYTES,
    ) -> Fetched:
        """Return the whole answer, whatever its status.

        Raises:
            HostUnavailable: No connection, or a request that cannot be sent.
            HostTimedOut: One of the timeouts is over.
            BrokenStream: The answer is not HTTP, too long, or did not end as it should.
        """
        async with self.open(url, method, headers=headers, body=body) as answer:
            content = await answer.read(limit_bytes)
            return Fetched(status=answer.status, headers=read_headers(answer), body=content)

    @asynccontextmanager
    async def open(
        self, url: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> AsyncIterator[HostResponse]:
        """Give an answer whose body is still to come. Raises as `fetch`; leaving early cancels the rest."""
        pairs = tuple(
            (name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in (headers or {}).items()
        )
        request = HostRequest(method, url, pairs, body, self._timeouts, may_be_private=self._may_be_private)
        answer = await self._hosts.send(request)
        try:
            yield answer
        finally:
            answer.close()


def read_headers(answer: HostResponse) -> dict[str, str]:
    """Return an answer's headers as text; the last one of a name wins."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}


async def read_lines(answer: HostResponse) -> AsyncGenerator[bytes, None]:
    """Yield the lines of an answer without their ends (LF or CRLF), as soon as each is complete.

    Raises:
        BrokenStream: A line is longer than 16 MiB, or the answer broke.
        HostTimedOut: One of the timeouts is over.
    """
    rest = b""
    async for part in answer.body():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
        if len(rest) > LONGEST_LINE_BYTES:
            raise BrokenStream("a line of the answer is longer than 16 MiB.", hint="Read the answer as a whole.")
    if rest:
        yield rest


async def fetch(
    url: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeouts: Timeouts = _USUAL_TIMEOUTS,
    settings: TransportSettings = _USUAL_SETTINGS,
) -> Fetched:
    """Return the whole answer to a single request. Raises as `Client.fetch`."""
    async with Client(settings, timeouts=timeouts) as client:
        return await client.fetch(url, method, headers=headers, body=body)


async def stream_lines(
    url: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    settings: TransportSettings = _USUAL_SETTINGS,
) -> AsyncGenerator[bytes, None]:
    """Yield the lines of the answer to a single request, whatever its status. Raises as `Client.fetch`."""
    async with (
        Client(settings) as client,
        client.open(url, method, headers=headers, body=body) as answer,
        aclosing(read_lines(answer)) as lines,
    ):
        async for line in lines:
            yield line
