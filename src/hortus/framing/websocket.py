"""WebSocket frames (RFC 6455) between bytes and whole messages, bounded and without I/O; wsproto reads the frames."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from hortus.canon.realtime import Message

NORMAL, GOING_AWAY, PROTOCOL_ERROR, RULES, TOO_BIG, FAULT = 1000, 1001, 1002, 1008, 1009, 1011
"""Close codes: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1."""

_NEVER_SENT = frozenset((1005, 1006, 1015))
"""Codes that only say how a connection was lost."""

_LOWEST_CODE, _HIGHEST_CODE = 1000, 4999

_ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_REASON_BYTES = 123
_KEY_BYTES = 16


class Closing(msgspec.Struct, frozen=True):
    """The other side has closed, or broken the rules; code as it came, 1005 where there was none."""

    code: int
    reason: str = ""


class Frames:
    """One side of an open WebSocket.

    Args:
        is_client: Whether this side is the client, which masks what it sends.
        most_bytes: Longest message that is taken.
    """

    def __init__(self, *, is_client: bool, most_bytes: int) -> None:
        self._wire = Connection(ConnectionType.CLIENT if is_client else ConnectionType.SERVER)
        self._most_bytes = most_bytes
        self._held = bytearray()
        """What has come of a message that is not whole; pieces of any number take no more room than their bytes."""
        self._is_over = False

    def feed(self, data: bytes) -> tuple[list[Message | Closing], bytes]:
        """Take bytes; return the messages that are whole now, and bytes to send back (to pings and closes).

        Nothing follows a `Closing`. Of several pings the last one is answered (RFC 6455, 5.5.3).
        """
        if self._is_over:
            return [], b""
        self._wire.receive_data(data)
        found: list[Message | Closing] = []
        ping: Ping | None = None
        for event in self._wire.events():
            if isinstance(event, Ping):
                ping = event
            elif isinstance(event, CloseConnection):
                self._is_over = True
                found.append(Closing(int(event.code), event.reason or ""))
                return found, self.close(_code_to_send(int(event.code)))
            elif isinstance(event, TextMessage | BytesMessage) and not self._gather(event, found):
                self._is_over = True
                found.append(Closing(TOO_BIG, f"A message is longer than {self._most_bytes} bytes."))
                return found, self.close(TOO_BIG)
        return found, self._answer(ping)

    def _answer(self, ping: Ping | None) -> bytes:
        if ping is None or self._wire.state is not ConnectionState.OPEN:
            return b""
        return self._wire.send(ping.response())

    def _gather(self, event: TextMessage | BytesMessage, found: list[Message | Closing]) -> bool:
        """Take a part of a message; False where it is too long."""
        is_text = isinstance(event, TextMessage)
        self._held += event.data.encode() if isinstance(event.data, str) else event.data
        if len(self._held) > self._most_bytes:
            return False
        if event.message_finished:
            found.append(self._held.decode() if is_text else bytes(self._held))
            self._held = bytearray()
        return True

    def write(self, message: Message) -> bytes:
        """Return a message's bytes; none once this side or the other has closed."""
        if self._wire.state is not ConnectionState.OPEN or self._is_over:
            return b""
        return self._wire.send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    def ping(self) -> bytes:
        """Return the bytes that ask the other side whether it is there."""
        return self._wire.send(Ping()) if self._wire.state is ConnectionState.OPEN and not self._is_over else b""

    def close(self, code: int, reason: str = "") -> bytes:
        """Return the bytes that close; none where this side has closed."""
        if self._wire.state not in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            return b""
        return self._wire.send(CloseConnection(_code_to_send(code), _shorten(reason) or None))


def accept_of(key: bytes) -> bytes | None:
    """Return what a server answers to a client's key (RFC 6455, 4.2.2); None where it is no such key."""
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return None
    return base64.b64encode(hashlib.sha1(key + _ACCEPT_SALT).digest()) if is_key else None  # noqa: S324 -- RFC 6455


def _code_to_send(code: int) -> int:
    """Return a code that may stand in a frame.

    >>> _code_to_send(1006)
    1000
    """
    return code if _LOWEST_CODE <= code <= _HIGHEST_CODE and code not in _NEVER_SENT else NORMAL


def _shorten(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
