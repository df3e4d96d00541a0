"""What does a host say, in each of three dialects? Its own simple answers: whole, in frames, and its refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

_ENCODE = msgspec.json.Encoder().encode
Body = dict[str, Any]


class Word(msgspec.Struct, frozen=True):
    """A delta of text, and how many tokens the host counts for it."""

    text: str
    tokens: int = 1


class Piece(msgspec.Struct, frozen=True):
    """Bytes of an answer, and the tokens that are made for them."""

    data: bytes
    tokens: int = 0


class Saying(msgspec.Struct, frozen=True):
    """What is to be said.

    Attributes:
        given_tokens: Of the input.
        usage: How often it is reported: 0, 1, or 2 (too little first).
        breaks: Whether an error takes the place of the end.
        padding_bytes: Size of a member that nobody asked for, in the middle of the answer.
    """

    words: tuple[Word, ...]
    model: str
    given_tokens: int
    usage: int = 1
    wants_usage: bool = True
    breaks: bool = False
    padding_bytes: int = 0

    @property
    def made_tokens(self) -> int:
        """All tokens of the answer."""
        return sum(word.tokens for word in self.words)

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(word.text for word in self.words)

    def pad(self, body: Body, place: int) -> Body:
        """Add the padding to the frame in the middle."""
        return body | ({"padding": "x" * self.padding_bytes} if place == len(self.words) // 2 else {})


def frames(dialect: str, saying: Saying) -> list[Piece]:
    """Return an answer as the frames of a stream."""
    return _FRAMES[dialect](saying)


def whole(dialect: str, saying: Saying) -> bytes:
    """Return an answer as one body."""
    body = _WHOLE[dialect](saying)
    return _ENCODE(body | ({"padding": "x" * saying.padding_bytes} if saying.padding_bytes else {}))


def refusal(dialect: str, status: int) -> bytes:
    """Return the body of an error as this dialect's maker writes it."""
    return _ENCODE(_refusal(dialect, status, "The host says no."))


def endless_frame(dialect: str, *, has_text: bool) -> bytes:
    """Return a frame that can be sent for ever: a word, or nothing but a sign of life."""
    if not has_text:
        return _sse({"type": "ping"}, event="ping") if dialect == "anthropic_messages" else b": still here\n\n"
    return _DELTA[dialect](Saying((), "endless", 0), Word("on and on "))


def _sse(body: Body, *, event: str = "", end: bytes = b"\n\n") -> bytes:
    return (f"event: {event}\n".encode() if event else b"") + b"data: " + _ENCODE(body) + end


# OpenAI's Chat Completions


def _chunk(saying: Saying, choice: Body | None, more: Body | None = None) -> Body:
    body = {"id": "chatcmpl-f", "object": "chat.completion.chunk", "created": 1764000000, "model": saying.model}
    return body | {"choices": [{"index": 0} | choice] if choice else []} | (more or {})


def _openai_usage(saying: Saying, made: int) -> Body:
    given = saying.given_tokens
    return {"usage": {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}}


def _openai_delta(saying: Saying, word: Word) -> bytes:
    return _sse(_chunk(saying, {"delta": {"content": word.text}, "finish_reason": None}))


