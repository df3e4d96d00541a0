"""When an engine counts as hung, and what a probe takes for an answer."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from hortus.engines.health import HUNG_AFTER_S, LOST_AFTER_S, Pulse, probe


def _pulse_after(seconds: int, *, answered: bool, cpu_share: float) -> Pulse:
    pulse = Pulse.first(100.0, cpu_s=5.0)
    for second in range(1, seconds + 1):
        pulse = pulse.after_probe(answered=answered, cpu_s=5.0 + second * cpu_share, now_s=100.0 + second)
    return pulse


def test_an_engine_that_answers_is_well_however_idle() -> None:
    assert not _pulse_after(1000, answered=True, cpu_share=0).is_hung()


def test_silent_and_idle_is_hung() -> None:
    assert not _pulse_after(int(HUNG_AFTER_S) - 1, answered=False, cpu_share=0).is_hung()
    assert _pulse_after(int(HUNG_AFTER_S), answered=False, cpu_share=0).is_hung()


def test_silent_but_computing_is_busy_for_a_long_time_not_for_ever() -> None:
    assert not _pulse_after(int(LOST_AFTER_S) - 1, answered=False, cpu_share=1.0).is_hung()
    assert _pulse_after(int(LOST_AFTER_S), answered=False, cpu_share=1.0).is_hung()


def test_one_answer_ends_the_doubt() -> None:
    pulse = _pulse_after(5, answered=False, cpu_share=0).after_probe(answered=True, cpu_s=5.0, now_s=106.0)
    assert not pulse.after_probe(answered=False, cpu_s=5.0, now_s=110.0).is_hung()


async def _probe_against(answer: bytes | None, *, timeout_s: float = 5.0) -> bool:
    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if answer is not None:
                writer.write(answer)
                writer.write_eof()
            await reader.read()
        writer.transport.abort()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        answered = await probe(server.sockets[0].getsockname()[1], path="/health", timeout_s=timeout_s)
        await asyncio.wait_for(served.wait(), 10)
        return answered


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"SSH-2.0-x\r\n", False),
        (b"\r\n", False),
        (b"HTTP/1.1 20", False),
        (b"", False),
        (b"x" * 100_000, False),
    ],
)
async def test_only_a_200_is_an_answer(answer: bytes, *, expected: bool) -> None:
    assert await _probe_against(answer) is expected


async def test_silence_is_no_answer() -> None:
    assert not await _probe_against(None, timeout_s=0.05)


async def test_a_closed_port_is_no_answer() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert not await probe(port, path="/health")
