"""The archive keeps a segment for a week after it was absorbed, a damaged one for longer, and strangers for good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hortus.ledger.retention import ASIDE, KEPT_MS
from hortus.ledger.transfer import Transfer
from hortus.receipts.journal import JournalWriter
from hortus.receipts.verify import verify_journal
from hortus.store.absorbing import JournalTable
from hortus.store.database import open_store
from hortus.store.receipts import ReceiptTable
from receipts.journal_examples import StepClock, opened, segments_of, settled

WEEK_S = KEPT_MS / 1000
HOUR_S = 3600


class Ground:
    """A store and a journal whose segments are archived when told."""

    def __init__(self, root: Path) -> None:
        self.journal = root / "journal"
        self.journal.mkdir()
        self.clock = StepClock()
        self.store = open_store(root / "store.sqlite", clock=self.clock)
        self.table = JournalTable(self.store)
        self.ledger = Transfer(self.journal, self.table, clock=self.clock)
        self.writers = 0

    def archive_one(self) -> Path:
        """Write one request, end its writer, and have its segment archived."""
        before = set(self.archived())
        self.write_one()
        self.ledger.run_once()
        return next(iter(set(self.archived()) - before))

    def write_one(self) -> Path:
        self.writers += 1
        writer = JournalWriter(self.journal, f"worker-{self.writers}", clock=self.clock)
        writer.open(opened(f"r{self.writers}"))
        writer.settle(settled(f"r{self.writers}"))
        writer.open(opened(f"s{self.writers}"))
        writer.settle(settled(f"s{self.writers}"))
        writer.close()
        return segments_of(self.journal)[0]

    def archived(self) -> list[Path]:
        return segments_of(self.journal / "done")

    def known(self) -> set[str]:
        return set(self.table.archived_before(self.clock.now_ms() + 1))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.store.close()


def test_a_segment_is_removed_a_week_after_it_was_absorbed_and_not_before(ground: Ground) -> None:
    old = ground.archive_one()
    ground.clock.pass_by(WEEK_S - HOUR_S)
    young = ground.archive_one()
    assert ground.archived() == [old, young]
    ground.clock.pass_by(2 * HOUR_S)
    assert ground.ledger.run_once().removed == 1
    assert ground.archived() == [young]
    assert ground.known() == {young.name}


def test_receipts_stay_when_their_segment_goes(ground: Ground) -> None:
    ground.archive_one()
    ground.clock.pass_by(WEEK_S + HOUR_S)
    ground.ledger.run_once()
    assert ground.archived() == []
    assert ReceiptTable(ground.store).totals().count == 2


def test_the_archive_is_looked_at_once_an_hour(ground: Ground) -> None:
    ground.archive_one()
    ground.clock.pass_by(WEEK_S - HOUR_S / 2)
    assert ground.ledger.run_once().removed == 0
    ground.clock.pass_by(HOUR_S * 0.75)
    assert ground.ledger.run_once().removed == 0  # old by now, but the last look was three quarters of an hour ago
    ground.clock.pass_by(HOUR_S / 2)
    assert ground.ledger.run_once().removed == 1


def test_a_damaged_segment_is_set_aside_and_the_rest_of_the_journal_is_whole(ground: Ground) -> None:
    file = ground.write_one()
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"seedling", b"poisoned")
    file.write_bytes(b"".join(lines))
    ground.ledger.run_once()
    content = ground.archived()[0].read_bytes()
    ground.clock.pass_by(WEEK_S + HOUR_S)
    ground.ledger.run_once()
    assert ground.archived() == []
    assert (ground.journal / "done" / ASIDE / file.name).read_bytes() == content
    assert verify_journal([ground.journal, ground.journal / "done"]).faults == ()


def test_a_file_that_the_store_does_not_know_is_left_alone(ground: Ground) -> None:
    archived = ground.archive_one()
    stranger = archived.with_name("stranger-1.journal")
    stranger.write_bytes(archived.read_bytes())
    ground.clock.pass_by(WEEK_S + HOUR_S)
    ground.ledger.run_once()
    assert ground.archived() == [stranger]


def test_what_a_killed_ledger_removed_is_forgotten_by_the_next(ground: Ground) -> None:
    ground.archive_one().unlink()
    ground.clock.pass_by(WEEK_S + HOUR_S)
    ground.ledger.run_once()
    assert ground.known() == set()


def test_a_segment_that_waits_in_the_journal_is_never_removed(ground: Ground) -> None:
    writer = JournalWriter(ground.journal, "worker", clock=ground.clock)
    writer.open(opened("long"))
    ground.ledger.run_once()
    ground.clock.pass_by(2 * WEEK_S)
    ground.ledger.run_once()
    assert len(segments_of(ground.journal)) == 1
    writer.close()
