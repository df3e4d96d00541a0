"""One stream as it passes: usage, end and errors are read from copies; only an unasked usage frame is taken out."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import StreamUsage
from hortus.dialects.openai_chat.usage import read_usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

_NOTHING = msgspec.Raw(b"null")
_EMPTY = frozenset((b"null", b'""', b"[]"))


_CALL_BYTES = len('[{"index":0,"function":{"arguments":""}}]')
"""What stands around the words of a call."""


class _Delta(msgspec.Struct, gc=False):
    content: msgspec.Raw = _NOTHING
    tool_calls: msgspec.Raw = _NOTHING
    reasoning_content: msgspec.Raw = _NOTHING
    reasoning: msgspec.Raw = _NOTHING
    refusal: msgspec.Raw = _NOTHING

    def said_bytes(self) -> int:
        """Return how long it is what this says, as JSON; 0 where it says nothing."""
        content = bytes(self.content)
        if content not in _EMPTY:  # nearly always
            return len(content) - 2
        others = (self.reasoning_content, self.reasoning, self.refusal)
        texts = [len(said) - 2 for one in others if (said := bytes(one)) not in _EMPTY]
        if bytes(self.tool_calls) not in _EMPTY:
            texts.append(max(len(bytes(self.tool_calls)) - _CALL_BYTES, 1))
        return sum(texts)


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: msgspec.Raw = _NOTHING


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    model: msgspec.Raw = _NOTHING
    service_tier: object = None


_DECODE = msgspec.json.Decoder(_Chunk).decode


class _Reading:
    """Reads one stream.

    Args:
        wants_usage: Whether the client asked for the usage frame; if not, that frame is consumed.
    """

    __slots__ = ("_tier", "_wants_usage")

    def __init__(self, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        self._tier: object = None

    def read(self, stream: PassingEvents, frame: Frame) -> bool:
        """Take note of a frame; tell whether it is for the client."""
        if frame.event == b"error":
            stream.is_failed = True
        if frame.data is None:
            return True
        if frame.data.startswith(b"[DONE]"):
            stream.is_finished = True
            return True
        try:
            chunk = _DECODE(frame.data)
        except UNREADABLE:
            return True  # not ours to judge: it passes as it is
        self._read_choices(stream, chunk)
        has_error = chunk.error != _NOTHING
        stream.is_failed |= has_error
        if chunk.usage == _NOTHING:
            return True
        stream.usage = read_usage(chunk.usage, tier=self._tier) or stream.usage
        return self._wants_usage or has_error or bool(chunk.choices)

    def _read_choices(self, stream: PassingEvents, chunk: _Chunk) -> None:
        if stream.model is None and chunk.model != _NOTHING:
            stream.model = chunk.model
        if chunk.service_tier is not None:
            self._tier = chunk.service_tier
        for choice in chunk.choices or ():
            if choice.finish_reason != _NOTHING:  # some hosts never send `[DONE]`
                stream.is_finished = True
            said_bytes = choice.delta.said_bytes() if choice.delta is not None else 0
            if said_bytes:
                stream.say(said_bytes)


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream."""
    return PassingEvents(_Reading(wants_usage=wants_usage).read)
