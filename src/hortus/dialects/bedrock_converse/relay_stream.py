"""One stream as it passes: usage, end and errors are read from copies, and every byte goes on as it came."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse.frames import Frame, Splitter
from hortus.dialects.bedrock_converse.relay import Said
from hortus.framing.counting import UNREADABLE, estimate, tokens_in

_DELTA_BYTES = len('{"contentBlockIndex":0,"delta":{"text":""},"p":"abcdefghijklmnopqrstuvwxyzABCDE"}')
"""What stands around the words of a delta, padding of usual length among it."""

_DECODE = msgspec.json.Decoder(Said).decode


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`."""

    __slots__ = ("_deltas", "_said_bytes", "_splitter", "is_failed", "is_finished", "served_model", "usage")

    given_ids: tuple[HostId, ...] = ()

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        del wants_usage  # these streams always report it
        self._splitter = Splitter()
        self._deltas = self._said_bytes = 0
        self.usage: Usage | None = None
        self.served_model: str | None = None
        self.is_finished = False
        self.is_failed = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the frames that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: Lengths, checksums or headers of a frame are wrong.
        """
        frames = self._splitter.feed(data)
        for frame in frames:
            self._read(frame)
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """The host ended the stream: half a frame is never passed on."""
        return b""

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def _read(self, frame: Frame) -> None:
        if frame.is_failure:
            self.is_failed = True
        elif frame.kind == "contentBlockDelta":
            self._deltas += 1
            self._said_bytes += max(len(frame.payload) - _DELTA_BYTES, 0)
        elif frame.kind == "messageStop":
            self.is_finished = True
        elif frame.kind == "metadata":
            self._note(frame.payload)

    def _note(self, payload: bytes) -> None:
        try:
            said = _DECODE(payload)
        except UNREADABLE:
            return  # not ours to judge
        self.usage = said.counted() or self.usage
        self.served_model = said.served_model()
