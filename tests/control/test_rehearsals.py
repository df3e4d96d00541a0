"""Drafts held against what a project sent, through the admin API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from control_ground import Control, running_control
from msgspec.structs import replace
from test_receipts_and_health import opened, settled

from hortus.ledger.ports import Batch
from hortus.policy.digest import policy_mark
from hortus.policy.ready import READY
from hortus.receipts.records import Caller, JournalRecord, Refused
from hortus.receipts.segment import START, Position
from hortus.store.absorbing import JournalTable

DAY_MS = 86_400_000

TOML = """\
[[endpoint]]
name = "far"
model = "thing"
host = "openai-compatible"
base_url = "https://models.example/v1"
terms = { source = "contract", as_of = 2026-11-01, compute = "US" }

[[endpoint]]
name = "near"
model = "thing"
host = "openai-compatible"
base_url = "https://other.example/v1"
terms = { source = "contract", as_of = 2026-11-01, compute = "FR" }

[[route]]
name = "mixed"
endpoints = ["far", "near"]

[[route]]
name = "abroad"
endpoints = ["far"]

[[policy]]
name = "europe"
compute_in = ["EU"]
"""


async def library(control: Control) -> str:
    made = await control.ask("POST", "/projects", {"name": "library", "routes": ["*"]})
    return str(made["id"])


def sent(control: Control, project_id: str, number: int, *, ago_days: float = 1, **changes: Any) -> list[JournalRecord]:
    at_ms = control.plane.ports.clock.now_ms() - int(ago_days * DAY_MS)
    begun = replace(opened(number, Caller("key_1", project_id)), at_ms=at_ms, **{"endpoint": "far", **changes})
    return [begun, replace(settled(number), at_ms=at_ms + 5)]


def absorb(control: Control, *records: JournalRecord) -> None:
    table = JournalTable(control.plane.ports.access._store)  # type: ignore[attr-defined]
    table.absorb(Batch("w-1.journal", "w-1", START, Position(offset=10, chain=START.chain), records))


async def rehearse(control: Control, **body: Any) -> Any:
    return await control.ask("POST", "/policy/rehearsal", {"project": "library", **body})


async def test_what_would_go_elsewhere_or_nowhere_is_listed_with_number_and_cost(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        project_id = await library(control)
        absorb(
            control,
            *sent(control, project_id, 1, route="mixed"),
            *sent(control, project_id, 2, route="mixed"),
            *sent(control, project_id, 3, route="abroad"),
            *sent(control, project_id, 4, route="mixed", endpoint="near"),
        )
        found = await rehearse(control, draft="europe")
        assert [(one["outcome"], one["route"], one["requests"]) for one in found["changes"]] == [
            ("refused", "abroad", 1),
            ("moved", "mixed", 2),
        ]
        moved = found["changes"][1]
        assert (moved["instead"], moved["cost"]) == (["near"], [{"currency": "USD", "amount": "0.000024"}])
        assert [one["rule"] for one in moved["rulings"]] == ["compute_in"]
        assert (found["requests"], found["unchanged"], found["stranded"]) == (4, 1, ["abroad"])
        assert (found["policy"], found["draft"].partition("~")[0]) == ("anywhere", "europe")


async def test_rules_that_nobody_has_declared_are_rehearsed_too(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        absorb(control, *sent(control, await library(control), 1, route="mixed"))
        found = await rehearse(control, rules={"compute_in": ["US"], "tools": []})
        assert found["changes"] == []
        assert any("tools" in one for one in found["not_rehearsed"])
        assert "draft" not in control.snapshot().policies


async def test_only_the_days_that_are_asked_for_count(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        project_id = await library(control)
        absorb(
            control,
            *sent(control, project_id, 1, route="mixed"),
            *sent(control, project_id, 2, route="mixed", ago_days=3),
            *sent(control, project_id, 3, route="mixed", ago_days=9),
        )
        asked = [(await rehearse(control, draft="europe", days=days))["requests"] for days in (2, 7, 30)]
        assert asked == [1, 2, 3]
        assert (await rehearse(control, draft="europe"))["requests"] == 2


async def test_what_the_policy_refused_and_the_draft_would_let_go_is_said(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        project_id = await library(control)
        at_ms = control.plane.ports.clock.now_ms() - 1000
        refusal = Refused("rcp_9", at_ms, Caller("key_1", project_id), 403, "refused_by_policy", "req-9")
        absorb(control, replace(refusal, route="abroad", policy="europe~00000000"))
        found = await rehearse(control, draft="anywhere")
        (change,) = found["changes"]
        assert (change["outcome"], change["endpoint"], change["requests"]) == ("allowed", None, 1)


async def test_what_guards_did_already_under_the_same_rules_is_no_change(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        await control.ask("POST", "/policies", {"name": "masked", "personal_data": "pseudonymise"})
        project_id = await library(control)
        await control.ask("PUT", "/projects/library/policy", {"policy": "masked"})
        mark = policy_mark(control.snapshot().policies["masked"])
        absorb(control, *sent(control, project_id, 1, route="mixed", policy=mark, findings=("iban:1",)))
        assert (await rehearse(control, draft="masked"))["changes"] == []
        (change,) = (await rehearse(control, rules={"personal_data": "refuse"}))["changes"]
        assert change["findings"] == ["iban:refuse"]


async def test_a_secret_that_was_found_falls_under_the_rule_for_secrets(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        absorb(control, *sent(control, await library(control), 1, route="mixed", findings=("api_key:1",)))
        assert (await rehearse(control, rules={"personal_data": "refuse"}))["changes"] == []
        (change,) = (await rehearse(control, rules={"secrets": "refuse"}))["changes"]
        assert change["outcome"] == "refused"


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no draft": ({}, 400, "draft"),
    "two drafts": ({"draft": "europe", "rules": {}}, 400, "draft"),
    "unknown draft": ({"draft": "europ"}, 404, "draft"),
    "unknown project": ({"project": "librari", "draft": "europe"}, 404, "project"),
    "wrong rules": ({"rules": {"compute_in": ["EUROPE"]}}, 400, "rules.compute_in[0]"),
    "unknown rule": ({"rules": {"computein": []}}, 400, "rules.computein"),
    "no days": ({"draft": "europe", "days": 0}, 400, "days"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_cannot_be_rehearsed_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    body, status, place = REFUSALS[case]
    async with running_control(tmp_path, toml=TOML) as control:
        await library(control)
        found, error = await control.fail("POST", "/policy/rehearsal", {"project": "library", **body})
        assert (found, error["path"]) == (status, place)


async def test_nothing_sent_is_nothing_changed(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        await library(control)
        for name in READY:
            found = await rehearse(control, draft=name)
            assert (found["requests"], found["changes"], found["stranded"]) == (0, [], [])
