"""One stream as it passes: usage, end and errors are read from copies; every byte goes on as it came."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.cohere_v2.usage import read_usage
from hortus.framing.counting import UNREADABLE, estimate, tokens_in
from hortus.framing.sse import Frame, SseSplitter, is_whole, whole_rest

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


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`."""

    __slots__ = ("_deltas", "_is_failed", "_is_finished", "_said_bytes", "_splitter", "_usage")

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        del wants_usage  # these streams always report it
        self._splitter = SseSplitter()
        self._deltas = self._said_bytes = 0
        self._usage: Usage | None = None
        self._is_finished = False
        self._is_failed = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: A frame is too long.
        """
        frames = self._splitter.feed(data)
        for frame in frames:
            self._read(frame)
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """The host ended the stream: return what was held back, if only its blank line is missing."""
        frame = self._splitter.close()
        if frame is None or not is_whole(frame):
            return b""
        self._read(frame)
        return whole_rest(frame.raw, is_last=self._is_finished or self._is_failed)

    @property
    def usage(self) -> Usage | None:
        """What the host reported, None before."""
        return self._usage

    @property
    def served_model(self) -> str | None:
        """Nothing: Cohere never names the model."""
        return None

    @property
    def is_finished(self) -> bool:
        """Whether `message-end` was seen."""
        return self._is_finished

    @property
    def is_failed(self) -> bool:
        """Whether it was seen with an error."""
        return self._is_failed

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """Nothing: chats are not kept for later requests."""
        return ()

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def _read(self, frame: Frame) -> None:
        if frame.data is None:
            return
        try:
            event = _DECODE(frame.data)
        except UNREADABLE:
            return  # not ours to judge, `[DONE]` among it
        if event.type in _DELTAS:
            self._deltas += 1
            self._said_bytes += max(len(frame.data) - _DELTA_BYTES, 0)
        elif event.type == "message-end":
            delta = event.delta or _Delta()
            self._usage = read_usage(delta.usage)
            self._is_failed = delta.finish_reason == "ERROR" and delta.error != _NOTHING
            self._is_finished = not self._is_failed
