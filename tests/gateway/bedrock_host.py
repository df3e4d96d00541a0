"""Bedrock on loopback: judges key or signature by AWS's own SDK, answers as recorded, fails by the model's name."""

from __future__ import annotations

import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from aws_side import signed_by
from hortus.framing.aws_frames import write_event, write_exception

API_KEY = "sk-host"
PAIRS = {"AKONE": "secret-one", "AKROLE": "secret-role"}
SESSION = "session-token/+="

ERRORS = {
    "unknown": (400, "ValidationException", "The provided model identifier is invalid."),
    "old": (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
    "busy": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "unready": (429, "ModelNotReadyException", "The model is not ready."),
    "quota": (400, "ServiceQuotaExceededException", "You are over your quota."),
    "long": (400, "ValidationException", "Input is too long for requested model."),
    "expired": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "revoked": (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
}
_NAMESPACE = ":http://internal.amazon.com/coral/com.amazon.bedrock/"

ANSWER = msgspec.json.encode(
    {
        "metrics": {"latencyMs": 5},
        "output": {"message": {"role": "assistant", "content": [{"text": "Yes."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12},
    }
)
INVOKED = b'{"generation": "Yes.", "prompt_token_count": null, "stop_reason": "stop"}'
COUNTS = {"x-amzn-bedrock-input-token-count": "8", "x-amzn-bedrock-output-token-count": "3"}
METRICS = {"inputTokenCount": 8, "outputTokenCount": 3}


def event(kind: str, **members: object) -> bytes:
    return write_event(kind, msgspec.json.encode({**members, "p": "abcdefghijkl"}))


def delta(text: str) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=0, delta={"text": text})


def piece(**members: object) -> bytes:
    return event("chunk", bytes=b64encode(msgspec.json.encode(members)).decode())


BEGINNING = event("messageStart", role="assistant") + delta("Ye")
END = event("contentBlockStop", contentBlockIndex=0) + event("messageStop", stopReason="end_turn")
METADATA = event("metadata", metrics={"latencyMs": 5}, usage={"inputTokens": 10, "outputTokens": 2, "totalTokens": 12})
CONVERSED = BEGINNING + delta("s.") + END + METADATA
INVOKED_STREAM = piece(generation="Ye") + piece(generation="s.", **{"amazon-bedrock-invocationMetrics": METRICS})


SEAL = "c2VhbGVkIHRob3VnaHRz"
_THOUGHT = {"text": "The lamp first.", "signature": SEAL}
_CALL = {"toolUseId": "tooluse_1", "name": "find_lamp", "input": {"street": "Elm"}}
_USED = {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}
CALLED = msgspec.json.encode(
    {
        "output": {
            "message": {
                "role": "assistant",
                "content": [{"reasoningContent": {"reasoningText": _THOUGHT}}, {"toolUse": _CALL}],
            }
        },
        "stopReason": "tool_use",
        "usage": _USED,
        "metrics": {"latencyMs": 5},
    }
)
CALLED_STREAM = (
    event("messageStart", role="assistant")
    + event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": _THOUGHT["text"]}})
    + event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": SEAL}})
    + event("contentBlockStop", contentBlockIndex=0)
    + event(
        "contentBlockStart", contentBlockIndex=1, start={"toolUse": {"toolUseId": "tooluse_1", "name": "find_lamp"}}
    )
    + event("contentBlockDelta", contentBlockIndex=1, delta={"toolUse": {"input": '{"street": "Elm"}'}})
    + event("contentBlockStop", contentBlockIndex=1)
    + event("messageStop", stopReason="tool_use")
    + METADATA
)


def is_second_turn(body: bytes) -> bool:
    return b'"toolResult"' in body


def brings_its_thought(body: bytes) -> bool:
    """Tell whether the turn of the model begins with the thought as it was sealed, then the call by its id."""
    turn = next(one for one in msgspec.json.decode(body)["messages"] if one["role"] == "assistant")
    return turn["content"] == [{"reasoningContent": {"reasoningText": _THOUGHT}}, {"toolUse": _CALL}]


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


BROKEN = {
    "wrong-message-crc": BEGINNING + _flipped(delta("s."), -1),
    "wrong-prelude-crc": BEGINNING + _flipped(delta("s."), 8),
    "wrong-payload": BEGINNING + _flipped(delta("s."), -30),
    "wrong-length": BEGINNING + b"\x00\x00\x00\x05" + delta("s.")[4:],
    "endless-length": BEGINNING + b"\xff" + delta("s.")[1:],
    "huge-headers": BEGINNING + delta("s.")[:4] + b"\x00\x10\x00\x00" + delta("s.")[8:],
    "cut-inside": BEGINNING + delta("s.")[:-3],
    "cut-between": BEGINNING + delta("s."),
    "no-frames": b'{"message":"what is this"}',
    "wrong-order": event("contentBlockStop", contentBlockIndex=3) + BEGINNING,
}
"""What streams of Converse must not be, by the model's name."""

FAILED = BEGINNING + write_exception("modelStreamErrorException", b'{"message":"The model broke."}')


class Seen(NamedTuple):
    """A request that was let in."""

    path: str
    headers: dict[str, str]
    body: bytes
    opened_by: str


class BedrockHost(ThreadingHTTPServer):
    """Keeps what it saw."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.seen: list[Seen] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BedrockHost

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        opened_by = self._opened_by(headers, body)
        if opened_by is None:
            self._fail(403, "InvalidSignatureException", "The request signature we calculated does not match.")
            return
        self.server.seen.append(Seen(self.path, headers, body, opened_by))
        if self.path == "/openai/v1/responses":
            self._say(200, RESPONSES_STREAM, kind="text/event-stream; charset=utf-8")
        elif self.path == "/v1/messages/count_tokens":
            self._say(200, b'{"input_tokens":11}')
        else:
            _, _, model, verb = self.path.split("/")
            self._answer(unquote(model), verb, body)

    def _opened_by(self, headers: dict[str, str], body: bytes) -> str | None:
        if headers.get("authorization") == f"Bearer {API_KEY}" or headers.get("x-api-key") == API_KEY:
            return "key"
        who = signed_by("POST", f"{self.server.url}{self.path}", headers=headers, body=body, secrets=PAIRS)
        return who.key_id if who is not None and (who.service, who.region) == ("bedrock", "eu-west-1") else None

    def _answer(self, model: str, verb: str, body: bytes) -> None:
        if model in ERRORS:
            self._fail(*ERRORS[model])
        elif model == "thinker" and is_second_turn(body) and not brings_its_thought(body):
            self._fail(400, "ValidationException", "Expected `thinking`, but found `tool_use`.")
        elif model == "thinker" and not is_second_turn(body):
            is_stream = verb == "converse-stream"
            kind = "application/vnd.amazon.eventstream" if is_stream else "application/json"
            self._say(200, CALLED_STREAM if is_stream else CALLED, kind=kind)
        elif verb == "converse":
            self._say(200, ANSWER)
        elif verb == "count-tokens":
            self._say(200, b'{"inputTokens":11}')
        elif verb == "invoke":
            self._say(200, INVOKED, **COUNTS)
        else:
            usual = CONVERSED if verb == "converse-stream" else INVOKED_STREAM
            data = FAILED if model == "fails-inside" else BROKEN.get(model, usual)
            self._say(200, data, kind="application/vnd.amazon.eventstream")

    def _fail(self, status: int, kind: str, message: str) -> None:
        self._say(status, msgspec.json.encode({"message": message}), **{"x-amzn-errortype": kind + _NAMESPACE})

    def _say(self, status: int, body: bytes, *, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "x-amzn-requestid": "aws-1", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _frame(kind: str, **members: object) -> bytes:
    """Return a frame as Bedrock orders its lines: `data` before `event`."""
    return b"data: " + msgspec.json.encode({"type": kind, **members}) + f"\nevent: {kind}\n\n".encode()


_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_784_247_618,
    "model": "openai.gpt-oss",
    "status": "in_progress",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_TEXT = {"type": "output_text", "text": "Yes.", "annotations": [], "logprobs": []}
_ITEM = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [_TEXT]}
_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}
_AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
RESPONSES_STREAM = b"".join(
    _frame(f"response.{kind}", sequence_number=number, **members)
    for number, (kind, members) in enumerate(
        [
            ("created", {"response": _RESPONSE}),
            ("in_progress", {"response": _RESPONSE}),
            ("output_item.added", {"output_index": 0, "item": {**_ITEM, "status": "in_progress", "content": []}}),
            ("content_part.added", {**_AT, "part": {**_TEXT, "text": ""}}),
            ("output_text.delta", {**_AT, "delta": "Yes.", "logprobs": [], "obfuscation": "abc"}),
            ("output_text.done", {**_AT, "text": "Yes.", "logprobs": []}),
            ("content_part.done", {**_AT, "part": _TEXT}),
            ("output_item.done", {"output_index": 0, "item": _ITEM}),
            ("completed", {"response": {**_RESPONSE, "status": "completed", "output": [_ITEM], "usage": _USAGE}}),
        ]
    )
)
