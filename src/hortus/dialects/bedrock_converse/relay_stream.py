"""What a frame of a passing stream says of usage and end."""

from __future__ import annotations

import msgspec

from hortus.dialects.bedrock_converse.relay import Said
from hortus.framing.aws_frames import Frame
from hortus.framing.aws_passing import PassingStream
from hortus.framing.counting import UNREADABLE

_DELTA_BYTES = len('{"contentBlockIndex":0,"delta":{"text":""},"p":"abcdefghijklmnopqrstuvwxyzABCDE"}')
"""What stands around the words of a delta, padding of usual length among it."""

_DECODE = msgspec.json.Decoder(Said).decode


def open_stream(wants_usage: bool) -> PassingStream:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream."""
    del wants_usage  # these streams always report it
    return PassingStream(_read)


def _read(stream: PassingStream, frame: Frame) -> None:
    if frame.kind == "contentBlockDelta":
        stream.say(len(frame.payload) - _DELTA_BYTES)
    elif frame.kind == "messageStop":
        stream.is_finished = True
    elif frame.kind == "metadata":
        _note(stream, frame.payload)


def _note(stream: PassingStream, payload: bytes) -> None:
    try:
        said = _DECODE(payload)
    except UNREADABLE:
        return  # not ours to judge
    stream.usage = said.counted() or stream.usage
    stream.served_model = said.served_model()
