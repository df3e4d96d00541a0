"""What a client's connection makes of bytes: order, framing, bounds and ends on a real socket."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from hortus.app.asgi import DoorApp, TrustedProxies
from hortus.app.door_protocol import DoorProtocol
from hortus.canon.errors import TooLarge
from hortus.gateway.exchange import ClientGone, Exchange

LIMIT_BYTES = 1000


class Echo(DoorApp):
    """Answers with what it was sent; `/stream` in parts, `/wait` never, `/hold` once it is told to."""

    def __init__(self) -> None:
        super().__init__(None, TrustedProxies(()))
        self.released = asyncio.Event()
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        self.seen: list[str] = []

    async def serve(self, exchange: Exchange) -> None:
        self.seen.append(exchange.path)
        self.asked.set()
        if exchange.path == "/hold":
            await self.released.wait()
        if exchange.path == "/break":
            return
        try:
            with exchange.interrupts():
                body = await exchange.read(LIMIT_BYTES)
                if exchange.path == "/wait":
                    await asyncio.Event().wait()
        except TooLarge:
            body = b"too large"
        except ClientGone:
            self.gone.set()
            return
        if exchange.path == "/stream":
            await exchange.start(200, [(b"content-type", b"text/plain")])
            await exchange.write(b"one,")
            await self.released.wait()
            await exchange.finish(b"two")
        else:
            text = exchange.path.encode() + b"?" + exchange.query + b":" + body
            await exchange.answer(200, [(b"content-length", b"%d" % len(text))], text)


class Client:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.send = writer.write
        self.close = writer.close

    async def answer(self) -> tuple[bytes, bytes]:
        """Return head and body of an answer with a length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head, await self.reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        async with asyncio.timeout(10):
            return await self.reader.read()


@asynccontextmanager
async def door() -> AsyncIterator[tuple[Echo, Client]]:
    app = Echo()
    config = uvicorn.Config(app, http=DoorProtocol, ws="none", lifespan="off", log_config=None, proxy_headers=False)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: DoorProtocol(config, state, {}, _loop=loop), "127.0.0.1", 0)
    client = Client(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    try:
        async with asyncio.timeout(20):
            yield app, client
    finally:
        app.released.set()
        client.close()
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks, return_exceptions=True)


def request(path: str = "/", body: bytes = b"", *, extra: str = "", method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


async def test_requests_follow_one_another_on_a_connection() -> None:
    async with door() as (_, client):
        for number in range(3):
            client.send(request("/a%20b?q=%20", b"%d" % number))
            head, body = await client.answer()
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert body == b"/a b?q=%%20:%d" % number


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    async with door() as (app, client):
        client.send(request("/hold", b"1") + request("/second", b"2") + request("/third", b"3"))
        client.send(request("/fourth", b"4"))
        await app.asked.wait()
        assert app.seen == ["/hold"]
        app.released.set()
        answers = [(await client.answer())[1] for _ in range(4)]
        assert answers == [b"/hold?:1", b"/second?:2", b"/third?:3", b"/fourth?:4"]


async def test_a_stream_is_chunked_and_its_head_comes_with_the_first_part() -> None:
    async with door() as (app, client):
        client.send(request("/stream"))
        start = await client.reader.readuntil(b"4\r\none,\r\n")
        assert b"\r\ntransfer-encoding: chunked\r\n" in start
        app.released.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        client.send(request())
        assert (await client.answer())[1] == b"/?:"


async def test_http_1_0_gets_no_chunks_and_an_end() -> None:
    async with door() as (app, client):
        app.released.set()
        client.send(b"POST /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert body == b"one,two"


async def test_an_answer_to_head_has_no_body() -> None:
    async with door() as (_, client):
        client.send(request(method="HEAD", extra="connection: close\r\n"))
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert b"content-length: 3" in head
        assert body == b""


async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    async with door() as (_, client):
        client.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"ok")
        assert (await client.answer())[1] == b"/?:ok"


async def test_a_chunked_body_in_pieces_is_joined_and_its_trailers_are_dropped() -> None:
    async with door() as (_, client):
        for piece in (
            b"POST / HT",
            b"TP/1.1\r\nhost: x\r\ntransfer-enc",
            b"oding: chunked\r\n\r\n3\r\nab",
            b"c\r\n2\r\nde\r\n",
        ):
            client.send(piece)
            await asyncio.sleep(0.002)
        client.send(b"0\r\nx-late: 1\r\n\r\n")
        assert (await client.answer())[1] == b"/?:abcde"


async def test_the_rest_of_a_body_that_was_refused_is_thrown_away() -> None:
    async with door() as (_, client):
        client.send(request("/", b"x" * 3_000_000))
        assert (await client.answer())[1] == b"/?:too large"
        client.send(request("/next"))
        assert (await client.answer())[1] == b"/next?:"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"hello?\r\n\r\n", b"400", b"invalid_http"),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            b"400",
            b"invalid_http",
        ),
        (b"POST / HTTP/1.1\r\nhost : x\r\n\r\n", b"400", b"invalid_http"),
        (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", b"400", b"invalid_http"),
        (request(extra="x: y\r\n" * 127), b"431", b"headers_too_large"),
        (request(extra=f"x: {'y' * 65_600}\r\n"), b"431", b"headers_too_large"),
        (b"GET /" + b"y" * 65_600, b"431", b"headers_too_large"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_ends(sent: bytes, status: bytes, code: bytes) -> None:
    async with door() as (app, client):
        client.send(sent)
        answer = await client.rest()
        assert answer.split(b" ")[1] == status
        assert b'"code":"%b"' % code in answer
        assert app.seen == []


async def test_a_head_up_to_the_limit_is_taken_with_its_body() -> None:
    async with door() as (_, client):
        client.send(request(body=b"b", extra=f"x: {'y' * 65_000}\r\n") + request("/next"))
        assert (await client.answer())[1] == b"/?:b"
        assert (await client.answer())[1] == b"/next?:"


async def test_nonsense_behind_a_stream_never_gets_into_it() -> None:
    async with door() as (_, client):
        client.send(request("/stream"))
        await client.reader.readuntil(b"one,\r\n")
        client.send(b"nonsense\r\n\r\n")
        assert await client.rest() == b""


UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQ\r\n"


@pytest.mark.parametrize(
    "framed",
    [b"content-length: 4\r\n\r\nbody", b"transfer-encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\n"],
)
async def test_a_wish_for_another_protocol_is_declined_by_going_on(framed: bytes) -> None:
    asked = b"POST /post HTTP/1.1\r\nhost: x\r\n" + UPGRADE + framed
    for size in (1, 7, len(asked)):
        async with door() as (_, client):
            for start in range(0, len(asked), size):
                client.send(asked[start : start + size])
            assert (await client.answer())[1] == b"/post?:body"
            client.send(b"GET /bare HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n" + request("/after"))
            assert (await client.answer())[1] == b"/bare?:"
            assert (await client.answer())[1] == b"/after?:"


async def test_a_client_that_leaves_ends_what_is_done_for_it() -> None:
    async with door() as (app, client):
        client.send(request("/wait"))
        await app.asked.wait()
        client.close()
        await app.gone.wait()


async def test_a_request_without_an_answer_ends_the_connection() -> None:
    async with door() as (_, client):
        client.send(request("/break"))
        assert await client.rest() == b""


async def test_requests_leave_nothing_for_the_garbage_collector() -> None:
    async with door() as (_, client):
        client.send(request("/first"))
        await client.answer()
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                client.send(request("/", b"body"))
                await client.answer()
            assert gc.collect() < 50
        finally:
            gc.enable()
