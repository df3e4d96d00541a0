"""One stream as it passes: usage, end, errors and given ids are read from copies; every byte goes on as it came."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages.relay_ids import container_ids, given_files
from hortus.dialects.anthropic_messages.usage import Said, count, said_in
from hortus.framing.counting import UNREADABLE, estimate, read_served_model, tokens_in
from hortus.framing.sse import Frame, SseSplitter, whole_rest

_NOTHING = Raw(b"null")
_DELTA_BYTES = len('{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":""}}')
"""What stands around the words of a delta."""


class _Message(msgspec.Struct):
    model: Raw = _NOTHING
    usage: Raw = _NOTHING
    container: Raw = _NOTHING
    stop_reason: Raw = _NOTHING


class _Event(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Message | None = None
    content_block: Raw = _NOTHING
    usage: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Event).decode


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`."""

    __slots__ = (
        "_deltas",
        "_given",
        "_is_failed",
        "_is_finished",
        "_model",
        "_said",
        "_said_bytes",
        "_splitter",
        "_usage",
    )

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        del wants_usage  # these streams always report it
        self._splitter = SseSplitter()
        self._deltas = self._said_bytes = 0
        self._usage: Usage | None = None
        self._said: Said = {}
        self._model: Raw | None = None
        self._is_finished = False
        self._is_failed = False
        self._given: list[HostId] = []

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
        if frame is None or not self._read(frame):
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
        """Whether `message_stop` or a reason to stop was seen."""
        return self._is_finished

    @property
    def is_failed(self) -> bool:
        """Whether an error event was seen."""
        return self._is_failed

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """Files and containers that the host keeps."""
        return tuple(dict.fromkeys(self._given))

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said: Anthropic sends several tokens at once."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def _read(self, frame: Frame) -> bool:
        """Take note of a frame; tell whether it holds an event."""
        if frame.data is None:
            return False
        try:
            event = _DECODE(frame.data)
        except UNREADABLE:
            return False  # not ours to judge
        if event.type == "content_block_delta":
            self._deltas += 1
            self._said_bytes += max(len(frame.data) - _DELTA_BYTES, 0)
        else:
            self._note_event(event)
        return True

    def _note_event(self, event: _Event) -> None:
        match event.type:
            case "content_block_start":
                self._given += given_files(event.content_block)
            case "message_start" if event.message is not None:
                self._model = event.message.model
                self._note(event.message, event.message.usage)
            case "message_delta":
                self._note(event.delta or _Message(), event.usage)
            case "message_stop":
                self._is_finished = True
            case "error":
                self._is_failed = True
            case _:
                pass

    def _note(self, message: _Message, usage: Raw) -> None:
        if usage != _NOTHING:
            self._said = said_in(usage, self._said)
            self._usage = count(self._said) or self._usage
        self._given += container_ids(message.container)
        self._is_finished |= message.stop_reason != _NOTHING
