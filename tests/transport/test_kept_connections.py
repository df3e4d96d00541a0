"""Which connections are used again, which are replaced, and that none is left behind."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

import pytest
from scripted_hosts import (
    CHUNKED,
    HELLO,
    PATIENT,
    TICK_S,
    Visit,
    answering,
    asking,
    client,
    eventually,
    fetch,
    scripted,
)

from hortus.canon.errors import BrokenStream, HostFault, HostUnavailable
from hortus.transport.settings import TransportSettings


async def test_one_connection_serves_many_requests() -> None:
    async with scripted(answering(HELLO, CHUNKED)) as host, client() as hosts:
        for _ in range(20):
            await fetch(hosts, host.url)
        assert (host.connections, hosts.open_connections, hosts.idle_connections) == (1, 1, 1)
    assert len(host.requests) == 20


async def test_the_connection_used_last_is_taken_first() -> None:
    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % visit.number)

    async with scripted(script) as host, client() as hosts:
        first, second = await asyncio.gather(fetch(hosts, host.url), fetch(hosts, host.url))
        assert {first, second} == {b"1", b"2"}
        last = await fetch(hosts, host.url)
        assert {await fetch(hosts, host.url) for _ in range(5)} == {last}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nkeep-alive: timeout=1, max=5\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["closed by the host", "HTTP/1.0", "kept too shortly"],
)
async def test_a_connection_that_the_host_will_close_is_not_used_again(answer: bytes) -> None:
    async with scripted(answering(answer)) as host, client() as hosts:
        assert await fetch(hosts, host.url) == b"hello"
        assert await fetch(hosts, host.url) == b"hello"
        assert hosts.idle_connections == 0
    assert host.connections == 2


async def test_a_keep_alive_header_that_is_long_or_odd_keeps_the_connection() -> None:
    long = HELLO.replace(b"\r\n\r\n", b"\r\nkeep-alive: max=9, timeout=60\r\n\r\n")
    odd = HELLO.replace(b"\r\n\r\n", b"\r\nkeep-alive: timeout=soon\r\n\r\n")
    async with scripted(answering(long, odd)) as host, client() as hosts:
        for _ in range(3):
            await fetch(hosts, host.url)
    assert host.connections == 1


async def _had_and_closed(visit: Visit) -> None:
    """The first connection takes a second request and closes without an answer."""
    await visit.request()
    await visit.send(HELLO)
    if visit.number == 1:
        await visit.request()
    else:
        await visit.until_gone()


async def test_what_a_host_has_had_is_not_sent_again() -> None:
    async with scripted(_had_and_closed) as host, client() as hosts:
        assert await fetch(hosts, host.url, "POST", body=b"first") == b"hello"
        with pytest.raises(HostUnavailable) as lost:
            await fetch(hosts, host.url, "POST", body=b"second")
    assert lost.value.may_have_cost
    assert [request.rpartition(b"\r\n")[2] for request in host.requests] == [b"first", b"second"]


async def test_a_reset_is_no_proof_that_a_host_had_nothing() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        async def serve() -> int:
            connection, _ = await loop.sock_accept(listener)
            await loop.sock_recv(connection, 65_536)
            await loop.sock_sendall(connection, HELLO)
            second = await loop.sock_recv(connection, 65_536)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()  # a reset, before the system has acknowledged what was just read
            return len(second)

        async with client() as hosts:
            serving = asyncio.create_task(serve())
            assert await fetch(hosts, url, "POST", body=b"first") == b"hello"
            with pytest.raises(HostUnavailable):
                await fetch(hosts, url, "POST", body=b"second")
            assert await serving > 0


async def test_what_changes_nothing_is_asked_again_on_a_fresh_connection_once() -> None:
    async with scripted(_had_and_closed) as host, client() as hosts:
        assert await fetch(hosts, host.url) == b"hello"
        assert await fetch(hosts, host.url) == b"hello"
    assert (host.connections, len(host.requests)) == (2, 3)


@pytest.mark.parametrize("body", [b"second", b"x" * 1_000_000], ids=["short", "long"])
async def test_a_connection_that_was_closed_just_now_is_replaced_for_it_had_nothing(body: bytes) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        async def serve() -> tuple[socket.socket, bytes]:
            connection, _ = await loop.sock_accept(listener)
            had = b""
            while b"\r\n\r\n" not in had or len(had.partition(b"\r\n\r\n")[2]) < _length(had):
                had += await loop.sock_recv(connection, 65_536)
            await loop.sock_sendall(connection, HELLO)
            return connection, had

        async with client() as hosts:
            (connection, _), _ = await asyncio.gather(serve(), fetch(hosts, url, "POST", body=b"first"))
            second = asyncio.create_task(serve())
            await asyncio.sleep(0)
            connection.close()  # and the client sends before it can hear of that
            assert await fetch(hosts, url, "POST", body=body) == b"hello"
            connection, had = await second
            connection.close()
    assert had.endswith(body)


async def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        async def serve() -> socket.socket:
            connection, _ = await loop.sock_accept(listener)
            while b"\r\n\r\n" not in await loop.sock_recv(connection, 65_536):
                pass
            await loop.sock_sendall(connection, HELLO)
            return connection

        async with client() as hosts:
            first, _ = await asyncio.gather(serve(), fetch(hosts, url))
            second = asyncio.create_task(serve())
            await asyncio.sleep(0)
            first.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")  # and the client cannot have read it yet
            assert await fetch(hosts, url) == b"hello"
            (await second).close()
            first.close()


def _length(request: bytes) -> int:
    head = request.partition(b"\r\n\r\n")[0].lower()
    return int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])


async def test_a_replacement_that_fails_too_is_not_replaced() -> None:
    async def script(visit: Visit) -> None:
        if await visit.request() is not None and visit.number == 1:
            await visit.send(HELLO)
            await visit.request()

    async with scripted(script) as host, client() as hosts:
        await fetch(hosts, host.url)
        with pytest.raises(HostUnavailable):
            await fetch(hosts, host.url)
    assert (host.connections, len(host.requests)) == (2, 3)


async def test_nothing_is_sent_again_once_a_byte_of_an_answer_came() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        await visit.request()
        await visit.send(b"H")

    async with scripted(script) as host, client() as hosts:
        await fetch(hosts, host.url)
        with pytest.raises(BrokenStream):
            await fetch(hosts, host.url)
    assert (host.connections, len(host.requests)) == (1, 2)


async def test_a_connection_closed_while_idle_is_forgotten() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)

    async with scripted(script) as host, client() as hosts:
        await fetch(hosts, host.url)
        await eventually(lambda: hosts.open_connections == 0, what="forgetting the connection")
        assert hosts.idle_connections == 0
        await fetch(hosts, host.url)
    assert len(host.requests) == 2


async def test_a_host_that_speaks_unasked_loses_its_connection() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        await eventually(lambda: visit.host.name == "go", what="the client having its answer")
        await visit.send(HELLO)
        await visit.until_gone()

    async with scripted(script) as host, client() as hosts:
        await fetch(hosts, host.url)
        assert hosts.idle_connections == 1
        host.name = "go"
        await eventually(lambda: host.departures == 1, what="cutting the connection")
        assert hosts.idle_connections == 0


async def test_idle_connections_end_with_their_lifetime() -> None:
    settings = TransportSettings(tick_s=TICK_S, idle_lifetime_s=0.03)
    async with scripted(answering(HELLO)) as host, client(settings) as hosts:
        await fetch(hosts, host.url)
        await eventually(lambda: hosts.open_connections == 0, what="closing the idle connection")
        await eventually(lambda: host.departures == 1, what="the host seeing it")


@pytest.mark.parametrize("limit", [{"max_idle_per_host": 2}, {"max_idle": 2}, {"max_idle_per_host": 0}])
async def test_no_more_idle_connections_are_kept_than_allowed(limit: dict[str, int]) -> None:
    settings = TransportSettings(tick_s=TICK_S, **limit)

    async def script(visit: Visit) -> None:
        while await visit.request() is not None:
            await eventually(lambda: visit.host.connections == 6, what="six connections")
            await visit.send(HELLO)

    async with scripted(script) as host, client(settings) as hosts:
        await asyncio.gather(*[fetch(hosts, host.url) for _ in range(6)])
        assert hosts.idle_connections == next(iter(limit.values()))
        await eventually(lambda: hosts.open_connections == hosts.idle_connections, what="closing the others")


async def test_hosts_do_not_share_connections() -> None:
    async with scripted(answering(HELLO)) as one, scripted(answering(CHUNKED)) as other, client() as hosts:
        for _ in range(3):
            assert await fetch(hosts, one.url) == b"hello"
            assert await fetch(hosts, other.url) == b"hello world"
        assert hosts.idle_connections == 2
    assert (one.connections, other.connections) == (1, 1)


async def drip(visit: Visit) -> None:
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
    await visit.until_gone()


async def test_close_in_the_middle_cuts_the_connection_at_once() -> None:
    async with scripted(drip) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        assert await anext(answer.body()) == b"a"
        answer.close()
        await eventually(lambda: host.departures == 1, what="the host seeing that the client has gone")
        assert hosts.running_calls == 0


async def test_close_wakes_a_reader_that_waits() -> None:
    async with scripted(drip) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        body = answer.body()
        await anext(body)
        reader = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        answer.close()
        with pytest.raises(BrokenStream, match="closed on this side"):
            await reader


async def test_a_cancelled_send_leaves_nothing() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.until_gone()

    async with scripted(script) as host, client() as hosts:
        call = asyncio.create_task(hosts.send(asking(host.url)))
        await eventually(lambda: len(host.requests) == 1, what="the request")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: host.departures == 1, what="the host seeing it")
        assert (hosts.running_calls, hosts.open_connections) == (0, 0)


async def test_a_cancelled_read_can_be_taken_up_again() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na")
        await eventually(lambda: visit.host.departures == -1, what="the go")
        await visit.send(b"b")
        await visit.until_gone()

    async with scripted(script) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        body = answer.body()
        assert await anext(body) == b"a"
        reader = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        host.departures = -1
        assert await anext(body) == b"b"


async def test_a_hundred_requests_some_cancelled_some_cut_leak_no_connection() -> None:
    chance = random.Random(7)

    async def script(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            kind = request.rpartition(b"\r\n")[2]
            if kind == b"hang":
                await visit.until_gone()
                return
            if kind == b"cut":
                visit.reset()
                return
            if kind == b"half":
                await visit.send(HELLO[:-2])
                return
            await visit.send(CHUNKED)

    async with scripted(script) as host, client() as hosts:
        kinds = [chance.choice([b"good", b"good", b"hang", b"cut", b"half"]) for _ in range(100)]
        tasks = [asyncio.create_task(fetch(hosts, host.url, "POST", body=kind)) for kind in kinds]
        await eventually(lambda: len(host.requests) >= 100, what="all requests")
        for task, kind in zip(tasks, kinds, strict=True):
            if kind == b"hang":
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome, kind in zip(outcomes, kinds, strict=True):
            if kind == b"good":
                assert outcome == b"hello world"
            else:
                assert isinstance(outcome, asyncio.CancelledError if kind == b"hang" else HostFault)
        await eventually(lambda: hosts.open_connections == hosts.idle_connections, what="only idle connections")
        assert hosts.running_calls == 0
        assert hosts.idle_connections <= kinds.count(b"good")


async def test_cancelling_at_any_moment_of_connecting_leaks_no_connection() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        for turns in range(12):
            call = asyncio.create_task(hosts.send(asking(host.url)))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            outcome = (await asyncio.gather(call, return_exceptions=True))[0]
            if not isinstance(outcome, BaseException):
                outcome.close()
        await eventually(lambda: hosts.open_connections == hosts.idle_connections, what="only idle connections")
        assert hosts.running_calls == 0


async def test_a_large_body_arrives_whole_at_a_slow_host() -> None:
    body = random.Random(3).randbytes(8 * 1024 * 1024)
    async with scripted(answering(HELLO)) as host, client() as hosts:
        assert await fetch(hosts, host.url, "POST", body=body) == b"hello"
        assert await fetch(hosts, host.url, "POST", body=body) == b"hello"
    assert host.connections == 1
    assert host.requests[0].endswith(b"\r\n\r\n" + body)


class Spooled:
    """A body that is read in pieces; nobody holds it whole."""

    size_bytes = 3 * 1024 * 1024 + 17

    def __init__(self) -> None:
        self.content = random.Random(5).randbytes(self.size_bytes)
        self.largest_bytes = 0

    async def read(self, start: int, size: int) -> bytes:
        self.largest_bytes = max(self.largest_bytes, size)
        return self.content[start : start + size]


async def test_a_spooled_body_arrives_whole_and_may_be_sent_again() -> None:
    body = Spooled()
    async with scripted(answering(HELLO)) as host, client() as hosts:
        for _ in range(2):
            answer = await hosts.send(asking(host.url, "POST", body=body))
            assert await answer.read(10) == b"hello"
    for request in host.requests:
        head, _, rest = request.partition(b"\r\n\r\n")
        assert b"content-length: %d" % body.size_bytes in head
        assert rest == body.content
    assert body.largest_bytes <= 262_144


async def test_an_answer_before_the_end_of_the_upload_stops_it() -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await eventually(lambda: visit.host.departures == -1, what="the go")

    async with scripted(script) as host, client() as hosts:
        answer = await hosts.send(asking(host.url, "POST", body=bytes(64 * 1024 * 1024)))
        assert (answer.status, await answer.read(10)) == (413, b"no")
        assert hosts.idle_connections == 0
        host.departures = -1


async def test_a_host_that_goes_in_the_middle_of_an_upload_is_unavailable() -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        visit.reset()

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(HostUnavailable):
            await hosts.send(asking(host.url, "POST", body=bytes(64 * 1024 * 1024)))


async def test_closing_the_client_ends_running_calls_with_an_error() -> None:
    async with scripted(drip) as host, client() as hosts:
        answer = await hosts.send(asking(host.url, timeouts=PATIENT))
        body = answer.body()
        await anext(body)
        await hosts.close()
        with pytest.raises(BrokenStream):
            await anext(body)
        with pytest.raises(HostUnavailable):
            await hosts.send(asking(host.url))
