"""What the API says a policy would say, and the same in the doctor and the status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from control_ground import Control, running_control

from hortus.policy.verdict import judge_endpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _endpoint(name: str, *lines: str) -> str:
    own = (
        f'name = "{name}"',
        'model = "thing"',
        'host = "openai-compatible"',
        'base_url = "https://models.example/v1"',
    )
    return "\n".join(("[[endpoint]]", *own, *lines, ""))


def _terms(compute: str, *, as_of: str = "2026-11-01", trains: str = "false") -> str:
    laws = "{ US = 'no', CN = 'no' }"
    return (
        f'terms = {{ source = "contract 7", as_of = {as_of}, compute = "{compute}", storage = "{compute}", '
        f'retention_days = 0, state_days = 0, trains = {trains}, operator = "Host SE", home = "DE", laws = {laws} }}'
    )


TOML = (
    _endpoint("near", _terms("DE"))
    + _endpoint("far", _terms("US"))
    + _endpoint("old", _terms("DE", as_of="2020-01-01"))
    + _endpoint("dark", 'credential = "env:NOT_HERE"', _terms("FR"))
    + _endpoint("blank")
    + _endpoint("talker", 'dialects = ["openai_realtime"]', 'operations = ["realtime"]', _terms("DE")).replace(
        "openai-compatible", "any"
    )
    + '[[route]]\nname = "mixed"\nendpoints = ["far", "near", "dark"]\n'
    + '[[route]]\nname = "abroad"\nendpoints = ["far"]\n'
    + '[[route]]\nname = "aged"\nendpoints = ["old", "blank"]\n'
    + '[[endpoint]]\nname = "forgets"\nmodel = "gpt-5.5"\nhost = "openai"\ncredential = "env:NOT_HERE"\n'
    + '[[route]]\nname = "forgets"\nendpoints = ["forgets"]\n'
    + '[[route]]\nname = "talks"\nendpoints = ["talker"]\n'
    + '[[policy]]\nname = "europe"\ncompute_in = ["EU"]\nlargest_request_kib = 1\ntools = ["function"]\n'
    + '[[policy]]\nname = "forgetful"\nstateless = true\n'
    + '[[policy]]\nname = "fresh"\nstale_facts = "refuse"\n'
    + '[[project]]\nname = "library"\nroutes = ["mixed", "abroad", "talks"]\n'
    + 'policy = "europe"\nshadow_policy = "fresh"\n'
    + '[[project]]\nname = "museum"\nroutes = ["*"]\npolicy = "eu-computed"\n'
    + '[[project]]\nname = "vault"\nroutes = ["m*", "a*"]\npolicy = "own-machines-only"\n'
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control with projects, policies and endpoints, of which nothing is changed."""
    async with running_control(tmp_path_factory.mktemp("control"), toml=TOML) as one:
        assert one.plane.file.state == "applied", one.plane.file.error
        yield one


async def explain(control: Control, **query: Any) -> Any:
    return await control.ask("GET", f"/policy/verdict?{urlencode(query, doseq=True)}")


def by_name(said: Any) -> dict[str, Any]:
    return {one["endpoint"]: one for one in said["endpoints"]}


async def test_each_endpoint_is_named_with_verdict_and_facts_in_the_routes_order(control: Control) -> None:
    said = await explain(control, project="library", route="mixed")
    assert [one["endpoint"] for one in said["endpoints"]] == ["far", "near", "dark"]
    assert (said["policy"], said["is_draft"], said["may_use_route"], said["is_allowed"]) == (
        "europe",
        False,
        True,
        True,
    )
    near, far = by_name(said)["near"], by_name(said)["far"]
    assert (near["is_allowed"], near["rulings"], near["is_usable"]) == (True, [], True)
    assert (far["is_allowed"], [one["rule"] for one in far["rulings"]]) == (False, ["compute_in"])
    assert "US" in far["rulings"][0]["reason"]
    assert (near["facts"]["compute"], near["facts"]["source"]) == ("DE", "contract 7")
    assert near["facts"]["checked_on"] == "2026-11-01"


