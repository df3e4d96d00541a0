"""Policies as files and projects name them: declared, compiled, checked, and never missing where a grant names one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_ground import Control, running_control

from hortus.access.objects import Project
from hortus.control.endpointforms import EndpointView, EndpointWanted, TermsForm
from hortus.control.models import ProjectWanted, RouteWanted
from hortus.control.tenancy import spec_of_project
from hortus.control.views import ProjectView, RouteView
from hortus.policy.rules import Policy
from hortus.snapshot.declared import ContractTerms, EndpointSpec, ProjectSpec, RouteSpec
from hortus.snapshot.model import Snapshot

EUROPE = '[[policy]]\nname = "europe"\ncompute_in = ["EU"]\nno_training = true\n'
LIBRARY = '[[project]]\nname = "library"\npolicy = "europe"\nshadow_policy = "anywhere"\nkeep_content_days = 7\n'


async def state(control: Control) -> dict[str, Any]:
    status = await control.ask("GET", "/status")
    found: dict[str, Any] = status["file"]
    return found


async def test_a_policy_of_the_file_is_in_the_snapshot_with_the_ready_made_ones(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE) as control:
        policies = control.snapshot().policies
        assert policies["europe"] == Policy(name="europe", compute_in=("EU",), no_training=True)
        assert policies["anywhere"] == Policy(name="anywhere", description=policies["anywhere"].description)


async def test_a_project_of_the_file_has_its_policies_and_its_days(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE + LIBRARY) as control:
        shown = await control.ask("GET", "/projects/library")
        assert (shown["policy"], shown["shadow_policy"], shown["keep_content_days"]) == ("europe", "anywhere", 7)


FAULTS = {
    "unknown member": (EUROPE + "computein = []\n", "hortus.toml:5 policy[0].computein", "Did you mean `compute_in`?"),
    "wrong word": (
        EUROPE + 'personal_data = "pseudonymize"\n',
        "hortus.toml:5 policy[0].personal_data",
        "Did you mean `pseudonymise`?",
    ),
    "wrong word in a list": (EUROPE + 'states = ["curent"]\n', "hortus.toml:5 policy[0].states[0]", "`current`?"),
    "wrong type": (EUROPE + 'no_training = "yes"\n', "hortus.toml", ""),
    "ready-made name": ('[[policy]]\nname = "anywhere"\n', "hortus.toml:2 policy[0].name", "ready-made"),
    "name twice": (EUROPE + EUROPE, "hortus.toml:6 policy[1].name", "declared twice"),
    "no name": ('[[policy]]\nname = "a b"\n', "hortus.toml:2 policy[0].name", "cannot be a name"),
    "project without its policy": (
        EUROPE + LIBRARY.replace('"europe"', '"eurpoe"'),
        "hortus.toml:7 project[0].policy",
        "Did you mean `europe`?",
    ),
    "project without its shadow": (
        EUROPE + LIBRARY.replace('"anywhere"', '"nowhere-at-all"'),
        "hortus.toml:8 project[0].shadow_policy",
        "[[policy]]",
    ),
    "days below zero": (LIBRARY.replace("7", "-1") + EUROPE, "hortus.toml:5 project[0].keep_content_days", "3650"),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_fault_names_file_line_and_path_and_what_may_be_meant(tmp_path: Path, case: str) -> None:
    text, place, word = FAULTS[case]
    async with running_control(tmp_path, toml=text) as control:
        file = await state(control)
    assert file["state"] == "refused"
    assert file["error"].startswith(place)
    assert word in file["error"]


async def test_a_policy_is_published_before_a_project_of_the_file_can_name_it(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml="") as control:
        access = control.plane.ports.access
        put, seen = access.put_project, list[Snapshot]()

        def watched(spec: ProjectSpec, *, origin: str) -> Project:
            seen.append(control.snapshot())
            return put(spec, origin=origin)

        access.put_project = watched  # type: ignore[method-assign]  # the store's own, looked at on the way
        control.write_file(EUROPE + LIBRARY)
        assert (await state(control))["state"] == "applied"
    (before,) = seen
    assert "europe" in before.policies


async def test_a_policy_that_left_stays_in_the_snapshot_for_grants_that_were_just_handed_out(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE + LIBRARY) as control:
        control.write_file("")
        assert (await state(control))["state"] == "applied"
        assert control.snapshot().policies["europe"].compute_in == ("EU",)


async def test_a_policy_may_not_leave_the_file_while_a_project_of_the_api_names_it(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE) as control:
        await control.ask("POST", "/projects", {"name": "museum", "shadow_policy": "europe"})
        control.write_file("")
        file = await state(control)
        assert file["state"] == "refused"
        assert "museum" in file["error"]
        await control.ask("PUT", "/projects/museum/policy", {"policy": "anywhere"})
        control.write_file("# gone\n")
        assert (await state(control))["state"] == "applied"


async def test_a_project_and_the_policy_it_names_may_leave_the_file_together(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE + LIBRARY) as control:
        control.write_file("# nothing\n")
        assert (await state(control))["state"] == "applied"


async def test_a_project_of_the_api_may_name_a_policy_of_the_file_only_while_it_is_there(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE) as control:
        made = await control.ask("POST", "/projects", {"name": "museum", "policy": "europe"})
        assert made["policy"] == "europe"
        status, error = await control.fail("POST", "/projects", {"name": "zoo", "policy": "europ"})
        assert (status, error["path"], error["hint"]) == (400, "policy", "Did you mean `europe`?")


CHANGES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "routes": ("routes", {"routes": ["*"]}, {"routes": ["*"]}),
    "loss": ("loss", {"loss": "lenient"}, {"loss": "lenient"}),
    "policy": ("policy", {"policy": "anywhere"}, {"policy": "anywhere", "shadow_policy": None}),
    "shadow": (
        "policy",
        {"policy": "europe", "shadow_policy": "europe"},
        {"policy": "europe", "shadow_policy": "europe"},
    ),
    "keeping": ("keeping", {"keep_content_days": 0}, {"keep_content_days": 0}),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_a_change_of_one_member_of_a_project_keeps_all_others(tmp_path: Path, case: str) -> None:
    path, body, changed = CHANGES[case]
    whole = {
        "name": "museum",
        "routes": ["eu/*"],
        "loss": "strict",
        "policy": "europe",
        "shadow_policy": "anywhere",
        "keep_content_days": 30,
    }
    async with running_control(tmp_path, toml=EUROPE) as control:
        made = await control.ask("POST", "/projects", whole)
        assert {name: made[name] for name in whole} == whole
        after = await control.ask("PUT", f"/projects/museum/{path}", body)
        assert after == made | changed
        assert await control.ask("GET", "/projects/museum") == after


async def test_a_change_of_a_projects_policy_is_announced_and_in_the_log_of_acts(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=EUROPE) as control:
        await control.ask("POST", "/projects", {"name": "museum"})
        before = control.plane.ports.access.access_version()
        await control.ask("PUT", "/projects/museum/policy", {"policy": "europe", "shadow_policy": "anywhere"})
        assert control.plane.ports.access.access_version() > before
        act = (await control.ask("GET", "/acts?kind=project"))["acts"][0]
    assert act["operation"] == "projects.set_policy"
    changes = {one["field"]: (one.get("before"), one.get("after")) for one in act["fields"]}
    assert changes == {"policy": ('"anywhere"', '"europe"'), "shadow_policy": (None, '"anywhere"')}


def test_a_stored_project_is_declared_again_with_every_member() -> None:
    spec = ProjectSpec(name="a", routes=("b",), loss="strict", policy="c", shadow_policy="d", keep_content_days=9)
    members = msgspec.structs.asdict(spec)
    assert all(members[field.name] != field.default for field in msgspec.structs.fields(ProjectSpec))
    stored = Project(id="prj_1", origin="api", created_at_ms=1, **members)
    assert spec_of_project(stored) == spec


@pytest.mark.parametrize(
    ("form", "spec"),
    [
        (ProjectWanted, ProjectSpec),
        (ProjectView, ProjectSpec),
        (RouteWanted, RouteSpec),
        (RouteView, RouteSpec),
        (EndpointWanted, EndpointSpec),
        (EndpointView, EndpointSpec),
        (TermsForm, ContractTerms),
    ],
)
def test_a_form_has_every_member_of_what_is_declared(form: Any, spec: Any) -> None:
    missing = set(spec.__struct_fields__) - set(form.model_fields)
    assert not missing


@pytest.mark.parametrize(
    ("form", "spec"),
    [
        (ProjectWanted, ProjectSpec),
        (RouteWanted, RouteSpec),
        (EndpointWanted, EndpointSpec),
        (TermsForm, ContractTerms),
    ],
)
def test_a_form_and_what_is_declared_have_the_same_defaults(form: Any, spec: Any) -> None:
    for field in msgspec.structs.fields(spec):
        taken = form.model_fields[field.name]
        assert taken.is_required() == field.required, field.name
        if not field.required:
            default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
            assert taken.get_default(call_default_factory=True) == default, field.name


async def test_a_policy_of_the_api_and_one_of_the_file_cannot_have_one_name(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/policies", {"name": "europe"})
        control.write_file(EUROPE)
        file = await state(control)
        assert (file["state"], "two origins" in file["error"]) == ("refused", True)
        assert control.snapshot().policies["europe"] == Policy("europe")


async def test_a_policy_that_comes_back_has_the_rules_that_it_comes_back_with(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/policies", {"name": "europe", "compute_in": ["EU"]})
        await control.ask("DELETE", "/policies/europe")
        assert control.snapshot().policies["europe"].compute_in == ("EU",)
        await control.ask("POST", "/policies", {"name": "europe", "no_training": True})
        assert control.snapshot().policies["europe"] == Policy("europe", no_training=True)
