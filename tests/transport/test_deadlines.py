"""Each named timeout ends the phase that it names, and no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from scripted_hosts import HELLO, PATIENT, TICK_S, Visit, answering, asking, client, eventually, scripted

from hortus.canon.errors import HostTimedOut
from hortus.snapshot.model import Timeouts
from hortus.transport.settings import TransportSettings

SHORT_S = 0.05


def only(**short: float) -> Timeouts:
    """Return patient timeouts with one short."""
    usual = {name: getattr(PATIENT, name) for name in Timeouts.__struct_fields__}
    return Timeouts(**{**usual, **short})


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: connecting hangs."""
    listener = socket.socket()
    fillers = []
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)  # noqa: FBT003 -- the name of the function says it
            with suppress(BlockingIOError):
                filler.connect(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
    finally:
        for filler in [*fillers, listener]:
            filler.close()


async def silent(visit: Visit) -> None:
    await visit.until_gone()


async def test_connect_ends_an_attempt_that_hangs(full_port: int) -> None:
    async with client() as hosts:
        with pytest.raises(HostTimedOut, match="no connection to http://127") as caught:
            await hosts.send(asking(f"http://127.0.0.1:{full_port}/", timeouts=only(connect_s=SHORT_S)))
        assert not caught.value.may_have_cost
        assert caught.value.retry_helps
        assert "connect_timeout_s" in str(caught.value)


async def test_connect_covers_tls(bundle: object) -> None:
    settings = TransportSettings(tick_s=TICK_S, ca_bundle=str(bundle))
    async with scripted(silent) as host, client(settings) as hosts:
        with pytest.raises(HostTimedOut, match="no connection"):
            await hosts.send(asking(f"https://127.0.0.1:{host.port}/", timeouts=only(connect_s=SHORT_S)))
        assert hosts.open_connections == 0


async def test_total_covers_connecting(full_port: int) -> None:
    async with client() as hosts:
        with pytest.raises(HostTimedOut, match="was not over within"):
            await hosts.send(asking(f"http://127.0.0.1:{full_port}/", timeouts=only(total_s=SHORT_S)))


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nhalf", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_first_byte_ends_silence_and_half_heads(start: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(start)
        await visit.until_gone()

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(HostTimedOut, match="did not begin to answer") as caught:
            await hosts.send(asking(host.url, timeouts=only(first_byte_s=SHORT_S)))
        assert caught.value.may_have_cost
        await eventually(lambda: host.departures == 1, what="the host seeing it")


async def test_a_head_that_drips_for_ever_does_not_extend_first_byte() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            await visit.send(b"y")
            await asyncio.sleep(0.005)

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(HostTimedOut, match="did not begin"):
            await hosts.send(asking(host.url, timeouts=only(first_byte_s=SHORT_S)))


async def test_first_byte_ends_an_upload_that_is_not_taken() -> None:
    async def script(visit: Visit) -> None:
        await eventually(lambda: visit.host.departures == -1, what="the go")

    async with scripted(script) as host, client() as hosts:
        with pytest.raises(HostTimedOut, match="did not begin"):
            await hosts.send(
                asking(host.url, "POST", body=bytes(64 * 1024 * 1024), timeouts=only(first_byte_s=SHORT_S))
            )
        assert hosts.running_calls == 0
        host.departures = -1


async def test_idle_ends_silence_in_the_middle_and_gives_what_came_before() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO[:-3])
        await visit.until_gone()

    async with scripted(script) as host, client() as hosts:
        answer = await hosts.send(asking(host.url, timeouts=only(idle_s=SHORT_S)))
        await eventually(lambda: hosts.running_calls == 0, what="the end of the call")
        body = answer.body()
        assert await anext(body) == b"he"
        with pytest.raises(HostTimedOut, match="fell silent"):
            await anext(body)
        await eventually(lambda: host.departures == 1, what="the host seeing it")


async def test_total_ends_an_answer_that_never_falls_silent() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await visit.send(b"y")
            await asyncio.sleep(0.005)

    async with scripted(script) as host, client() as hosts:
        answer = await hosts.send(asking(host.url, timeouts=only(total_s=4 * SHORT_S, idle_s=10)))
        with pytest.raises(HostTimedOut, match="was not over within"):
            await answer.read(1 << 20)


async def test_a_slow_reader_is_not_the_silence_of_the_host() -> None:
    size = 4 * 1024 * 1024

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
        await visit.until_gone()

    settings = TransportSettings(tick_s=TICK_S, buffer_bytes=1000)
    async with scripted(script) as host, client(settings) as hosts:
        answer = await hosts.send(asking(host.url, timeouts=only(idle_s=SHORT_S)))
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 3 * SHORT_S  # the reader's own slowness
        await eventually(lambda: loop.time() > until_s, what="time passing")
        assert len(await answer.read(size)) == size


async def test_nothing_fires_after_a_call_has_ended() -> None:
    async with scripted(answering(HELLO)) as host, client() as hosts:
        answer = await hosts.send(asking(host.url, timeouts=only(total_s=SHORT_S)))
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 2 * SHORT_S
        await eventually(lambda: loop.time() > until_s, what="time passing")
        assert await answer.read(10) == b"hello"
        assert hosts.idle_connections == 1
