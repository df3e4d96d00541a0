"""Server-sent events: bytes to frames, however the bytes are split; joined again, the frames are the bytes.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, read 2026-11.
"""

from __future__ import annotations

import re

import msgspec

from hortus.canon.errors import BrokenStream

FRAME_LIMIT_BYTES = 16 * 1024 * 1024
"""Longest frame that is held: above every single event that hosts send (pictures in base64 among them)."""

# A blank line: two line ends in a row. Atomic, so that the two bytes of one CRLF never count as two.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_TAIL_BYTES = 3  # of the four in the longest blank line
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LINE_ENDS_TO_SPACES = bytes.maketrans(b"\r\n", b"  ")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One event.

    Attributes:
        raw: Its bytes as sent, with the blank line that ends it.
        data: Its `data` lines joined by line feeds; None where it has none, such as a comment.
        event: Its `event` line, None where it has none.
    """

    raw: bytes
    data: bytes | None
    event: bytes | None = None


class SseSplitter:
    r"""Cuts one stream into frames.

    Args:
        limit_bytes: Longest frame.

    >>> splitter = SseSplitter()
    >>> [frame.data for frame in splitter.feed(b"data: a\n\ndata")]
    [b'a']
    >>> [frame.data for frame in splitter.feed(b": b\r\n\r\n: hush\n\n")]
    [b'b', None]
    """

    __slots__ = ("_held", "_held_bytes", "_limit_bytes", "_tail")

    def __init__(self, limit_bytes: int = FRAME_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held: list[bytes] = []
        """The beginning of a frame in the parts it came in; joined once, at its end, or a long one costs its square."""
        self._held_bytes = 0
        self._tail = b""
        """The last bytes held: with what follows they may make a blank line."""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Raises:
            BrokenStream: A frame is longer than the limit.
        """
        search_from = 0
        if not self._held and _is_plain(data):
            return [Frame(data, data[6:-2])]
        if self._held:
            if not _find_end(self._tail + data, 0):
                self._hold(data)
                return []
            search_from = max(0, self._held_bytes - _TAIL_BYTES)
            self._held.append(data)
            data = self._take()
        frames = []
        start = 0
        end = _find_end(data, search_from)
        while end:
            frames.append(read_frame(data[start:end]))
            start, end = end, _find_end(data, end)
        if start < len(data):
            self._hold(data[start:])
        return frames

    def close(self) -> Frame | None:
        """The stream ended: return what was held back, None where nothing was."""
        held = self._take()
        return read_frame(held) if held else None

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        if self._held_bytes > self._limit_bytes:
            raise BrokenStream(f"The host sent an event of more than {self._limit_bytes} bytes.")

    def _take(self) -> bytes:
        held = b"".join(self._held)
        self._held.clear()
        self._held_bytes, self._tail = 0, b""
        return held


def is_whole(frame: Frame) -> bool:
    """Tell whether a frame that its stream ended in lacks only its blank line: half of one is no place for an error.

    >>> is_whole(read_frame(b'data: {"a"')), is_whole(read_frame(b'data: {"a":1}'))
    (False, True)
    """
    if frame.data is None:
        return False
    if frame.data.startswith(b"[DONE]"):
        return True
    try:
        msgspec.json.decode(frame.data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def whole_rest(raw: bytes, *, is_last: bool) -> bytes:
    r"""Return what a relay passes on of such a frame: an error that follows it must not become a part of it.

    >>> whole_rest(b"data: 1", is_last=False)
    b'data: 1\n\n'
    """
    return raw if is_last or not raw else raw + b"\n\n"


def _find_end(held: bytes, search_from: int) -> int:
    """Return where the next frame ends, 0 where it is not complete."""
    if b"\r" not in held:  # the usual case, several times faster
        found = held.find(b"\n\n", search_from)
        return found + 2 if found >= 0 else 0
    match = _BLANK_LINE.search(held, search_from)
    if match is None or (match.end() == len(held) and held.endswith(b"\r")):
        return 0  # after a carriage return its line feed may still come
    return match.end()


def read_frame(raw: bytes) -> Frame:
    r"""Return the frame in `raw`, one event with or without its blank line.

    >>> read_frame(b"event: error\ndata: 1\ndata: 2\n\n")
    Frame(raw=b'event: error\ndata: 1\ndata: 2\n\n', data=b'1\n2', event=b'error')
    """
    if _is_plain(raw):
        return Frame(raw, raw[6:-2])
    event = None
    lines = []
    for line in _LINE_END.split(raw.removeprefix(b"\xef\xbb\xbf")):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name == b"event":
            event = value.removeprefix(b" ")
    return Frame(raw, b"\n".join(lines) if lines else None, event)


def _is_plain(raw: bytes) -> bool:
    """Tell whether this is one `data` line with its blank line, as is nearly every frame that hosts send."""
    return raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and raw.endswith(b"\n") and b"\r" not in raw


def write_frame(data: bytes, event: bytes | None = None) -> bytes:
    r"""Return a frame with `data`, which is JSON or a word, and the name `event`.

    Line ends, which JSON may have between its tokens (a host's values are passed on as they came), become spaces.

    >>> write_frame(b'{"args": {\n}}', b"delta")
    b'event: delta\ndata: {"args": { }}\n\n'
    """
    if b"\n" in data or b"\r" in data:
        data = data.translate(_LINE_ENDS_TO_SPACES)
    if event is None:
        return b"data: " + data + b"\n\n"
    return b"event: " + event + b"\ndata: " + data + b"\n\n"


def on_one_line(data: bytes) -> bytes:
    """Return JSON without line ends; it may have some between its tokens, for a host's values are passed on as sent."""
    return data.translate(_LINE_ENDS_TO_SPACES) if b"\n" in data or b"\r" in data else data
