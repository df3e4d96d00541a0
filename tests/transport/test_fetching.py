"""The convenient client that our own commands use."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from scripted_hosts import CHUNKED, HELLO, LOOPBACK, Visit, answering, eventually, once, scripted

from hortus.canon.errors import BrokenStream, HostTimedOut, HostUnavailable
from hortus.snapshot.model import Timeouts
from hortus.transport.client import Client, fetch, read_headers, read_lines, stream_lines
from hortus.transport.settings import TransportSettings

LOCAL = TransportSettings(private_networks=LOOPBACK)


async def test_fetches_status_headers_and_body() -> None:
    async with scripted(answering(b"HTTP/1.1 404 No\r\nX-A: 1\r\ncontent-length: 2\r\n\r\nno")) as host:
        answer = await fetch(host.url, "POST", headers={"Authorization": "Bearer k"}, body=b"{}", settings=LOCAL)
    assert (answer.status, answer.headers["x-a"], answer.body) == (404, "1", b"no")
    assert b"\r\nauthorization: Bearer k\r\n" in host.requests[0]


async def test_a_client_keeps_its_connection() -> None:
    async with scripted(answering(HELLO, CHUNKED)) as host, Client(may_be_private=True) as client:
        assert [(await client.fetch(host.url)).body for _ in range(2)] == [b"hello", b"hello world"]
        async with client.open(host.url) as answer:
            assert read_headers(answer) == {"transfer-encoding": "chunked"}
            assert await answer.read(20) == b"hello world"
    assert host.connections == 1


async def test_lines_come_whole_however_they_were_torn() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    pieces = [head, b"data: o", b"ne\r", b"\n\ndata: ", b"two\nrest"]
    async with scripted(once(*pieces)) as host:
        assert [line async for line in stream_lines(host.url, settings=LOCAL)] == [
            b"data: one",
            b"",
            b"data: two",
            b"rest",
        ]


async def test_leaving_a_stream_of_lines_cancels_the_rest() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\none\n")
        await visit.until_gone()

    async with scripted(script) as host:
        async with aclosing(stream_lines(host.url, settings=LOCAL)) as lines:
            assert await anext(lines) == b"one"
        await eventually(lambda: host.departures == 1, what="the host seeing it")


async def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hortus.transport.client.LONGEST_LINE_BYTES", 10)
    script = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nabcdefghijkl")
    async with scripted(script) as host, Client(may_be_private=True) as client, client.open(host.url) as answer:
        with pytest.raises(BrokenStream, match="a line of the answer"):
            await anext(read_lines(answer))


async def test_timeouts_of_the_caller_count() -> None:
    async def script(visit: Visit) -> None:
        await visit.until_gone()

    async with scripted(script) as host:
        with pytest.raises(HostTimedOut):
            await fetch(
                host.url,
                timeouts=Timeouts(first_byte_s=0.05),
                settings=TransportSettings(tick_s=0.01, private_networks=LOOPBACK),
            )


async def test_reaches_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, path)
    try:
        settings = TransportSettings(unix_socket=path, http_proxy="http://127.0.0.1:1")
        assert (await fetch("http://control/status", settings=settings)).body == b"hello"
    finally:
        server.close()
        await server.wait_closed()
    with pytest.raises(HostUnavailable):
        await fetch("http://control/status", settings=TransportSettings(unix_socket=f"{path}.none"))
