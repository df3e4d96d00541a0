"""The notary: acts into the chain, checkpoints when something is new, stubs for old segments; killed at any step."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event

from hortus.ledger.notary import USUAL_KEEPING, Keeping
from hortus.receipts.checkpoint import Checkpoint, Signed, Stub, is_signed, read_statement
from hortus.receipts.verifying import verify
from hortus.snapshot.declared import ProjectSpec
from hortus.store.chain import ChainTable
from hortus.store.chainreading import Entry, Gone, read_entries
from hortus.store.receipts import ReceiptTable
from receipts.chain_examples import DAY_S, KEY, OTHER_KEY, Ledger, trust_in
from receipts.journal_examples import refused

MONTH = Keeping(receipts_days=30)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path)
    yield made
    made.close()


def entries_of(ledger: Ledger) -> list[Entry | Gone]:
    with ledger.store.reading() as connection:
        return read_entries(connection, 0, last=1_000_000, limit=1_000_000)


def checkpoints_of(ledger: Ledger) -> list[Checkpoint]:
    found = []
    for one in entries_of(ledger):
        if isinstance(one, Entry) and one.record is not None and b'"checkpoint"' in one.record:
            signed = msgspec.json.decode(one.record, type=Signed)
            statement = read_statement(signed)
            assert isinstance(statement, Checkpoint)
            assert is_signed(signed, {KEY.id: KEY.public})
            found.append(statement)
    return found


def fill_two_days(ledger: Ledger) -> None:
    ledger.access.put_project(ProjectSpec("team"), origin="api")
    ledger.ask("one", "two")
    ledger.absorb(refused("three"))
    ledger.notary.run_if_due(is_last=True)
    ledger.clock.pass_by(DAY_S)
    ledger.ask("four")


def test_a_checkpoint_says_where_the_chain_stood(ledger: Ledger) -> None:
    ledger.ask("one")
    before = ledger.chain.place()
    ledger.notary.run_if_due()
    assert [(one.seq, one.hash, one.installation) for one in checkpoints_of(ledger)] == [
        (before.seq, before.hash.hex(), ledger.installation)
    ]


def test_no_checkpoint_follows_where_nothing_is_new(ledger: Ledger) -> None:
    ledger.notary.run_if_due()
    ledger.ask("one")
    for _ in range(3):
        ledger.notary.run_if_due(is_last=True)
    assert len(checkpoints_of(ledger)) == 1


def test_checkpoints_keep_their_distance(ledger: Ledger) -> None:
    notary = ledger.make_notary(Keeping(checkpoint_minutes=5))
    for number in range(10):
        ledger.ask(f"{number}")
        notary.run_if_due()
        ledger.clock.pass_by(100)
    assert len(checkpoints_of(ledger)) == 4  # at once, then after 300 seconds each


def test_a_checkpoint_of_a_chain_that_has_gone_on_is_not_written(ledger: Ledger) -> None:
    ledger.ask("one")
    before = ledger.chain.place()
    ledger.ask("two")
    assert not ChainTable(ledger.store).add_checkpoint(b"{}", before)
    assert ledger.chain.find_flaw(newest=10) is None


def test_receipts_stay_for_ever_unless_told_otherwise(ledger: Ledger) -> None:
    fill_two_days(ledger)
    ledger.clock.pass_by(10_000 * DAY_S)
    ledger.notary.run_if_due()
    assert not any(isinstance(one, Gone) for one in entries_of(ledger))


def test_a_segment_leaves_whole_and_its_stub_says_what_it_held(ledger: Ledger) -> None:
    fill_two_days(ledger)
    (checkpoint,) = checkpoints_of(ledger)
    ledger.clock.pass_by(31 * DAY_S)
    ledger.make_notary(MONTH).run_if_due()
    gone = entries_of(ledger)[0]
    assert isinstance(gone, Gone)
    stub = gone.statement
    assert (stub.segment, stub.first_seq, stub.last_seq, stub.receipts, stub.acts) == (1, 1, 6, 3, 1)
    assert (stub.input_tokens, stub.output_tokens, stub.costs) == (22, 44, {"EUR": Decimal("0.50")})
    assert (stub.without_cost, stub.checkpoints) == (1, ((checkpoint.seq, checkpoint.hash),))
    assert [one.receipt_id for one in ReceiptTable(ledger.store).receipts()] == ["four"]
    assert ledger.chain.find_flaw(newest=100) is None


def test_what_is_younger_than_its_time_stays(ledger: Ledger) -> None:
    fill_two_days(ledger)
    ledger.clock.pass_by(29 * DAY_S)
    ledger.make_notary(MONTH).run_if_due()
    assert not any(isinstance(one, Gone) for one in entries_of(ledger))


def test_an_export_with_a_stub_verifies_and_old_checkpoints_still_hold(ledger: Ledger) -> None:
    fill_two_days(ledger)
    (old,) = checkpoints_of(ledger)
    ledger.clock.pass_by(31 * DAY_S)
    ledger.make_notary(MONTH).run_if_due(is_last=True)
    verdict = verify(ledger.export(), trust_in(old, ledger.checkpoint()))
    assert (verdict.status, verdict.faults, verdict.notes) == ("whole", (), ())
    assert (verdict.gone, verdict.receipts) == (6, 1)
    assert verdict.proven_to == verdict.last_seq


def test_an_old_checkpoint_finds_a_stub_of_another_past(ledger: Ledger) -> None:
    fill_two_days(ledger)
    (old,) = checkpoints_of(ledger)
    ledger.clock.pass_by(31 * DAY_S)
    ledger.make_notary(MONTH).run_if_due()
    other = msgspec.structs.replace(old, hash="00" * 32)
    verdict = verify(ledger.export(), trust_in(other))
    assert verdict.status == "tampered"
    assert verdict.faults[0].seq == old.seq


def test_a_stub_that_the_installation_did_not_sign_is_found(ledger: Ledger) -> None:
    fill_two_days(ledger)
    ledger.clock.pass_by(31 * DAY_S)
    ledger.key = OTHER_KEY
    ledger.make_notary(MONTH).run_if_due()
    ledger.key = KEY
    verdict = verify(ledger.export(), trust_in())
    assert verdict.status == "tampered"
    assert "the stub at entry 1" in verdict.faults[0].why


def test_a_segment_that_was_tampered_with_stays(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    fill_two_days(ledger)
    with ledger.store.writing() as connection:
        connection.exec_driver_sql("UPDATE receipts SET status = 'failed' WHERE receipt_id = 'two'")
    ledger.clock.pass_by(31 * DAY_S)
    ledger.make_notary(MONTH).run_if_due()
    assert not any(isinstance(one, Gone) for one in entries_of(ledger))
    assert "a segment of the chain stays although its time is over" in caplog.text


class Countdown:
    """Kills this process before the n-th statement that the database gets."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, *_: object) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def run_dying(directory: Path, statement: int) -> bool:
    """Take things in and let a segment go in a process that dies before a statement; tell whether it came to an end."""
    child = os.fork()
    if child == 0:
        try:
            ledger = Ledger(directory, life=2)
            event.listen(ledger.store._reader, "before_cursor_execute", Countdown(statement))
            ledger.clock.pass_by(40 * DAY_S)
            ledger.access.rename_organisation("City of Lund")
            ledger.ask("five", "six")
            ledger.make_notary(MONTH).run_if_due(is_last=True)
            os._exit(0)
        finally:
            os._exit(1)  # never back into the tests
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, -signal.SIGKILL}
    return status == 0


