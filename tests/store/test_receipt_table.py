"""Receipts in the store: absorbed once, listed newest first, added up exactly."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hortus.canon.usage import COUNTS, Usage
from hortus.ledger.ports import Absorbed, Batch, Misplaced
from hortus.receipts.folding import fold
from hortus.receipts.records import Caller, JournalRecord
from hortus.receipts.segment import START, Position
from hortus.snapshot.declared import ProjectSpec
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.database import Store, open_store
from hortus.store.receipts import ReceiptTable, Totals
from receipts.journal_examples import StepClock, opened, refused, settled


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store.sqlite", clock=StepClock())
    yield made
    made.close()


@pytest.fixture
def journal(store: Store) -> JournalTable:
    return JournalTable(store)


@pytest.fixture
def table(store: Store) -> ReceiptTable:
    return ReceiptTable(store)


def batch(*records: JournalRecord, begin: int = 0, end: int = 1, writer: str = "w") -> Batch:
    start = Position(begin, f"chain-{begin}") if begin else START
    return Batch(f"{writer}-1.journal", writer, start, Position(end, f"chain-{end}"), records)


def request(
    receipt_id: str, *, at_ms: int = 0, route: str = "seedling", project_id: str = "prj_1"
) -> list[JournalRecord]:
    begun = replace(opened(receipt_id, route=route), at_ms=at_ms, caller=Caller("key_1", project_id))
    return [begun, settled(receipt_id)]


def test_a_receipt_comes_back_whole(journal: JournalTable, table: ReceiptTable) -> None:
    records = [opened("a"), settled("a", is_last=False, status="failed"), opened("a", 2), settled("a", 2)]
    assert [one.receipt_id for one in journal.absorb(batch(*records)).done] == [records[0].receipt_id]
    assert table.receipt("a") == fold(records)


def test_every_member_of_usage_comes_back(journal: JournalTable, table: ReceiptTable) -> None:
    counts = {name: number for number, name in enumerate(COUNTS, start=100)}
    usage = Usage(**counts, is_estimated=True, service_tier="flex", region="us")
    records = [opened("a"), replace(settled("a"), usage=usage)]
    journal.absorb(batch(*records))
    receipt = table.receipt("a")
    assert receipt is not None
    assert (receipt.usage, receipt.attempts[0].usage) == (usage, usage)


def test_what_was_lost_comes_back(journal: JournalTable, table: ReceiptTable) -> None:
    begun = replace(opened("a"), losses=("tuning:top_k", "advisory:user"), host_dialect="gemini")
    records = [begun, replace(settled("a"), losses=("advisory:citations",))]
    journal.absorb(batch(records[0]))
    journal.absorb(batch(records[1], begin=1, end=2))
    receipt = table.receipt("a")
    assert receipt == fold(records)
    assert receipt is not None
    attempt = receipt.attempts[0]
    assert (attempt.losses, attempt.answer_losses) == (("tuning:top_k", "advisory:user"), ("advisory:citations",))
    assert attempt.host_dialect == "gemini"


def test_a_refusal_comes_back_whole(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(refused("a")))
    assert table.receipt("a") == fold([refused("a")])


def test_an_unknown_receipt_is_none(table: ReceiptTable) -> None:
    assert table.receipt("none") is None


def test_the_projects_name_is_in_its_receipts(store: Store, journal: JournalTable, table: ReceiptTable) -> None:
    project = AccessTable(store, StepClock()).put_project(ProjectSpec("team"), origin="api")
    journal.absorb(batch(*request("a", project_id=project.id), *request("b")))
    assert [receipt.receipt_id for receipt in table.receipts(project="team")] == ["a"]
    assert table.receipts(project="team")[0].project == "team"
    assert table.receipts(project="other") == []


def test_an_open_attempt_waits_until_a_later_batch(journal: JournalTable, table: ReceiptTable) -> None:
    assert journal.absorb(batch(opened("a"))) == Absorbed()
    assert table.receipt("a") is None
    assert journal.waiting_writers() == {"w"}
    assert journal.absorb(batch(settled("a"), begin=1, end=2)).receipts == 1
    assert table.receipt("a") == fold([opened("a"), settled("a")])
    assert journal.waiting_writers() == frozenset()


def test_an_end_in_the_next_segment_finds_its_beginning(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(opened("a")))
    journal.absorb(replace(batch(settled("a")), segment="w-2.journal"))
    assert table.receipt("a") == fold([opened("a"), settled("a")])


def test_a_batch_from_another_place_is_refused_and_changes_nothing(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(*request("a")))
    with pytest.raises(Misplaced) as answer:
        journal.absorb(batch(*request("a"), *request("b")))
    assert answer.value.actual == Position(1, "chain-1")
    assert table.receipt("b") is None


def test_records_that_come_twice_count_once(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(*request("a"), opened("b")))
    again = replace(batch(*request("a"), opened("b"), opened("b"), settled("b")), segment="copy-1.journal")
    absorbed = journal.absorb(again)
    assert (absorbed.receipts, absorbed.doubled) == (1, 4)
    assert table.totals().count == 2


def test_a_dead_writers_open_attempts_are_interrupted_once(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(opened("a"), opened("b")))
    journal.absorb(batch(opened("c"), writer="other"))
    assert len(journal.bury("w").done) == 2
    assert journal.bury("w") == Absorbed()
    receipt = table.receipt("a")
    assert receipt is not None
    assert (receipt.status, receipt.cost) == ("interrupted", Decimal("0.5"))
    assert journal.waiting_writers() == {"other"}


def test_positions_are_kept_until_a_segment_is_archived(journal: JournalTable) -> None:
    journal.absorb(batch(opened("a")))
    journal.absorb(batch(begin=1, end=5))
    assert journal.positions() == {"w-1.journal": Position(5, "chain-5")}
    journal.archive("w-1.journal")
    assert journal.positions() == {}


def test_damage_is_remembered(store: Store, journal: JournalTable) -> None:
    journal.absorb(replace(batch(opened("a")), damage="first"))
    journal.absorb(replace(batch(begin=1, end=2), damage="second"))
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT damage, records FROM segments").all() == [("first\nsecond", 1)]


def test_receipts_come_newest_first_and_page_by_page(journal: JournalTable, table: ReceiptTable) -> None:
    instants = {"a": 5, "b": 9, "c": 5, "d": 1, "e": 9}
    journal.absorb(batch(*[record for name, at_ms in instants.items() for record in request(name, at_ms=at_ms)]))
    assert [receipt.receipt_id for receipt in table.receipts()] == ["e", "b", "c", "a", "d"]
    pages, before = [], None
    while page := table.receipts(limit=2, before=before):
        pages.append([receipt.receipt_id for receipt in page])
        before = page[-1].receipt_id
    assert pages == [["e", "b"], ["c", "a"], ["d"]]
    assert table.receipts(before="unknown") == []


def test_receipts_are_chosen_by_route_status_and_time(journal: JournalTable, table: ReceiptTable) -> None:
    journal.absorb(batch(*request("a", at_ms=10), *request("b", at_ms=20, route="other"), refused("c")))
    assert [receipt.receipt_id for receipt in table.receipts(route="other")] == ["b"]
    assert [receipt.receipt_id for receipt in table.receipts(status="refused")] == ["c"]
    assert [receipt.receipt_id for receipt in table.receipts(since_ms=20)] == ["c", "b"]
    assert [receipt.receipt_id for receipt in table.receipts(since_ms=20, status="completed")] == ["b"]


def test_totals_are_exact(journal: JournalTable, table: ReceiptTable) -> None:
    records: list[JournalRecord] = [refused("r")]
    for number in range(10):
        records += [opened(f"{number}"), settled(f"{number}", cost="0.1000000000000000000000001")]
    records += [replace(opened("usd"), currency="USD"), settled("usd", cost="3")]
    records += [opened("unknown"), settled("unknown", cost=None)]
    journal.absorb(batch(*records))
    assert table.totals() == Totals(
        count=13,
        input_tokens=132,
        output_tokens=264,
        costs={"EUR": Decimal("1.0000000000000000000000010"), "USD": Decimal(3)},
        without_cost=1,
    )
    assert table.totals(status="refused") == Totals(1, 0, 0, {}, 0)


def test_a_batch_larger_than_one_statement_is_absorbed(journal: JournalTable, table: ReceiptTable) -> None:
    begun = [opened(f"{number}") for number in range(2500)]
    journal.absorb(batch(*begun))
    ended = [settled(f"{number}") for number in range(2500)]
    assert journal.absorb(batch(*ended, begin=1, end=2)).receipts == 2500
    assert table.totals().count == 2500
    assert journal.waiting_writers() == frozenset()
