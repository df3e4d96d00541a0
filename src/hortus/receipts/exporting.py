r"""An export of the chain as lines of JSON: how each line is spelled, and when an entry is shown with its record.

    {"hortus":"receipts","format":1,"signed":{"statement":{"what":"export",…},"key":"…","signature":"…"}}
    {"seq":2,"kind":"receipt","hash":"…","record":{…}}
    {"seq":3,"kind":"receipt","hash":"…","digest":"…"}
    {"seq":4,"kind":"gone","hash":"…","stub":{"statement":{"what":"stub",…},"key":"…","signature":"…"}}
    {"end":{"lines":4,"sha256":"…"}}

A record stands there with the very bytes that were chained. An entry of others stands there as its digest. Pure.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from hortus.receipts.chain import KIND_NAMES, Place
from hortus.receipts.checkpoint import Signed

EXPORT_FORMAT = 1

NOTHING: Final = msgspec.Raw()
"""What stands where a line lacks a record or a stub."""

GONE: Final = "gone"
"""Kind of the line that stands for a segment whose time was over."""


class Wanted(msgspec.Struct, frozen=True):
    """Which records an export shows.

    Attributes:
        project: Name of the one whose receipts and acts are shown; all where None.
        project_id: Its id.
        since_ms: From this instant (UTC) on: when a request began, when an act was done.
        until_ms: Up to this instant, without it.
    """

    project: str | None = None
    project_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def has_instant(self, at_ms: int) -> bool:
        """Tell whether something of this instant is shown."""
        return (self.since_ms is None or at_ms >= self.since_ms) and (self.until_ms is None or at_ms < self.until_ms)


class Extent(msgspec.Struct, frozen=True):
    """A part of the chain: the places before and at its end, and how many of its records are wanted."""

    before: Place
    end: Place
    shown: int


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry as it stands in an export.

    Attributes:
        hash: Of the entry in hex; of the last one that is gone.
        record: Its bytes, where it is shown.
        digest: Of the record in hex, where it is not.
        stub: Signed statement of what is gone, from `seq` on.
        missing: The store had no record for it.
    """

    seq: int
    kind: str
    hash: str
    record: msgspec.Raw = NOTHING
    digest: str | None = None
    stub: msgspec.Raw = NOTHING
    missing: bool = False


class Head(msgspec.Struct, frozen=True, tag="receipts", tag_field="hortus"):
    """An export's first line; what is signed is a `checkpoint.Span`."""

    format: int
    signed: Signed


class End(msgspec.Struct, frozen=True):
    """How many lines stand before the last one, and the SHA-256 of all their bytes."""

    lines: int
    sha256: str


class Tail(msgspec.Struct, frozen=True):
    """An export's last line."""

    end: End


def head_line(signed: Signed) -> bytes:
    """Return the first line."""
    return msgspec.json.encode(Head(EXPORT_FORMAT, signed)) + b"\n"


def entry_line(seq: int, code: int, *, entry_hash: bytes, record: bytes | None, digest: bytes | None) -> bytes:
    """Return the line of one entry.

    Args:
        seq: Its place.
        code: Of its kind.
        entry_hash: Its hash.
        record: Its record's bytes, if they are shown.
        digest: Of its record, if they are not; neither: the store has lost it.
    """
    kind, own_hash = KIND_NAMES[code], entry_hash.hex()
    if record is not None:
        return spell(Line(seq, kind, own_hash, record=msgspec.Raw(record)))
    return spell(Line(seq, kind, own_hash, digest=digest.hex() if digest is not None else None))


def stub_line(seq: int, last_hash: str, *, stub: bytes) -> bytes:
    """Return the line that stands for a segment that is gone."""
    return spell(Line(seq, GONE, last_hash, stub=msgspec.Raw(stub)))


def spell(line: Line) -> bytes:
    """Return the one way in which a line is spelled."""
    begin = f'{{"seq":{line.seq},"kind":"{line.kind}","hash":"{line.hash}",'.encode()
    if line.record:
        return b'%b"record":%b}\n' % (begin, line.record)
    if line.digest is not None:
        return b'%b"digest":"%b"}\n' % (begin, line.digest.encode())
    if line.stub:
        return b'%b"stub":%b}\n' % (begin, line.stub)
    return begin + b'"missing":true}\n'


class Footing:
    """Counts the lines of an export, for its last one."""

    def __init__(self) -> None:
        self._lines = 0
        self._state = sha256()

    def add(self, line: bytes) -> None:
        """Take a line that is written, with its line break."""
        self._lines += 1
        self._state.update(line)

    @property
    def end(self) -> End:
        """What the last line must say."""
        return End(self._lines, self._state.hexdigest())

    def tail_line(self) -> bytes:
        """Return the last line."""
        return msgspec.json.encode(Tail(self.end)) + b"\n"
