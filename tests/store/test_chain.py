"""The chain in the store: what comes back has the bytes that were chained, segments follow, acts are in it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hortus.canon.usage import Usage
from hortus.receipts.chain import (
    ACT,
    BEGIN,
    CHECKPOINT,
    NO_HASH,
    RECEIPT,
    SEGMENT_ENTRIES,
    canonical,
    digest_of,
    is_over,
    link,
)
from hortus.receipts.exporting import Wanted
from hortus.receipts.records import Attempt, Caller, Hold, Receipt
from hortus.store.acts import ActTable
from hortus.store.chainreading import Entry, read_entries
from hortus.store.database import Store, open_store
from hortus.store.prepared import prepare_insert
from hortus.store.receipts import load_receipts
from hortus.store.rows import attempt_row, receipt_row
from hortus.store.schema import attempts, receipts
from receipts.chain_examples import DAY_S, Ledger
from receipts.journal_examples import StepClock

# SQLite keeps 64 bits; text cannot hold half characters
NUMBERS = st.integers(0, 2**62)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=None)
HOLDS = st.lists(st.builds(Hold, TEXTS, AMOUNTS), max_size=2).map(tuple)
LISTS = st.lists(TEXTS, max_size=2).map(tuple)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


USAGES = maybe(
    st.builds(
        Usage,
        **{
            field: maybe(TEXTS)
            if field in {"service_tier", "region"}
            else st.booleans()
            if field == "is_estimated"
            else NUMBERS
            for field in Usage.__struct_fields__
        },
    )
)
_OF_TYPE = {
    str: TEXTS, int: NUMBERS, bool: st.booleans(), str | None: maybe(TEXTS), int | None: maybe(NUMBERS),
    Decimal | None: maybe(AMOUNTS), Usage | None: USAGES, tuple[str, ...]: LISTS, tuple[Hold, ...]: HOLDS,
    Caller: st.builds(Caller, maybe(TEXTS), maybe(TEXTS)), bool | None: maybe(st.booleans()),
}  # fmt: skip


def built(struct: type, **given_fields: st.SearchStrategy) -> st.SearchStrategy:
    """Draw every field of a struct from its type, so that a new one is drawn as well."""
    hints = get_type_hints(struct)
    return st.builds(
        struct,
        **{
            name: given_fields[name] if name in given_fields else _OF_TYPE[hints[name]]
            for name in struct.__struct_fields__
        },
    )


RECEIPTS = built(
    Receipt,
    receipt_id=st.just("rcp_1"),
    project=st.none(),
    attempts=st.lists(built(Attempt), max_size=3, unique_by=lambda one: one.number).map(
        lambda some: tuple(sorted(some, key=lambda one: one.number))
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = open_store(tmp_path_factory.mktemp("store") / "store.sqlite", clock=StepClock())
    yield made
    made.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path)
    yield made
    made.close()


@given(receipt=RECEIPTS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_receipt_comes_back_from_the_store_with_the_bytes_that_were_chained(store: Store, receipt: Receipt) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM attempts")
        connection.exec_driver_sql("DELETE FROM receipts")
        prepare_insert(receipts, store.dialect).run_for_each(connection, [receipt_row(receipt, 1)])
        rows = [attempt_row("rcp_1", attempt) for attempt in receipt.attempts]
        prepare_insert(attempts, store.dialect).run_for_each(connection, rows)
        found = load_receipts(connection, ["rcp_1"])["rcp_1"]
    assert canonical(found) == canonical(receipt)


def test_the_bytes_of_a_receipt_stay_as_they_were_in_the_first_release() -> None:
    usage = Usage(11, 22, 3, is_estimated=True, cache_write_tokens=5)
    attempt = Attempt(
        1, "e", "m", "h", "completed", 5, usage=usage, reserved=Decimal("1E+2"), cost=Decimal("1E-7"), currency="EUR",
        holds=(Hold("b@1", Decimal("0.50")),),
    )  # fmt: skip
    receipt = Receipt(
        "rcp_1",
        5,
        "completed",
        Caller("key_1", "prj_1"),
        "req",
        project="renamed later",
        usage=usage,
        attempts=(attempt,),
    )
    assert canonical(receipt) == (
        b'{"receipt_id":"rcp_1","opened_at_ms":5,"status":"completed","caller":{"key_id":"key_1","project_id":"prj_1"},'
        b'"request_id":"req","usage":{"input_tokens":11,"output_tokens":22,"cached_input_tokens":3,"is_estimated":true,'
        b'"cache_write_tokens":5},"attempts":[{"number":1,"endpoint":"e","model":"m","host":"h","status":"completed",'
        b'"opened_at_ms":5,"usage":{"input_tokens":11,"output_tokens":22,"cached_input_tokens":3,"is_estimated":true,'
        b'"cache_write_tokens":5},"reserved":"100","cost":"1E-7","currency":"EUR","holds":[{"pool":"b@1","amount":"0.50"}]}]}'
    )


def test_the_hash_of_an_entry_is_the_documented_one() -> None:
    digest = sha256(b"{}").digest()
    expected = sha256(bytes(32) + (7).to_bytes(8, "big") + bytes([RECEIPT]) + digest).digest()
    assert link(NO_HASH, 7, code=RECEIPT, digest=digest_of(b"{}")) == expected


def entries_of(ledger: Ledger) -> list[Entry]:
    with ledger.store.reading() as connection:
        found = read_entries(connection, 0, last=1_000_000, limit=1_000_000)
    return [one for one in found if isinstance(one, Entry)]


def test_entries_stand_in_the_order_in_which_they_were_taken_in(ledger: Ledger) -> None:
    ledger.ask("b", "a")
    ledger.ask("c")
    assert [(one.code, one.record_id) for one in entries_of(ledger)] == [
        (BEGIN, ""), (RECEIPT, "b"), (RECEIPT, "a"), (RECEIPT, "c"),
    ]  # fmt: skip
    assert ledger.chain.find_flaw(newest=100) is None


def test_a_receipt_knows_its_place(ledger: Ledger) -> None:
    ledger.ask("a", "b")
    with ledger.store.reading() as connection:
        places = connection.exec_driver_sql("SELECT receipt_id, seq FROM receipts ORDER BY seq").all()
    assert places == [("a", 2), ("b", 3)]


def test_a_new_day_begins_a_segment_that_names_the_hash_before_it(ledger: Ledger) -> None:
    ledger.ask("a")
    before = ledger.chain.place()
    ledger.clock.pass_by(DAY_S)
    ledger.ask("b")
    begin = entries_of(ledger)[2]
    assert begin.code == BEGIN
    assert before.hash.hex().encode() in (begin.record or b"")
    assert ledger.chain.find_flaw(newest=2) is None


def test_a_full_segment_is_followed_by_another_in_the_middle_of_a_batch(ledger: Ledger) -> None:
    ledger.ask(*[f"{number}" for number in range(SEGMENT_ENTRIES + 10)])
    begins = [one.seq for one in entries_of(ledger) if one.code == BEGIN]
    assert begins == [1, SEGMENT_ENTRIES + 1]
    assert ledger.chain.find_flaw(newest=1_000_000) is None


def test_a_segment_is_over_when_it_is_full_or_the_day_is() -> None:
    assert not is_over(entries=SEGMENT_ENTRIES - 1, began_at_ms=0, now_ms=86_399_999)
    assert is_over(entries=SEGMENT_ENTRIES, began_at_ms=0, now_ms=0)
    assert is_over(entries=1, began_at_ms=86_399_999, now_ms=86_400_000)
    assert not is_over(entries=1, began_at_ms=86_400_000, now_ms=86_399_999)  # a clock that was set back


def test_receipts_from_before_the_chain_are_counted_at_its_beginning(ledger: Ledger) -> None:
    with ledger.store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO receipts (receipt_id, opened_at_ms, status, request_id, is_stream)"
            " VALUES ('old', 1, 's', 'r', 0)"
        )
    ledger.ask("a")
    assert b'"unchained":1' in (entries_of(ledger)[0].record or b"")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE receipts SET status = 'failed' WHERE receipt_id = 'b'", "not the one that was chained"),
        ("UPDATE attempts SET cost = '9' WHERE receipt_id = 'b'", "not the one that was chained"),
        ("DELETE FROM attempts WHERE receipt_id = 'b'", "not the one that was chained"),
        ("DELETE FROM chain WHERE seq = 3", "it is missing"),
        ("UPDATE chain SET record_id = 'lost' WHERE seq = 3", "its record is missing"),
    ],
)
def test_a_change_of_the_store_is_found_where_it_was_made(ledger: Ledger, statement: str, why: str) -> None:
    ledger.ask("a", "b", "c")
    with ledger.store.writing() as connection:
        connection.exec_driver_sql(statement)
    flaw = ledger.chain.find_flaw(newest=100)
    assert flaw is not None
    assert flaw.seq == 3
    assert why in flaw.why


def test_an_act_waits_until_the_ledger_gives_it_its_place(ledger: Ledger) -> None:
    acts = ActTable(ledger.store)
    ledger.access.rename_organisation("City of Lund")
    assert [one.seq for one in acts.acts()] == [None]
    ledger.notary.run_if_due()
    assert [one.seq for one in acts.acts()] == [2]
    assert [one.code for one in entries_of(ledger)] == [BEGIN, ACT, CHECKPOINT]


def test_an_empty_chain_has_neither_flaw_nor_extent(ledger: Ledger) -> None:
    assert ledger.chain.find_flaw(newest=10) is None
    assert ledger.chain.extent(Wanted()) is None
    assert ledger.chain.place().seq == 0
