"""What has the host seen, made and finished? One line for each event, each in one write(2): it outlives any kill.

Tokens stand in the book before the bytes that carry them are sent: the host counts never less than what it gave away.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, tag="seen", tag_field="k"):
    """A request is here, whole.

    Attributes:
        n: The host's own number of it.
        mark: The client's, out of the prompt.
        endpoint: First part of the path.
        nth_on_connection: 1 for the first request on a connection.
        output_limit: What the client said that it wants at most.
    """

    n: int
    mark: str
    endpoint: str
    dialect: str
    act: str
    is_stream: bool
    input_tokens: int
    nth_on_connection: int = 1
    output_limit: int | None = None
    request_id: str = ""


class Made(msgspec.Struct, frozen=True, tag="made", tag_field="k"):
    """So many tokens in all have been made for request `n`."""

    n: int
    tokens: int


class Ended(msgspec.Struct, frozen=True, tag="ended", tag_field="k"):
    """The host is done with request `n`: all was written, the other side closed, or an act of its own cut it."""

    n: int
    how: Literal["complete", "cut", "act"]
    sent_bytes: int


Entry = Seen | Made | Ended


class Account(msgspec.Struct):
    """One request in the host's books.

    Attributes:
        made_tokens: Of the answer, as far as it was made.
    """

    seen: Seen
    made_tokens: int = 0
    how: str = "running"
    sent_bytes: int = 0

    @property
    def billed_tokens(self) -> int:
        """Output tokens that a host would bill: never more than the client allowed."""
        limit = self.seen.output_limit
        return self.made_tokens if limit is None else min(self.made_tokens, limit)


_TOTAL = struct.Struct("<q")


class Book:
    """Writes the book, and beside it (`FILE.sent`) how many bytes have been sent in all."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._encode = msgspec.json.Encoder().encode
        self._sent_bytes = sent_bytes(path)
        self._total = os.open(_total_of(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.last_number = max((account.seen.n for account in read_book(path)), default=0)

    def write(self, entry: Entry) -> None:
        """Add a line."""
        os.write(self._descriptor, self._encode(entry) + b"\n")

    def add_sent(self, count: int) -> None:
        """So many more bytes have been sent."""
        self._sent_bytes += count
        os.pwrite(self._total, _TOTAL.pack(self._sent_bytes), 0)

    def close(self) -> None:
        """Close the files."""
        os.close(self._descriptor)
        os.close(self._total)


def sent_bytes(path: Path) -> int:
    """Return how many bytes the host of a book has sent by now."""
    try:
        data = _total_of(path).read_bytes()
    except FileNotFoundError:
        return 0
    return int(_TOTAL.unpack(data)[0]) if len(data) == _TOTAL.size else 0


def _total_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sent")


def read_book(path: Path) -> list[Account]:
    """Return every request in the order in which the host saw them; a torn last line is left out."""
    accounts: dict[int, Account] = {}
    for entry in _entries(path):
        if isinstance(entry, Seen):
            accounts[entry.n] = Account(entry)
        elif isinstance(entry, Made):
            accounts[entry.n].made_tokens = entry.tokens
        else:
            accounts[entry.n].how, accounts[entry.n].sent_bytes = entry.how, entry.sent_bytes
    return list(accounts.values())


def _entries(path: Path) -> Iterator[Entry]:
    decode = msgspec.json.Decoder(Seen | Made | Ended).decode
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decode(line)
