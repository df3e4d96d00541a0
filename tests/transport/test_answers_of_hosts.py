"""What the client makes of answers, well formed or not."""

from __future__ import annotations

import asyncio

import pytest
from scripted_hosts import CHUNKED, HELLO, Visit, answering, asking, client, fetch, once, scripted

from hortus.canon.errors import BrokenStream, HostUnavailable
from hortus.transport.incoming import AnswerLimits, Incoming
from hortus.transport.settings import TransportSettings

LIMITS = AnswerLimits(head_bytes=4096, headers=20, buffer_bytes=4096)


async def test_gives_status_headers_in_lower_case_and_body() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        assert answer.status == 200
        assert (b"content-type", b"text/plain") in list(answer.headers)
        assert await answer.read(100) == b"hello"
        answer.close()


async def test_sends_the_head_that_a_host_expects() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        answer = await hosts.send(
            asking(f"{host.url}?a=b#c", "POST", headers=((b"authorization", b"Bearer x"),), body=b"{}")
        )
        await answer.read(100)
    assert host.requests == [
        b"POST /v1/x?a=b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer x\r\naccept-encoding: identity\r\n"
        b"user-agent: hortus\r\ncontent-length: 2\r\n\r\n{}" % host.port
    ]


async def test_keeps_a_given_accept_encoding_and_user_agent() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        await hosts.send(asking(host.url, headers=((b"accept-encoding", b"gzip"), (b"user-agent", b"me"))))
    assert host.requests[0].count(b"accept-encoding: gzip\r\n") == 1
    assert b"identity" not in host.requests[0]
    assert b"user-agent: me\r\n" in host.requests[0]
    assert b"content-length" not in host.requests[0]


@pytest.mark.parametrize("split", range(1, len(CHUNKED)))
def test_any_split_of_a_chunked_answer_gives_the_same(split: int) -> None:
    incoming = Incoming(LIMITS, is_to_head=False)
    incoming.parse(CHUNKED[:split])
    assert not incoming.is_complete
    incoming.parse(CHUNKED[split:])
    assert (incoming.take(), incoming.is_complete, incoming.can_be_followed) == (b"hello world", True, True)
    assert incoming.headers == [(b"transfer-encoding", b"chunked")]


def test_a_chunked_answer_may_come_byte_by_byte() -> None:
    incoming = Incoming(LIMITS, is_to_head=False)
    for number in range(len(CHUNKED)):
        incoming.parse(CHUNKED[number : number + 1])
    assert (incoming.take(), incoming.is_complete, incoming.refusal) == (b"hello world", True, None)


async def test_torn_chunks_over_a_socket_are_joined_without_their_framing() -> None:
    async with scripted(once(*[CHUNKED[at : at + 7] for at in range(0, len(CHUNKED), 7)])) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        assert b"".join([part async for part in answer.body()]) == b"hello world"


async def test_a_body_without_length_ends_with_the_connection() -> None:
    async with scripted(once(b"HTTP/1.1 200 OK\r\n\r\nto the ", b"end")) as host, client() as hosts:
        assert await fetch(hosts, host.url) == b"to the end"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5000\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_keep_the_connection(method: str, answer: bytes) -> None:
    async with scripted(answering(answer)) as host, client() as hosts:
        assert await fetch(hosts, host.url, method) == b""
        assert await fetch(hosts, host.url, method) == b""
    assert host.connections == 1


async def test_a_body_in_answer_to_head_is_dropped_with_its_connection() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        assert await fetch(hosts, host.url, "HEAD") == b""
        assert hosts.idle_connections == 0


async def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    async with scripted(once(interim[:30], interim[30:] + HELLO)) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        assert answer.status == 200
        assert b"link" not in dict(answer.headers)
        assert await answer.read(10) == b"hello"


BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "compressed transfer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "transfer to the end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nxx",
    "switched protocols": b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nxx",
    "status too high": b"HTTP/1.1 999 Eh\r\ncontent-length: 0\r\n\r\n",
    "status too low": b"HTTP/1.1 007 Eh\r\ncontent-length: 0\r\n\r\n",
    "another version": b"HTTP/2 200 OK\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"content-length: 0\r\n\r\n",
    "one huge header": b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-",
}


