"""A host that speaks OpenAI's Chat Completions and embeddings on loopback, answers predictably and fails on request.

What it does is written in the model's name: `fake` answers, `fake:chunks=50,delay_ms=10` streams 50 deltas, and so on
(see `Behaviour`). It counts every request that it has seen, so that tests can compare receipts with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httptools
import msgspec


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the host answers one request.

    Attributes:
        chunks: Deltas of a stream.
        delay_ms: Pause before each delta, and before a whole answer.
        status: An HTTP status; other than 200 answers an error.
        retry_after: Value of that header, in seconds, on an error.
        reset_after: Cut the connection after so many deltas (0: before the head).
        stall_after: Say nothing more after so many deltas (0: before the head).
        no_done: End the stream without `[DONE]`.
        no_usage: Never report usage.
        error_after: Send an error object inside the stream after so many deltas; then end, or stall if that is to come.
        answer: Text of the answer.
        echo: Answer with the last message instead.
        prompt_tokens: Reported as usage.
    """

    chunks: int = 3
    delay_ms: int = 0
    status: int = 200
    retry_after: int = -1
    reset_after: int = -1
    stall_after: int = -1
    no_done: int = 0
    no_usage: int = 0
    error_after: int = -1
    answer: str = "word"
    echo: int = 0
    prompt_tokens: int = 7

    @classmethod
    def of(cls, model: str) -> Behaviour:
        """Read a behaviour out of a model's name; a name without one answers plainly."""
        _, _, text = model.partition(":")
        pairs = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        return msgspec.convert(pairs, cls, strict=False)


class Seen(msgspec.Struct):
    """A request as the host saw it, and how far its answer got.

    Attributes:
        deltas_sent: Deltas of the stream written to the connection.
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


class _Parsed:
    """Collects one request for httptools."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        self.is_complete = True


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
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """Base address for an endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> ReplayHost:  # noqa: PYI034 -- not meant to be derived from
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**20, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a callback of the loop always runs in a task
        self._open.add(task)
        try:
            while (seen := await _read_request(reader)) is not None:
                self.seen.append(seen)
                try:
                    await _answer(seen, writer)
                finally:
                    seen.was_cut = not seen.is_complete
        except (ConnectionError, asyncio.CancelledError, _Cut):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()


class _Cut(Exception):  # noqa: N818 -- a wish of the test, not an error
    """The behaviour asked for the connection to be cut."""


async def _read_request(reader: asyncio.StreamReader) -> Seen | None:
    parsed = _Parsed()
    parser = httptools.HttpRequestParser(parsed)
    while not parsed.is_complete:
        data = await reader.read(65536)
        if not data:
            return None
        parser.feed_data(data)
    return Seen(parser.get_method().decode(), parsed.url.decode(), parsed.headers, b"".join(parsed.parts))


async def _answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
    if seen.path.endswith("/models"):
        return await _send_json(seen, writer, _models())
    request = seen.json
    behaviour = Behaviour.of(request["model"])
    if behaviour.echo:
        behaviour = msgspec.structs.replace(behaviour, answer=str(request["messages"][-1]["content"]))
    if behaviour.reset_after == 0:
        raise _Cut
    if behaviour.stall_after == 0:
        await _stall(writer)
    if behaviour.status != 200:  # noqa: PLR2004 -- HTTP's OK
        return await _send_error(seen, writer, behaviour)
    if seen.path.endswith("/embeddings"):
        return await _send_json(seen, writer, _embeddings(request, behaviour))
    if request.get("stream"):
        return await _send_stream(seen, writer, behaviour)
    await asyncio.sleep(behaviour.delay_ms / 1000)
    return await _send_json(seen, writer, _completion(request, behaviour))


async def _stall(writer: asyncio.StreamWriter) -> None:
    """Wait until the other side gives up."""
    while not writer.transport.is_closing():  # noqa: ASYNC110 -- a stream writer has no event for this
        await asyncio.sleep(0.01)
    raise _Cut


async def _send_json(
    seen: Seen, writer: asyncio.StreamWriter, body: dict[str, Any], *, status: str = "200 OK", extra: str = ""
) -> None:
    data = msgspec.json.encode(body)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: host-1\r\n{extra}"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()
    seen.is_complete = True


async def _send_error(seen: Seen, writer: asyncio.StreamWriter, behaviour: Behaviour) -> None:
    extra = f"retry-after: {behaviour.retry_after}\r\n" if behaviour.retry_after >= 0 else ""
    error = {"message": "the host says no", "type": "host_error", "param": None, "code": "made_up"}
    await _send_json(seen, writer, {"error": error}, status=f"{behaviour.status} Made Up", extra=extra)


def _models() -> dict[str, Any]:
    return {"object": "list", "data": [{"id": "fake", "object": "model", "created": 1, "owned_by": "testkit"}]}


def _usage(behaviour: Behaviour, output: int) -> dict[str, int]:
    given = behaviour.prompt_tokens
    return {"prompt_tokens": given, "completion_tokens": output, "total_tokens": given + output}


def _completion(request: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": behaviour.answer}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": request["model"]}
    body |= {"choices": [choice]}
    return body if behaviour.no_usage else body | {"usage": _usage(behaviour, behaviour.chunks)}


def _embeddings(request: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    data = [{"object": "embedding", "index": i, "embedding": [float(len(t)), 0.5]} for i, t in enumerate(texts)]
    used = {"prompt_tokens": behaviour.prompt_tokens, "total_tokens": behaviour.prompt_tokens}
    return {"object": "list", "model": request["model"], "data": data, "usage": used}


async def _send_stream(seen: Seen, writer: asyncio.StreamWriter, behaviour: Behaviour) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    async for frame in _frames(seen, behaviour, stall=lambda: _stall(writer)):
        writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        await writer.drain()
        if writer.transport.is_closing():
            raise _Cut
    if -1 < behaviour.error_after < behaviour.stall_after:
        await _stall(writer)
    writer.write(b"0\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await writer.drain()
    seen.is_complete = True


async def _frames(
    seen: Seen, behaviour: Behaviour, *, stall: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncIterator[bytes]:
    asked = (seen.json.get("stream_options") or {}).get("include_usage", False)
    for number in range(behaviour.chunks):
        if number == behaviour.reset_after:
            raise _Cut
        if number == behaviour.stall_after:
            await stall()
        if number == behaviour.error_after:
            yield b'data: {"error":{"message":"the host broke","type":"server_error","code":null}}\n\n'
            return
        if behaviour.delay_ms:
            await asyncio.sleep(behaviour.delay_ms / 1000)
        yield _frame(seen, {"content": f"{behaviour.answer}{number} "}, finish=None)
        seen.deltas_sent += 1
    yield _frame(seen, {}, finish="stop")
    if asked and not behaviour.no_usage:
        yield _event(_chunk(seen) | {"choices": [], "usage": _usage(behaviour, behaviour.chunks)})
    if not behaviour.no_done:
        yield b"data: [DONE]\n\n"


def _chunk(seen: Seen) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": seen.json["model"]}


def _frame(seen: Seen, delta: dict[str, Any], *, finish: str | None) -> bytes:
    return _event(_chunk(seen) | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"
