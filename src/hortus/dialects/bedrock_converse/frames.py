"""The frames of a stream: Amazon's event stream, cut into events and written again.

https://smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11. Lengths and both checksums are checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import msgspec

from hortus.canon.errors import BrokenStream

STREAM_TYPE = "application/vnd.amazon.eventstream"

_PRELUDE_BYTES, _CHECKSUM_BYTES = 12, 4
_MOST_BYTES = 16 * 1024 * 1024
_STRING = 7
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Sizes of the types of headers that are not strings."""

_VARIABLE = (6, _STRING)
_JSON = "application/json"


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message.

    Attributes:
        kind: Its event type, or its exception type.
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

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Raises:
            BrokenStream: A length or checksum is wrong, or a frame too long.
        """
        self._held += data
        frames: list[Frame] = []
        start = 0
        while len(self._held) - start >= _PRELUDE_BYTES:
            total = _checked_length(bytes(self._held[start : start + _PRELUDE_BYTES]))
            if len(self._held) - start < total:
                break
            frames.append(_read(bytes(self._held[start : start + total])))
            start += total
        del self._held[:start]
        return frames


def _checked_length(prelude: bytes) -> int:
    total, headers, checksum = struct.unpack(">III", prelude)
    if zlib.crc32(prelude[:8]) != checksum:
        raise BrokenStream("A frame of the host's stream has a wrong checksum.")
    if not _PRELUDE_BYTES + headers + _CHECKSUM_BYTES <= total <= _MOST_BYTES:
        raise BrokenStream("A frame of the host's stream has a length that cannot be.")
    return int(total)


def _read(raw: bytes) -> Frame:
    end = len(raw) - _CHECKSUM_BYTES
    if zlib.crc32(raw[:end]) != struct.unpack(">I", raw[end:])[0]:
        raise BrokenStream("A frame of the host's stream has a wrong checksum.")
    headers_end = _PRELUDE_BYTES + struct.unpack(">I", raw[4:8])[0]
    headers = _read_headers(raw[_PRELUDE_BYTES:headers_end])
    payload = raw[headers_end:end]
    match headers.get(":message-type"):
        case "exception":
            return Frame(headers.get(":exception-type", ""), payload, raw, is_failure=True)
        case "error":
            told = msgspec.json.encode({"message": headers.get(":error-message", "")})
            return Frame(headers.get(":error-code", ""), told, raw, is_failure=True)
        case _:
            return Frame(headers.get(":event-type", ""), payload, raw)


def _read_headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    place = 0
    try:
        while place < len(data):
            name_end = place + 1 + data[place]
            name, kind = data[place + 1 : name_end].decode(), data[name_end]
            place = name_end + 1
            if kind in _VARIABLE:
                size = struct.unpack(">H", data[place : place + 2])[0]
                place += 2
            else:
                size = _FIXED_BYTES[kind]
            if place + size > len(data):
                raise BrokenStream("A header of the host's stream is cut off.")
            if kind == _STRING:
                headers[name] = data[place : place + size].decode()
            place += size
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise BrokenStream("A header of the host's stream cannot be read.") from error
    return headers


def write_event(kind: str, payload: bytes) -> bytes:
    """Return the frame of an event."""
    return _write({":event-type": kind, ":content-type": _JSON, ":message-type": "event"}, payload)


def write_exception(kind: str, payload: bytes) -> bytes:
    """Return the frame of an exception."""
    return _write({":exception-type": kind, ":content-type": _JSON, ":message-type": "exception"}, payload)


def _write(headers: Mapping[str, str], payload: bytes) -> bytes:
    block = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    total = _PRELUDE_BYTES + len(block) + len(payload) + _CHECKSUM_BYTES
    lengths = struct.pack(">II", total, len(block))
    head = lengths + struct.pack(">I", zlib.crc32(lengths)) + block + payload
    return head + struct.pack(">I", zlib.crc32(head))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + bytes((_STRING,)) + struct.pack(">H", len(value)) + value
