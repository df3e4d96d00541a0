"""One stream as it passes, byte for byte: usage, end and errors are read from copies."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.mistral.relay_answer import read_usage
from hortus.framing.counting import UNREADABLE, estimate, read_served_model, tokens_in
from hortus.framing.sse import Frame, SseSplitter, is_whole, whole_rest

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


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        wants_usage: Makes no difference: these streams always end with it.
    """

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        del wants_usage
        self._splitter = SseSplitter()
        self._deltas = self._said_bytes = 0
        self._usage: Usage | None = None
        self._model: msgspec.Raw | None = None
        self._is_finished = self._is_failed = False

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
        """What the host reported last, None before."""
        return self._usage

    @property
    def served_model(self) -> str | None:
        """What the host says answers."""
        return read_served_model(self._model)

    @property
    def is_finished(self) -> bool:
        """Whether `[DONE]` or a finish reason was seen."""
        return self._is_finished

    @property
    def is_failed(self) -> bool:
        """Whether an error object was seen."""
        return self._is_failed

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """Nothing: Mistral keeps no chats for later requests."""
        return ()

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def _read(self, frame: Frame) -> None:
        """Take note of a frame."""
        self._is_failed |= frame.event == b"error"
        if frame.data is None:
            return
        if frame.data.startswith(b"[DONE]"):
            self._is_finished = True
            return
        try:
            chunk = _DECODE(frame.data)
        except UNREADABLE:
            return  # not ours to judge: it passes as it is
        has_error = chunk.error != _NOTHING or chunk.detail != _NOTHING
        self._is_failed |= has_error or bytes(chunk.object) == b'"error"'
        self._is_finished |= bytes(chunk.type) == _WRITTEN_DOWN
        self._read_choices(chunk)
        if chunk.usage != _NOTHING:
            self._usage = read_usage(chunk.usage) or self._usage

    def _read_choices(self, chunk: _Chunk) -> None:
        if self._model is None and chunk.model != _NOTHING:
            self._model = chunk.model
        for choice in chunk.choices or ():
            self._is_finished |= choice.finish_reason != _NOTHING
            said_bytes = choice.delta.said_bytes() if choice.delta is not None else 0
            if said_bytes:
                self._deltas += 1
                self._said_bytes += said_bytes
