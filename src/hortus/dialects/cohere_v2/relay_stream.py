"""One stream as it passes: usage, end and errors are read from copies; every byte goes on as it came."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import StreamUsage
from hortus.dialects.cohere_v2.usage import read_usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

_NOTHING = Raw(b"null")
_DELTAS = frozenset(("content-delta", "tool-plan-delta", "tool-call-delta"))
_DELTA_BYTES = len('{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":""}}}}')
"""What stands around the words of a delta."""


class _Delta(msgspec.Struct, gc=False):
    finish_reason: str | None = None
    usage: Raw = _NOTHING
    error: Raw = _NOTHING


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    delta: _Delta | None = None


_DECODE = msgspec.json.Decoder(_Event).decode


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream; Cohere's never name the model."""
    del wants_usage  # these streams always report it
    return PassingEvents(_read)


def _read(stream: PassingEvents, frame: Frame) -> None:
    if frame.data is None:
        return
    try:
        event = _DECODE(frame.data)
    except UNREADABLE:
        return  # not ours to judge, `[DONE]` among it
    if event.type in _DELTAS:
        stream.say(max(len(frame.data) - _DELTA_BYTES, 0))
    elif event.type == "message-end":
        delta = event.delta or _Delta()
        stream.usage = read_usage(delta.usage)
        stream.is_failed = delta.finish_reason == "ERROR" and delta.error != _NOTHING
        stream.is_finished = not stream.is_failed