@pytest.mark.parametrize("case", BROKEN)
async def test_refuses_a_head_that_is_not_as_it_should_be(case: str) -> None:
    async with scripted(once(BROKEN[case])) as host, client() as hosts:
        with pytest.raises(BrokenStream) as caught:
            await hosts.send(asking(host.url))
        assert f"http://127.0.0.1:{host.port}" in caught.value.message
        assert hosts.running_calls == 0


async def test_refuses_an_endless_head() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await visit.send(b"x-more: and more\r\n" * 100)

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(BrokenStream, match=r"head is longer|more than 128 headers"):
            await hosts.send(asking(host.url))


async def test_endless_interim_answers_count_as_one_head() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        while True:
            await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(BrokenStream, match="head is longer"):
            await hosts.send(asking(host.url))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\nzz\r\n",
    ],
    ids=["lying content-length", "no last chunk", "a chunk without size"],
)
async def test_an_answer_that_stops_early_gives_what_came_and_then_breaks(answer: bytes) -> None:
    async with scripted(once(answer)) as host, client() as hosts:
        response = await hosts.send(asking(host.url))
        body = response.body()
        came = b""
        while len(came) < len(b"only this"):
            came += await anext(body)
        assert came == b"only this"
        with pytest.raises(BrokenStream) as caught:
            await anext(body)
        assert caught.value.may_have_cost
        assert "only this" not in str(caught.value)


async def test_a_reset_in_the_middle_breaks_the_answer_even_without_length() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await visit.reader.read(1)
        visit.reset()

    async with scripted(script) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        body = answer.body()
        assert await anext(body) == b"half"
        host.visits[0].reset()
        with pytest.raises(BrokenStream):
            await anext(body)


async def test_bytes_after_the_announced_length_cost_the_connection_not_the_answer() -> None:
    async with scripted(answering(HELLO + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")) as host:
        async with client() as hosts:
            assert await fetch(hosts, host.url) == b"hello"
            assert await fetch(hosts, host.url) == b"hello"
        assert host.connections == 2


@pytest.mark.parametrize("answer", [HELLO, CHUNKED, b"HTTP/1.1 200 OK\r\n\r\nhello"])
async def test_read_refuses_a_body_over_its_limit(answer: bytes) -> None:
    async with scripted(once(answer)) as host, client() as hosts:
        response = await hosts.send(asking(host.url))
        with pytest.raises(BrokenStream, match="longer than 4 bytes"):
            await response.read(4)


async def test_read_takes_a_body_of_exactly_its_limit() -> None:
    async with scripted(once(HELLO)) as host, client() as hosts:
        assert await (await hosts.send(asking(host.url))).read(5) == b"hello"


async def test_a_host_that_never_answers_a_fresh_connection_is_unavailable() -> None:
    async with scripted(once()) as host, client() as hosts:
        with pytest.raises(HostUnavailable, match="without an answer") as caught:
            await hosts.send(asking(host.url))
        assert caught.value.may_have_cost
    assert host.connections == 1


async def test_a_slow_reader_slows_the_host_and_loses_nothing() -> None:
    size = 24 * 1024 * 1024

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for start in range(0, size, 65536):
            await visit.send(bytes([start // 65536 % 251]) * 65536)
        await visit.until_gone()

    settings = TransportSettings(tick_s=0.01, buffer_bytes=100_000)
    async with scripted(script) as host, client(settings) as hosts:
        answer = await hosts.send(asking(host.url))
        most = total = 0
        async for part in answer.body():
            most = max(most, len(part))
            if not total:
                for _ in range(200):
                    await asyncio.sleep(0)
            total += len(part)
        assert total == size
        assert most <= 100_000 + 262_144  # the bound and one read of the loop


async def test_closing_after_the_end_keeps_the_connection_and_closing_twice_is_harmless() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        answer = await hosts.send(asking(host.url))
        await answer.read(10)
        answer.close()
        answer.close()
        assert hosts.idle_connections == 1
