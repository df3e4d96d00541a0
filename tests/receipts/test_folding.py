"""Records of one request become one receipt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hortus.canon.usage import Usage
from hortus.receipts.folding import LOST, fold
from hortus.receipts.records import Caller, JournalRecord
from receipts.journal_examples import CALLER, opened, refused, settled


def test_one_attempt_makes_a_receipt() -> None:
    receipt = fold([opened("a"), settled("a")])
    assert receipt is not None
    assert receipt.status == "completed"
    assert receipt.caller == CALLER
    assert (receipt.route, receipt.endpoint, receipt.model) == ("seedling", "endpoint-1", "seedling")
    assert receipt.usage == Usage(input_tokens=11, output_tokens=22, cached_input_tokens=3)
    assert (receipt.cost, receipt.currency) == (Decimal("0.25"), "EUR")
    assert (receipt.opened_at_ms, receipt.settled_at_ms) == (1001, 2001)
    attempt = receipt.attempts[0]
    assert (attempt.input_bytes, attempt.output_bytes, attempt.adaptations) == (321, 99, ("model_name",))
    assert (attempt.reserved, attempt.price_id, attempt.host_request_id) == (Decimal("0.5"), "row", "host-1")


def test_every_field_of_the_records_arrives_under_its_name() -> None:
    begun = replace(
        opened("a"), model="m", host="h", model_version="v", region="r", operation="o", dialect="d", traceparent="t",
        losses=("l",), host_dialect="hd",
    )  # fmt: skip
    ended = replace(settled("a"), error_code="code", http_status=418, first_byte_ms=6, output_bytes=7, losses=("al",))
    receipt = fold([begun, ended])
    assert receipt is not None
    attempt = receipt.attempts[0]
    of_request = ("receipt_id", "caller", "request_id", "dialect", "operation", "route", "is_stream", "traceparent")
    last = ("status", "http_status", "error_code", "usage", "cost", "currency", "endpoint", "model", "settled_at_ms")
    assert {name: getattr(receipt, name) for name in (*of_request, "snapshot_version")} == {
        name: getattr(begun, name) for name in (*of_request, "snapshot_version")
    }
    assert {name: getattr(receipt, name) for name in last} == {name: getattr(attempt, name) for name in last}
    begins = {"opened_at_ms": begun.at_ms, "number": begun.attempt}
    ends = {"settled_at_ms": ended.at_ms}
    shared = set(attempt.__struct_fields__)
    begins |= {name: getattr(begun, name) for name in shared & set(begun.__struct_fields__)}
    ends |= {name: getattr(ended, name) for name in shared & set(ended.__struct_fields__)}
    lost = {"losses": begun.losses, "answer_losses": ended.losses}
    assert {name: getattr(attempt, name) for name in attempt.__struct_fields__} == begins | ends | lost


def test_an_interrupted_attempt_keeps_what_its_request_lost() -> None:
    receipt = fold([replace(opened("a"), losses=("tuning:top_k",), host_dialect="gemini")], is_writer_dead=True)
    assert receipt is not None
    assert (receipt.attempts[0].losses, receipt.attempts[0].host_dialect) == (("tuning:top_k",), "gemini")


def test_an_open_attempt_waits() -> None:
    assert fold([opened("a")]) is None


def test_an_attempt_that_another_follows_waits() -> None:
    first = [opened("a"), settled("a", is_last=False, status="failed")]
    assert fold(first) is None
    assert fold([*first, opened("a", 2)]) is None


def test_the_last_attempt_gives_the_status_and_all_are_paid() -> None:
    records = [
        opened("a"),
        settled("a", is_last=False, status="timed_out", cost="0.5"),
        opened("a", 2),
        settled("a", 2),
    ]
    receipt = fold(records)
    assert receipt is not None
    assert (receipt.status, receipt.endpoint) == ("completed", "endpoint-2")
    assert receipt.cost == Decimal("0.75")
    assert receipt.usage == Usage(input_tokens=22, output_tokens=44, cached_input_tokens=6)
    assert [attempt.status for attempt in receipt.attempts] == ["timed_out", "completed"]


@pytest.mark.parametrize(("second", "told"), [("flex", "flex"), (None, None)])
def test_tier_and_place_are_the_request_s_where_all_attempts_had_them(second: str | None, told: str | None) -> None:
    def usage(word: str | None) -> Usage:
        return Usage(1, 2, searches=3, service_tier=word, region=word)

    first = replace(settled("a", is_last=False, status="failed"), usage=usage("flex"))
    receipt = fold([opened("a"), first, opened("a", 2), replace(settled("a", 2), usage=usage(second))])
    assert receipt is not None
    assert receipt.usage == Usage(2, 4, searches=6, service_tier=told, region=told)


def test_an_unknown_cost_makes_the_sum_unknown() -> None:
    receipt = fold([opened("a"), settled("a", cost=None, is_last=False), opened("a", 2), settled("a", 2)])
    assert receipt is not None
    assert receipt.cost is None
    assert receipt.attempts[1].cost == Decimal("0.25")


def test_amounts_of_two_currencies_have_no_sum() -> None:
    records = [opened("a"), settled("a", is_last=False), replace(opened("a", 2), currency="USD"), settled("a", 2)]
    receipt = fold(records)
    assert receipt is not None
    assert (receipt.cost, receipt.currency) == (None, None)
    assert [attempt.currency for attempt in receipt.attempts] == ["EUR", "USD"]


def test_a_dead_writer_leaves_an_interrupted_attempt_charged_at_its_reservation() -> None:
    receipt = fold([opened("a")], is_writer_dead=True)
    assert receipt is not None
    assert (receipt.status, receipt.cost, receipt.usage) == ("interrupted", Decimal("0.5"), None)
    assert receipt.settled_at_ms is None


def test_an_interrupted_attempt_without_reservation_has_no_cost() -> None:
    receipt = fold([opened("a", reserved=None)], is_writer_dead=True)
    assert receipt is not None
    assert (receipt.status, receipt.cost) == ("interrupted", None)


def test_a_writer_that_dies_between_two_attempts_leaves_the_first() -> None:
    receipt = fold([opened("a"), settled("a", is_last=False, status="failed")], is_writer_dead=True)
    assert receipt is not None
    assert (receipt.status, receipt.cost) == ("failed", Decimal("0.25"))


def test_an_end_whose_beginning_is_lost_is_kept_with_its_amount() -> None:
    receipt = fold([settled("a")], is_writer_dead=True)
    assert receipt is not None
    assert (receipt.endpoint, receipt.caller) == (LOST, Caller())
    assert (receipt.cost, receipt.currency) == (None, None)  # an amount whose currency is lost is no money
    assert receipt.attempts[0].cost == Decimal("0.25")


def test_a_refusal_is_a_receipt_without_attempts() -> None:
    receipt = fold([refused("a")])
    assert receipt is not None
    assert (receipt.status, receipt.http_status, receipt.error_code) == ("refused", 401, "invalid_api_key")
    assert (receipt.attempts, receipt.cost) == ((), Decimal(0))


@pytest.mark.parametrize("is_writer_dead", [False, True])
def test_no_records_make_no_receipt(is_writer_dead: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    assert fold([], is_writer_dead=is_writer_dead) is None


@given(st.data())
def test_order_and_doubles_do_not_matter(data: st.DataObject) -> None:
    records: list[JournalRecord] = [
        opened("a"),
        settled("a", is_last=False),
        opened("a", 2),
        settled("a", 2, is_last=False),
        opened("a", 3),
        settled("a", 3),
    ]
    shuffled = data.draw(st.permutations(records + data.draw(st.lists(st.sampled_from(records)))))
    assert fold(shuffled) == fold(records)
