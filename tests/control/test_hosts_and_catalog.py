from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from control_ground import Control, running_control

from hortus.catalog.lookup import Catalog
from hortus.catalog.rows import Surface
from hortus.snapshot.model import Candidate
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control that only refuses, so that one serves every case."""
    async with running_control(tmp_path_factory.mktemp("control"), environment=LIT) as control:
        yield control


LIT = {"MISTRAL_API_KEY": "sk-hunter2"}
MODEL = "mistral-large-2512"


async def test_hosts_are_lit_by_the_presence_of_their_credential(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        hosts = {host["id"]: host for host in (await control.ask("GET", "/hosts"))["hosts"]}
        assert hosts["mistral"]["is_lit"]
        assert not hosts["openai"]["is_lit"]
        assert hosts["openai"]["credential_env"] == "OPENAI_API_KEY"
        assert hosts["mistral"]["endpoints"] == []
        assert "mistral" in (await control.ask("GET", "/status"))["lit_hosts"]


async def test_an_empty_variable_lights_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment={"MISTRAL_API_KEY": " "}) as control:
        assert (await control.ask("GET", "/status"))["lit_hosts"] == []


async def test_a_lit_host_is_offered_and_not_routed(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        assert set(control.snapshot().routes) == {"seedling", "workshop"}


async def test_connecting_a_host_makes_endpoints_and_routes_and_allows_the_default_project(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        made = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        assert (made["endpoints"], made["routes"], made["projects"]) == ([f"{MODEL}@mistral"], [MODEL], ["default"])
        assert any("goes to Mistral AI" in sentence for sentence in made["leaves"])
        assert control.snapshot().routes[MODEL].candidates == (Candidate(f"{MODEL}@mistral"),)
        assert control.snapshot().endpoints[f"{MODEL}@mistral"].price is not None
        assert (await control.ask("GET", "/projects/default"))["routes"] == ["seedling", "workshop", MODEL]
        assert (await control.ask("GET", "/status"))["connected_hosts"] == ["mistral"]


async def test_a_dry_run_says_the_same_and_makes_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        before = control.snapshot().version
        planned = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL], "dry_run": True})
        assert planned["is_dry_run"]
        assert control.snapshot().version == before
        assert (await control.ask("GET", "/projects/default"))["routes"] == ["seedling", "workshop"]
        made = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        assert {**made, "is_dry_run": True} == planned


async def test_connecting_without_names_takes_every_current_model(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        made = await control.ask("POST", "/hosts/mistral/connect", {})
        states = {control.plane.catalog.models[name].state for name in made["routes"]}
        assert len(made["routes"]) > 3
        assert states <= {"current", "preview", "legacy"}


async def test_connecting_twice_changes_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        await control.ask("POST", "/hosts/mistral/connect", {})
        version = control.snapshot().version
        await control.ask("POST", "/hosts/mistral/connect", {})
        assert control.snapshot().version == version


async def test_a_second_host_of_a_model_joins_its_route_at_the_end(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        await control.ask("POST", "/hosts/mistral-eu/connect", {"models": [MODEL], "projects": []})
        assert control.snapshot().routes[MODEL].candidates == (
            Candidate(f"{MODEL}@mistral"),
            Candidate(f"{MODEL}@mistral-eu"),
        )


async def test_what_the_file_declares_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    toml = f'[[route]]\nname = "{MODEL}"\nendpoints = ["seedling"]\n[[project]]\nname = "default"\nroutes = ["x"]\n'
    async with running_control(tmp_path, toml=toml, environment=LIT) as control:
        alone = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        assert (alone["routes"], alone["projects"]) == ([], [])
        made = await control.ask("POST", "/hosts/mistral/connect", {})
        assert MODEL not in made["routes"]
        assert made["projects"] == []
        assert "hortus.toml:2" in made["notes"][0]
        assert "hortus.toml:5" in made["notes"][1]


async def test_a_host_whose_address_has_parts_of_the_operator_s_is_connected_with_them(tmp_path: Path) -> None:
    variables = {"project": "example-project", "region": "europe-west4"}
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}
    async with running_control(tmp_path, environment=environment) as control:
        wanted = {"models": ["gemini-2.5-flash", "claude-opus-4-6"], "variables": variables}
        await control.ask("POST", "/hosts/vertex/connect", wanted)
        made = control.snapshot().endpoints
        gemini, claude = made["gemini-2.5-flash@vertex"], made["claude-opus-4-6@vertex"]
        assert (gemini.dialects, claude.dialects) == (("gemini", "openai_chat"), ("anthropic_messages",))
        assert gemini.address.endswith("/v1/projects/example-project/locations/europe-west4")
        assert gemini.region == "europe-west4"
        shown = await control.ask("GET", "/endpoints/gemini-2.5-flash@vertex")
        assert (shown["speaks"], shown["variables"]) == (["gemini", "openai_chat"], {"project": "example-project"})


async def test_azure_is_connected_in_the_style_and_by_the_identity_that_were_asked_for(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment={"AZURE_IDENTITY": "{}"}) as control:
        wanted = {"models": ["gpt-6-luna"], "variables": {"resource": "ours"}, "style": "deployments", "auth": "entra"}
        await control.ask("POST", "/hosts/azure/connect", {**wanted, "credential": "env:AZURE_IDENTITY"})
        made = control.snapshot().endpoints["gpt-6-luna@azure"]
        assert {(one.address, one.auth) for one in made.spoken} == {("https://ours.openai.azure.com/openai", "entra")}
        shown = await control.ask("GET", "/endpoints/gpt-6-luna@azure")
        assert (shown["style"], shown["auth"]) == ("deployments", "entra")


async def test_a_connected_host_is_spoken_to_in_all_its_dialects(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment={"OPENAI_API_KEY": "sk-hunter2"}) as control:
        await control.ask("POST", "/hosts/openai/connect", {"models": ["gpt-6-luna"]})
        assert control.snapshot().endpoints["gpt-6-luna@openai"].dialects[:2] == ("openai_chat", "openai_responses")


REFUSED = {
    "address with gaps": ("azure", {"credential": "env:MISTRAL_API_KEY"}, 400, "variables"),
    "a part that cannot stand in an address": (
        "azure",
        {"credential": "env:MISTRAL_API_KEY", "variables": {"resource": "evil.example/#"}},
        400,
        "variables.resource",
    ),
    "a style that the host does not have": (
        "azure",
        {"credential": "env:MISTRAL_API_KEY", "variables": {"resource": "ours"}, "style": "older"},
        400,
        "style",
    ),
    "a way to open it that it does not have": (
        "azure",
        {"credential": "env:MISTRAL_API_KEY", "variables": {"resource": "ours"}, "auth": "sigv4"},
        400,
        "auth",
    ),
    "unknown host": ("mistrl", {}, 404, "host"),
    "no credential": ("openai", {}, 400, "credential"),
    "another dialect": ("aleph-alpha", {"credential": "env:MISTRAL_API_KEY"}, 400, "host"),
    "unknown model": ("mistral", {"models": ["gpt-99"]}, 404, "models[0]"),
    "secret in place of a reference": ("mistral", {"credential": "sk-hunter2"}, 400, "credential"),
    "broken address": ("mistral", {"base_url": "ftp://x"}, 400, "base_url"),
    "nothing to connect": ("openai-compatible", {}, 400, "models"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refuses_to_connect(refusing: Control, case: str) -> None:
    host, body, status, member = REFUSED[case]
    answer = await refusing.send("POST", f"/admin/v1/hosts/{host}/connect", body)
    error = msgspec.json.decode(answer.body)["error"]
    assert (answer.status, error["path"]) == (status, member), error
    assert error["hint"]
    assert b"hunter2" not in answer.body
    assert set(refusing.snapshot().routes) == {"seedling", "workshop"}


async def test_a_project_of_the_file_that_may_use_everything_needs_nothing(tmp_path: Path) -> None:
    toml = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    async with running_control(tmp_path, toml=toml, environment=LIT) as control:
        made = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        assert (made["projects"], made["notes"]) == (["default"], [])
        assert any("any country" in sentence for sentence in made["leaves"])


async def test_the_catalog_is_searched_with_offers_places_and_prices(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        found = (await control.ask("GET", f"/catalog?words={MODEL}&maker=mistral"))["models"]
        offers = {offer["host"]: offer for offer in found[0]["offers"]}
        assert offers["mistral"]["is_lit"]
        assert offers["mistral"]["endpoints"] == [f"{MODEL}@mistral"]
        assert offers["mistral"]["price"]["currency"] == "USD"
        nothing = await control.ask("GET", "/catalog?words=mistral&words=large&place=EU&max_price=0.000001")
        assert nothing["models"] == []


def point_at(control: Control, host_id: str, base_url: str) -> None:
    """Let the catalog's host live at the replay host."""
    rows = control.plane.catalog.rows
    surface = Surface(dialect="openai_chat", base_url=base_url)
    hosts = tuple(
        msgspec.structs.replace(host, surfaces=(surface,), list_base_url=None) if host.id == host_id else host
        for host in rows.hosts
    )
    control.plane.catalog = Catalog(msgspec.structs.replace(rows, hosts=hosts))


