"""Usage through the admin API: divided, chosen, shared out, cut; questions that cannot be answered say why."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from control_ground import Control, running_control
from msgspec.structs import replace
from test_receipts_and_health import NOW_MS, opened, settled, write_receipts

from hortus.control.errors import Invalid
from hortus.control.instants import Reading, read_instant
from hortus.ledger.ports import Batch
from hortus.receipts.records import Caller, JournalRecord
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable

SINCE = f"since={NOW_MS - 3_600_000}&until={NOW_MS + 3_600_000}"


def absorb(control: Control, *records: JournalRecord) -> None:
    table = JournalTable(control.plane.ports.access._store)  # type: ignore[attr-defined]
    table.absorb(Batch("more-1.journal", "more-1", START, Position(offset=10, chain=START.chain), records))


async def usage(control: Control, query: str = "") -> Any:
    return await control.ask("GET", f"/usage?{SINCE}&{query}")


async def test_usage_is_divided_by_project_with_money_tokens_and_shares(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        found = await usage(control)
        assert [group["names"] for group in found["groups"]] == [{"project": "library"}, {"project": None}]
        (library, nobody) = found["groups"]
        assert (library["requests"], library["units"]) == (2, {"input_tokens": 6, "output_tokens": 8})
        assert library["costs"] == [
            {"currency": "USD", "cost": "0.000024", "estimated": "0", "share_percent": "100.00"}
        ]
        assert (library["mean_ms"], library["mean_first_byte_ms"], library["share_percent"]) == (5, None, "100.00")
        assert (nobody["requests"], nobody["refused"], nobody["costs"]) == (1, 1, [])
        assert (found["total"]["requests"], found["is_cut"], found["groups_found"]) == (3, False, 2)


async def test_costs_of_two_currencies_are_never_added(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        absorb(control, replace(opened(5, Caller()), currency="EUR"), settled(5))
        total = (await usage(control))["total"]
        assert [(one["currency"], Decimal(one["cost"])) for one in total["costs"]] == [
            ("EUR", Decimal("0.000012")),
            ("USD", Decimal("0.000024")),
        ]
        only = await usage(control, "currency=EUR")
        assert [one["currency"] for one in only["total"]["costs"]] == ["EUR"]


async def test_the_part_that_is_estimated_is_said(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        end = settled(5)
        assert end.usage is not None
        absorb(
            control,
            opened(4, Caller()),
            settled(4),
            opened(5, Caller()),
            replace(end, usage=replace(end.usage, is_estimated=True)),
        )
        total = (await usage(control))["total"]
        (cost,) = total["costs"]
        assert (Decimal(cost["cost"]), Decimal(cost["estimated"])) == (Decimal("0.000024"), Decimal("0.000012"))
        assert total["estimated"] == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("by=", [{}]),
        ("by=route,status&project=library", [{"route": "seedling", "status": "completed"}]),
        ("by=key&status=completed", [{"key": "key_1", "key_name": None}]),
        ("by=month&timezone=Europe/Berlin&route=seedling", [{"month": "2026-11"}]),
        ("by=hour,host&route=seedling", [{"hour": "2026-11-18 11:00", "host": "local"}]),
        ("by=hour&route=seedling&timezone=Asia/Kathmandu", [{"hour": "2026-11-18 16:00 +0545"}]),
        ("by=day&model=none", []),
    ],
)
async def test_usage_is_divided_and_chosen_by(tmp_path: Path, query: str, names: list[dict[str, str | None]]) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        assert [group["names"] for group in (await usage(control, query))["groups"]] == names


async def test_time_comes_first_and_in_its_order(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        dear = replace(settled(5), at_ms=NOW_MS + 86_400_000, cost=Decimal(5))
        absorb(control, replace(opened(5, Caller()), at_ms=NOW_MS + 86_400_000), dear)
        found = await control.ask("GET", "/usage?by=project,day&since=2026-11-18&until=2026-11-19")
        assert found["by"] == ["day", "project"]
        assert [tuple(group["names"].values()) for group in found["groups"]] == [
            ("2026-11-18", "library"),
            ("2026-11-18", None),
            ("2026-11-19", None),
        ]
        assert found["groups"][0]["start_ms"] < found["groups"][0]["end_ms"] == found["groups"][2]["start_ms"]


async def test_groups_that_are_left_out_are_said(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        found = await usage(control, "limit=1")
        assert (len(found["groups"]), found["groups_found"], found["is_cut"]) == (1, 2, True)
        assert found["total"]["requests"] == 3


async def test_without_bounds_usage_is_that_of_this_month(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        now_ms = control.plane.ports.clock.now_ms()
        begun = replace(opened(7, Caller()), at_ms=now_ms)
        before = replace(opened(5, Caller()), at_ms=now_ms - 40 * 86_400_000)
        absorb(control, before, settled(5), begun, replace(settled(7), at_ms=now_ms + 5))
        found = await control.ask("GET", "/usage")
        assert found["total"]["requests"] == 1
        assert found["since_ms"] <= now_ms < found["until_ms"]


async def test_the_doctor_finds_sums_that_are_not_those_of_the_receipts(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        now_ms = control.plane.ports.clock.now_ms()
        absorb(control, replace(opened(5, Caller()), at_ms=now_ms), replace(settled(5), at_ms=now_ms))
        fine = [one for one in (await control.ask("GET", "/doctor"))["findings"] if one["name"] == "usage"]
        with control.plane.ports.access._store.writing() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DELETE FROM usage_sums")
        bad = [one for one in (await control.ask("GET", "/doctor"))["findings"] if one["name"] == "usage"]
        assert [one["is_fine"] for one in fine + bad] == [True, False]
        assert "1 requests" in bad[0]["message"]
        assert bad[0]["mend"]


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("by=planet", "by"),
        ("by=day,hour", "by"),
        ("by=route,route", "by"),
        ("by=hour&since=1990&until=2026", "by"),
        ("project=nobody", "project"),
        ("timezone=Europe/Berlon", "timezone"),
        ("since=never", "since"),
        ("until=2026-13", "until"),
        ("since=2026-11-02&until=2026-10-31", "since"),
        ("limit=0", "limit"),
        ("status=fine", "status"),
    ],
)
async def test_a_question_without_an_answer_says_why(tmp_path: Path, query: str, member: str) -> None:
    async with running_control(tmp_path) as control:
        status, error = await control.fail("GET", f"/usage?{query}")
        assert (status in {400, 404}, error["path"]) == (True, member)
        assert error["hint"]


BERLIN_NOW_MS = 1_793_000_000_000


@pytest.mark.parametrize(
    ("text", "is_end", "instant_ms"),
    [
        ("7d", False, BERLIN_NOW_MS - 7 * 86_400_000),
        ("24h", True, BERLIN_NOW_MS - 86_400_000),
        ("99999w", False, 0),
        ("2026-10-25", False, 1_792_879_200_000),
        ("2026-10-25", True, 1_792_969_200_000),
        ("2026-10", True, 1_793_487_600_000),
        ("2026-12", True, 1_798_758_000_000),
        ("2026", False, 1_767_222_000_000),
        ("2026", True, 1_798_758_000_000),
        ("2026-10-25T12:00", True, 1_792_926_000_000),
        ("2026-10-25 12:00", False, 1_792_926_000_000),
        ("2026-10-25T12:00:00Z", False, 1_792_929_600_000),
        ("1792929600000", False, 1_792_929_600_000),
    ],
)
def test_times_are_read_as_people_mean_them(text: str, instant_ms: int, *, is_end: bool) -> None:
    reading = Reading("since", BERLIN_NOW_MS, ZoneInfo("Europe/Berlin"), is_end=is_end)
    assert read_instant(text, reading) == instant_ms


@pytest.mark.parametrize(
    "text",
    ["", "soon", "7", "7x", "2026-02-30", "2026-1-1", "9999", "0000", "1969", "2026-10-25T25:00", "\u0667d", "9" * 15],
)
def test_what_is_no_time_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(Invalid, match="is no time") as refusal:
        read_instant(text, Reading("until", BERLIN_NOW_MS, ZoneInfo("Europe/Berlin"), is_end=True))
    assert refusal.value.hint
