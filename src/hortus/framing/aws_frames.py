"""The frames of a stream: Amazon's event stream, whose headers say what each payload is."""

from __future__ import annotations

import msgspec

from hortus.canon.errors import BrokenStream
from hortus.framing.aws_event_stream import EventStreamSplitter, Message, text, write_message

STREAM_TYPE = "application/vnd.amazon.eventstream"

_TYPE, _EVENT, _EXCEPTION = ":message-type", ":event-type", ":exception-type"
_JSON = text("application/json")
_ENCODE = msgspec.json.Encoder().encode


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message.

    Attributes:
        kind: Its event type, or the type of what went wrong.
        payload: JSON.
        raw: Its bytes as sent.
        is_failure: Whether it is an exception or error.
    """

    kind: str
    payload: bytes
    raw: bytes
    is_failure: bool = False


class Splitter:
    """Cuts one stream into frames."""

    __slots__ = ("_splitter",)

    def __init__(self) -> None:
        self._splitter = EventStreamSplitter()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes; those before a broken one first, which is said at the next call.

        Raises:
            BrokenStream: Lengths, checksums or headers of a frame are wrong.
        """
        frames: list[Frame] = []
        try:
            frames.extend(_frame(message) for message in self._splitter.feed(data))
        except BrokenStream:
            if not frames:
                raise
        return frames

    def close(self) -> None:
        """The stream ended.

        Raises:
            BrokenStream: It ended inside a frame, or with a broken one.
        """
        tuple(self._splitter.feed(b""))  # a broken one says so again
        self._splitter.close()


def _frame(message: Message) -> Frame:
    match message.text(_TYPE):
        case "exception":
            return Frame(message.text(_EXCEPTION) or "", message.payload, message.raw, is_failure=True)
        case "error":
            told = _ENCODE({"message": message.text(":error-message") or ""})
            return Frame(message.text(":error-code") or "", told, message.raw, is_failure=True)
        case _:
            return Frame(message.text(_EVENT) or "", message.payload, message.raw)


def write_event(kind: str, payload: bytes) -> bytes:
    """Return the frame of an event."""
    return write_message({_EVENT: text(kind), ":content-type": _JSON, _TYPE: text("event")}, payload)


def write_exception(kind: str, payload: bytes) -> bytes:
    """Return the frame of an exception."""
    return write_message({_EXCEPTION: text(kind), ":content-type": _JSON, _TYPE: text("exception")}, payload)
