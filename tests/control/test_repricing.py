"""Receipts reckoned anew by today's price rows of their day: what differs is listed, nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_ground import Control, running_control
from msgspec import structs

from hortus.canon.usage import Usage
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Offer
from hortus.control.repricing import _PAGE
from hortus.ledger.ports import Batch
from hortus.receipts.records import Caller, JournalRecord, Opened, Settled
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable

NOW_MS = 1_795_400_000_000  # 2026-11-23
OLD = "catalog/openai/gpt-4o/2026-01-01"


def attempt(number: int, *, endpoint: str = "four", model: str = "gpt-4o", **more: Any) -> Sequence[JournalRecord]:
    settled: dict[str, Any] = {"usage": Usage(1000, 100), "cost": Decimal("0.0035")}
    settled |= {name: more.pop(name) for name in ("usage", "cost") if name in more}
    opened: dict[str, Any] = {"host": "openai", "currency": "USD", "price_id": OLD, "at_ms": NOW_MS + number, **more}
    receipt_id = f"rcp_{number}"
    return (
        Opened(
            receipt_id=receipt_id,
            attempt=1,
            caller=Caller(),
            dialect="openai_chat",
            operation="chat",
            route="four",
            endpoint=endpoint,
            model=model,
            is_stream=False,
            request_id=f"req-{number}",
            input_bytes=10,
            snapshot_version=1,
            **opened,
        ),
        Settled(receipt_id, 1, NOW_MS + number + 5, "completed", is_last=True, http_status=200, **settled),
    )


def absorb(control: Control, *records: JournalRecord) -> None:
    table = JournalTable(control.plane.ports.access._store)  # type: ignore[attr-defined]
    table.absorb(Batch("w-1.journal", "w-1", START, Position(offset=10, chain=START.chain), records))


async def recomputed(control: Control, query: str = "since=2026-11") -> Any:
    return await control.ask("GET", f"/prices/recomputation?{query}")


async def test_what_cost_another_amount_is_listed_with_both_rows(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(control, *attempt(1, cost=Decimal("0.01")), *attempt(2), *attempt(3, cost=Decimal("0.002")))
        found = await recomputed(control)
        (one,) = found["differences"]  # 1000 x 2.5 + 100 x 10 = 3500 millionths
        assert (one["endpoint"], one["model"], one["attempts"]) == ("four", "gpt-4o", 2)
        assert (one["old_cost"], one["new_cost"], one["difference"]) == ("0.012", "0.0070", "-0.0050")
        assert one["old_price"] == OLD
        assert one["new_price"].startswith("genai-prices-")
        assert (found["receipts"], found["attempts"], found["unchanged"]) == (3, 3, 1)
        (total,) = found["sums"]
        assert (total["old_cost"], total["new_cost"], total["difference"]) == ("0.0155", "0.0105", "-0.0050")


async def test_nothing_is_changed(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(control, *attempt(1, cost=Decimal("0.01")))
        before = await control.ask("GET", "/receipts/rcp_1")
        await recomputed(control)
        assert await control.ask("GET", "/receipts/rcp_1") == before


async def test_a_receipt_is_reckoned_by_the_row_of_its_own_day(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:

        def price_on(offer: Offer, day: date) -> PriceRow | None:
            row = control.plane.price_of(offer)
            amount = Decimal(2) if day < date(2026, 11, 10) else Decimal(4)
            return row and structs.replace(
                row, id=f"row/{day}", input_per_million=amount, output_per_million=Decimal(0)
            )

        control.plane.price_on = price_on
        third = 1_793_664_000_000 + 2 * 86_400_000  # 2026-11-02 at midnight, and two days later
        absorb(control, *attempt(1, at_ms=third), *attempt(2, at_ms=NOW_MS))
        by_row = {one["new_price"]: one["new_cost"] for one in (await recomputed(control))["differences"]}
        assert by_row == {"row/2026-11-05": "0.002", "row/2026-11-23": "0.004"}


async def test_an_endpoint_s_own_price_comes_before_the_catalog_s(tmp_path: Path) -> None:
    own = {"currency": "EUR", "since": "2026-11-01", "input_per_million": "1", "output_per_million": "1"}
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", {"name": "four", "model": "gpt-4o", "host": "openai", "price": own})
        absorb(control, *attempt(1))
        found = await recomputed(control)
        (one,) = found["differences"]
        assert (one["old_currency"], one["new_currency"], one["new_cost"]) == ("USD", "EUR", "0.0011")
        assert one["difference"] is None
        assert [total["currency"] for total in found["sums"]] == ["EUR", "USD"]


async def test_a_price_that_was_unknown_is_a_difference(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(control, *attempt(1, cost=None, price_id=None, currency=None))
        (one,) = (await recomputed(control))["differences"]
        assert (one["old_price"], one["old_cost"], one["difference"]) == (None, None, "0.0035")


async def test_what_cannot_be_reckoned_is_counted(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(
            control,
            *attempt(1, usage=None, cost=None),
            *attempt(2, model="nobody-knows-it"),
            *attempt(3, usage=Usage(4, 4, is_estimated=True), cost=None),
            *attempt(4, host="local", model="seedling", cost=Decimal(0)),
        )
        found = await recomputed(control)
        counts = ("attempts", "without_usage", "without_price", "estimated", "unchanged")
        assert [found[name] for name in counts] == [4, 1, 1, 1, 1]


async def test_more_receipts_than_a_page_are_all_read(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(control, *(record for number in range(_PAGE + 3) for record in attempt(number)))
        found = await recomputed(control)
        assert (found["receipts"], found["unchanged"]) == (_PAGE + 3, _PAGE + 3)


@pytest.mark.parametrize(
    ("query", "status", "path"), [("since=soon", 400, "since"), ("since=7d&project=nobody", 404, "project")]
)
async def test_a_question_that_cannot_be_answered_says_where(
    tmp_path: Path, query: str, status: int, path: str
) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", f"/admin/v1/prices/recomputation?{query}")
        assert answer.status == status
        assert msgspec.json.decode(answer.body)["error"]["path"] == path


async def test_receipts_before_the_day_are_left_out(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        absorb(control, *attempt(1))
        assert (await recomputed(control, "since=2026-11-24"))["receipts"] == 0


async def test_what_was_given_back_stands_as_it_is_and_is_taken_off_the_sums_of_usage(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        back = attempt(2, usage=Usage(-600, -50, service_tier="batch"), cost=Decimal("-0.0020000000000000001"))
        absorb(control, *attempt(1, cost=Decimal("0.0035")), *back)
        found = await recomputed(control)
        used = await control.ask("GET", "/usage?since=2026-11")
        assert (found["unchanged"], found["differences"]) == (2, [])
        total = used["total"]
        assert total["units"] == {"input_tokens": 400, "output_tokens": 50}
        assert total["costs"][0]["cost"] == "0.0014999999999999999"
