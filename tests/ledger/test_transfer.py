"""From the journal into the store: everything once, whoever dies when, and damage is skipped loudly."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hortus.ledger.ports import StoreUnavailable
from hortus.ledger.transfer import Transfer
from hortus.receipts.journal import JournalWriter
from hortus.receipts.verify import verify_journal
from hortus.store.absorbing import JournalTable
from hortus.store.database import Store, open_store
from hortus.store.receipts import ReceiptTable
from receipts.journal_examples import StepClock, opened, refused, segments_of, settled

CLOCK = StepClock()


class Ground:
    """A journal, a store and a ledger between them."""

    def __init__(self, root: Path) -> None:
        self.journal = root / "journal"
        self.journal.mkdir()
        self.path = root / "store.sqlite"
        self.store: Store = open_store(self.path, clock=CLOCK)
        self.writers: list[JournalWriter] = []
        self.ledger = self.new_ledger()

    def new_ledger(self) -> Transfer:
        """Begin anew, as a ledger does that was killed: it knows only what the store knows."""
        self.ledger = Transfer(self.journal, JournalTable(self.store), clock=CLOCK)
        return self.ledger

    def new_writer(self, name: str = "worker-1", *, segment_bytes: int = 16 * 1024) -> JournalWriter:
        self.writers.append(JournalWriter(self.journal, name, clock=CLOCK, segment_bytes=segment_bytes))
        return self.writers[-1]

    def statuses(self) -> dict[str, str]:
        return {receipt.receipt_id: receipt.status for receipt in ReceiptTable(self.store).receipts(limit=100_000)}

    def archived(self) -> list[Path]:
        return segments_of(self.journal / "done")

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        self.store.close()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.close()


def kill(writer: JournalWriter) -> None:
    """End a writer as kill -9 does: its lock goes, nothing is cut or synced."""
    segment = writer._segment
    assert segment is not None
    writer._segment = None
    writer.close()
    os.close(segment.descriptor)


def test_settled_requests_become_receipts_while_the_writer_lives(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    writer.refuse(refused("b"))
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed", "b": "refused"}
    assert ground.archived() == []


def test_a_running_attempt_waits(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    ground.ledger.run_once()
    ground.ledger.run_once()
    assert ground.statuses() == {}
    writer.settle(settled("a"))
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed"}


def test_a_running_attempt_waits_over_segments_and_restarts_of_the_ledger(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("long"))
    for number in range(200):
        writer.open(opened(f"{number}"))
        writer.settle(settled(f"{number}"))
    ground.ledger.run_once()
    ground.new_ledger()
    assert len(ground.archived()) > 3
    writer.settle(settled("long"))
    ground.ledger.run_once()
    assert ground.statuses()["long"] == "completed"
    assert len(ground.statuses()) == 201


def test_a_killed_writers_open_attempts_become_interrupted(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    writer.open(opened("b"))
    ground.ledger.run_once()
    kill(writer)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed", "b": "interrupted"}
    receipt = ReceiptTable(ground.store).receipt("b")
    assert receipt is not None
    assert receipt.cost == Decimal("0.5")


def test_a_writer_that_closed_in_order_is_archived_too(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    writer.close()
    moved = ground.ledger.run_once()
    assert (moved.records, moved.receipts, moved.segments) == (2, 1, 1)
    assert segments_of(ground.journal) == []
    assert len(ground.archived()) == 1


def test_an_archived_segment_holds_its_records_and_no_empty_room(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    kill(writer)
    ground.ledger.run_once()
    assert ground.archived()[0].read_bytes().endswith(b"}\n")
    assert verify_journal([ground.journal / "done"]).faults == ()


def test_each_writer_is_followed_for_itself(ground: Ground) -> None:
    dead, alive = ground.new_writer("worker-1"), ground.new_writer("worker-2")
    dead.open(opened("a"))
    alive.open(opened("b"))
    kill(dead)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "interrupted"}
    alive.settle(settled("b"))
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "interrupted", "b": "completed"}


def test_a_torn_last_record_is_left_behind_with_a_warning(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    segment = writer._segment
    assert segment is not None
    os.pwrite(segment.descriptor, b"1 00000000 torn", segment.position)
    kill(writer)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "interrupted"}
    assert "torn record" in caplog.text
    assert ground.archived()[0].read_bytes().endswith(b" torn")


def test_damage_is_logged_with_its_place_and_costs_only_what_it_hit(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    writer = ground.new_writer()
    for name in ("a", "b", "c"):
        writer.open(opened(name))
        writer.settle(settled(name))
    file = segments_of(ground.journal)[0]
    lines = file.read_bytes().splitlines(keepends=True)
    offset = sum(len(line) for line in lines[:3])  # of `Opened` of b, after the header and the two records of a
    with file.open("r+b") as segment:
        segment.seek(offset + 100)
        segment.write(b"#")
    ground.ledger.run_once()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert f"{file}: the journal is damaged at offset {offset}: its checksum is wrong" in caplog.text
    assert ground.statuses() == {"a": "completed", "c": "completed"}
    kill(writer)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed", "b": "completed", "c": "completed"}
    lost = ReceiptTable(ground.store).receipt("b")
    assert lost is not None
    assert lost.endpoint == "unknown"


def test_a_segment_that_comes_back_from_the_archive_counts_nothing_twice(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    writer.close()
    ground.ledger.run_once()
    back = ground.archived()[0]
    back.rename(ground.journal / back.name)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed"}
    assert segments_of(ground.journal) == []


def test_a_segment_copied_under_another_name_counts_nothing_twice(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    writer.settle(settled("a"))
    writer.close()
    (ground.journal / "copy-1.journal").write_bytes(segments_of(ground.journal)[0].read_bytes())
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed"}
    assert "repeats records" in caplog.text


def test_two_ledgers_at_once_count_nothing_twice(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    first, second = ground.new_ledger(), ground.new_ledger()
    first.run_once()
    second.run_once()
    writer.settle(settled("a"))
    first.run_once()
    second.run_once()
    assert ground.statuses() == {"a": "completed"}


def test_records_wait_in_the_journal_while_the_store_is_gone(ground: Ground) -> None:
    writer = ground.new_writer()
    ground.ledger.run_once()
    aside = ground.path.with_name("aside")
    ground.path.rename(aside)
    writer.open(opened("a"))
    writer.settle(settled("a"))
    with pytest.raises(StoreUnavailable):
        ground.ledger.run_once()
    aside.rename(ground.path)
    ground.ledger.run_once()
    assert ground.statuses() == {"a": "completed"}


def test_requests_of_a_writer_whose_files_were_taken_away_end_as_interrupted(ground: Ground) -> None:
    writer = ground.new_writer()
    writer.open(opened("a"))
    ground.ledger.run_once()
    kill(writer)
    for segment in segments_of(ground.journal):
        segment.unlink()
    ground.new_ledger().run_once()
    assert ground.statuses() == {"a": "interrupted"}
    assert JournalTable(ground.store).positions() == {}


def test_a_segment_that_nobody_finished_making_is_swept_up_after_a_while(ground: Ground) -> None:
    old, fresh = ground.journal / ".w-1.journal.new", ground.journal / ".w-2.journal.new"
    old.write_bytes(b"")
    fresh.write_bytes(b"")
    now_s = CLOCK.now_ms() / 1000
    os.utime(old, (now_s - 3600, now_s - 3600))
    os.utime(fresh, (now_s, now_s))
    ground.new_ledger().run_once()
    assert not old.exists()
    assert fresh.exists()


STEPS = st.sampled_from(["open", "settle", "retry", "refuse", "pass", "new ledger", "kill", "close"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(STEPS, st.integers(0, 3)), max_size=60))
def test_whatever_happens_in_whatever_order_every_request_has_one_receipt(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        ground = Ground(Path(place))
        expected: dict[str, str] = {}
        writers: dict[int, JournalWriter] = {}
        running: dict[int, list[tuple[str, int]]] = {}
        for number, (step, which) in enumerate(steps):
            if which not in writers:
                writers[which] = ground.new_writer(f"worker-{which}", segment_bytes=8192)
                running[which] = []
            writer, name = writers[which], f"{number}"
            match step:
                case "open":
                    writer.open(opened(name))
                    running[which].append((name, 1))
                case "settle" if running[which]:
                    name, attempt = running[which].pop(0)
                    writer.settle(settled(name, attempt))
                    expected[name] = "completed"
                case "retry" if running[which]:
                    name, attempt = running[which].pop(0)
                    writer.settle(settled(name, attempt, is_last=False, status="failed"))
                    writer.open(opened(name, attempt + 1))
                    running[which].append((name, attempt + 1))
                case "refuse":
                    writer.refuse(refused(name))
                    expected[name] = "refused"
                case "pass":
                    ground.ledger.run_once()
                case "new ledger":
                    ground.new_ledger()
                case "kill" | "close":
                    kill(writer) if step == "kill" else writer.close()
                    ground.writers.remove(writer)
                    del writers[which]
                    expected |= {name: "interrupted" for name, _ in running.pop(which)}
                case _:
                    continue
        for which, writer in writers.items():
            kill(writer)
            ground.writers.remove(writer)
            expected |= {name: "interrupted" for name, _ in running[which]}
        ground.new_ledger().run_once()
        assert ground.statuses() == expected
        assert segments_of(ground.journal) == []
        assert verify_journal([ground.journal, ground.journal / "done"]).faults == ()
        ground.close()
