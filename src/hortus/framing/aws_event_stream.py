"""AWS's binary event stream: bytes to messages, however the bytes are split, and messages to bytes.

Every message has its lengths, a checksum of them, typed headers, a payload and a checksum of it all; what does not fit
together is a broken stream.
https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html, read 2026-11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final
from zlib import crc32

import msgspec

from hortus.canon.errors import BrokenStream

HEADERS_LIMIT_BYTES = 128 * 1024
PAYLOAD_LIMIT_BYTES = 24 * 1024 * 1024
"""The longest that botocore 1.44 takes, like the one before."""

_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_SHORT_LENGTH = struct.Struct(">H")
_HEAD_BYTES = _PRELUDE.size + _CRC.size
_FRAME_BYTES = _HEAD_BYTES + _CRC.size
"""What a message without headers and payload takes."""

_LONGEST_NAME_BYTES = 255
_LONGEST_VALUE_BYTES = 32_767  # the length is a signed number in awslabs/aws-c-event-stream


class Kind(IntEnum):
    """Types of header values, by the byte that stands for them."""

    TRUE = 0
    FALSE = 1
    BYTE = 2
    SHORT = 3
    INTEGER = 4
    LONG = 5
    BYTES = 6
    TEXT = 7
    TIMESTAMP = 8
    """Milliseconds since 1970-01-01 UTC."""
    UUID = 9
    """Its 16 bytes."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A typed value: bool, int, bytes or str, as its kind says."""

    kind: Kind
    value: bool | int | bytes | str