async def test_an_endpoint_without_its_credential_is_judged_and_said_to_be_away(control: Control) -> None:
    dark = by_name(await explain(control, project="library", route="mixed"))["dark"]
    assert (dark["is_allowed"], dark["is_usable"]) == (True, False)
    assert "NOT_HERE" in dark["reason"]


async def test_an_engine_that_does_not_run_is_said_to_be_away(control: Control) -> None:
    (seedling,) = (await explain(control, project="museum", route="seedling"))["endpoints"]
    assert (seedling["is_usable"], "not running" in seedling["reason"]) == (False, True)


async def test_the_workshop_is_judged_as_an_endpoint_of_this_installation(control: Control) -> None:
    (workshop,) = (await explain(control, project="library", route="workshop"))["endpoints"]
    (seedling,) = (await explain(control, project="library", route="seedling"))["endpoints"]
    same = ("is_allowed", "rulings")
    assert [workshop[one] for one in same] == [seedling[one] for one in same]
    assert (workshop["endpoint"], workshop["facts"]["host"]) == ("workshop", "local")


async def test_the_verdict_is_that_of_the_gateways_own_function(control: Control) -> None:
    snapshot = control.snapshot()
    for route in ("mixed", "aged"):
        said = by_name(await explain(control, project="museum", route=route))
        for candidate in snapshot.routes[route].candidates:
            endpoint = snapshot.endpoints[candidate.endpoint]
            day = date.fromisoformat((await explain(control, project="museum", route=route))["on"])
            verdict = judge_endpoint(
                snapshot.policies["eu-computed"], endpoint.facts, dialects=endpoint.dialects, on=day
            )
            shown = said[candidate.endpoint]["rulings"]
            assert [(one["rule"], one["reason"]) for one in shown] == [
                (one.rule, one.reason) for one in verdict.rulings
            ]


async def test_what_the_shadow_policy_says_stands_beside_it(control: Control) -> None:
    said = await explain(control, project="library", route="aged")
    old = by_name(said)["old"]
    assert (said["shadow_policy"], [one["rule"] for one in old["shadow_rulings"]]) == ("fresh", ["stale_facts"])
    assert (old["facts"]["is_stale"], old["is_allowed"]) == (True, True)
    assert said["may_use_route"] is False


async def test_a_draft_is_used_instead_of_the_projects_own_policy(control: Control) -> None:
    said = await explain(control, project="library", route="abroad", draft="anywhere")
    assert (said["policy"], said["is_draft"], said["is_allowed"]) == ("anywhere", True, True)
    assert (await explain(control, project="library", route="abroad"))["is_allowed"] is False


async def test_the_request_itself_is_judged_by_what_is_said_of_it(control: Control) -> None:
    said = await explain(
        control, project="library", route="mixed", request_bytes=1025, tools=["function", "web_search"]
    )
    assert (said["is_allowed"], [one["rule"] for one in said["request_rulings"]]) == (
        False,
        ["largest_request_kib", "tools"],
    )


async def test_an_operation_that_an_endpoint_does_not_do_makes_it_unusable(control: Control) -> None:
    near = by_name(await explain(control, project="library", route="mixed", operation="embeddings"))["near"]
    assert (near["is_usable"], near["is_allowed"]) == (False, True)


async def test_a_kind_of_requests_that_the_policy_cannot_look_into_is_refused_as_at_the_door(control: Control) -> None:
    said = await explain(control, project="library", route="talks")
    assert (said["operation"], said["is_allowed"]) == ("realtime", False)
    assert [one["rule"] for one in said["request_rulings"]] == ["largest_request_kib", "tools"]
    assert by_name(said)["talker"]["is_allowed"] is True


async def test_what_a_chat_asks_of_its_host_need_not_work_where_no_chats_go(control: Control) -> None:
    said = by_name(await explain(control, project="museum", route="forgets", draft="forgetful"))["forgets"]
    assert (said["is_allowed"], said["adaptations"]) == (True, ["store=false"])


async def test_files_are_judged_as_what_a_host_keeps(control: Control) -> None:
    said = await explain(control, project="library", route="talks", draft="forgetful", operation="files")
    assert [one["rule"] for one in by_name(said)["talker"]["rulings"]] == ["stateless"]


