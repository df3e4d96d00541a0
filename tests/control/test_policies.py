"""Policies through the admin API: made, changed, said in words, retired; and what each form must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_ground import running_control

from hortus.control.policyforms import PolicyView, PolicyWanted, RulesForm
from hortus.control.policywords import say_places, say_policy
from hortus.policy.digest import policy_mark
from hortus.policy.ready import READY
from hortus.policy.rules import Policy

EUROPE = {"name": "europe", "compute_in": ["EU"], "no_training": True}


async def test_the_ready_made_policies_are_listed_with_who_uses_them(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        found = (await control.ask("GET", "/policies"))["policies"]
    assert [one["name"] for one in found] == sorted(READY)
    by_name = {one["name"]: one for one in found}
    assert by_name["anywhere"]["projects"] == ["default"]
    assert by_name["anywhere"]["words"] == []
    assert by_name["own-machines-only"]["rules"]["own_machines"] is True
    assert {one["origin"] for one in found} == {"built-in"}


async def test_a_policy_made_here_can_be_named_at_once_and_says_itself_in_words(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/policies", EUROPE)
        assert "europe" in control.snapshot().policies
        assert made["mark"] == policy_mark(Policy("europe", compute_in=("EU",), no_training=True))
        assert [one["rule"] for one in made["words"]] == ["compute_in", "no_training"]
        await control.ask("PUT", "/projects/default/policy", {"policy": "europe", "shadow_policy": "eu-operated"})
        assert (await control.ask("GET", "/policies/europe"))["projects"] == ["default"]
        assert (await control.ask("GET", "/policies/eu-operated"))["shadow_of"] == ["default"]


async def test_a_policy_is_changed_as_a_whole_and_the_log_of_acts_says_from_what_to_what(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/policies", EUROPE)
        after = await control.ask("PUT", "/policies/europe", {"compute_in": ["EEA", "CH"]})
        assert after["rules"]["no_training"] is False
        assert control.snapshot().policies["europe"] == Policy("europe", compute_in=("EEA", "CH"))
        act = (await control.ask("GET", "/acts?kind=policy"))["acts"][0]
    changes = {one["field"]: (one.get("before"), one.get("after")) for one in act["fields"]}
    assert (act["change"], act["operation"]) == ("replace", "policies.replace")
    assert changes == {"compute_in": ('["EU"]', '["EEA","CH"]'), "no_training": ("true", None)}


@pytest.mark.parametrize("field", ["policy", "shadow_policy"])
async def test_a_policy_that_a_project_names_is_not_retired_and_the_project_is_named(
    tmp_path: Path, field: str
) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/policies", EUROPE)
        await control.ask("POST", "/projects", {"name": "library", field: "europe"})
        status, error = await control.fail("DELETE", "/policies/europe")
        assert (status, error["code"]) == (409, "conflict")
        assert "library" in error["message"]
        await control.ask("DELETE", "/projects/library")
        gone = await control.ask("DELETE", "/policies/europe")
        assert gone["retired_at_ms"] is not None
        assert (await control.fail("POST", "/projects", {"name": "zoo", "policy": "europe"}))[0] == 400


REFUSALS: dict[str, tuple[str, str, Any, int, str]] = {
    "unknown member": ("POST", "/policies", {**EUROPE, "computein": []}, 400, "computein"),
    "no place": ("POST", "/policies", {**EUROPE, "compute_in": ["EUROPE"]}, 400, "compute_in[0]"),
    "no such maker": ("POST", "/policies", {**EUROPE, "makers": ["mistrall"]}, 400, "makers[0]"),
    "no such kind": (
        "POST",
        "/policies",
        {**EUROPE, "personal_data": "refuse", "personal_kinds": ["e-mail"]},
        400,
        "personal_kinds[0]",
    ),
    "wrong word": ("POST", "/policies", {**EUROPE, "personal_data": "hide"}, 400, "personal_data"),
    "ready-made made": ("POST", "/policies", {"name": "anywhere"}, 400, "name"),
    "ready-made changed": ("PUT", "/policies/eu-operated", {"no_training": False}, 400, "name"),
    "ready-made retired": ("DELETE", "/policies/eu-operated", None, 409, "name"),
    "unknown changed": ("PUT", "/policies/nowhere", {}, 404, "name"),
    "unknown shown": ("GET", "/policies/nowhere", None, 404, "name"),
    "made twice": ("POST", "/policies", {"name": "filed"}, 409, "hortus.toml:2"),
    "of the file changed": ("PUT", "/policies/filed", {}, 409, "hortus.toml:2"),
    "of the file retired": ("DELETE", "/policies/filed", None, 409, "hortus.toml:2"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    method, path, body, status, place = REFUSALS[case]
    async with running_control(tmp_path, toml='[[policy]]\nname = "filed"\n') as control:
        before = control.snapshot()
        assert (await control.fail(method, path, body))[0] == status
        assert (await control.fail(method, path, body))[1]["path"] == place
        assert control.snapshot() == before


def test_the_form_of_a_policy_has_every_member_with_the_same_default() -> None:
    for field in msgspec.structs.fields(Policy):
        taken = PolicyWanted.model_fields[field.name]
        assert taken.is_required() == field.required
        if not field.required:
            assert taken.get_default() == field.default, field.name
    assert set(RulesForm.model_fields) == set(Policy.__struct_fields__) - {"name"}
    assert "rules" in PolicyView.model_fields


WHOLE = Policy(
    name="whole",
    description="All that can be said.",
    compute_in=("EU",),
    store_in=("EEA", "CH", "ADEQUATE"),
    operators_from=("DE",),
    out_of_reach_of=("US", "CN"),
    longest_retention_days=30,
    no_training=True,
    stateless=True,
    own_machines=True,
    makers=("mistral",),
    without_makers=("deepseek",),
    hosts=("mistral", "scaleway"),
    licences=("Apache-2.0",),
    open_weights=True,
    states=("current", "legacy"),
    least_confidence="reported",
    stale_facts="refuse",
    personal_data="pseudonymise",
    personal_kinds=("iban", "email"),
    secrets="refuse",
    blocked_words=("hunter2", "swordfish"),
    unseen_content="allow",
    loss="strict",
    largest_request_kib=64,
    tools=("function",),
    keeps_content=False,
)


def test_every_rule_of_a_policy_has_its_sentence() -> None:
    members = msgspec.structs.asdict(WHOLE)
    assert all(members[field.name] != field.default for field in msgspec.structs.fields(Policy))
    said = say_policy(WHOLE)
    assert [one.rule for one in said] == [name for name in members if name not in {"name", "description"}]
    assert all(one.says.endswith(".") and one.says[0].isupper() for one in said)
    assert len({one.says for one in said}) == len(said)


def test_blocked_words_are_counted_and_not_repeated() -> None:
    (said,) = [one.says for one in say_policy(WHOLE) if one.rule == "blocked_words"]
    assert "2" in said
    assert "swordfish" not in said


def test_a_policy_that_demands_nothing_says_nothing() -> None:
    assert say_policy(Policy(name="free", description="Words alone.")) == ()


def test_what_no_guard_can_look_into_is_said_wherever_one_looks() -> None:
    assert [one.rule for one in say_policy(Policy(name="a", secrets="refuse"))] == ["secrets", "unseen_content"]


@pytest.mark.parametrize(
    ("places", "said"),
    [(("EU",), "the EU"), (("EEA", "CH"), "the EEA or CH"), (("DE", "FR", "AT"), "DE, FR or AT")],
)
def test_places_are_said_in_words(places: tuple[str, ...], said: str) -> None:
    assert say_places(places) == said
