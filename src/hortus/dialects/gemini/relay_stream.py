"""One stream as it passes: usage, end and errors are read from copies, and every byte goes on as it came."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import HostId
from hortus.canon.errors import BrokenStream
from hortus.canon.usage import Usage
from hortus.dialects.gemini.frames import Frames
from hortus.dialects.gemini.usage import count, searches_in
from hortus.framing.counting import BYTES_PER_TOKEN, UNREADABLE, estimate, read_served_model
from hortus.framing.sse import whole_rest

_NOTHING = msgspec.Raw(b"null")


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: msgspec.Raw = _NOTHING
    finish_reason: msgspec.Raw = _NOTHING


class _Chunk(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: dict[str, msgspec.Raw] | None = None
    prompt_feedback: dict[str, msgspec.Raw] | None = None
    model_version: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Chunk).decode


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        wants_usage: Without meaning here: Google always reports it.
    """

    __slots__ = ("_frames", "_model", "_output_bytes", "_searches", "is_failed", "is_finished", "usage")

    given_ids: tuple[HostId, ...] = ()

    def __init__(self, wants_usage: bool = True) -> None:  # noqa: FBT001, FBT002 -- the record calls it with one argument
        del wants_usage
        self._frames = Frames()
        self._output_bytes = 0
        self._searches = 0
        self._model: msgspec.Raw | None = None
        self.usage: Usage | None = None
        self.is_finished = False
        self.is_failed = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: A frame is too long, or this is neither events nor an array.
        """
        for text in self._frames.feed(data):
            self._read(text)
        return self._frames.whole

    def close(self) -> bytes:
        """The host ended the stream: return what was held back, if only its blank line is missing."""
        try:
            texts = self._frames.close()
        except BrokenStream:
            self.is_finished = False  # its array is open still
            return b""
        for text in texts:
            self._read(text)
        return whole_rest(self._frames.whole, is_last=self.is_finished or self.is_failed)

    @property
    def served_model(self) -> str | None:
        """What the host says answers."""
        return read_served_model(self._model)

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count the bytes of what was delivered."""
        return estimate(input_bytes=input_bytes, output_tokens=-(-self._output_bytes // BYTES_PER_TOKEN))

    def _read(self, text: bytes) -> None:
        try:
            chunk = _DECODE(text)
        except UNREADABLE:
            return  # not ours to judge: it passes as it is
        self.is_failed |= chunk.error != _NOTHING
        if self._model is None and chunk.model_version != _NOTHING:
            self._model = chunk.model_version
        self._read_usage(chunk, text)
        self.is_finished |= "blockReason" in (chunk.prompt_feedback or ())
        for candidate in chunk.candidates or ():
            self._output_bytes += len(bytes(candidate.content))
            self.is_finished |= candidate.finish_reason != _NOTHING

    def _read_usage(self, chunk: _Chunk, text: bytes) -> None:
        searches = max(self._searches, searches_in(text))
        if chunk.usage_metadata:
            self.usage = count(chunk.usage_metadata, searches=searches) or self.usage
        if searches > self._searches:
            self._searches = searches
            self.usage = self.usage and msgspec.structs.replace(self.usage, searches=searches)
