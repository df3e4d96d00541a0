"""What a whole answer says of itself: usage and the model that answered. The answer's bytes are never changed."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Answer, Operation
from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.usage import read_usage
from hortus.framing.counting import UNREADABLE, estimate, estimate_whole, read_served_model

_NOTHING = msgspec.Raw(b"null")


class _Head(msgspec.Struct):  # `Raw | None` would take null only
    model: msgspec.Raw = _NOTHING
    usage: msgspec.Raw = _NOTHING
    service_tier: object = None


class _Message(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: msgspec.Raw = _NOTHING


class _Choice(msgspec.Struct):
    message: _Message | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None


_DECODE_HEAD = msgspec.json.Decoder(_Head).decode
_DECODE_BODY = msgspec.json.Decoder(_Body).decode


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage and served model of a whole answer; what the host leaves out is estimated."""
    try:
        head = _DECODE_HEAD(body)
    except UNREADABLE:
        return Answer(usage=estimate(input_bytes=input_bytes, output_tokens=0), served_model=None)
    usage = read_usage(head.usage, tier=head.service_tier) or _estimate(operation, body, input_bytes=input_bytes)
    return Answer(usage=usage, served_model=read_served_model(head.model))


def _estimate(operation: Operation, body: bytes, *, input_bytes: int) -> Usage:
    output_bytes = 0
    if operation.can_stream:  # embeddings have no output tokens
        try:
            messages = [choice.message for choice in _DECODE_BODY(body).choices or [] if choice.message]
            output_bytes = sum(_size(message) for message in messages)
        except UNREADABLE:
            output_bytes = len(body)
    return estimate_whole(input_bytes=input_bytes, output_bytes=output_bytes)


def _size(message: _Message) -> int:
    calls = bytes(message.tool_calls)
    text = (message.content or "") + (message.reasoning_content or "")
    return len(text.encode()) + (0 if calls == b"null" else len(calls))
