"""One JSON array as a stream: bytes to its elements, however the bytes are split, and elements to bytes.

So Gemini streams without `alt=sse`. A lone object in place of the array is one element: its errors come so.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from hortus.canon.errors import BrokenStream
from hortus.framing.sse import FRAME_LIMIT_BYTES

_OPENING, _CLOSING, _SPACE = b"[{", b"]}", b" \t\r\n"
_MARK = re.compile(rb'["\[\]{}]')
_REST_OF_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_REST_OF_PLAIN = re.compile(rb"[^\s,\]]*+")  # a number, true, false or null


class _Place(Enum):
    START = auto()
    FIRST = auto()
    """After the opening bracket: an element, or the end."""
    NEXT = auto()
    """After a comma."""
    NESTED = auto()
    """Inside an object or array."""
    TEXT = auto()
    """Inside an element that is a text."""
    PLAIN = auto()
    """Inside a number or a word."""
    AFTER = auto()
    """After an element: a comma, or the end."""
    END = auto()


class JsonArraySplitter:
    r"""Cuts one array into its elements; each is handed out when it is complete.

    >>> splitter = JsonArraySplitter()
    >>> splitter.feed(b'[{"a": "]"}'), splitter.feed(b',\r\n{"b"'), splitter.feed(b": 1}\n]")
    ([b'{"a": "]"}'], [], [b'{"b": 1}'])
    >>> splitter.close()
    """

    __slots__ = ("_depth", "_held", "_held_bytes", "_in_text", "_is_escaped", "_is_lone", "_place")

    def __init__(self) -> None:
        self._place = _Place.START
        self._held: list[bytes] = []
        """The beginning of an element in the parts it came in."""
        self._held_bytes = 0
        self._depth = 0
        self._in_text = False
        self._is_escaped = False
        self._is_lone = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the elements that `data` completes.

        Raises:
            BrokenStream: This is no JSON array, or an element is longer than `FRAME_LIMIT_BYTES`.
        """
        elements: list[bytes] = []
        at = 0
        while at < len(data):
            match self._place:
                case _Place.NESTED | _Place.TEXT | _Place.PLAIN:
                    end, is_complete = self._find_end(data, at)
                    self._hold(data[at:end])
                    at = end
                    if is_complete:
                        elements.append(self._take())
                case _ if data[at] in _SPACE:
                    at += 1
                case _:
                    at += self._step(data[at : at + 1])
        return elements

    def close(self) -> None:
        """The stream ended.

        Raises:
            BrokenStream: It ended before its array did.
        """
        if self._place is not _Place.END:
            raise BrokenStream("The host's stream ended inside its JSON array.")

    def _step(self, byte: bytes) -> int:
        """Judge one byte between elements; return how many bytes it takes (an element's first one: none)."""
        place = self._place
        if byte == b"[" and place is _Place.START:
            self._place = _Place.FIRST
        elif byte == b"," and place is _Place.AFTER:
            self._place = _Place.NEXT
        elif byte == b"]" and place in {_Place.FIRST, _Place.AFTER}:
            self._place = _Place.END
        elif place in {_Place.FIRST, _Place.NEXT} or (byte == b"{" and place is _Place.START):
            self._begin(byte)
            return 0
        else:
            raise _unexpected()
        return 1

    def _begin(self, byte: bytes) -> None:
        self._is_lone = self._place is _Place.START
        self._depth, self._in_text, self._is_escaped = 0, False, False
        if byte in _OPENING:
            self._place = _Place.NESTED
        elif byte == b'"':
            self._place = _Place.TEXT
        elif byte in b"-0123456789tfn":
            self._place = _Place.PLAIN
        else:
            raise _unexpected()

    def _find_end(self, data: bytes, at: int) -> tuple[int, bool]:
        """Return where the element ends in `data`, and whether it does."""
        if self._place is _Place.PLAIN:
            match = _REST_OF_PLAIN.match(data, at)
            end = match.end() if match else at
            return end, end < len(data)
        while at < len(data):
            if self._in_text:
                at = self._skip_text(data, at)
            else:
                mark = _MARK.search(data, at)
                if mark is None:
                    return len(data), False
                at = mark.end()
                self._note(data[at - 1 : at])
            if self._depth == 0 and not self._in_text:
                return at, True
        return at, False

    def _note(self, byte: bytes) -> None:
        if byte in _OPENING:
            self._depth += 1
        elif byte in _CLOSING:
            self._depth -= 1
        else:
            self._in_text = True

    def _skip_text(self, data: bytes, at: int) -> int:
        """Return the place after the text's end, or the end of `data`."""
        if self._is_escaped:
            self._is_escaped = False
            return at + 1
        match = _REST_OF_TEXT.match(data, at)
        at = match.end() if match else at
        if at == len(data):
            return at
        if data.startswith(b"\\", at):  # a backslash whose other half is still to come
            self._is_escaped = True
        else:
            self._in_text = False
        return at + 1

    def _hold(self, part: bytes) -> None:
        self._held.append(part)
        self._held_bytes += len(part)
        if self._held_bytes > FRAME_LIMIT_BYTES:
            raise BrokenStream(f"The host sent an element of more than {FRAME_LIMIT_BYTES} bytes.")

    def _take(self) -> bytes:
        element = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        self._place = _Place.END if self._is_lone else _Place.AFTER
        return element


class JsonArrayWriter:
    r"""Writes elements, each as soon as it is there, as one array.

    >>> writer = JsonArrayWriter()
    >>> writer.write(b"1") + writer.write(b"2") + writer.close()
    b'[1,\r\n2\n]'
    """

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = b"["

    def write(self, element: bytes) -> bytes:
        """Return the bytes for one more element, which must be valid JSON."""
        before, self._before = self._before, b",\r\n"
        return before + element

    def close(self) -> bytes:
        """Return the bytes that end the array."""
        return b"[]" if self._before == b"[" else b"\n]"


def _unexpected() -> BrokenStream:
    return BrokenStream("The host's stream is not the JSON array that this call answers with.")
