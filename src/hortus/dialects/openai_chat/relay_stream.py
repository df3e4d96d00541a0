"""One stream as it passes: usage, end and errors are read from copies; only an unasked usage frame is taken out."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.usage import read_usage
from hortus.framing.counting import UNREADABLE, estimate, read_served_model, tokens_in
from hortus.framing.sse import Frame, SseSplitter, is_whole, whole_rest

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


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        wants_usage: Whether the client asked for the usage frame; if not, that frame is consumed.
    """

    __slots__ = (
        "_deltas",
        "_is_failed",
        "_is_finished",
        "_model",
        "_said_bytes",
        "_splitter",
        "_tier",
        "_usage",
        "_wants_usage",
    )

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        self._wants_usage = wants_usage
        self._splitter = SseSplitter()
        self._deltas = self._said_bytes = 0
        self._usage: Usage | None = None
        self._model: msgspec.Raw | None = None
        self._tier: object = None
        self._is_finished = False
        self._is_failed = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: A frame is too long.
        """
        return b"".join([frame.raw for frame in self._splitter.feed(data) if self._read(frame)])

    def close(self) -> bytes:
        """The host ended the stream: return what was held back, if only its blank line is missing."""
        frame = self._splitter.close()
        if frame is None or not is_whole(frame) or not self._read(frame):
            return b""
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
        """Whether `[DONE]` or a finish reason was seen (some hosts never send the former)."""
        return self._is_finished

    @property
    def is_failed(self) -> bool:
        """Whether an error object was seen."""
        return self._is_failed

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """Nothing: chat completions are not kept for later requests."""
        return ()

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def _read(self, frame: Frame) -> bool:
        """Take note of a frame; tell whether it is for the client."""
        if frame.event == b"error":
            self._is_failed = True
        if frame.data is None:
            return True
        if frame.data.startswith(b"[DONE]"):
            self._is_finished = True
            return True
        try:
            chunk = _DECODE(frame.data)
        except UNREADABLE:
            return True  # not ours to judge: it passes as it is
        self._read_choices(chunk)
        has_error = chunk.error != _NOTHING
        self._is_failed |= has_error
        if chunk.usage == _NOTHING:
            return True
        self._usage = read_usage(chunk.usage, tier=self._tier) or self._usage
        return self._wants_usage or has_error or bool(chunk.choices)

    def _read_choices(self, chunk: _Chunk) -> None:
        if self._model is None and chunk.model != _NOTHING:
            self._model = chunk.model
        if chunk.service_tier is not None:
            self._tier = chunk.service_tier
        for choice in chunk.choices or ():
            if choice.finish_reason != _NOTHING:
                self._is_finished = True
            said_bytes = choice.delta.said_bytes() if choice.delta is not None else 0
            if said_bytes:
                self._deltas += 1
                self._said_bytes += said_bytes
