"""What becomes of a wish for a WebSocket at hosts that answer in every way, over real connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from hortus.canon.errors import BrokenStream, HostTimedOut, HostUnavailable
from hortus.framing.websocket import Frames, accept_of
from hortus.gateway.ports import Declined, HostRequest, Socket, SocketClosed
from hortus.snapshot.model import Timeouts
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings

Serve = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def opened(serve: Serve, *, first_byte_s: float = 5.0) -> Socket | Declined:
    """Ask a host that serves so for a WebSocket; everything else is closed when this returns."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await serve(head, reader, writer)
            await reader.read()  # until the other side is gone
        finally:
            writer.close()
            over.set()

    over = asyncio.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hosts = HttpHosts(TransportSettings())
    request = HostRequest(
        "GET",
        f"http://127.0.0.1:{port}/v1/realtime?model=m",
        ((b"authorization", b"Bearer made-up"),),
        b"",
        Timeouts(first_byte_s=first_byte_s),
        may_be_private=True,
    )
    try:
        found = await hosts.open_socket(request, subprotocols=("realtime",))
        if not isinstance(found, Declined):
            await talk(found)
        return found
    finally:
        await hosts.close()
        await over.wait()
        server.close()
        await server.wait_closed()


async def talk(socket: Socket) -> None:
    await socket.send("ping")
    assert await socket.receive() == "pong"
    with pytest.raises(SocketClosed) as closed:
        await socket.receive()
    assert closed.value.code == 1000


def switching(head: bytes, *, accept: bytes | None = None, more: bytes = b"") -> bytes:
    found = re.search(rb"sec-websocket-key: (\S+)", head)
    assert found is not None
    lines = b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: " + (
        accept or accept_of(found[1]) or b""
    )
    return b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n" + more + b"\r\n"


async def test_a_host_that_switches_talks() -> None:
    heads = []

    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        frames = Frames(is_client=False, most_bytes=100)
        writer.write(switching(head))
        found, _ = frames.feed(await reader.read(100))
        assert found == ["ping"]
        writer.write(frames.write("pong") + frames.close(1000))

    assert not isinstance(await opened(serve), Declined)
    assert heads[0].startswith(b"GET /v1/realtime?model=m HTTP/1.1\r\n")
    assert b"sec-websocket-version: 13\r\n" in heads[0]
    assert b"sec-websocket-protocol: realtime\r\n" in heads[0]
    assert b"authorization: Bearer made-up\r\n" in heads[0]


async def test_frames_that_come_with_the_head_are_not_lost() -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames(is_client=False, most_bytes=100)
        writer.write(switching(head) + frames.write("pong") + frames.close(1000))
        await reader.read(100)

    assert not isinstance(await opened(serve), Declined)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nnope",
        b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\n\r\nnope",
    ],
)
async def test_a_host_that_declines_is_heard_to_the_end(answer: bytes) -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del head, reader
        writer.write(answer)
        writer.close()

    found = await opened(serve)
    assert isinstance(found, Declined)
    assert (found.status, found.body) == (403, b"nope")


async def test_an_answer_without_end_is_cut() -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del head, reader
        writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 10000000\r\n\r\n" + b"x" * 1_000_000)

    found = await opened(serve)
    assert isinstance(found, Declined)
    assert found.status == 500
    assert len(found.body) <= 1_000_000


@pytest.mark.parametrize(
    "change",
    [
        lambda head: switching(head, accept=b"AAAA"),
        lambda head: switching(head, more=b"sec-websocket-extensions: permessage-deflate\r\n"),
        lambda head: switching(head).replace(b"upgrade: websocket", b"upgrade: h2c"),
        lambda head: b"not HTTP at all" + head[:0],
    ],
)
async def test_a_host_that_switches_to_something_else_is_broken(change: Callable[[bytes], bytes]) -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(change(head))
        await reader.read(100)

    with pytest.raises(BrokenStream):
        await opened(serve)


async def test_a_host_that_hangs_up_was_not_reached() -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del head, reader
        writer.close()

    with pytest.raises(HostUnavailable):
        await opened(serve)


async def test_a_host_that_says_nothing_runs_out_of_time() -> None:
    async def serve(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del head, writer
        await reader.read(100)

    with pytest.raises(HostTimedOut):
        await opened(serve, first_byte_s=0.05)
