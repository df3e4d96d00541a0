"""How a record stands in a segment of the journal: one line with version, checksum and the previous record's hash.

    1 <crc32, 8 hex> <hash of the previous line, 32 hex> <JSON>

The checksum covers what follows it up to the line's end. A segment's first line is its header; a zero byte is where
nothing has been written yet. Pure: bytes in, values out.
"""

from __future__ import annotations

from binascii import crc32
from hashlib import blake2b

import msgspec

from hortus.receipts.records import JournalRecord, Opened, Refused, Settled

SEGMENT_FORMAT = 1
"""Version of this layout; a reader refuses another one."""

HASH_BYTES = 16
NO_HASH = "0" * (2 * HASH_BYTES)
"""Stands before a segment's first line."""

ANY_HASH = ""
"""A chain of which nothing is known, after a damaged place: the next line is believed."""

SUFFIX = ".journal"

_MARK = b"%d " % SEGMENT_FORMAT
_CRC_AT = len(_MARK)
_CHAIN_AT = _CRC_AT + 9
_JSON_AT = _CHAIN_AT + 2 * HASH_BYTES + 1
_SPACE = 0x20


class SegmentHeader(msgspec.Struct, frozen=True, tag="segment", tag_field="kind"):
    """A segment's first record.

    Attributes:
        writer: Who writes it; unique to one life of one process.
        previous: Hash of the last line of the writer's previous segment, None for its first.
    """

    format: int
    writer: str
    started_at_ms: int
    previous: str | None


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place between two lines: the offset of the next one and the hash of the one before."""

    offset: int
    chain: str


START = Position(offset=0, chain=NO_HASH)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line that was read: its record, and the position after it."""

    record: SegmentHeader | JournalRecord
    end: Position


class BadLine(ValueError):  # noqa: N818 -- an answer of `read_line`; people see CorruptJournal
    """Bytes that should be a line are none; the message says why, never what they hold."""


def write_line(payload: bytes, chain: bytes) -> tuple[bytes, bytes]:
    """Return the line that holds `payload` (JSON without line breaks), and its hash for the next one.

    Args:
        payload: The record as JSON.
        chain: Hash of the previous line, 32 hex digits.
    """
    body = chain + b" " + payload
    line = b"1 %08x %b\n" % (crc32(body), body)
    return line, blake2b(line, digest_size=HASH_BYTES).hexdigest().encode()


def read_line(line: bytes, at: Position) -> Line:
    """Return what a complete line (with its line break) holds.

    Raises:
        BadLine: Checksum, form, version, or place in the chain is wrong.
    """
    record, chain = read_record(line, at.chain)
    return Line(record, Position(at.offset + len(line), chain))


def read_record(line: bytes, chain: str) -> tuple[SegmentHeader | JournalRecord, str]:
    """Return what a complete line holds, and its hash for the next one; the same as `read_line`, for many in a row.

    Args:
        line: With its line break.
        chain: Hash of the previous line, or `ANY_HASH`.

    Raises:
        BadLine: Checksum, form, version, or place in the chain is wrong.
    """
    if line[:_CRC_AT] != _MARK:
        raise BadLine("it does not begin with a known format version")
    if len(line) <= _JSON_AT or line[_CHAIN_AT - 1] != _SPACE or line[_JSON_AT - 1] != _SPACE:
        raise BadLine("it is too short or lacks its fields")
    if b"%08x" % crc32(line[_CHAIN_AT:-1]) != line[_CRC_AT : _CHAIN_AT - 1]:
        raise BadLine("its checksum is wrong")
    if chain != ANY_HASH and chain.encode() != line[_CHAIN_AT : _JSON_AT - 1]:
        raise BadLine("its hash of the previous record is wrong")
    try:
        record = _DECODER.decode(line[_JSON_AT:-1])
    except msgspec.DecodeError as error:
        raise BadLine("its content is not a record that this release knows") from error
    return record, blake2b(line, digest_size=HASH_BYTES).hexdigest()


def segment_name(writer: str, started_at_ms: int) -> str:
    """Return the file name of a segment."""
    return f"{writer}-{started_at_ms}{SUFFIX}"


def split_name(name: str) -> tuple[str, int] | None:
    """Return writer and start of the segment with this file name, None for any other file."""
    writer, dash, started = name.removesuffix(SUFFIX).rpartition("-")
    if not name.endswith(SUFFIX) or not dash or not started.isdecimal():
        return None
    return writer, int(started)


_DECODER: msgspec.json.Decoder[SegmentHeader | Opened | Settled | Refused] = msgspec.json.Decoder(
    SegmentHeader | Opened | Settled | Refused
)