@pytest.mark.slow
def test_a_ledger_killed_before_any_statement_leaves_a_whole_chain(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = Ledger(tmp_path)
    fill_two_days(first)
    held = first.checkpoint()
    first.close()
    is_done, statement = False, 0
    while not is_done:
        copy = tmp_path_factory.mktemp("copy") / "home"
        shutil.copytree(tmp_path, copy)
        is_done = run_dying(copy, statement)
        ledger = Ledger(copy)
        assert ledger.chain.find_flaw(newest=1000) is None
        ledger.clock.pass_by(40 * DAY_S)
        ledger.make_notary(MONTH).run_if_due(is_last=True)
        verdict = verify(ledger.export(), trust_in(held, ledger.checkpoint()))
        ledger.close()
        assert (verdict.status, verdict.gone) == ("whole", 6)
        statement += 1
    assert statement > 30


def test_stubs_are_read_back_as_they_were_signed(ledger: Ledger) -> None:
    fill_two_days(ledger)
    ledger.clock.pass_by(31 * DAY_S)
    ledger.make_notary(MONTH).run_if_due()
    gone = entries_of(ledger)[0]
    assert isinstance(gone, Gone)
    signed = msgspec.json.decode(gone.stub, type=Signed)
    assert is_signed(signed, {KEY.id: KEY.public})
    assert isinstance(read_statement(signed), Stub)


class Shown:
    """Gauges that remember what they show."""

    def __init__(self) -> None:
        self.figures: list[tuple[int, bool]] = []

    def show_chain(self, *, records: int, checkpoint_at_ms: int | None) -> None:
        self.figures.append((records, checkpoint_at_ms is not None))


def test_the_chains_figures_are_shown(ledger: Ledger) -> None:
    shown = Shown()
    notary = ledger.make_notary(USUAL_KEEPING, gauges=shown)
    notary.run_if_due()
    ledger.ask("one")
    notary.run_if_due()
    notary.run_if_due(is_last=True)
    assert shown.figures == [(0, False), (2, False), (3, True)]
