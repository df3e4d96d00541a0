"""A host on loopback that talks over WebSockets: OpenAI's Realtime and Google's Live, by a library of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

USAGE = {
    "total_tokens": 60,
    "input_tokens": 40,
    "output_tokens": 20,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 30, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 5, "audio_tokens": 15},
}
LIVE_USAGE = {
    "promptTokenCount": 12,
    "responseTokenCount": 7,
    "totalTokenCount": 19,
    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
}
SOUND = base64.b64encode(b"\x01\x02" * 500).decode()


def _choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    del connection
    return next((one for one in offered if one == "realtime"), None)


class TalkingHost:
    """Answers each question by what the question says: `hang up`, `fail`, `half`, else in words."""

    def __init__(self) -> None:
        self.heads: list[Request] = []
        self.heard: list[Any] = []
        self.closed: list[int | None] = []
        self.refuses_with: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: Server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _start(self) -> Server:
        return await serve(self._talk, "127.0.0.1", 0, process_request=self._look, select_subprotocol=_choose)

    def close(self) -> None:
        """End everything."""

        async def end() -> None:
            self._server.close()
            await self._server.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _look(self, connection: ServerConnection, request: Request) -> Response | None:
        self.heads.append(request)
        if self.refuses_with is None:
            return None
        said = '{"error": {"message": "Not today.", "type": "server_error"}}'
        return connection.respond(HTTPStatus(self.refuses_with), said)

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        talk = self._live if "BidiGenerateContent" in socket.request.path else self._realtime
        try:
            await talk(socket)
        finally:
            await socket.wait_closed()
            self.closed.append(socket.close_code)

    async def _realtime(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        model = parse_qs(urlsplit(socket.request.path).query)["model"][0]

        async def say(**event: Any) -> None:
            await socket.send(json.dumps({"event_id": "event_1", **event}))

        await say(type="session.created", session={"id": "sess_1", "type": "realtime", "model": model})
        question = ""
        async for message in socket:
            event = json.loads(message)
            self.heard.append(event)
            if event["type"] == "session.update":
                await say(type="session.updated", session={"id": "sess_1", **event["session"]})
            elif event["type"] == "conversation.item.create":
                question = event["item"]["content"][0]["text"]
            elif event["type"] == "response.create":
                await self._answer(socket, say, question)

    async def _answer(self, socket: ServerConnection, say: Any, question: str) -> None:
        answer = f"resp_{len(self.heard)}"
        if question == "hang up":
            socket.transport.abort()
            return
        await say(
            type="response.created", response={"id": answer, "object": "realtime.response", "status": "in_progress"}
        )
        await say(
            type="response.output_text.delta",
            response_id=answer,
            item_id="i",
            output_index=0,
            content_index=0,
            delta="The lamp ",
        )
        if question == "half":
            return
        await say(
            type="response.output_audio.delta",
            response_id=answer,
            item_id="i",
            output_index=0,
            content_index=0,
            delta=SOUND,
        )
        is_failed = question == "fail"
        status = "failed" if is_failed else "completed"
        done = {
            "id": answer,
            "object": "realtime.response",
            "status": status,
            "output": [],
            "usage": None if is_failed else USAGE,
        }
        await say(type="response.done", response=done)

    async def _live(self, socket: ServerConnection) -> None:
        setup = json.loads(await socket.recv())
        self.heard.append(setup)
        await socket.send(json.dumps({"setupComplete": {}}).encode())
        async for message in socket:
            self.heard.append(json.loads(message))
            words = {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": "The lamp is lit."}]}}}
            await socket.send(json.dumps(words).encode())
            await socket.send(
                json.dumps({"serverContent": {"turnComplete": True}, "usageMetadata": LIVE_USAGE}).encode()
            )
