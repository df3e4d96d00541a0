"""One stream of Google's: server-sent events, or one JSON array where the client did not ask for them (`alt=sse`).

What came without events is told by its first byte. A lone object is an error, labelled as a stream.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent, read 2026-11.
"""

from __future__ import annotations

import msgspec

from hortus.canon.translation import Call
from hortus.framing.json_array import JsonArraySplitter, JsonArrayWriter
from hortus.framing.sse import Frame, SseSplitter, is_whole, on_one_line

_SPACE = b" \t\r\n"

ENCODE = msgspec.json.Encoder().encode


class Frames:
    """Cuts one stream into its JSON texts.

    Attributes:
        whole: What a relay passes on of the last bytes: the events that are whole; of an array, all.
    """

    __slots__ = ("_array", "_events", "whole")

    def __init__(self) -> None:
        self.whole = b""
        self._array: JsonArraySplitter | None = None
        self._events: SseSplitter | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Return the texts that are complete now.

        Raises:
            BrokenStream: Neither events nor an array, or one of them is too long.
        """
        self.whole = data
        if self._array is None and self._events is None:
            data = data.lstrip(_SPACE)
            if not data:
                return []
            if data[:1] in b"[{":
                self._array = JsonArraySplitter()
            else:
                self._events = SseSplitter()
        if self._array is not None:
            return self._array.feed(data)
        frames = [] if self._events is None else self._events.feed(data)
        self.whole = b"".join([frame.raw for frame in frames])
        return _texts(frames)

    def close(self) -> list[bytes]:
        """The stream ended: return the rest.

        Raises:
            BrokenStream: It ended inside its array.
        """
        self.whole = b""
        if self._array is not None:
            self._array.close()
        frame = self._events.close() if self._events is not None else None
        if frame is None:
            return []
        self.whole = frame.raw if is_whole(frame) else b""
        return _texts([frame])


def _texts(frames: list[Frame]) -> list[bytes]:
    return [frame.data for frame in frames if frame.data and not frame.data.startswith(b"[DONE]")]


def wants_events(call: Call) -> bool:
    """Tell whether a client asked for server-sent events."""
    return call.query.get("alt") == "sse" or call.query.get("$alt", "").startswith("sse")


def stream_type(call: Call) -> str:
    """Return the content type of a client's stream."""
    return "text/event-stream" if wants_events(call) else "application/json; charset=UTF-8"


class Framing:
    """Writes the frames of one stream in the way that the client asked for."""

    __slots__ = ("_array",)

    def __init__(self, call: Call) -> None:
        self._array = None if wants_events(call) else JsonArrayWriter()

    def write(self, body: object) -> bytes:
        """Return one more frame."""
        data = ENCODE(body)
        return self._array.write(data) if self._array is not None else b"data: " + on_one_line(data) + b"\r\n\r\n"

    def close(self) -> bytes:
        """Return what ends the stream."""
        return self._array.close() if self._array is not None else b""
