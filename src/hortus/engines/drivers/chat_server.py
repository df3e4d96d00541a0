"""How is a model of ours served over HTTP? OpenAI's Chat Completions behind a key, one request after another, fairly.

An ASGI application that knows no model: whatever can stream text for a chat is served by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import msgspec

from hortus.engines.drivers.chat_request import Asked, Refusal, read_chat
from hortus.engines.drivers.transformers import RUNNING

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LONGEST_BODY = 32 * 1024 * 1024
_JSON, _TEXT, _EVENTS = b"application/json", b"text/plain; version=0.0.4", b"text/event-stream"


class Said(msgspec.Struct, frozen=True):
    """A piece of an answer; the last one says why it ended, and what it took."""

    text: str = ""
    finish: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Model(Protocol):
    """Something that answers chats."""

    def answer(self, asked: Asked) -> AsyncGenerator[Said, None]:
        """Yield the answer as it is made; closing the iterator ends the work.

        Raises:
            Refusal: It cannot be answered, before anything of it was.
        """
        ...


class ChatServer:
    """The application. `make_id` gives ids of answers, `now_s` the Unix time for them."""

    def __init__(
        self, model: Model, *, name: str, key: str, make_id: Callable[[], str], now_s: Callable[[], int]
    ) -> None:
        self._model = model
        self._name = name
        self._key = key.encode()
        self._make_id = make_id
        self._now_s = now_s
        self._turn = asyncio.Lock()
        self._running = 0
        self._answered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path in {"/health", "/v1/health"}:
            await _send_whole(send, 200, b'{"status":"ok"}')
        elif not self._is_opened(scope):
            await _refuse(send, 401, Refusal("The key is missing or wrong.", code="invalid_api_key"))
        elif path == "/v1/models":
            listed = {"object": "list", "data": [{"id": self._name, "object": "model", "owned_by": "hortus"}]}
            await _send_whole(send, 200, msgspec.json.encode(listed))
        elif path == "/metrics":
            text = f"{RUNNING} {self._running}\nhortus_engine_requests_total {self._answered}\n"
            await _send_whole(send, 200, text.encode(), kind=_TEXT)
        elif path == "/v1/chat/completions" and method == "POST":
            await self._chat(receive, send)
        else:
            await _refuse(send, 404, Refusal("This engine has chat completions only.", code="not_found"))

    def _is_opened(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, b"Bearer " + self._key)

    async def _chat(self, receive: Receive, send: Send) -> None:
        self._running += 1
        try:
            body = await _read_body(receive)
            if body is None:
                return
            answering = asyncio.create_task(self._answer(read_chat(body), send))
            leaving = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                answering.cancel()  # the client left, or it is done anyway
                await asyncio.wait({answering})
            if not answering.cancelled():
                answering.result()
        except Refusal as refusal:
            await _refuse(send, 400, refusal)
        finally:
            self._running -= 1
            self._answered += 1

    async def _answer(self, asked: Asked, send: Send) -> None:
        async with self._turn, contextlib.aclosing(self._model.answer(asked)) as pieces:
            if asked.is_stream:
                await self._stream(pieces, asked, send)
            else:
                await self._whole(pieces, send)

    async def _whole(self, pieces: AsyncIterator[Said], send: Send) -> None:
        texts: list[str] = []
        end = Said()
        async for piece in pieces:
            texts.append(piece.text)
            end = piece
        message = {"role": "assistant", "content": "".join(texts)}
        choice = {"index": 0, "message": message, "finish_reason": end.finish}
        answer = self._envelope("chat.completion") | {"choices": [choice], "usage": _usage(end)}
        await _send_whole(send, 200, msgspec.json.encode(answer))

    async def _stream(self, pieces: AsyncIterator[Said], asked: Asked, send: Send) -> None:
        envelope = self._envelope("chat.completion.chunk")
        end = Said()
        has_begun = False
        async for piece in pieces:
            if not has_begun:
                has_begun = True
                await _send_head(send, 200, kind=_EVENTS)
                await _send_event(send, envelope | _delta({"role": "assistant", "content": ""}))
            if piece.text:
                await _send_event(send, envelope | _delta({"content": piece.text}))
            end = piece
        await _send_event(send, envelope | _delta({}, finish=end.finish))
        if asked.wants_usage:
            await _send_event(send, envelope | {"choices": [], "usage": _usage(end)})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    def _envelope(self, kind: str) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{self._make_id()}",
            "object": kind,
            "created": self._now_s(),
            "model": self._name,
        }


def _usage(end: Said) -> dict[str, int]:
    return {
        "prompt_tokens": end.prompt_tokens,
        "completion_tokens": end.completion_tokens,
        "total_tokens": end.prompt_tokens + end.completion_tokens,
    }


def _delta(delta: dict[str, str], *, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, None where the client left before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > _LONGEST_BODY:
            raise Refusal("The request is too long.", code="request_too_large")
        if not message.get("more_body"):
            return bytes(body)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, refusal: Refusal) -> None:
    kind = "authentication_error" if status == 401 else "invalid_request_error"  # noqa: PLR2004 - Unauthorized
    error = {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
    await _send_whole(send, status, msgspec.json.encode({"error": error}))


async def _send_whole(send: Send, status: int, body: bytes, *, kind: bytes = _JSON) -> None:
    await _send_head(send, status, kind=kind, length=len(body))
    await send({"type": "http.response.body", "body": body})


async def _send_head(send: Send, status: int, *, kind: bytes, length: int | None = None) -> None:
    headers = [(b"content-type", kind)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send_event(send: Send, event: dict[str, object]) -> None:
    body = b"data: " + msgspec.json.encode(event) + b"\n\n"
    await send({"type": "http.response.body", "body": body, "more_body": True})
