"""A host on loopback that speaks seven dialects, and Azure's way, answers predictably and fails on request.

What it does is written in the model's name: `fake` answers, `fake:chunks=50,delay_ms=10` streams 50 deltas,
`fake:scene=tools-parallel` plays a scene (see `Behaviour` and `scenes.plots.PLOTS`); the path says the dialect. It
keeps every request that it has seen, so that tests can look at what arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Coroutine
from typing import Any

import msgspec

from hortus.testkit.listening import Listener, read_request
from hortus.testkit.scenes import answering
from hortus.testkit.scenes.answering import Script
from hortus.testkit.scenes.values import Behaviour, Reply

__all__ = ["Behaviour", "ReplayHost", "Seen"]

_ENDS = {
    "gemini": "v1beta",
    "mistral": "mistral/v1",
    "cohere_v2": "v2",
    "bedrock_converse": "",
    "azure": "azure/openai",
}


class Seen(msgspec.Struct):
    """A request as the host saw it, and how far its answer got.

    Attributes:
        deltas_sent: Deltas of the stream written to the connection (frames, where a scene is played).
        is_complete: Whether the whole answer was written.
        was_cut: Whether the client closed before the answer ended.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    deltas_sent: int = 0
    is_complete: bool = False
    was_cut: bool = False

    @property
    def json(self) -> dict[str, Any]:
        """The body, decoded."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


class ReplayHost:
    """The host in a thread of its own; use it as a context manager.

    >>> with ReplayHost() as host:  # doctest: +SKIP
    ...     host.base_url
    'http://127.0.0.1:41234/v1'
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replay host", daemon=True)
        self._listener = Listener(self._talk, ends=_Cut)
        self._numbers = itertools.count(1)

    @property
    def base_url(self) -> str:
        """Base address for an endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def base_of(self, dialect: str) -> str:
        """Base address for an endpoint that speaks this dialect, as its maker's own ends."""
        return f"http://127.0.0.1:{self.port}/{_ENDS.get(dialect, 'v1')}".rstrip("/")

    def __enter__(self) -> ReplayHost:  # noqa: PYI034 -- not meant to be derived from
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._listener.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _start(self) -> None:
        self.port = await self._listener.start(self.port)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await read_request(reader)) is not None:
            seen = Seen(asked.method, asked.path, asked.headers, asked.body)
            self.seen.append(seen)
            try:
                await _answer(seen, writer, nonce=f"{next(self._numbers):06x}")
            finally:
                seen.was_cut = not seen.is_complete


class _Cut(Exception):  # noqa: N818 -- a wish of the test, not an error
    """The behaviour asked for the connection to be cut."""


async def _answer(seen: Seen, writer: asyncio.StreamWriter, *, nonce: str) -> None:
    answer = answering.answer(seen.path, seen.body, headers=seen.headers, nonce=nonce)
    behaviour = answer.behaviour
    if behaviour.reset_after == 0:
        raise _Cut
    if behaviour.stall_after == 0:
        await _stall(writer)
    if isinstance(answer.content, Script):
        return await _send_stream(seen, writer, answer.content, behaviour=behaviour)
    if answer.content.status == 200:  # noqa: PLR2004 -- HTTP's OK
        await asyncio.sleep(behaviour.delay_ms / 1000)
    return await _send_whole(seen, writer, answer.content)


async def _stall(writer: asyncio.StreamWriter) -> None:
    """Wait until the other side gives up."""
    while not writer.transport.is_closing():  # noqa: ASYNC110 -- a stream writer has no event for this
        await asyncio.sleep(0.01)
    raise _Cut


async def _send_whole(seen: Seen, writer: asyncio.StreamWriter, reply: Reply) -> None:
    reason = "OK" if reply.status == 200 else "Made Up"  # noqa: PLR2004 -- HTTP's OK
    extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
    head = f"HTTP/1.1 {reply.status} {reason}\r\ncontent-type: {reply.content_type}\r\n{extra}"
    writer.write(f"{head}content-length: {len(reply.body)}\r\n\r\n".encode() + reply.body)
    await writer.drain()
    seen.is_complete = True


async def _send_stream(seen: Seen, writer: asyncio.StreamWriter, script: Script, *, behaviour: Behaviour) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {script.content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for number, frame in enumerate(script.frames):
        if number < script.delta_count:
            await _before_delta(writer, number, behaviour=behaviour)
        if number == script.cut_inside:
            await _send_chunk(writer, frame[: len(frame) // 2])
            raise _Cut
        await _send_chunk(writer, frame)
        seen.deltas_sent += number < script.delta_count
    if -1 < behaviour.error_after < behaviour.stall_after:
        await _stall(writer)
    writer.write(b"0\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    seen.is_complete = True


async def _before_delta(writer: asyncio.StreamWriter, number: int, *, behaviour: Behaviour) -> None:
    if number == behaviour.reset_after:
        raise _Cut
    if number == behaviour.stall_after:
        await _stall(writer)
    if behaviour.delay_ms:
        await asyncio.sleep(behaviour.delay_ms / 1000)


async def _send_chunk(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
    await writer.drain()
    if writer.transport.is_closing():
        raise _Cut
