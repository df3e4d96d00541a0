"""One stream as it passes, byte for byte: usage, end and errors are read from copies."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import StreamUsage
from hortus.dialects.mistral.relay_answer import read_usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

_NOTHING = msgspec.Raw(b"null")
_EMPTY = frozenset((b"null", b'""', b"[]"))
_AROUND = {
    b'"': len('""'),
    b"[": len('[{"type":"thinking","thinking":[{"type":"text","text":""}]}]'),
}
"""What stands around the words of a content, by how it begins."""

_AROUND_CALL = len('[{"id":"","function":{"name":"","arguments":""},"index":0}]')


_WRITTEN_DOWN = b'"transcription.done"'
"""The last event of what is written down of sound. mistralai 3.7, read 2026-11."""


class _Delta(msgspec.Struct, gc=False):
    content: msgspec.Raw = _NOTHING
    tool_calls: msgspec.Raw = _NOTHING

    def said_bytes(self) -> int:
        """Return how long it is what this says, as JSON; 0 where it says nothing."""
        content, calls = bytes(self.content), bytes(self.tool_calls)
        said = 0 if content in _EMPTY else max(len(content) - _AROUND.get(content[:1], 0), 1)
        return said if calls in _EMPTY else said + max(len(calls) - _AROUND_CALL, 1)


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: msgspec.Raw = _NOTHING


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    detail: msgspec.Raw = _NOTHING
    object: msgspec.Raw = _NOTHING
    model: msgspec.Raw = _NOTHING
    type: msgspec.Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Chunk).decode


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream."""
    del wants_usage  # these streams always end with it
    return PassingEvents(_read)


def _read(stream: PassingEvents, frame: Frame) -> None:
    """Take note of a frame."""
    stream.is_failed |= frame.event == b"error"
    if frame.data is None:
        return
    if frame.data.startswith(b"[DONE]"):
        stream.is_finished = True
        return
    try:
        chunk = _DECODE(frame.data)
    except UNREADABLE:
        return  # not ours to judge: it passes as it is
    has_error = chunk.error != _NOTHING or chunk.detail != _NOTHING
    stream.is_failed |= has_error or bytes(chunk.object) == b'"error"'
    stream.is_finished |= bytes(chunk.type) == _WRITTEN_DOWN
    _read_choices(stream, chunk)
    if chunk.usage != _NOTHING:
        stream.usage = read_usage(chunk.usage) or stream.usage


def _read_choices(stream: PassingEvents, chunk: _Chunk) -> None:
    if stream.model is None and chunk.model != _NOTHING:
        stream.model = chunk.model
    for choice in chunk.choices or ():
        stream.is_finished |= choice.finish_reason != _NOTHING
        said_bytes = choice.delta.said_bytes() if choice.delta is not None else 0
        if said_bytes:
            stream.say(said_bytes)
