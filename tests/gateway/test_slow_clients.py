"""Clients that keep the door waiting are cut in time, those that are only slow are not; on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from hortus.app import door_protocol
from hortus.app.asgi import DoorApp, TrustedProxies
from hortus.app.door_protocol import DoorProtocol, sweep
from hortus.gateway.exchange import ClientGone, Exchange

BIG = b"x" * 50_000_000
HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class App(DoorApp):
    """Reads the body, answers with a large one."""

    async def serve(self, exchange: Exchange) -> None:
        with suppress(ClientGone):
            await exchange.read(1000)
            await exchange.answer(200, [(b"content-length", b"%d" % len(BIG))], BIG)


@asynccontextmanager
async def door(protocol: type[DoorProtocol] = DoorProtocol) -> AsyncIterator[int]:
    app = App(None, TrustedProxies(()))
    config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}, _loop=loop), "127.0.0.1", 0)
    sweeping = asyncio.ensure_future(sweep(lambda: state.connections))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        sweeping.cancel()
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def end_of(reader: asyncio.StreamReader) -> bytes:
    """Return what still comes before the door cuts the connection."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_protocol, "_SWEEP_S", 0.02)
    for name in ("HEAD_WITHIN_S", "BODY_SILENCE_S", "BODY_WITHIN_S", "STUCK_WITHIN_S", "IDLE_WITHIN_S"):
        monkeypatch.setattr(door_protocol, name, 30.0)


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("HEAD_WITHIN_S", b""),
        ("HEAD_WITHIN_S", b"GET / HTTP/1.1\r\nhost:"),
        ("BODY_SILENCE_S", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"),
    ],
)
async def test_a_client_that_stops_sending_is_cut(monkeypatch: pytest.MonkeyPatch, limit: str, sent: bytes) -> None:
    monkeypatch.setattr(door_protocol, limit, 0.1)
    async with door() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await end_of(reader) == b""
        writer.close()


async def test_a_body_that_drips_for_ever_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_protocol, "BODY_WITHIN_S", 0.2)
    async with door() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n")
        ended = asyncio.ensure_future(end_of(reader))
        async with asyncio.timeout(10):
            while not ended.done():
                writer.write(b"a")
                await asyncio.sleep(0.02)
        assert ended.result() == b""
        writer.close()


async def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_protocol, "STUCK_WITHIN_S", 0.1)
    cut = asyncio.Event()

    class Watched(DoorProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            cut.set()

    async with door(Watched) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HEAD)
            async with asyncio.timeout(10):
                await cut.wait()


async def test_a_client_that_reads_slowly_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_protocol, "STUCK_WITHIN_S", 0.5)
    async with door() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        got = 0
        async with asyncio.timeout(30):
            while got < len(BIG):
                part = await reader.read(1_000_000)
                assert part
                got += len(part)
                await asyncio.sleep(0.005)
        writer.close()


async def test_an_idle_connection_is_closed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_protocol, "IDLE_WITHIN_S", 0.1)
    monkeypatch.setattr("test_slow_clients.BIG", b"small")
    async with door() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"small")).startswith(b"HTTP/1.1 200")
            assert await end_of(reader) == b""
        writer.close()