def _openai_frames(saying: Saying) -> list[Piece]:
    found = [Piece(_sse(_chunk(saying, {"delta": {"role": "assistant", "content": ""}, "finish_reason": None})))]
    for place, word in enumerate(saying.words):
        body = _chunk(saying, {"delta": {"content": word.text}, "finish_reason": None})
        found.append(Piece(_sse(saying.pad(body, place) if saying.padding_bytes else body), word.tokens))
    if saying.breaks:
        return [*found, Piece(_sse(_refusal("openai_chat", 500, "The host broke.")))]
    found.append(Piece(_sse(_chunk(saying, {"delta": {}, "finish_reason": "stop"}))))
    if saying.usage and saying.wants_usage:
        made = saying.made_tokens
        for count in (made // 2, made)[-saying.usage :]:
            found.append(Piece(_sse(_chunk(saying, None, _openai_usage(saying, count)))))
    return [*found, Piece(b"data: [DONE]\n\n")]


def _openai_whole(saying: Saying) -> Body:
    message = {"role": "assistant", "content": saying.text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "chatcmpl-f", "object": "chat.completion", "created": 1764000000, "model": saying.model}
    return body | {"choices": [choice]} | (_openai_usage(saying, saying.made_tokens) if saying.usage else {})


# Anthropic's Messages


def _message(saying: Saying, usage: Body | None) -> Body:
    body = {"id": "msg_f", "type": "message", "role": "assistant", "model": saying.model, "content": []}
    return body | {"stop_reason": None, "stop_sequence": None} | ({"usage": usage} if usage else {})


def _anthropic(kind: str, **members: object) -> bytes:
    return _sse({"type": kind} | members, event=kind)


def _anthropic_delta(_saying: Saying, word: Word) -> bytes:
    return _anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": word.text})


def _anthropic_frames(saying: Saying) -> list[Piece]:
    begun = {"input_tokens": saying.given_tokens, "output_tokens": 1} if saying.usage else None
    found = [
        Piece(_anthropic("message_start", message=_message(saying, begun))),
        Piece(_anthropic("content_block_start", index=0, content_block={"type": "text", "text": ""})),
    ]
    for place, word in enumerate(saying.words):
        body: Body = {"index": 0, "delta": {"type": "text_delta", "text": word.text}}
        padded = saying.pad(body, place) if saying.padding_bytes else body
        found.append(Piece(_anthropic("content_block_delta", **padded), word.tokens))
    if saying.breaks:
        return [*found, Piece(_sse(_refusal("anthropic_messages", 529, "Overloaded"), event="error"))]
    found.append(Piece(_anthropic("content_block_stop", index=0)))
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    made = saying.made_tokens
    for count in (made // 2, made)[-max(saying.usage, 1) :]:
        more = {"usage": {"output_tokens": count}} if saying.usage else {}
        found.append(Piece(_anthropic("message_delta", delta=stop, **more)))
    return [*found, Piece(_anthropic("message_stop"))]


def _anthropic_whole(saying: Saying) -> Body:
    usage = {"input_tokens": saying.given_tokens, "output_tokens": saying.made_tokens}
    body = _message(saying, usage if saying.usage else None)
    return body | {"content": [{"type": "text", "text": saying.text}], "stop_reason": "end_turn"}


# Google's generateContent


def _gemini_body(saying: Saying, text: str, *, made: int, is_last: bool) -> Body:
    candidate: Body = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    candidate |= {"finishReason": "STOP"} if is_last else {}
    body: Body = {"candidates": [candidate], "modelVersion": saying.model, "responseId": "f"}
    if not saying.usage:
        return body
    given = saying.given_tokens
    counts = {"promptTokenCount": given, "candidatesTokenCount": made, "totalTokenCount": given + made}
    return body | {"usageMetadata": counts}


def _gemini_delta(saying: Saying, word: Word) -> bytes:
    return _sse(_gemini_body(saying, word.text, made=1, is_last=False), end=b"\r\n\r\n")


def _gemini_frames(saying: Saying) -> list[Piece]:
    found, made = [], 0
    for place, word in enumerate(saying.words):
        made += word.tokens
        body = _gemini_body(saying, word.text, made=made, is_last=False)
        padded = saying.pad(body, place) if saying.padding_bytes else body
        found.append(Piece(_sse(padded, end=b"\r\n\r\n"), word.tokens))
    if saying.breaks:
        return [*found, Piece(_sse(_refusal("gemini", 503, "The model is overloaded."), end=b"\r\n\r\n"))]
    return [*found, Piece(_sse(_gemini_body(saying, "", made=made, is_last=True), end=b"\r\n\r\n"))]


def _gemini_whole(saying: Saying) -> Body:
    return _gemini_body(saying, saying.text, made=saying.made_tokens, is_last=True)


_GOOGLE_WORDS = MappingProxyType({429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"})
_ANTHROPIC_WORDS = MappingProxyType({429: "rate_limit_error", 503: "overloaded_error", 529: "overloaded_error"})


def _refusal(dialect: str, status: int, message: str) -> Body:
    match dialect:
        case "anthropic_messages":
            kind = _ANTHROPIC_WORDS.get(status, "api_error")
            return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_f"}
        case "gemini":
            word = _GOOGLE_WORDS.get(status, "INTERNAL")
            return {"error": {"code": status, "message": message, "status": word}}
        case _:
            kind = "rate_limit_exceeded" if status == 429 else "server_error"  # noqa: PLR2004 -- HTTP's own
            return {"error": {"message": message, "type": kind, "param": None, "code": None}}


_FRAMES: Mapping[str, Callable[[Saying], list[Piece]]] = MappingProxyType(
    {"openai_chat": _openai_frames, "anthropic_messages": _anthropic_frames, "gemini": _gemini_frames}
)
_WHOLE: Mapping[str, Callable[[Saying], Body]] = MappingProxyType(
    {"openai_chat": _openai_whole, "anthropic_messages": _anthropic_whole, "gemini": _gemini_whole}
)
_DELTA: Mapping[str, Callable[[Saying, Word], bytes]] = MappingProxyType(
    {"openai_chat": _openai_delta, "anthropic_messages": _anthropic_delta, "gemini": _gemini_delta}
)
