"""Verifying a whole journal: a changed, removed or missing record is found, wherever it is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hortus.receipts.journal import JournalWriter
from hortus.receipts.segment import write_line
from hortus.receipts.verify import verify_journal
from receipts.journal_examples import StepClock, opened, segments_of, settled


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Two writers' journals of several segments each, some archived."""
    clock = StepClock()
    for name in ("worker-1", "worker-2"):
        writer = JournalWriter(tmp_path, name, clock=clock, segment_bytes=8192)
        for number in range(60):
            writer.open(opened(f"{name}-{number}"))
            writer.settle(settled(f"{name}-{number}"))
        writer.close()
    done = tmp_path / "done"
    done.mkdir()
    for segment in segments_of(tmp_path)[:2]:
        segment.rename(done / segment.name)
    return tmp_path


def check(journal: Path) -> tuple[str, ...]:
    return tuple(fault.why for fault in verify_journal([journal, journal / "done"]).faults)


def test_an_untouched_journal_has_no_faults(journal: Path) -> None:
    findings = verify_journal([journal, journal / "done"])
    assert (findings.records, findings.torn_bytes, findings.faults) == (240, 0, ())
    assert findings.segments == len(segments_of(journal)) + 2


def test_an_empty_place_has_no_faults(tmp_path: Path) -> None:
    assert verify_journal([tmp_path, tmp_path / "none"]).segments == 0


def test_a_removed_segment_is_missed(journal: Path) -> None:
    segments_of(journal)[1].unlink()
    assert any("does not follow" in why for why in check(journal))


def test_a_segment_cut_at_a_record_is_missed_by_the_next(journal: Path) -> None:
    segment = segments_of(journal)[0]
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:-1]))
    assert any("does not follow" in why for why in check(journal))


def test_a_changed_amount_is_found_even_with_a_new_checksum(journal: Path) -> None:
    segment = segments_of(journal)[0]
    lines = segment.read_bytes().splitlines(keepends=True)
    changed = lines[3].split(b" ", 3)[3].rstrip().replace(b'"0.5"', b'"0.4"')
    lines[3] = write_line(changed, lines[3].split(b" ")[2])[0]
    segment.write_bytes(b"".join(lines))
    assert any("hash of the previous record" in why for why in check(journal))


def test_the_oldest_segments_may_be_gone(journal: Path) -> None:
    for segment in segments_of(journal / "done"):
        segment.unlink()
    assert check(journal) == ()


def test_a_torn_tail_is_counted_not_blamed(journal: Path) -> None:
    segment = segments_of(journal)[-1]
    segment.write_bytes(segment.read_bytes() + b"1 0123")
    findings = verify_journal([journal, journal / "done"])
    assert (findings.torn_bytes, findings.faults) == (6, ())


def test_a_fault_names_file_and_offset(journal: Path) -> None:
    segment = segments_of(journal)[0]
    data = bytearray(segment.read_bytes())
    place = data.index(b"\n", data.index(b"\n") + 1) + 1
    data[place + 60] ^= 1
    segment.write_bytes(bytes(data))
    fault = verify_journal([journal]).faults[0]
    assert (fault.file, fault.offset) == (str(segment), place)


def test_lines_are_plain_enough_to_check_without_hortus(journal: Path) -> None:
    line = segments_of(journal)[0].read_bytes().splitlines(keepends=True)[0]
    version, checksum, previous, payload = line.split(b" ", 3)
    assert (version, len(checksum), len(previous)) == (b"1", 8, 32)
    assert msgspec.json.decode(payload)["kind"] == "segment"
