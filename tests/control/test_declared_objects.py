from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from control_ground import Control, running_control

from hortus.snapshot.model import Candidate

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control that only refuses, so that one serves every case."""
    async with running_control(tmp_path_factory.mktemp("control")) as control:
        yield control


ENDPOINT = {
    "name": "own",
    "model": "thing",
    "host": "openai-compatible",
    "base_url": "http://127.0.0.1:9/v1",
    "private_address": True,
}
ROUTE = {"name": "eu/own", "endpoints": ["own"]}


async def test_a_change_is_in_the_snapshot_when_the_answer_comes(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/endpoints", ENDPOINT)
        assert (made["is_usable"], made["origin"], made["maker"]) == (True, "api", "unknown")
        await control.ask("POST", "/routes", ROUTE)
        assert control.snapshot().routes["eu/own"].candidates == (Candidate("own"),)
        await control.ask("DELETE", "/routes/eu/own")
        assert "eu/own" not in control.snapshot().routes


async def test_a_route_with_slashes_can_be_shown_replaced_and_retired(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", ENDPOINT)
        await control.ask("POST", "/routes", ROUTE)
        assert (await control.ask("GET", "/routes/eu%2Fown"))["name"] == "eu/own"
        replaced = await control.ask("PUT", "/routes/eu/own", {"endpoints": ["own=3"], "strategy": "weighted"})
        assert replaced["strategy"] == "weighted"
        assert control.snapshot().routes["eu/own"].candidates == (Candidate("own", 3),)


async def test_a_retired_endpoint_is_ruled_out_with_its_reason(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", ENDPOINT)
        await control.ask("POST", "/routes", ROUTE)
        retired = await control.ask("DELETE", "/endpoints/own")
        assert retired["retired_at_ms"]
        assert not retired["is_usable"]
        (out,) = (await control.ask("GET", "/routes/eu/own"))["ruled_out"]
        assert out["reason"].startswith("it was retired on ")
        assert (await control.ask("GET", "/endpoints"))["endpoints"] == []
        assert len((await control.ask("GET", "/endpoints?include_retired=true"))["endpoints"]) == 1
        again = await control.ask("POST", "/endpoints", ENDPOINT)
        assert again["is_usable"]


async def test_an_endpoint_without_its_credential_says_which_one(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/endpoints", {"name": "l", "model": "mistral-large-2512", "host": "mistral"})
        assert made["reason"] == "its credential env:MISTRAL_API_KEY is not set"


async def test_a_credential_that_appears_in_a_file_lights_its_endpoint(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/endpoints", {**ENDPOINT, "credential": "file:own-key"})
        assert not made["is_usable"]
        (control.home.credentials / "own-key").write_text("sk-hunter2\n")
        control.plane.look()
        assert (await control.ask("GET", "/endpoints/own"))["is_usable"]
        assert b"hunter2" not in control.home.snapshot.read_bytes()


NEBIUS = {"name": "n", "model": "m", "host": "nebius", "credential": "file:key"}


async def test_an_endpoint_shows_what_is_known_of_it_and_what_else_would_decide(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        (control.home.credentials / "key").write_text("k\n")
        known = (await control.ask("POST", "/endpoints", NEBIUS))["known"]
        assert (known["compute"], known["undecided"]) == ("GLOBAL", ["datacentre"])
        assert (known["trains"], known["home"], known["laws"]["US"]) == (True, "NL", "indirect")
        assert known["source"].startswith("https://docs.tokenfactory.nebius.com/")
        said = {**NEBIUS, "facts": {"datacentre": "eu-north1"}}
        known = (await control.ask("PUT", "/endpoints/n", dict(list(said.items())[1:])))["known"]
        assert (known["compute"], known["undecided"]) == ("FI", [])


async def test_an_endpoint_shows_a_contract_before_the_catalog(tmp_path: Path) -> None:
    terms = {"source": "contract 17", "as_of": "2020-01-01", "compute": "DE", "laws": {"US": "no"}}
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/endpoints", {**ENDPOINT, "terms": terms})
        known = made["known"]
        assert (known["compute"], known["source"], known["confidence"]) == ("DE", "contract 17", "stated")
        assert known["is_stale"]
        assert known["retention_days"] is None


async def test_no_secret_is_in_any_answer_or_in_the_snapshot(tmp_path: Path) -> None:
    secret = "sk-hunter2-and-more"
    async with running_control(tmp_path, environment={"MISTRAL_API_KEY": secret}) as control:
        await control.ask("POST", "/hosts/mistral/connect", {})
        seen = control.home.snapshot.read_bytes()
        for path in ("status", "endpoints", "routes", "hosts", "config", "doctor", "catalog"):
            seen += (await control.send("GET", f"/admin/v1/{path}")).body
        seen += (await control.send("GET", "/metrics")).body
        seen += control.stored_bytes()
        assert secret.encode() not in seen
        assert b"env:MISTRAL_API_KEY" in seen


async def test_the_seedling_is_listed_as_deployment_and_as_route(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        (deployment,) = (await control.ask("GET", "/deployments"))["deployments"]
        assert (deployment["name"], deployment["state"], deployment["origin"]) == ("seedling", "starting", "built-in")
        assert [route["name"] for route in (await control.ask("GET", "/routes"))["routes"]] == ["seedling"]
        assert (await control.ask("GET", "/routes/seedling"))["endpoints"] == ["seedling"]


async def test_deployments_show_how_their_engines_stand(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        state = {"name": "seedling", "state": "ready", "base_url": "http://127.0.0.1:1/v1", "key": "hidden", "pid": 42}
        (control.home.engines / "seedling.json").write_bytes(msgspec.json.encode({**state, "restarts": 2}))
        (control.home.engines / "broken.json").write_bytes(b"{")
        answer = await control.send("GET", "/admin/v1/deployments/seedling")
        shown = msgspec.json.decode(answer.body)
        assert (shown["state"], shown["pid"], shown["restarts"]) == ("ready", 42, 2)
        assert b"hidden" not in answer.body
        metrics = (await control.send("GET", "/metrics")).body.decode()
        assert 'hortus_engine_state{deployment="seedling",state="ready"} 1.0' in metrics
        assert 'hortus_build{version="0.0.test"} 1.0' in metrics
        assert f"hortus_snapshot_newest_version {float(control.snapshot().version)}" in metrics


async def test_a_deployment_comes_and_goes(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/deployments", {"name": "desk", "source": "/models/desk.gguf"})
        assert (made["state"], made["origin"]) == ("starting", "api")
        assert control.snapshot().deployments["desk"].model_path == "/models/desk.gguf"
        gone = await control.ask("DELETE", "/deployments/desk")
        assert gone["state"] == "stopped"
        assert "desk" not in control.snapshot().deployments
        assert "desk" not in control.snapshot().routes


WITH_ADAPTERS = {
    "source": "/models/base.gguf",
    "adapters": [{"name": "eu/day", "path": "/models/day.gguf"}, {"name": "night", "path": "/models/night.gguf"}],
}


async def test_each_adapter_of_a_deployment_is_an_endpoint_and_a_route(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/deployments", {"name": "base", **WITH_ADAPTERS})
        assert [one["name"] for one in made["adapters"]] == ["eu/day", "night"]
        snapshot = control.snapshot()
        assert {name: snapshot.endpoints[name].address for name in ("base", "eu/day", "night")} == dict.fromkeys(
            ("base", "eu/day", "night"), "engine:base"
        )
        assert snapshot.endpoints["night"].upstream_model == "night"
        assert "lora" in snapshot.endpoints["base"].spoken[0].forbids
        assert (await control.ask("GET", "/routes/eu/day"))["endpoints"] == ["eu/day"]
        await control.ask("POST", "/routes", {"name": "r", "endpoints": ["night"]})


async def test_a_deployment_is_replaced_as_a_whole_and_says_whether_what_runs_is_current(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/deployments", {"name": "base", **WITH_ADAPTERS})
        before = control.snapshot().deployments["base"].edition
        changed = await control.ask("PUT", "/deployments/base", {"source": "/models/base.gguf", "slots": 2})
        assert (changed["slots"], changed["adapters"], changed["is_current"]) == (2, [], False)
        after = control.snapshot().deployments["base"].edition
        assert "night" not in control.snapshot().routes
        for edition, is_current in ((before, False), (after, True)):
            state = {"name": "base", "state": "ready", "edition": edition, "load_s": 0.5, "warm_s": 0.1}
            (control.home.engines / "base.json").write_bytes(msgspec.json.encode(state))
            shown = await control.ask("GET", "/deployments/base")
            assert (shown["is_current"], shown["load_s"], shown["warm_s"]) == (is_current, 0.5, 0.1)


@pytest.mark.parametrize("taken", ["own", "base", "other", "night", "seedling"])
async def test_an_adapter_takes_no_name_that_somebody_has(tmp_path: Path, taken: str) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", ENDPOINT)
        await control.ask("POST", "/deployments", {"name": "base", **WITH_ADAPTERS})
        await control.ask("POST", "/deployments", {"name": "other", "source": "/m.gguf"})
        version = control.snapshot().version
        body = {"source": "/m.gguf", "adapters": [{"name": taken, "path": "/x.gguf"}]}
        status, _ = await control.fail("PUT", "/deployments/other", body)
        assert status == (400 if taken == "other" else 409)
        if taken == "night":
            status, _ = await control.fail("POST", "/endpoints", {**ENDPOINT, "name": "night"})
            assert status == 409
        assert control.snapshot().version == version


async def test_a_deployment_waits_for_a_file_that_has_to_be_fetched(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/deployments", {"name": "desk", "source": "owner/desk:Q8_0"})
        assert made["state"] == "waiting"
        folder = control.home.models / "owner--desk@0123456789ab"
        folder.mkdir()
        (folder / "desk-q8_0.gguf").write_bytes(b"GGUF")
        control.plane.look()
        assert control.snapshot().deployments["desk"].model_path == str(folder / "desk-q8_0.gguf")


REFUSED: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "endpoint of an unknown host": ("POST", "/endpoints", {**ENDPOINT, "host": "moon"}, 400, "host"),
    "secret as credential": ("POST", "/endpoints", {**ENDPOINT, "credential": "sk-hunter2"}, 400, "credential"),
    "timeout of nothing": ("POST", "/endpoints", {**ENDPOINT, "idle_timeout_s": 0}, 400, "idle_timeout_s"),
    "fact that the host does not ask for": (
        "POST",
        "/endpoints",
        {**ENDPOINT, "facts": {"sku": "x"}},
        400,
        "facts.sku",
    ),
    "terms from the future": (
        "POST",
        "/endpoints",
        {**ENDPOINT, "terms": {"source": "c", "as_of": "2999-01-01"}},
        400,
        "terms.as_of",
    ),
    "name with a space": ("POST", "/endpoints", {**ENDPOINT, "name": "a b"}, 400, "name"),
    "route to nowhere": ("POST", "/routes", {"name": "r", "endpoints": ["nowhere"]}, 400, "endpoints[0]"),
    "route without endpoints": ("POST", "/routes", {"name": "r", "endpoints": []}, 400, "endpoints"),
    "route named seedling": ("POST", "/routes", {"name": "seedling", "endpoints": ["seedling"]}, 409, "name"),
    "endpoint named seedling": ("POST", "/endpoints", {**ENDPOINT, "name": "seedling"}, 409, "name"),
    "route named workshop": ("POST", "/routes", {"name": "workshop", "endpoints": ["seedling"]}, 400, "name"),
    "endpoint named workshop": ("POST", "/endpoints", {**ENDPOINT, "name": "workshop"}, 400, "name"),
    "deployment named workshop": ("POST", "/deployments", {"name": "workshop", "source": "/m"}, 400, "name"),
    "replacing what is not there": ("PUT", "/endpoints/own", dict(list(ENDPOINT.items())[1:]), 404, "name"),
    "retiring what is not there": ("DELETE", "/routes/r", {}, 404, "name"),
    "retiring the seedling": ("DELETE", "/deployments/seedling", {}, 409, "name"),
    "deployment with a slash": ("POST", "/deployments", {"name": "a/b", "source": "/m"}, 400, "name"),
    "deployment with no slots": ("POST", "/deployments", {"name": "a", "source": "/m", "slots": 0}, 400, "slots"),
    "replacing a deployment that is not there": ("PUT", "/deployments/none", {"source": "/m.gguf"}, 404, "name"),
    "adapter of a hub": (
        "POST",
        "/deployments",
        {"name": "a", "source": "/m", "adapters": [{"name": "b", "path": "owner/name"}]},
        400,
        "adapters[0].path",
    ),
    "showing what is not there": ("GET", "/deployments/none", {}, 404, "name"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refuses(refusing: Control, case: str) -> None:
    method, path, body, status, member = REFUSED[case]
    before = refusing.snapshot().version
    answer = await refusing.send(method, f"/admin/v1{path}", body or None)
    error = msgspec.json.decode(answer.body)["error"]
    assert (answer.status, error["path"]) == (status, member), error
    assert b"hunter2" not in answer.body
    assert refusing.snapshot().version == before


async def test_a_name_is_taken_once_among_endpoints_deployments_and_routes(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", ENDPOINT)
        await control.ask("POST", "/routes", {"name": "r", "endpoints": ["own"]})
        for path, body in (
            ("/endpoints", ENDPOINT),
            ("/deployments", {"name": "own", "source": "/m.gguf"}),
            ("/deployments", {"name": "r", "source": "/m.gguf"}),
        ):
            status, error = await control.fail("POST", path, body)
            assert (status, error["code"]) == (409, "conflict")
        await control.ask("POST", "/routes", {"name": "own", "endpoints": ["own"]})


async def test_the_snapshot_survives_a_restart_without_a_new_version(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/endpoints", ENDPOINT)
        version = control.snapshot().version
    async with running_control(tmp_path) as control:
        assert control.snapshot().version == version
        assert (await control.ask("GET", "/status"))["snapshot"]["version"] == version
