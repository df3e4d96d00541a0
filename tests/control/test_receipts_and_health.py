from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from control_ground import Control, running_control
from prometheus_client.parser import text_string_to_metric_families

from hortus.canon.usage import Usage
from hortus.control.metrics import GAUGES
from hortus.ledger.ports import Batch
from hortus.receipts.records import Caller, Opened, Refused, Settled
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable
from hortus.telemetry.metrics import METRICS

NOW_MS = 1_795_000_000_000


def opened(number: int, caller: Caller) -> Opened:
    return Opened(
        receipt_id=f"rcp_{number}",
        attempt=1,
        at_ms=NOW_MS + number,
        caller=caller,
        dialect="openai_chat",
        operation="chat",
        route="seedling",
        endpoint="seedling",
        model="seedling",
        host="local",
        is_stream=False,
        request_id=f"req-{number}",
        input_bytes=100,
        snapshot_version=1,
        currency="USD",
    )


def settled(number: int) -> Settled:
    return Settled(
        receipt_id=f"rcp_{number}",
        attempt=1,
        at_ms=NOW_MS + number + 5,
        status="completed",
        is_last=True,
        http_status=200,
        usage=Usage(input_tokens=3, output_tokens=4),
        cost=Decimal("0.000012"),
    )


async def write_receipts(control: Control) -> None:
    """Let the store take in three receipts: two of `library`, one refusal of nobody's."""
    project = await control.ask("POST", "/projects", {"name": "library"})
    caller = Caller(key_id="key_1", project_id=project["id"])
    refusal = Refused("rcp_9", NOW_MS + 9, Caller(), 401, "invalid_api_key", "req-9")
    records = (opened(1, caller), settled(1), opened(2, caller), settled(2), refusal)
    table = JournalTable(control.plane.ports.access._store)  # type: ignore[attr-defined]
    table.absorb(Batch("w-1.journal", "w-1", START, Position(offset=10, chain=START.chain), records))


async def test_receipts_are_listed_newest_first_and_shown_whole(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        listed = (await control.ask("GET", "/receipts"))["receipts"]
        assert [one["receipt_id"] for one in listed] == ["rcp_9", "rcp_2", "rcp_1"]
        shown = await control.ask("GET", "/receipts/rcp_2")
        assert shown == listed[1]
        assert (shown["project"], shown["cost"], shown["usage"]["output_tokens"]) == ("library", "0.000012", 4)
        assert shown["attempts"][0]["endpoint"] == "seedling"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("limit=1", ["rcp_9"]),
        ("before=rcp_9&limit=1", ["rcp_2"]),
        ("project=library", ["rcp_2", "rcp_1"]),
        ("status=refused", ["rcp_9"]),
        ("route=seedling", ["rcp_2", "rcp_1"]),
        (f"since_ms={NOW_MS + 2}", ["rcp_9", "rcp_2"]),
    ],
)
async def test_receipts_are_chosen_by(tmp_path: Path, query: str, ids: list[str]) -> None:
    async with running_control(tmp_path) as control:
        await write_receipts(control)
        listed = (await control.ask("GET", f"/receipts?{query}"))["receipts"]
        assert [one["receipt_id"] for one in listed] == ids


@pytest.mark.parametrize(
    ("path", "status", "member"),
    [
        ("/receipts/rcp_none", 404, "id"),
        ("/receipts?project=nobody", 404, "project"),
        ("/receipts?limit=0", 400, "limit"),
        ("/receipts?limit=many", 400, "limit"),
        ("/receipts?status=fine", 400, "status"),
    ],
)
async def test_refuses_to_list(tmp_path: Path, path: str, status: int, member: str) -> None:
    async with running_control(tmp_path) as control:
        got, error = await control.fail("GET", path)
        assert (got, error["path"]) == (status, member)


async def test_status_names_version_door_and_store(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        addresses = {"door": "http://127.0.0.1:8000", "admin": "x", "pid": 1, "version": "0"}
        control.home.addresses.write_bytes(msgspec.json.encode(addresses))
        status = await control.ask("GET", "/status")
        assert (status["version"], status["door"]) == ("0.0.test", "http://127.0.0.1:8000")
        assert status["store_bytes"] > 0
        assert status["routes"] == ["seedling"]


async def test_the_doctor_finds_a_deployment_that_failed_and_says_what_mends_it(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        assert (await control.ask("GET", "/doctor"))["is_fine"]
        state = {"name": "seedling", "state": "failed", "error": "The file is not a model."}
        (control.home.engines / "seedling.json").write_bytes(msgspec.json.encode(state))
        found = await control.ask("GET", "/doctor")
        assert not found["is_fine"]
        (bad,) = [one for one in found["findings"] if not one["is_fine"]]
        assert bad["name"] == "deployment seedling"
        assert "The file is not a model." in bad["message"]
        assert bad["mend"]


async def test_the_doctor_finds_a_route_that_cannot_answer(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", {"name": "l", "model": "m", "host": "mistral"})
        await control.ask("POST", "/routes", {"name": "r", "endpoints": ["l"]})
        (bad,) = [one for one in (await control.ask("GET", "/doctor"))["findings"] if not one["is_fine"]]
        assert bad["name"] == "route r"
        assert "env:MISTRAL_API_KEY" in bad["message"]


async def test_metrics_are_prometheus_text(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("GET", "/metrics")
        families = {family.name for family in text_string_to_metric_families(answer.body.decode())}
        assert {metric.name for metric in GAUGES} <= families
        assert not {metric.name for metric in GAUGES} & {metric.name for metric in METRICS}
        assert answer.headers["content-type"].startswith("text/plain")


async def test_a_fault_of_ours_is_an_error_in_our_form(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        control.home.store.rename(tmp_path / "elsewhere")
        status, error = await control.fail("GET", "/projects")
        assert (status, error["code"]) == (503, "store_unavailable")
        assert error["hint"]
