"""One stream as it passes: usage, end, errors and given ids are read from copies; every byte goes on as it came."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId, StreamUsage
from hortus.dialects.anthropic_messages.usage import Said, count, said_in
from hortus.framing.anthropic_ids import container_ids, given_files
from hortus.framing.counting import UNREADABLE
from hortus.framing.sse import Frame
from hortus.framing.sse_passing import PassingEvents

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


class _Reading:
    """Reads one stream: what it used is said in pieces."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: Said = {}

    def read(self, stream: PassingEvents, frame: Frame) -> None:
        """Take note of a frame."""
        event = _event_in(frame)
        if event is None:
            return
        if event.type == "content_block_delta":
            stream.say(max(len(frame.data or b"") - _DELTA_BYTES, 0))
        else:
            self._note_event(stream, event)

    def _note_event(self, stream: PassingEvents, event: _Event) -> None:
        match event.type:
            case "content_block_start":
                _give(stream, given_files(event.content_block))
            case "message_start" if event.message is not None:
                stream.model = event.message.model
                self._note(stream, event.message, usage=event.message.usage)
            case "message_delta":
                self._note(stream, event.delta or _Message(), usage=event.usage)
            case "message_stop":
                stream.is_finished = True
            case "error":
                stream.is_failed = True
            case _:
                pass

    def _note(self, stream: PassingEvents, message: _Message, *, usage: Raw) -> None:
        if usage != _NOTHING:
            self._said = said_in(usage, self._said)
            stream.usage = count(self._said) or stream.usage
        _give(stream, container_ids(message.container))
        stream.is_finished |= message.stop_reason != _NOTHING


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- the record calls it with one argument
    """Return a reader of one stream; Anthropic sends several tokens at once."""
    del wants_usage  # these streams always report it
    return PassingEvents(_Reading().read, is_whole=lambda frame: _event_in(frame) is not None)


def _event_in(frame: Frame) -> _Event | None:
    """Return the event of a frame, None where it holds none, or what is not ours to judge."""
    if frame.data is None:
        return None
    try:
        return _DECODE(frame.data)
    except UNREADABLE:
        return None


def _give(stream: PassingEvents, ids: Iterable[HostId]) -> None:
    """Note files and containers that the host keeps."""
    stream.given_ids = tuple(dict.fromkeys((*stream.given_ids, *ids)))
