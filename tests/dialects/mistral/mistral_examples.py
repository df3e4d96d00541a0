"""What the tests of Mistral's dialect share: writing a request and reading it again, and answers to read."""

from __future__ import annotations

from typing import Any

import msgspec

from hortus.canon.manifest import Vocabulary
from hortus.canon.parts import Text
from hortus.canon.request import Message, Request
from hortus.canon.translation import Asking, Call, Target, Written
from hortus.dialects.mistral import DIALECT, VOCABULARY

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT = TRANSLATION.chat
VECTORS = TRANSLATION.embeddings
assert VECTORS is not None
HELLO = Message(role="user", parts=(Text(text="Hi", at="m[0]"),), at="m[0]")


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def decode(data: bytes) -> Any:
    return msgspec.json.decode(data)


def read(**members: object) -> Request:
    """Read a request with these members."""
    body = {"model": "garden", "messages": [{"role": "user", "content": "Hi"}]} | members
    return CHAT.read_request(encode(body), Call())


def again(**members: object) -> tuple[dict[str, Any], Written]:
    """Read and write a request of this dialect; return what was read and what was written."""
    body = {"model": "garden", "messages": [{"role": "user", "content": "Hi"}]} | members
    request = CHAT.read_request(encode(body), Call())
    return body, CHAT.write_request(request, Target(model="garden", source=VOCABULARY))


def write(*messages: Message, **fields: Any) -> tuple[dict[str, Any], Written]:
    """Write a request of another dialect for Mistral; return the body and what was said of it."""
    request = Request(model="garden", messages=messages or (HELLO,), **fields)
    written = CHAT.write_request(request, Target(model="large", source=Vocabulary()))
    return decode(written.body), written


def turn(*parts: Any, role: Any = "user") -> Message:
    return Message(role=role, parts=parts, at="m[1]")


def asking() -> Asking:
    return Asking(request=Request(model="garden", messages=()), answer_id="0001", now_s=1_790_000_000)


def answer(message: dict[str, object], **members: object) -> bytes:
    """Return a whole answer of Mistral's."""
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": None} | message, "finish_reason": "stop"}
    head = {"id": "a1", "object": "chat.completion", "created": 5, "model": "large"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return encode(head | {"choices": [choice], "usage": usage} | members)


def chunk(delta: dict[str, object] | None, *, reason: str | None = None, **members: object) -> bytes:
    """Return one frame of a stream of Mistral's."""
    head = {"id": "a1", "object": "chat.completion.chunk", "created": 5, "model": "large", "p": "abc"}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + encode(head | {"choices": [choice]} | members) + b"\n\n"


DONE = b"data: [DONE]\n\n"
