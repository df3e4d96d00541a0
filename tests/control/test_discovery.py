"""A host is asked what an account has there, and connecting takes what was found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from control_ground import Control, running_control
from fake_clouds import Cloud, Incoming, Reply, aws_document, opened, path_of, running_cloud

LOOPBACK = ("127.0.0.0/8",)
ARM = "/subscriptions/sub-1/resourceGroups/group-1/providers/Microsoft.CognitiveServices/accounts/ours"
AZURE = {"resource": "ours", "subscription": "sub-1", "resource_group": "group-1"}
BEDROCK = {"region": "eu-central-1"}


def mistral_models(*more: dict[str, Any]) -> dict[str, Any]:
    chat = {"completion_chat": True, "completion_fim": False}
    return {
        "data": [
            {"id": "mistral-large-2512", "capabilities": chat, "owned_by": "mistralai", "created": 1764547200},
            {"id": "mistral-medium-3.5", "capabilities": chat},
            {"id": "mistral-medium-2604", "capabilities": chat},
            {"id": "ft:somebody:2026", "capabilities": chat},
            *more,
        ]
    }


def deployment(name: str, model: str, sku: str, *, state: str = "Succeeded", can: str = "chatCompletion") -> Any:
    said = {"model": {"format": "OpenAI", "name": model, "version": "1"}, "provisioningState": state}
    return {"name": name, "sku": {"name": sku, "capacity": 1}, "properties": {**said, "capabilities": {can: "true"}}}


def foundation(name: str, *, types: tuple[str, ...] = ("ON_DEMAND",), status: str = "ACTIVE", out: str = "TEXT") -> Any:
    said = {"modelId": name, "providerName": "X", "outputModalities": [out], "inferenceTypesSupported": types}
    return {**said, "modelLifecycle": {"status": status}}


def profile(name: str, model: str) -> Any:
    arn = f"arn:aws:bedrock:eu-central-1::foundation-model/{model}"
    said = {"inferenceProfileId": name, "models": [{"modelArn": arn}], "status": "ACTIVE", "type": "SYSTEM_DEFINED"}
    return {**said, "inferenceProfileName": name}


@asynccontextmanager
async def mistral(tmp_path: Path) -> AsyncIterator[tuple[Cloud, Control]]:
    async with running_cloud() as cloud:
        cloud.answers["/v1/models"] = 200, mistral_models()
        catalog = cloud.moved("mistral", "https://api.mistral.ai")
        environment = {"MISTRAL_API_KEY": "sk-hunter2"}
        async with running_control(tmp_path, environment=environment, catalog=catalog) as control:
            yield cloud, control


@asynccontextmanager
async def bedrock(tmp_path: Path) -> AsyncIterator[tuple[Cloud, Control]]:
    async with running_cloud() as cloud:

        def models(asked: Incoming) -> Reply:
            listed = [
                foundation("openai.gpt-oss-20b-1:0"),
                foundation("anthropic.claude-sonnet-5-5", types=("INFERENCE_PROFILE",)),
                foundation("meta.llama3-1-8b-instruct-v1:0", status="LEGACY"),
                foundation("stability.sd3-5-large-v1:0", out="IMAGE"),
            ]
            return (200, {"modelSummaries": listed}) if cloud.is_signed(asked) else (403, {"message": "no"})

        def profiles(asked: Incoming) -> Reply:
            if not cloud.is_signed(asked):
                return 403, {"message": "no"}
            if "nextToken=second" not in asked.path:
                listed = [profile("global.anthropic.claude-sonnet-5-5", "anthropic.claude-sonnet-5-5")]
                return 200, {"inferenceProfileSummaries": listed, "nextToken": "second"}
            return 200, {
                "inferenceProfileSummaries": [profile("eu.anthropic.claude-sonnet-5-5", "anthropic.claude-sonnet-5-5")]
            }

        cloud.answers["/foundation-models"] = models
        cloud.answers["/inference-profiles"] = profiles
        environment = {"AWS_KEYS": aws_document()}
        async with running_control(tmp_path, environment=environment, networks=LOOPBACK) as control:
            yield cloud, control


@asynccontextmanager
async def azure(tmp_path: Path) -> AsyncIterator[tuple[Cloud, Control]]:
    async with running_cloud() as cloud:

        def managed(asked: Incoming) -> Reply:
            if opened(asked) != "for:https://management.azure.com/.default":
                return 401, {"error": {"code": "InvalidAuthenticationTokenAudience", "message": "no"}}
            if path_of(asked) == ARM:
                return 200, {"location": "swedencentral", "name": "ours"}
            if "skiptoken=more" in asked.path:
                return 200, {"value": [deployment("embedder", "text-embedding-3-small", "Standard", can="embeddings")]}
            first = [
                deployment("gpt-4o", "gpt-4o", "DataZoneStandard"),
                deployment("cheap", "gpt-4o", "GlobalStandard"),
                deployment("half-made", "o3", "GlobalStandard", state="Creating"),
            ]
            return 200, {"value": first, "nextLink": "https://evil.example/steal?%24skiptoken=more"}

        def chat(asked: Incoming) -> Reply:
            is_ours = opened(asked) == "for:https://cognitiveservices.azure.com/.default"
            return (400, {"error": {"code": "invalid_request_error"}}) if is_ours else (401, {})

        cloud.answers["/tenant-1/oauth2/v2.0/token"] = cloud.entra_token
        cloud.answers["/subscriptions/"] = managed
        cloud.answers["/openai/v1/chat/completions"] = chat
        catalog = cloud.moved("azure", "https://{resource}.openai.azure.com")
        environment = {"AZURE_IDENTITY": cloud.entra_document(), "AZURE_OPENAI_API_KEY": "key-hunter2"}
        async with running_control(tmp_path, environment=environment, catalog=catalog, networks=LOOPBACK) as control:
            yield cloud, control


async def discover(control: Control, host: str, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = await control.ask("POST", f"/hosts/{host}/discover", wanted)
    return found


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["models"]}


def taken(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the command sends on: all that can be connected."""
    members = ("name", "model", "operations", "region", "facts")
    return [{name: one[name] for name in members} for one in found["models"] if one["standing"] != "left out"]


