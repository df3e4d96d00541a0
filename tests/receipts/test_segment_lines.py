"""One line of the journal: what is written is read, and nothing else is believed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.usage import Usage
from hortus.receipts.records import JournalRecord, Settled
from hortus.receipts.segment import (
    ANY_HASH,
    NO_HASH,
    START,
    BadLine,
    Position,
    SegmentHeader,
    read_line,
    segment_name,
    split_name,
    write_line,
)
from receipts.journal_examples import opened, refused, settled

texts = st.text(max_size=40)
settles = st.builds(
    Settled,
    receipt_id=texts,
    attempt=st.integers(1, 99),
    at_ms=st.integers(0, 2**48),
    status=texts,
    is_last=st.booleans(),
    usage=st.none() | st.builds(Usage, input_tokens=st.integers(0, 2**40), is_estimated=st.booleans()),
    cost=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    served_model=st.none() | texts,
)


def line_of(record: JournalRecord | SegmentHeader, chain: str = NO_HASH) -> bytes:
    return write_line(msgspec.json.encode(record), chain.encode())[0]


@given(settles)
def test_what_is_written_is_read(record: Settled) -> None:
    line, chain = write_line(msgspec.json.encode(record), NO_HASH.encode())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\0" not in line
    read = read_line(line, START)
    assert read.record == record
    assert read.end == Position(offset=len(line), chain=chain.decode())


@pytest.mark.parametrize("record", [opened("a"), settled("a"), refused("a"), SegmentHeader(1, "w", 5, None)])
def test_each_kind_of_record_is_read(record: JournalRecord | SegmentHeader) -> None:
    assert read_line(line_of(record), START).record == record


def test_every_changed_byte_is_noticed() -> None:
    line = line_of(opened("a"))
    for place in range(len(line) - 1):
        for change in (1, 0x80):
            wrong = bytearray(line)
            wrong[place] ^= change
            with pytest.raises(BadLine):
                read_line(bytes(wrong), START)


def test_every_shortened_line_is_noticed() -> None:
    line = line_of(opened("a"))
    for length in range(len(line) - 1):
        with pytest.raises(BadLine):
            read_line(line[:length] + b"\n", START)


def test_a_line_out_of_its_place_is_noticed() -> None:
    line = line_of(settled("a"), chain="ab" * 16)
    with pytest.raises(BadLine, match="hash of the previous record"):
        read_line(line, START)
    assert read_line(line, Position(offset=0, chain=ANY_HASH)).record == settled("a")


def test_another_format_version_is_not_believed() -> None:
    with pytest.raises(BadLine, match="format version"):
        read_line(b"2" + line_of(settled("a"))[1:], START)


def test_a_kind_of_record_that_is_unknown_is_not_believed() -> None:
    line, _ = write_line(b'{"kind":"surprise"}', NO_HASH.encode())
    with pytest.raises(BadLine, match="not a record that this release knows"):
        read_line(line, START)


def test_names_tell_writer_and_start() -> None:
    assert split_name(segment_name("worker-1-ab", 77)) == ("worker-1-ab", 77)
    for other in ("x.txt", "worker.journal", "w-x.journal", ".w-5.journal.new"):
        assert split_name(other) is None
