"""Reading a segment from a place on: whole records, a torn tail left alone, and a loud error where bytes are wrong.

A line that cannot be read, with nothing readable after it, is a torn tail: the writer is at it, or died in it.
Followed by a readable line it is damage.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from hortus.base.errors import InstallationError
from hortus.receipts.records import JournalRecord
from hortus.receipts.segment import ANY_HASH, BadLine, Position, SegmentHeader, read_line, read_record

PORTION_BYTES = 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_LINE_BEGIN = re.compile(rb"(?=1 [0-9a-f]{8} [0-9a-f]{32} )")  # looks ahead, so that candidates may overlap


class CorruptJournal(InstallationError):  # noqa: N818 -- reads as what happened
    """A segment holds bytes that no writer wrote there.

    Attributes:
        file: The segment.
        at: Where the damage begins.
        resume: Where readable records begin again.
    """

    code = "journal_corrupt"

    def __init__(self, file: Path, *, at: Position, resume: Position, why: str) -> None:
        super().__init__(
            f"the journal is damaged at offset {at.offset}: {why}; readable again at offset {resume.offset}.",
            path=str(file),
            hint="Keep this file and look at the disk; `hortus doctor` lists every damaged place.",
        )
        self.file = file
        self.at = at
        self.resume = resume


class Portion(msgspec.Struct, frozen=True):
    """What was read.

    Attributes:
        records: In order, the header left out.
        end: Where to go on.
        is_all: Nothing more can be read now.
        torn_bytes: Length of a torn tail after `end`.
    """

    records: tuple[JournalRecord, ...]
    header: SegmentHeader | None
    end: Position
    is_all: bool
    torn_bytes: int = 0


def read_portion(
    file: Path, start: Position, *, is_finished: bool = False, limit_bytes: int = PORTION_BYTES
) -> Portion:
    """Read records from `start` on.

    Args:
        file: A segment.
        start: `START`, or the end of the portion before.
        is_finished: Its writer has left it: look for damage beyond the first unwritten byte, too.
        limit_bytes: About how much to read at once; a longer record is read whole.

    Raises:
        CorruptJournal: There is damage at `start` itself; records before damage are returned first.
        FileNotFoundError: The segment is gone.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        records, end = _read_records(descriptor, start, limit_bytes=limit_bytes)
        if end == start:
            torn_bytes = _judge(descriptor, file, start, is_finished=is_finished)
            return Portion((), None, start, is_all=torn_bytes is not None, torn_bytes=torn_bytes or 0)
    finally:
        os.close(descriptor)
    header = next((record for record in records[:1] if isinstance(record, SegmentHeader)), None)
    held = tuple(record for record in records if not isinstance(record, SegmentHeader))
    return Portion(held, header, end, is_all=False)


def _read_records(
    descriptor: int, start: Position, *, limit_bytes: int
) -> tuple[list[SegmentHeader | JournalRecord], Position]:
    records: list[SegmentHeader | JournalRecord] = []
    end, taken = start, _CHUNK_BYTES
    while end.offset - start.offset < limit_bytes:
        data = os.pread(descriptor, taken, end.offset)
        before, end = end, _scan(data, end, into=records)
        if end != before:
            continue
        if len(data) == taken and b"\n" not in data and b"\0" not in data:
            taken *= 2  # one line is longer than that
        else:
            break
    return records, end


def _scan(data: bytes, at: Position, *, into: list[SegmentHeader | JournalRecord]) -> Position:
    """Collect the records at the beginning of `data`; return where the first line begins that is incomplete or bad."""
    chain, begin = at.chain, 0
    while (after := data.find(b"\n", begin) + 1) > 0:
        try:
            record, chain = read_record(data[begin:after], chain)
        except BadLine:
            break
        into.append(record)
        begin = after
    return Position(at.offset + begin, chain)


def _judge(descriptor: int, file: Path, at: Position, *, is_finished: bool) -> int | None:
    """Say what lies at `at`, where no line could be read: the length of a torn tail, None if it can be read now.

    A record that is being written at this moment may look torn to one reading, never to two: so it is read again.
    """
    resume, why = at, ""
    for _ in range(2):
        rest = _read_rest(descriptor, at, is_whole=is_finished)
        if not is_finished and rest[:1] == b"\0":
            return 0
        found = _find_line(rest, at)
        if found is None:
            return len(rest.rstrip(b"\0"))
        try:
            read_line(rest[: rest.find(b"\n") + 1], at)
        except BadLine as error:
            resume, why = found, "unwritten bytes lie between records" if rest[:1] == b"\0" else str(error)
        else:
            return None
    raise CorruptJournal(file, at=at, resume=resume, why=why)


def _read_rest(descriptor: int, at: Position, *, is_whole: bool) -> bytes:
    length = max(0, os.fstat(descriptor).st_size - at.offset) if is_whole else _CHUNK_BYTES
    return os.pread(descriptor, length, at.offset)


def _find_line(rest: bytes, at: Position) -> Position | None:
    """Return where the first line begins whose checksum is right, whatever it says of the one before."""
    for match in _LINE_BEGIN.finditer(rest):
        here = Position(offset=at.offset + match.start(), chain=ANY_HASH)
        after = rest.find(b"\n", match.start()) + 1
        try:
            read_line(rest[match.start() : after], here)
        except BadLine:
            continue
        return here
    return None
