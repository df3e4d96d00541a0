"""How does a client send one question, and what came of it? Leaves early or reads slowly, as the question says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import httptools

from faults.run.asking import Question, write
from faults.run.judging import Verdict, judge

PATIENCE_S = 30.0
"""A request that takes longer hangs: nothing in a run may."""

_SLOW_BYTES, _SLOW_PAUSE_S, _SLOW_READS = 512, 0.002, 200


class Outcome(NamedTuple):
    """What one client saw.

    Attributes:
        how: `answered`, `left` (by its own will), `unreachable`, `cut` (the connection broke) or `hung`.
        verdict: On the answer, where it was answered.
    """

    question: Question
    how: str
    began_s: float
    ended_s: float
    status: int = 0
    headers: Mapping[str, str] = MappingProxyType({})
    verdict: Verdict | None = None

    @property
    def is_success(self) -> bool:
        """Whether the client got what it asked for."""
        return self.verdict is not None and self.verdict.kind == "success"


class _Answer:
    """Collects one answer for httptools."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.body_bytes = 0
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)
        self.body_bytes += len(part)

    def on_message_complete(self) -> None:
        self.is_complete = True


async def ask(question: Question, *, port: int, key: str) -> Outcome:
    """Send a question and wait for what comes of it."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    try:
        async with asyncio.timeout(PATIENCE_S):
            how = await _talk(question, answer, parser, port=port, key=key)
    except TimeoutError:
        how = "hung"
    status = parser.get_status_code() if answer.headers else 0
    verdict = None
    if how == "answered":
        verdict = judge(question.dialect, status, b"".join(answer.parts), is_stream=question.is_stream)
    return Outcome(question, how, began_s, loop.time(), status, answer.headers, verdict)


async def _talk(
    question: Question, answer: _Answer, parser: httptools.HttpResponseParser, *, port: int, key: str
) -> str:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
    except ConnectionError:
        return "unreachable"
    try:
        if question.is_slow:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.write(_request(question, key=key, port=port))
        await writer.drain()
        return await _read(question, reader, answer, parser)
    except ConnectionError:
        return "answered" if answer.is_complete else "cut"
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _request(question: Question, *, key: str, port: int) -> bytes:
    wire = write(question, key)
    headers = wire.headers | {"host": f"127.0.0.1:{port}", "content-length": str(len(wire.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {wire.path} HTTP/1.1\r\n{lines}\r\n".encode() + wire.body


async def _read(
    question: Question, reader: asyncio.StreamReader, answer: _Answer, parser: httptools.HttpResponseParser
) -> str:
    slow_reads = _SLOW_READS if question.is_slow else 0
    while not answer.is_complete:
        if question.leaves_after is not None and answer.body_bytes >= question.leaves_after:
            return "left"
        data = await reader.read(_SLOW_BYTES if slow_reads else 65536)
        if not data:
            return "cut"
        parser.feed_data(data)
        if slow_reads:
            slow_reads -= 1
            await asyncio.sleep(_SLOW_PAUSE_S)
    return "answered"
