"""What a piece of a passing stream says: the last one has what was used.

Each `chunk` holds a piece in the model's own words, in base64. No end mark is common to all models: an orderly end
between two frames is one, and the counts of Bedrock, where they come, are it too.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

import msgspec

from hortus.framing.aws_frames import Frame
from hortus.framing.aws_passing import PassingStream
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import usage_of

_METRICS = b"amazon-bedrock-invocationMetrics"
_PIECE_BYTES = len('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}')
"""What stands around the words of a piece, as the largest family has it."""


class _Chunk(msgspec.Struct):
    piece: str = msgspec.field(default="", name="bytes")


class _Piece(msgspec.Struct):
    metrics: dict[str, object] | None = msgspec.field(default=None, name=_METRICS.decode())


_DECODE_CHUNK = msgspec.json.Decoder(_Chunk).decode
_DECODE_PIECE = msgspec.json.Decoder(_Piece).decode


def open_stream(wants_usage: bool) -> PassingStream:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream."""
    del wants_usage  # these streams always report it
    return PassingStream(_read, ends_anywhere=True)


def _read(stream: PassingStream, frame: Frame) -> None:
    try:
        piece = b64decode(_DECODE_CHUNK(frame.payload).piece)
        stream.say(len(piece) - _PIECE_BYTES)
        metrics = _DECODE_PIECE(piece).metrics if _METRICS in piece else None
    except (*UNREADABLE, binascii.Error):
        return  # not ours to judge
    if metrics is not None:
        stream.is_finished = True
        stream.usage = usage_of("bedrock_invoke", metrics) or stream.usage