class Message(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        headers: By name, in their order.
        raw: Its bytes as sent; empty where it was not read from any.
    """

    headers: dict[str, Header]
    payload: bytes
    raw: bytes = b""

    def text(self, name: str) -> str | None:
        """Return a header that is a text, None where there is none of that name or it is something else."""
        value = self.headers[name].value if name in self.headers else None
        return value if isinstance(value, str) else None


_NUMBERS: Final = {
    Kind.BYTE: struct.Struct(">b"),
    Kind.SHORT: struct.Struct(">h"),
    Kind.INTEGER: struct.Struct(">i"),
    Kind.LONG: struct.Struct(">q"),
    Kind.TIMESTAMP: struct.Struct(">q"),
}
_UUID_BYTES = 16


class EventStreamSplitter:
    r"""Cuts one stream into messages.

    >>> splitter = EventStreamSplitter()
    >>> data = write_message({":event-type": text("ping")}, b"{}")
    >>> list(splitter.feed(data[:20]))
    []
    >>> [(message.text(":event-type"), message.payload) for message in splitter.feed(data[20:])]
    [('ping', b'{}')]
    >>> splitter.close()
    """

    __slots__ = ("_held", "_wanted_bytes")

    def __init__(self) -> None:
        self._held = bytearray()
        self._wanted_bytes = 0
        """Length of the message that begins what is held; 0 while its prelude has not been judged."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Return the messages that `data` completes; those before a broken one come all the same.

        Raises:
            BrokenStream: While they are looked at: lengths, checksums or headers of the next one are wrong.
        """
        self._held += data
        return self._messages()

    def close(self) -> None:
        """The stream ended.

        Raises:
            BrokenStream: It ended inside a message.
        """
        if self._held:
            raise BrokenStream(f"The host's event stream ended inside a message, after {len(self._held)} bytes of it.")

    def _messages(self) -> Iterator[Message]:
        while self._is_complete():
            raw = bytes(self._held[: self._wanted_bytes])
            message = _read_whole(raw)  # a broken one stays, so that every later look says the same
            del self._held[: self._wanted_bytes]
            self._wanted_bytes = 0
            yield message

    def _is_complete(self) -> bool:
        if not self._wanted_bytes and len(self._held) >= _HEAD_BYTES:
            self._wanted_bytes = _judge_prelude(bytes(self._held[:_HEAD_BYTES]))
        return 0 < self._wanted_bytes <= len(self._held)


def read_message(raw: bytes) -> Message:
    """Return the one message in `raw`.

    Raises:
        BrokenStream: It is not one message, whole and with nothing behind it.
    """
    if len(raw) < _HEAD_BYTES:
        raise _broken(f"a message of {len(raw)} bytes, which is less than its own beginning")
    total_bytes = _judge_prelude(raw[:_HEAD_BYTES])
    if total_bytes != len(raw):
        raise _broken(f"a message of {len(raw)} bytes that says it has {total_bytes}")
    return _read_whole(raw)


def _judge_prelude(head: bytes) -> int:
    """Return how long the message is. Raises BrokenStream where lengths or their checksum are wrong."""
    total_bytes, headers_bytes = _PRELUDE.unpack_from(head)
    (checksum,) = _CRC.unpack_from(head, _PRELUDE.size)
    if crc32(head[: _PRELUDE.size]) != checksum:
        raise _broken("a message whose lengths do not match their checksum")
    payload_bytes = total_bytes - headers_bytes - _FRAME_BYTES
    if payload_bytes < 0:
        raise _broken(f"a message of {total_bytes} bytes that says its headers have {headers_bytes}")
    if headers_bytes > HEADERS_LIMIT_BYTES:
        raise _broken(f"a message with {headers_bytes} bytes of headers; {HEADERS_LIMIT_BYTES} is the most")
    if payload_bytes > PAYLOAD_LIMIT_BYTES:
        raise _broken(f"a message with {payload_bytes} bytes of content; {PAYLOAD_LIMIT_BYTES} is the most")
    return int(total_bytes)


def _read_whole(raw: bytes) -> Message:
    """Read a message whose prelude has been judged and whose bytes are all there."""
    (checksum,) = _CRC.unpack_from(raw, len(raw) - _CRC.size)
    if crc32(raw[: -_CRC.size]) != checksum:
        raise _broken("a message that does not match its checksum")
    _, headers_bytes = _PRELUDE.unpack_from(raw)
    headers_end = _HEAD_BYTES + headers_bytes
    return Message(_read_headers(raw[_HEAD_BYTES:headers_end]), raw[headers_end : -_CRC.size], raw)


def _read_headers(block: bytes) -> dict[str, Header]:
    headers: dict[str, Header] = {}
    at = 0
    while at < len(block):
        start, at = at + 1, at + 1 + block[at]
        name = _read_text(_cut(block, start, at))
        if not name:
            raise _broken("a header without a name")
        if name in headers:
            raise _broken("two headers of the same name")
        kind = _kind(_cut(block, at, at + 1)[0])
        at += 1
        end = at + _length(block, at, kind)
        headers[name] = Header(kind, _read_value(kind, _cut(block, at, end)))
        at = end
    return headers


def _length(block: bytes, at: int, kind: Kind) -> int:
    """Return how many bytes a value takes, those of its own length included."""
    if kind in _NUMBERS:
        return _NUMBERS[kind].size
    if kind is Kind.UUID:
        return _UUID_BYTES
    if kind in {Kind.TRUE, Kind.FALSE}:
        return 0
    (value_bytes,) = _SHORT_LENGTH.unpack(_cut(block, at, at + _SHORT_LENGTH.size))
    if value_bytes > _LONGEST_VALUE_BYTES:
        raise _broken(f"a header of {value_bytes} bytes; {_LONGEST_VALUE_BYTES} is the most")
    return _SHORT_LENGTH.size + int(value_bytes)


def _read_value(kind: Kind, data: bytes) -> bool | int | bytes | str:
    if kind in _NUMBERS:
        return int(_NUMBERS[kind].unpack(data)[0])
    if kind is Kind.TEXT:
        return _read_text(data[_SHORT_LENGTH.size :])
    if kind is Kind.BYTES:
        return data[_SHORT_LENGTH.size :]
    return data if kind is Kind.UUID else kind is Kind.TRUE


def _read_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _broken("a header that is not UTF-8") from error


def _kind(byte: int) -> Kind:
    try:
        return Kind(byte)
    except ValueError as error:
        raise _broken(f"a header of the unknown type {byte}") from error


def _cut(block: bytes, start: int, end: int) -> bytes:
    if end > len(block):
        raise _broken("a header that is longer than all of them may be")
    return block[start:end]


def _broken(what: str) -> BrokenStream:
    return BrokenStream(f"The host's event stream holds {what}.")


def text(value: str) -> Header:
    """Return a header's value that is a text, as nearly all are."""
    return Header(Kind.TEXT, value)


def write_message(headers: Mapping[str, Header], payload: bytes) -> bytes:
    """Return a message's bytes.

    Raises:
        BrokenStream: Headers or payload are longer than a reader takes, or a value is not of its kind.
    """
    block = b"".join([_write_header(name, header) for name, header in headers.items()])
    if len(block) > HEADERS_LIMIT_BYTES or len(payload) > PAYLOAD_LIMIT_BYTES:
        raise _unfit(f"{len(block)} bytes of headers and {len(payload)} of content are too many")
    prelude = _PRELUDE.pack(_FRAME_BYTES + len(block) + len(payload), len(block))
    message = b"".join((prelude, _CRC.pack(crc32(prelude)), block, payload))
    return message + _CRC.pack(crc32(message))


def _write_header(name: str, header: Header) -> bytes:
    encoded = _encode(name)
    if not 0 < len(encoded) <= _LONGEST_NAME_BYTES:
        raise _unfit(f"a header's name has {len(encoded)} bytes; it may have 1 to {_LONGEST_NAME_BYTES}")
    return b"%c%b%c%b" % (len(encoded), encoded, header.kind, _write_value(header))


def _write_value(header: Header) -> bytes:
    match header.kind, header.value:
        case (Kind.TRUE, True) | (Kind.FALSE, False):
            return b""
        case Kind.TEXT, str(value):
            return _write_long(_encode(value))
        case Kind.BYTES, bytes(value):
            return _write_long(value)
        case Kind.UUID, bytes(value) if len(value) == _UUID_BYTES:
            return value
        case ((Kind.BYTE | Kind.SHORT | Kind.INTEGER | Kind.LONG | Kind.TIMESTAMP), int(value)):
            try:
                return _NUMBERS[header.kind].pack(value)
            except struct.error as error:
                raise _unfit(f"a number is too large for {header.kind.name}") from error
        case _:
            raise _unfit(f"a header's value is no {header.kind.name}")


def _write_long(data: bytes) -> bytes:
    if len(data) > _LONGEST_VALUE_BYTES:
        raise _unfit(f"a header has {len(data)} bytes; {_LONGEST_VALUE_BYTES} is the most")
    return _SHORT_LENGTH.pack(len(data)) + data


def _encode(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise _unfit("a header holds half of a character") from error


def _unfit(what: str) -> BrokenStream:
    return BrokenStream(f"An event does not fit AWS's event stream: {what}.")
