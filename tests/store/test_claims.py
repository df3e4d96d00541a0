"""One request per idempotency key at a time, and none after it has succeeded, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hortus.ledger.ports import Batch
from hortus.receipts.claims import Claim, Claimed
from hortus.receipts.records import Caller, Opened, Settled
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable
from hortus.store.claims import ClaimTable
from hortus.store.database import Store, open_store
from receipts.journal_examples import StepClock

FIRST = Claim("prj_1", "digest", "rcp_1", "worker-1")
SECOND = Claim("prj_1", "digest", "rcp_2", "worker-2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "hortus.db", clock=StepClock())
    yield made
    made.close()


def _records(status: str) -> tuple[Opened, Settled]:
    opened = Opened(
        receipt_id="rcp_1",
        attempt=1,
        at_ms=1,
        caller=Caller("key_1", "prj_1"),
        dialect="openai_chat",
        operation="chat",
        route="r",
        endpoint="e",
        model="m",
        host="h",
        is_stream=False,
        request_id="req",
        input_bytes=1,
        snapshot_version=1,
        idempotency="digest",
    )
    return opened, Settled(receipt_id="rcp_1", attempt=1, at_ms=2, status=status, is_last=True)


def test_the_second_waits_while_the_first_runs(store: Store) -> None:
    claims = ClaimTable(store)
    assert claims.claim(FIRST) == Claimed("yours", "rcp_1")
    assert claims.claim(FIRST) == Claimed("yours", "rcp_1")  # asked again by the same request
    assert claims.claim(SECOND) == Claimed("running", "rcp_1")


def test_a_success_keeps_its_key(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    claims.end(FIRST, is_done=True)
    assert claims.claim(SECOND) == Claimed("done", "rcp_1")


def test_a_failure_leaves_its_key(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    claims.end(FIRST, is_done=False)
    assert claims.claim(SECOND) == Claimed("yours", "rcp_2")
    claims.end(FIRST, is_done=True)  # late news of somebody who has it no more
    assert claims.claim(FIRST) == Claimed("running", "rcp_2")


def test_another_projects_key_is_another_key(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    assert claims.claim(Claim("prj_2", "digest", "rcp_3", "worker-1")) == Claimed("yours", "rcp_3")


@pytest.mark.parametrize(("status", "state"), [("completed", "done"), ("failed", "yours"), ("cancelled", "yours")])
def test_a_receipt_says_how_its_request_ended(store: Store, status: str, state: str) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    end = Position(10, "a" * 32)
    JournalTable(store).absorb(Batch("worker-1-1.journal", "worker-1", START, end, records=_records(status)))
    assert claims.claim(SECOND).state == state


def test_the_keys_of_the_dead_are_free_again(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    JournalTable(store).bury("worker-2")
    assert claims.claim(SECOND).state == "running"
    JournalTable(store).bury("worker-1")
    assert claims.claim(SECOND).state == "yours"


def test_what_the_dead_had_finished_is_done(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    journal = JournalTable(store)
    journal.absorb(
        Batch("worker-1-1.journal", "worker-1", START, Position(10, "a" * 32), records=_records("completed"))
    )
    journal.bury("worker-1")
    assert claims.claim(SECOND) == Claimed("done", "rcp_1")


def test_old_successes_are_forgotten_and_nothing_that_runs(store: Store) -> None:
    claims = ClaimTable(store)
    claims.claim(FIRST)
    claims.forget(1 << 60)
    assert claims.claim(SECOND).state == "running"
    claims.end(FIRST, is_done=True)
    claims.forget(1 << 60)
    assert claims.claim(SECOND).state == "yours"
