"""Sums of receipts for rehearsals: what was sent, what the rules refused, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from hortus.ledger.ports import Batch
from hortus.policy.rehearsing import Row
from hortus.receipts.records import Caller, JournalRecord, Refused
from hortus.receipts.segment import START, Position
from hortus.snapshot.declared import ProjectSpec
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.database import Store, open_store
from hortus.store.receipts import ReceiptTable
from receipts.journal_examples import StepClock, opened, settled


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "store.sqlite", clock=StepClock())
    yield made
    made.close()


@pytest.fixture
def project_id(store: Store) -> str:
    return AccessTable(store, StepClock()).put_project(ProjectSpec("library"), origin="api").id


def absorb(store: Store, *records: JournalRecord) -> None:
    JournalTable(store).absorb(Batch("w-1.journal", "w", START, Position(1, "chain-1"), records))


def sent(project_id: str, receipt_id: str, **changes: object) -> list[JournalRecord]:
    begun = replace(opened(receipt_id), caller=Caller("key_1", project_id), **changes)
    return [begun, settled(receipt_id)]


def denied(project_id: str, receipt_id: str, code: str = "refused_by_policy", **changes: object) -> Refused:
    return replace(
        Refused(
            receipt_id=receipt_id,
            at_ms=1500,
            caller=Caller("key_1", project_id),
            http_status=403,
            error_code=code,
            request_id=f"req-{receipt_id}",
            route="seedling",
        ),
        **changes,
    )


def rows(store: Store, project_id: str, since_ms: int = 0) -> tuple[Row, ...]:
    found = ReceiptTable(store).sent(project_id=project_id, since_ms=since_ms).rows
    return tuple(sorted(found, key=lambda row: (row.route, row.endpoint or "", row.requests)))


def test_receipts_that_are_alike_are_one_row_with_their_sums(store: Store, project_id: str) -> None:
    absorb(
        store,
        *sent(project_id, "a"),
        *sent(project_id, "b", input_bytes=4000, losses=()),
        *sent(project_id, "c", losses=("tuning:top_k",), findings=("iban:2",)),
    )
    alike, other = sorted(rows(store, project_id), key=lambda row: -row.requests)
    assert alike == Row(
        project="library",
        route="seedling",
        endpoint="endpoint-1",
        requests=2,
        largest_request_bytes=4000,
        adaptations=("model_name",),
        cost=Decimal("0.50"),
        currency="EUR",
    )
    assert (other.requests, other.losses, other.findings) == (1, ("tuning:top_k",), ("iban:2",))


def test_a_request_counts_once_at_the_endpoint_that_answered_with_the_cost_of_all_attempts(
    store: Store, project_id: str
) -> None:
    caller = Caller("key_1", project_id)
    first, second = replace(opened("a"), caller=caller), replace(opened("a", 2), caller=caller)
    absorb(store, first, settled("a", is_last=False, status="failed"), second, settled("a", 2))
    (row,) = rows(store, project_id)
    assert (row.endpoint, row.requests, row.cost) == ("endpoint-2", 1, Decimal("0.50"))


def test_refusals_by_rules_count_without_an_endpoint_and_other_refusals_not_at_all(
    store: Store, project_id: str
) -> None:
    absorb(
        store,
        denied(project_id, "a"),
        denied(project_id, "b", "refused_by_guard", findings=("iban:1",)),
        denied(project_id, "c", "rate_limit_exceeded"),
        denied(project_id, "d", route=None),
    )
    found = rows(store, project_id)
    assert [(row.endpoint, row.requests) for row in found] == [(None, 1), (None, 1)]
    assert {row.findings for row in found} == {(), ("iban:1",)}


def test_a_cost_that_is_unknown_is_not_nothing(store: Store, project_id: str) -> None:
    first, last = sent(project_id, "a")
    absorb(store, first, replace(last, cost=None))
    (row,) = rows(store, project_id)
    assert row.cost is None


def test_only_the_project_and_the_time_that_are_asked_for_count(store: Store, project_id: str) -> None:
    absorb(store, *sent(project_id, "a"), *sent("prj_other", "b"))
    assert [row.requests for row in rows(store, project_id)] == [1]
    assert rows(store, project_id, since_ms=10_000) == ()


def test_the_marks_of_the_policies_are_told(store: Store, project_id: str) -> None:
    absorb(
        store,
        *sent(project_id, "a", policy="europe~1a2b"),
        *sent(project_id, "b", policy="europe~3c4d"),
        *sent(project_id, "c"),
    )
    assert ReceiptTable(store).sent(project_id=project_id, since_ms=0).marks == {"europe~1a2b", "europe~3c4d"}


def test_operations_are_told_apart(store: Store, project_id: str) -> None:
    absorb(store, *sent(project_id, "a"), *sent(project_id, "b", operation="embeddings"))
    assert {row.operation for row in rows(store, project_id)} == {"chat", "embeddings"}