async def test_a_key_stands_for_its_project(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=TOML) as control:
        key = await control.ask("POST", "/keys", {"project": "museum", "name": "till"})
        by_id = await explain(control, key=key["id"], route="mixed")
        assert by_id == await explain(control, key="till", route="mixed")
        assert by_id == await explain(control, project="museum", route="mixed")
        query = {"key": "till", "project": "library", "route": "mixed"}
        status, error = await control.fail("GET", f"/policy/verdict?{urlencode(query)}")
        assert (status, error["path"]) == (400, "project")
        await control.ask("DELETE", f"/keys/{key['id']}")
        status, error = await control.fail("GET", f"/policy/verdict?{urlencode({'key': 'till', 'route': 'mixed'})}")
        assert (status, error["path"]) == (409, "key")
        status, error = await control.fail("GET", f"/policy/verdict?{urlencode({'key': key['key'], 'route': 'mixed'})}")
        assert key["key"] not in str(error)


REFUSALS: dict[str, tuple[dict[str, str], int, str]] = {
    "nobody asks": ({"route": "mixed"}, 400, "project"),
    "no such project": ({"route": "mixed", "project": "librari"}, 404, "project"),
    "no such key": ({"route": "mixed", "key": "none"}, 400, "key"),
    "no such route": ({"route": "mixd", "project": "library"}, 404, "route"),
    "no such draft": ({"route": "mixed", "project": "library", "draft": "europ"}, 404, "draft"),
    "no such operation": ({"route": "mixed", "project": "library", "operation": "embedings"}, 400, "operation"),
    "no route": ({"project": "library"}, 400, "route"),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_what_cannot_be_explained_is_refused_with_its_place(control: Control, case: str) -> None:
    query, status, place = REFUSALS[case]
    found, error = await control.fail("GET", f"/policy/verdict?{urlencode(query)}")
    assert (found, error["path"]) == (status, place)


async def test_the_doctor_names_project_and_route_of_which_a_policy_leaves_nothing(control: Control) -> None:
    findings = (await control.ask("GET", "/doctor"))["findings"]
    wrong = [one for one in findings if one["name"] == "policy of project library"]
    assert [one["is_fine"] for one in wrong] == [False]
    assert "`abroad`" in wrong[0]["message"]
    assert "compute_in" in wrong[0]["message"]
    assert "--project library --route abroad" in wrong[0]["mend"]


async def test_a_project_whose_policy_closes_everything_is_one_finding(control: Control) -> None:
    findings = (await control.ask("GET", "/doctor"))["findings"]
    (shut,) = [one for one in findings if one["name"] == "policy of project vault"]
    assert "2 other routes" in shut["message"]


async def test_a_route_that_a_pattern_happens_to_match_is_no_fault(control: Control) -> None:
    findings = (await control.ask("GET", "/doctor"))["findings"]
    assert not [one for one in findings if one["name"] == "policy of project museum"]


async def test_the_doctor_names_stale_facts_without_calling_anything_broken(control: Control) -> None:
    findings = (await control.ask("GET", "/doctor"))["findings"]
    (stale,) = [one for one in findings if one["name"] == "stale facts"]
    assert (stale["is_fine"], "old" in stale["message"]) == (True, True)
    assert "near" not in stale["message"]
    assert stale["mend"]


async def test_endpoints_that_no_projects_policy_reaches_are_named(control: Control) -> None:
    findings = (await control.ask("GET", "/doctor"))["findings"]
    (beyond,) = [one for one in findings if one["name"] == "endpoints out of reach"]
    assert "far" in beyond["message"]
    assert "near" not in beyond["message"]


async def test_the_status_says_the_default_projects_policy_in_words(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        status = await control.ask("GET", "/status")
        assert status["default_policy"] == {"project": "default", "policy": "anywhere", "words": []}
        await control.ask("PUT", "/projects/default/policy", {"policy": "own-machines-only"})
        words = (await control.ask("GET", "/status"))["default_policy"]["words"]
        assert "Only machines that the organisation itself runs." in words
