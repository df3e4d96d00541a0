"""What the bytes of an answer mean: head, body, end, or why it is refused. No I/O, no waiting."""

from __future__ import annotations

import httptools
import msgspec

_FRAMING = frozenset({b"content-encoding", b"content-length", b"keep-alive", b"transfer-encoding"})

_SWITCHING_PROTOCOLS = 101
_LOWEST_STATUS, _LOWEST_FINAL_STATUS, _HIGHEST_STATUS = 100, 200, 599

_HEADER_EXTRA_BYTES = 4
"""Colon, blank, CR, LF."""


class AnswerLimits(msgspec.Struct, frozen=True):
    """How much of an answer is taken."""

    head_bytes: int
    headers: int
    buffer_bytes: int


class Incoming:
    """An answer as far as it has come; the parser calls the `on_` methods.

    Attributes:
        status: Of the final answer, once its head is here.
        headers: Names in lower case. Interim answers (1xx) and trailers are not passed on.
        parts: The body without chunk framing, not yet taken.
        buffered_bytes: Length of `parts`.
        is_head_done: The final head is here.
        is_complete: The end is here.
        refusal: Why this is no acceptable answer.
        content_length: As announced, -1 where it was not.
        keep_alive_s: How long the host says that it keeps an idle connection.
    """

    __slots__ = (
        "_head_bytes",
        "_is_interim",
        "_is_to_head",
        "_limits",
        "_parser",
        "buffered_bytes",
        "can_be_followed",
        "content_length",
        "headers",
        "is_complete",
        "is_head_done",
        "keep_alive_s",
        "parts",
        "refusal",
        "status",
    )

    def __init__(self, limits: AnswerLimits, *, is_to_head: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.buffered_bytes = 0
        self.is_head_done = self.is_complete = False
        self.can_be_followed = False
        """Whether the connection may carry another answer after this one."""
        self.refusal: str | None = None
        self.content_length = -1
        self.keep_alive_s: float | None = None
        self._limits = limits
        self._is_to_head = is_to_head
        self._is_interim = False
        self._head_bytes = 0
        self._parser = httptools.HttpResponseParser(self)  # a fresh one: no state of another answer can leak

    def parse(self, data: bytes) -> None:
        """Take bytes; what they mean shows in the attributes."""
        if not self.is_head_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.can_be_followed = False
            if not self.is_complete:
                self._refuse("what came is not HTTP/1.1 as it should be")
        if not self.is_head_done and self._head_bytes > self._limits.head_bytes:
            self._refuse(f"its head is longer than {self._limits.head_bytes} bytes")

    def has_begun(self) -> bool:
        """Tell whether any byte has come."""
        return self._head_bytes > 0

    def ends_with_connection(self) -> bool:
        """Tell whether the answer has neither length nor chunks, so that a clean close is its end."""
        return self.is_head_done and not any(
            name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers
        )

    def take(self) -> bytes:
        """Return what is buffered, joined."""
        parts = self.parts
        taken = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.buffered_bytes = 0
        return taken

    def drop_parser(self) -> None:
        """Let the parser go (it refers back to this object); nothing may be parsed any more."""
        del self._parser

    def on_message_begin(self) -> None:
        """Hear of a first line: after the end of this answer nothing may follow unasked."""
        if self.is_complete:
            self.can_be_followed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if not self.is_head_done:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        if self.is_complete:
            return
        self._check_size()
        self.status = status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS or not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
            self._refuse(f"its status {status} is not one that was asked for")
        if status < _LOWEST_FINAL_STATUS:
            self._is_interim = True
            self.headers = []
            return
        self.can_be_followed = self._parser.should_keep_alive()
        for name, value in self.headers:
            if name in _FRAMING:
                self._read_framing(name, value)
        if self.refusal is None:
            self.is_head_done = True
            self.is_complete = self._is_to_head

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self.is_complete:  # an answer to HEAD has none
            self.can_be_followed = False
            return
        self.parts.append(part)
        self.buffered_bytes += len(part)

    def on_message_complete(self) -> None:
        """Hear the end of an interim answer or of the final one."""
        if self._is_interim:
            self._is_interim = False
        elif self.refusal is None:
            self.is_complete = True

    def _check_size(self) -> None:
        limits = self._limits
        if len(self.headers) > limits.headers:
            self._refuse(f"it has more than {limits.headers} headers")
        elif self._head_bytes > limits.head_bytes:  # or is it the body that came along?
            size = sum([len(name) + len(value) + _HEADER_EXTRA_BYTES for name, value in self.headers])
            if size > limits.head_bytes:
                self._refuse(f"its head is longer than {limits.head_bytes} bytes")

    def _read_framing(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.content_length = int(value)  # the parser has seen to it that these are digits
        elif name == b"keep-alive":
            self.keep_alive_s = _read_keep_alive(value)
        elif name == b"content-encoding":
            if value.strip().lower() not in {b"", b"identity"}:
                self._refuse("it is compressed, which was not asked for")
        elif value.strip().lower() != b"chunked":
            self._refuse("its transfer encoding was not asked for")

    def _refuse(self, why: str) -> None:
        self.refusal = self.refusal or why


def _read_keep_alive(value: bytes) -> float | None:
    for parameter in value.split(b","):
        name, _, number = parameter.strip().partition(b"=")
        if name.strip().lower() == b"timeout" and number.strip().isdigit():
            return float(number)
    return None