async def test_the_key_opens_the_list_and_known_models_are_new(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (cloud, control):
        found = await discover(control, "mistral")
        assert [opened(one) for one in cloud.seen] == ["sk-hunter2"]
        one = by_name(found)["mistral-large-2512"]
        assert (one["standing"], one["route"], one["operations"]) == ("new", "mistral-large-2512", ["chat"])
        assert one["place"] == "GLOBAL"


async def test_another_name_of_the_same_model_is_left_out_with_the_reason(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (_, control):
        other = by_name(await discover(control, "mistral"))["mistral-medium-3.5"]
        assert other["standing"] == "left out"
        assert "mistral-medium-2604 is the same model" in other["why"]


async def test_what_the_catalog_does_not_know_is_counted_and_taken_only_when_asked_for(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (_, control):
        found = await discover(control, "mistral")
        assert "ft:somebody:2026" not in by_name(found)
        assert found["further"] == 1
        named = by_name(await discover(control, "mistral", takes_all=True))["ft:somebody:2026"]
        assert (named["standing"], named["is_known"], named["has_price"]) == ("new", False, False)


async def test_asking_makes_nothing(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (_, control):
        before = control.snapshot().version
        await discover(control, "mistral")
        assert control.snapshot().version == before
        assert (await control.ask("GET", "/endpoints"))["endpoints"] == []


async def test_what_was_found_is_connected_and_found_again_as_there(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (_, control):
        found = await discover(control, "mistral")
        made = await control.ask("POST", "/hosts/mistral/connect", {"found": taken(found)})
        assert made["endpoints"] == ["mistral-large-2512@mistral", "mistral-medium-2604@mistral"]
        assert control.snapshot().routes["mistral-large-2512"].candidates
        again = await discover(control, "mistral")
        assert by_name(again)["mistral-large-2512"]["standing"] == "there"
        version = control.snapshot().version
        await control.ask("POST", "/hosts/mistral/connect", {"found": taken(again)})
        assert control.snapshot().version == version


async def test_what_the_host_no_longer_lists_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (cloud, control):
        found = await discover(control, "mistral")
        await control.ask("POST", "/hosts/mistral/connect", {"found": taken(found)})
        cloud.answers["/v1/models"] = 200, {"data": [{"id": "codestral-2508", "capabilities": {}}]}
        assert (await discover(control, "mistral"))["vanished"] == [
            "mistral-large-2512@mistral",
            "mistral-medium-2604@mistral",
        ]
        assert "mistral-large-2512@mistral" in control.snapshot().endpoints


async def test_what_the_catalog_calls_ended_is_taken_by_its_name_only(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (cloud, control):
        states = {model.id: model.state for model in control.plane.catalog.models.values()}
        offered = [offer.model for offer in control.plane.catalog.offers(host="mistral")]
        old = next(name for name in offered if states[name] in {"deprecated", "retired"})
        cloud.answers["/v1/models"] = 200, {"data": [{"id": old, "capabilities": {"completion_chat": True}}]}
        usual = by_name(await discover(control, "mistral"))[old]
        assert (usual["standing"], f"calls it {states[old]}" in usual["why"]) == ("left out", True)
        assert by_name(await discover(control, "mistral", models=[old]))[old]["standing"] == "new"


async def test_a_name_that_the_host_does_not_list_is_said(tmp_path: Path) -> None:
    async with mistral(tmp_path) as (_, control):
        found = await discover(control, "mistral", models=["gpt-99"])
        assert (found["models"], found["notes"]) == ([], ["The host does not list `gpt-99`."])


async def test_bedrock_is_asked_by_a_signature_that_aws_s_own_sdk_would_make(tmp_path: Path) -> None:
    async with bedrock(tmp_path) as (cloud, control):
        wanted = {"credential": "env:AWS_KEYS", "auth": "sigv4", "variables": BEDROCK, "list_url": cloud.url}
        found = by_name(await discover(control, "bedrock", **wanted))
        assert len(cloud.seen) == 3
        plain, region, wide = (
            found[name]
            for name in (
                "openai.gpt-oss-20b-1:0",
                "eu.anthropic.claude-sonnet-5-5",
                "global.anthropic.claude-sonnet-5-5",
            )
        )
        assert (plain["standing"], plain["place"], plain["model"]) == ("new", "DE", "gpt-oss-20b")
        assert (region["standing"], region["place"], region["model"]) == ("new", "EU*", "claude-sonnet-5-5")
        assert (wide["standing"], wide["place"]) == ("left out", "GLOBAL")


async def test_a_model_that_is_served_through_profiles_only_is_not_taken_by_its_own_name(tmp_path: Path) -> None:
    async with bedrock(tmp_path) as (cloud, control):
        wanted = {"credential": "env:AWS_KEYS", "auth": "sigv4", "variables": BEDROCK, "list_url": cloud.url}
        found = by_name(await discover(control, "bedrock", **wanted))
        assert "through a profile" in found["anthropic.claude-sonnet-5-5"]["why"]
        assert "legacy" in found["meta.llama3-1-8b-instruct-v1:0"]["why"]


async def test_two_regions_of_bedrock_are_endpoints_of_their_own_in_one_route(tmp_path: Path) -> None:
    async with bedrock(tmp_path) as (_, control):
        for region in ("eu-central-1", "eu-west-1"):
            one = {"name": "openai.gpt-oss-20b-1:0", "model": "gpt-oss-20b", "region": region}
            wanted = {"found": [one], "variables": {"region": region}, "auth": "sigv4", "credential": "env:AWS_KEYS"}
            await control.ask("POST", "/hosts/bedrock/connect", wanted)
        names = ["gpt-oss-20b@bedrock", "gpt-oss-20b@bedrock-eu-west-1"]
        assert [one.endpoint for one in control.snapshot().routes["gpt-oss-20b"].candidates] == names
        assert [control.snapshot().endpoints[name].country for name in names] == ["DE", "IE"]


async def test_azure_s_deployments_are_listed_by_entra_with_kind_place_and_region(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):
        wanted = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE, "list_url": cloud.url}
        found = by_name(await discover(control, "azure", **wanted))
        zone, cheap, half, embedder = (found[name] for name in ("gpt-4o", "cheap", "half-made", "embedder"))
        assert (zone["facts"], zone["region"]) == ({"sku": "DataZoneStandard"}, "swedencentral")
        assert (cheap["facts"], cheap["model"], cheap["route"]) == ({"sku": "GlobalStandard"}, "gpt-4o", "cheap")
        assert (half["standing"], half["why"]) == ("left out", "Azure says that it is creating")
        assert embedder["operations"] == ["embeddings"]


async def test_a_further_page_is_asked_for_at_the_address_of_the_first_one(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):
        wanted = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE, "list_url": cloud.url}
        await discover(control, "azure", **wanted)
        assert any("skiptoken=more" in path and path.startswith(ARM) for path in cloud.paths)


async def test_deployments_of_one_model_become_endpoints_of_their_own(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):
        wanted = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE}
        found = await discover(control, "azure", list_url=cloud.url, **wanted)
        made = await control.ask("POST", "/hosts/azure/connect", {"found": taken(found), **wanted})
        assert sorted(made["routes"]) == ["cheap", "embedder", "gpt-4o"]
        assert len(set(made["endpoints"])) == 3
        listed = await control.ask("GET", f"/endpoints/{made['endpoints'][0]}")
        assert listed["facts"] == {"sku": "DataZoneStandard"}
        again = by_name(await discover(control, "azure", list_url=cloud.url, **wanted))
        assert {one["standing"] for name, one in again.items() if name != "half-made"} == {"there"}


async def test_a_deployment_is_the_model_that_it_leads_to_whatever_it_is_called(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):
        listed = {"value": [deployment("o3", "gpt-4o-mini", "Standard")]}
        cloud.answers["/subscriptions/"] = lambda asked: (
            (200, {"location": "swedencentral"}) if path_of(asked) == ARM else (200, listed)
        )
        wanted = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE, "list_url": cloud.url}
        one = by_name(await discover(control, "azure", **wanted))["o3"]
        assert (one["model"], one["route"], one["place"]) == ("gpt-4o-mini", "o3", "SE")


async def test_a_kind_that_changed_at_the_host_is_said_and_left_to_a_person(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):
        wanted = {"auth": "entra", "credential": "env:AZURE_IDENTITY", "variables": AZURE}
        for sku in ("DataZoneStandard", "GlobalStandard"):
            listed = {"value": [deployment("gpt-4o", "gpt-4o", sku)]}
            cloud.answers["/subscriptions/"] = lambda asked, listed=listed: (
                (200, {"location": "swedencentral"}) if path_of(asked) == ARM else (200, listed)
            )
            found = await discover(control, "azure", list_url=cloud.url, **wanted)
            await control.ask("POST", "/hosts/azure/connect", {"found": taken(found), **wanted})
        assert "says sku DataZoneStandard, the host says sku GlobalStandard" in found["notes"][0]
        assert control.snapshot().endpoints["gpt-4o@azure"].country == "EU*"


async def test_with_a_key_alone_azure_s_deployments_are_named_and_each_is_tried(tmp_path: Path) -> None:
    async with azure(tmp_path) as (cloud, control):

        def chat(asked: Incoming) -> Reply:
            assert asked.headers["api-key"] == "key-hunter2"
            if b'"embedder"' in asked.body:
                return 400, {"error": {"code": "OperationNotSupported", "message": "x"}}
            if b'"nowhere"' in asked.body:
                return 404, {"error": {"code": "DeploymentNotFound", "message": "x"}}
            return 400, {"error": {"code": None, "type": "invalid_request_error", "message": "[] is too short"}}

        cloud.answers["/openai/v1/chat/completions"] = chat
        names = [{"name": name, "facts": {"sku": "Standard"}} for name in ("gpt-4o", "embedder", "nowhere")]
        found = by_name(await discover(control, "azure", variables={"resource": "ours"}, names=names))
        assert (found["gpt-4o"]["operations"], found["gpt-4o"]["standing"]) == (["chat"], "new")
        assert found["embedder"]["operations"] == ["embeddings"]
        assert found["nowhere"]["why"] == "the resource has no deployment of that name"


async def test_vertex_s_models_are_tried_in_the_place_by_counting_tokens(tmp_path: Path) -> None:
    async with running_cloud() as cloud:

        def listed(asked: Incoming) -> Reply:
            is_ours = opened(asked) == "google-1"
            names = ("gemini-3.6-flash", "gemini-3.5-flash")
            models = [{"name": f"publishers/google/models/{name}"} for name in names]
            return (200, {"publisherModels": models}) if is_ours else (403, {})

        def tried(asked: Incoming) -> Reply:
            assert opened(asked) == "google-1"
            is_there = "gemini-3.6-flash:" in asked.path or b"claude-opus-4-6" in asked.body
            return (200, {"totalTokens": 1}) if is_there else (404, {"error": {"code": 404, "status": "NOT_FOUND"}})

        environment = {"GOOGLE_APPLICATION_CREDENTIALS": cloud.google_document()}
        cloud.answers["/token"] = cloud.google_token
        cloud.answers["/v1beta1/publishers/google/models"] = listed
        cloud.answers["/v1/projects/example-project/locations/europe-west4/publishers/"] = tried
        catalog = cloud.moved("vertex", "https://{region}-aiplatform.googleapis.com")
        async with running_control(tmp_path, environment=environment, catalog=catalog, networks=LOOPBACK) as control:
            wanted = {"project": "example-project", "region": "europe-west4"}
            found = by_name(await discover(control, "vertex", variables=wanted))
        assert {name for name, one in found.items() if one["standing"] == "new"} == {
            "gemini-3.6-flash",
            "claude-opus-4-6",
        }
        assert found["gemini-3.6-flash"]["place"] == "NL"
        assert "does not serve it" in found["gemini-3.5-flash"]["why"]


async def test_a_server_of_one_s_own_is_connected_with_all_that_it_lists(tmp_path: Path) -> None:
    async with running_cloud() as cloud, running_control(tmp_path) as control:
        cloud.answers["/v1/models"] = 200, {"object": "list", "data": [{"id": "our-own-model"}]}
        wanted = {"base_url": f"{cloud.url}/v1", "private_address": True}
        found = await discover(control, "openai-compatible", **wanted)
        made = await control.ask("POST", "/hosts/openai-compatible/connect", {"found": taken(found), **wanted})
        assert made["routes"] == ["our-own-model"]
        endpoint = control.snapshot().endpoints["our-own-model@openai-compatible"]
        assert (endpoint.address, endpoint.upstream_model) == (f"{cloud.url}/v1", "our-own-model")


@pytest.mark.parametrize("name", ["\x1b]0;owned\x07", "a b", "../../admin", "x" * 500, "", "-rf"])
async def test_a_name_that_can_be_no_route_is_left_out(tmp_path: Path, name: str) -> None:
    async with running_cloud() as cloud, running_control(tmp_path) as control:
        cloud.answers["/v1/models"] = 200, {"data": [{"id": name}, {"id": "plain"}]}
        found = await discover(control, "openai-compatible", base_url=f"{cloud.url}/v1", private_address=True)
        assert [one["name"] for one in found["models"] if one["standing"] == "new"] == ["plain"]
        assert all(one["why"] for one in found["models"] if one["standing"] == "left out")


async def test_a_route_that_leads_to_another_model_is_left_as_it_is(tmp_path: Path) -> None:
    async with running_cloud() as cloud, running_control(tmp_path) as control:
        own = {"base_url": f"{cloud.url}/v1", "private_address": True}
        first = {"found": [{"name": "a-model"}], **own}
        await control.ask("POST", "/hosts/openai-compatible/connect", first)
        await control.ask("POST", "/routes", {"name": "b-model", "endpoints": ["a-model@openai-compatible"]})
        second = await control.ask("POST", "/hosts/openai-compatible/connect", {"found": [{"name": "b-model"}], **own})
        assert second["routes"] == []
        assert "leads to a-model" in second["notes"][0]


async def test_cohere_s_endpoints_say_what_a_model_can_do(tmp_path: Path) -> None:
    async with running_cloud() as cloud:
        models = [
            {"name": "command-a-03-2025", "endpoints": ["chat", "summarize"]},
            {"name": "embed-v4.0", "endpoints": ["embed"]},
        ]
        cloud.answers["/v1/models"] = lambda asked: (
            (200, {"models": models}) if opened(asked) == "co-hunter2" else (401, {"message": "no"})
        )
        catalog = cloud.moved("cohere", "https://api.cohere.com")
        async with running_control(tmp_path, environment={"COHERE_API_KEY": "co-hunter2"}, catalog=catalog) as control:
            found = by_name(await discover(control, "cohere"))
        assert found["command-a-03-2025"]["operations"] == ["chat"]
        assert found["embed-v4.0"]["operations"] == ["embeddings"]
