"""The watch over leases: alerts in the log, and writers that left without a journal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hortus.ledger.lease_watch import LeaseWatch
from hortus.ledger.ports import PoolAsk
from hortus.limits.ports import Ask
from hortus.receipts.journal import JournalWriter
from hortus.store.absorbing import JournalTable
from hortus.store.database import Store, open_store
from hortus.store.leases import LeaseTable
from receipts.journal_examples import StepClock, entropy_of
from store.test_leases import BUDGET, Book, spend

LOOK_S = 11.0


class Ground:
    def __init__(self, directory: Path, store: Store) -> None:
        self.clock = StepClock()
        self.directory = directory
        self.here: set[str] = set()
        self.leases = LeaseTable(store, Book(BUDGET))
        self.watch = LeaseWatch(
            directory, self.leases, JournalTable(store), is_here=self.here.__contains__, clock=self.clock
        )

    def lease_to(self, writer: str) -> None:
        self.leases.lease([PoolAsk(writer, Ask("budget@0", "budget", Decimal(0), Decimal(10)))])

    def look(self, times: int) -> None:
        for _ in range(times):
            self.watch.run_once()
            self.clock.pass_by(LOOK_S)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store.sqlite", clock=StepClock())
    yield made
    made.close()


@pytest.fixture
def ground(tmp_path: Path, store: Store) -> Ground:
    directory = tmp_path / "journal"
    directory.mkdir()
    return Ground(directory, store)


def test_a_writer_that_left_no_segment_is_buried_at_the_second_look(ground: Ground) -> None:
    ground.lease_to("w")
    ground.look(1)
    assert ground.leases.lease_writers() == {"w"}
    ground.look(1)
    assert ground.leases.lease_writers() == frozenset()
    assert ground.leases.pools(at_ms=0)[0].granted == 0


def test_a_writer_that_is_connected_is_not_lost(ground: Ground) -> None:
    ground.lease_to("w")
    ground.here.add("w")
    ground.look(3)
    assert ground.leases.lease_writers() == {"w"}


def test_a_writer_that_was_away_for_a_moment_is_not_lost(ground: Ground) -> None:
    ground.lease_to("w")
    ground.look(1)
    ground.here.add("w")
    ground.look(1)
    ground.here.clear()
    ground.look(1)
    assert ground.leases.lease_writers() == {"w"}


def test_a_writer_with_a_segment_is_not_lost(ground: Ground) -> None:
    writer = JournalWriter(ground.directory, "w", clock=ground.clock, entropy=entropy_of(1).randbytes)
    ground.lease_to(writer.writer)
    ground.look(3)
    assert ground.leases.lease_writers() == {writer.writer}
    writer.close()


def test_what_is_used_up_to_an_alert_is_in_the_log_once(
    ground: Ground, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    spend(store, "80.5")
    with caplog.at_level(logging.WARNING, "hortus.ledger"):
        ground.look(2)
    (record,) = [record for record in caplog.records if "alert" in record.message]
    said = {name: getattr(record, name) for name in ("limit", "pool", "percent", "spent", "amount")}
    assert said == {"limit": "budget", "pool": "budget@0", "percent": 80, "spent": "80.5", "amount": "100"}
