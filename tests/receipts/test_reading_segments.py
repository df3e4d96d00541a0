"""Reading a segment: whole records up to a torn tail, and damage told with file and offset."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hortus.receipts.journal import JournalWriter
from hortus.receipts.reading import CorruptJournal, read_portion
from hortus.receipts.records import JournalRecord
from hortus.receipts.segment import START
from receipts.journal_examples import StepClock, opened, read_all, refused, segments_of, settled

WRITTEN: list[JournalRecord] = [opened("a"), opened("b"), settled("a"), refused("c"), settled("b")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a closed segment that holds `WRITTEN`."""
    return bytes_of(WRITTEN, tmp_path_factory.mktemp("whole"))


def bytes_of(records: list[JournalRecord], directory: Path) -> bytes:
    journal = JournalWriter(directory, "w", clock=StepClock(), entropy=bytes)
    for record in records:
        {"Opened": journal.open, "Settled": journal.settle, "Refused": journal.refuse}[type(record).__name__](record)  # type: ignore[arg-type]  # each method takes its own kind
    journal.close()
    return segments_of(directory)[-1].read_bytes()


def ends_of(data: bytes) -> list[int]:
    """Offsets after each line, the header's first."""
    return [place + 1 for place, byte in enumerate(data) if byte == 0x0A]


def test_cut_at_any_byte_no_record_before_the_cut_is_lost(whole: bytes, tmp_path: Path) -> None:
    ends, file = ends_of(whole), tmp_path / "w-1.journal"
    for length in range(len(whole) + 1):
        complete = sum(end <= length for end in ends)
        for tail in (b"", bytes(5000)):
            file.write_bytes(whole[:length] + tail)
            for is_finished in (True, False):
                records, end, torn_bytes = read_all(file, is_finished=is_finished)
                assert records == WRITTEN[: max(0, complete - 1)]
                assert end.offset == (ends[complete - 1] if complete else 0)
                assert torn_bytes == length - end.offset


def test_reading_goes_on_where_it_stopped(whole: bytes, tmp_path: Path) -> None:
    file, ends = tmp_path / "w-1.journal", ends_of(whole)
    found: list[JournalRecord] = []
    position = START
    for end in ends:
        file.write_bytes(whole[:end] + bytes(100))
        records, position, _ = read_all(file, is_finished=False, start=position)
        found += records
    assert found == WRITTEN


def test_one_changed_byte_is_told_with_its_place(whole: bytes, tmp_path: Path) -> None:
    ends, file = ends_of(whole), tmp_path / "w-1.journal"
    begin, end = ends[1], ends[2]  # the line of WRITTEN[1]
    for place in range(begin, end - 1, 7):
        for byte in (0, 0x0A, whole[place] ^ 1):
            file.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            first = read_portion(file, START)
            assert first.records == (WRITTEN[0],)
            with pytest.raises(CorruptJournal, match=f"damaged at offset {begin}") as damage:
                read_portion(file, first.end, is_finished=True)
            assert damage.value.path == str(file)
            assert damage.value.resume.offset == end
            assert read_all(file, start=damage.value.resume)[0] == WRITTEN[2:]


def test_a_hole_between_records_is_damage_in_a_finished_segment(whole: bytes, tmp_path: Path) -> None:
    ends, file = ends_of(whole), tmp_path / "w-1.journal"
    file.write_bytes(whole[: ends[1]] + bytes(ends[2] - ends[1]) + whole[ends[2] :])
    first = read_portion(file, START, is_finished=True)
    with pytest.raises(CorruptJournal, match="unwritten bytes"):
        read_portion(file, first.end, is_finished=True)
    assert read_portion(file, first.end, is_finished=False).is_all  # a live writer's frontier is a hole, too


def test_a_record_put_in_from_elsewhere_breaks_the_chain(whole: bytes, tmp_path: Path) -> None:
    ends, file = ends_of(whole), tmp_path / "w-1.journal"
    file.write_bytes(whole[: ends[1]] + whole[ends[2] :])  # one record taken out, every checksum still right
    first = read_portion(file, START)
    with pytest.raises(CorruptJournal, match="hash of the previous record"):
        read_portion(file, first.end, is_finished=True)


def test_a_line_of_a_newer_format_is_told_as_such(whole: bytes, tmp_path: Path) -> None:
    ends, file = ends_of(whole), tmp_path / "w-1.journal"
    file.write_bytes(whole[: ends[1]] + b"2" + whole[ends[1] + 1 :])
    with pytest.raises(CorruptJournal, match="known format version"):
        read_all(file)


def test_a_record_longer_than_a_portion_is_read_whole(tmp_path: Path) -> None:
    long = opened("long", route="r" * 300_000)
    data = bytes_of([opened("a"), long, settled("a")], tmp_path)
    file = tmp_path / "x-1.journal"
    file.write_bytes(data)
    assert read_all(file)[0] == [opened("a"), long, settled("a")]


def test_a_portion_ends_near_its_limit(tmp_path: Path) -> None:
    records: list[JournalRecord] = [opened(f"{number}") for number in range(1000)]
    file = tmp_path / "x-1.journal"
    file.write_bytes(bytes_of(records, tmp_path))
    portion = read_portion(file, START, limit_bytes=10_000)
    assert not portion.is_all
    assert 10_000 <= portion.end.offset < 100_000
    assert portion.header is not None
    assert [*portion.records, *read_all(file, start=portion.end)[0]] == records


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    file = tmp_path / "x-1.journal"
    file.write_bytes(b"")
    assert read_all(file) == ([], START, 0)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_any_garbage_in_the_middle_is_loud_and_costs_no_record_after_it(
    data: st.DataObject, whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ends = ends_of(whole)
    line = data.draw(st.integers(1, len(ends) - 2))
    begin, end = ends[line - 1], ends[line]
    garbage = data.draw(st.binary(min_size=1, max_size=2 * (end - begin)))
    file = tmp_path_factory.mktemp("g") / "w-1.journal"
    file.write_bytes(whole[:begin] + garbage + whole[end:])
    before = read_portion(file, START)
    with pytest.raises(CorruptJournal) as damage:
        read_portion(file, before.end, is_finished=True)
    assert damage.value.at.offset == begin
    found = [*before.records, *read_all(file, start=damage.value.resume)[0]]
    assert found == WRITTEN[: line - 1] + WRITTEN[line:]


def test_a_record_seen_half_written_is_no_damage(whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, end = tmp_path / "w-1.journal", ends_of(whole)[0]
    file.write_bytes(whole)
    really = os.pread
    stale = [bytes(30) + whole[30:]]  # the reader copied the first page before the writer did, the second one after

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        return stale.pop() if stale else really(descriptor, length, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", pread)
        portion = read_portion(file, START, is_finished=True)
    assert (portion.records, portion.end, portion.is_all) == ((), START, False)
    assert read_portion(file, START).end.offset >= end
    assert read_all(file)[0] == WRITTEN