async def test_sync_asks_lit_hosts_and_proposes_rows_and_retirements(tmp_path: Path) -> None:
    with ReplayHost() as host:
        async with running_control(tmp_path, environment=LIT) as control:
            point_at(control, "mistral", host.base_url)
            await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
            before = control.snapshot().version
            report = await control.ask("POST", "/catalog/sync", {"hosts": ["mistral"]})
            assert control.snapshot().version == before
        (asked,) = report["asked"]
        assert (asked["host"], asked["error"], asked["is_complete"]) == ("mistral", None, True)
        assert asked["listed"] == len(report["proposed"])
        proposed = report["proposed"][0]
        assert proposed["price"] == "unknown"
        assert "price" in proposed["unknown"]
        gone = {one["model"]: one for one in report["retirements"]}
        assert gone[MODEL]["endpoints"] == [f"{MODEL}@mistral"]
        assert gone[MODEL]["reason"] == "the host does not list it"
        assert dict(host.seen[0].headers)["authorization"] == "Bearer sk-hunter2"


async def test_sync_without_names_asks_no_host_that_is_not_lit(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        assert (await control.ask("POST", "/catalog/sync"))["asked"] == []


async def test_sync_says_what_went_wrong_at_each_host(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        point_at(control, "mistral", "http://127.0.0.1:9/v1")
        report = await control.ask("POST", "/catalog/sync", {"hosts": ["mistral", "openai", "bedrock"]})
        errors = {one["host"]: one["error"] for one in report["asked"]}
        assert errors["mistral"]
        assert "OPENAI_API_KEY" in errors["openai"]
        assert "no list of models" in errors["bedrock"]
        status, error = await control.fail("POST", "/catalog/sync", {"hosts": ["moon"]})
        assert (status, error["path"]) == (404, "hosts")


async def test_a_host_of_ones_own_is_connected_with_the_permission_that_it_needs_and_says_so(tmp_path: Path) -> None:
    async with running_control(tmp_path, environment=LIT) as control:
        point_at(control, "mistral", "http://localhost:11434/v1")
        made = await control.ask("POST", "/hosts/mistral/connect", {"models": [MODEL]})
        assert any("private_address" in note for note in made["notes"])
        assert (await control.ask("GET", f"/endpoints/{MODEL}@mistral"))["private_address"] is True
        assert control.snapshot().endpoints[f"{MODEL}@mistral"].may_be_private


async def test_a_host_elsewhere_is_connected_to_a_private_address_only_by_permission(tmp_path: Path) -> None:
    wanted = {"models": [MODEL], "base_url": "http://10.0.0.9/v1"}
    async with running_control(tmp_path, environment=LIT) as control:
        status, error = await control.fail("POST", "/hosts/mistral/connect", wanted)
        assert (status, error["path"]) == (400, "base_url")
        made = await control.ask("POST", "/hosts/mistral/connect", {**wanted, "private_address": True})
        assert made["notes"] == []
        assert control.snapshot().endpoints[f"{MODEL}@mistral"].may_be_private
