"""Azure's paths name the route: what a host gets, what the receipt says, and what a foreign token is told."""

from __future__ import annotations

import msgspec
import pytest
from core import Core, CoreExchange, staged

from hortus.snapshot.model import Spoken

BODY = {"messages": [{"role": "user", "content": "May I?"}]}
DEPLOYED = "/openai/deployments/r/chat/completions"


async def ask(
    core: Core, path: str, body: dict[str, object]
) -> tuple[CoreExchange, dict[str, object], tuple[str, ...]]:
    """Return the exchange, what the host got and which adaptations the receipt names."""
    core.configure([core.endpoint("a")])
    exchange = await core.ask(body, path=path)
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    return exchange, msgspec.json.decode(core.stages["a"].bodies[0]), receipt.attempts[0].adaptations


async def test_a_deployment_in_the_path_is_the_route() -> None:
    async with staged("a") as core:
        exchange, got, adaptations = await ask(core, DEPLOYED, BODY)
    assert exchange.status == 200
    assert got == BODY | {"model": "up"}
    assert adaptations == ("+model", "model")


async def test_where_path_and_body_disagree_the_path_wins_and_the_receipt_says_so() -> None:
    async with staged("a") as core:
        _, got, adaptations = await ask(core, DEPLOYED, BODY | {"model": "gpt-4"})
    assert got["model"] == "up"
    assert adaptations == ("path>model", "model")


async def test_where_path_and_body_agree_nothing_is_named() -> None:
    async with staged("a") as core:
        _, _, adaptations = await ask(core, DEPLOYED, BODY | {"model": "r"})
    assert adaptations == ("model",)


async def test_a_model_that_is_no_text_is_overruled_like_any_other() -> None:
    async with staged("a") as core:
        _, got, adaptations = await ask(core, DEPLOYED, BODY | {"model": 4})
    assert got["model"] == "up"
    assert adaptations == ("path>model", "model")


async def test_the_route_of_the_path_reaches_a_host_of_another_dialect() -> None:
    async with staged("a") as core:
        core.stages["a"].answer = b"""{"id": "msg_1", "type": "message", "role": "assistant", "model": "up",
            "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 9, "output_tokens": 2}}"""
        core.configure([core.endpoint("a", dialect="anthropic_messages")])
        exchange = await core.ask(BODY, path="/azure" + DEPLOYED)
    answer = msgspec.json.decode(exchange.body)
    assert (answer["choices"][0]["message"]["content"], answer["model"]) == ("Yes.", "up")


async def test_foundry_names_the_model_in_the_body() -> None:
    async with staged("a") as core:
        _, got, adaptations = await ask(core, "/models/chat/completions", BODY | {"model": "r"})
        refused = await core.ask(BODY, path="/models/chat/completions")
    assert (got["model"], adaptations) == ("up", ("model",))
    assert refused.status == 400
    assert msgspec.json.decode(refused.body)["error"]["param"] == "model"


VERSIONED = Spoken(
    "openai_chat",
    "http://127.0.0.1/replaced",
    paths={"chat": "/deployments/{model}/chat/completions?api-version=2025-03-01-preview"},
)


def deployed_at(core: Core, name: str) -> None:
    """Configure an endpoint that is addressed by the paths of Azure's deployments."""
    endpoint = core.endpoint(name)
    address = f"http://127.0.0.1:{core.stages[name].port}/openai"
    spoken = (msgspec.structs.replace(VERSIONED, address=address),)
    core.configure([msgspec.structs.replace(endpoint, spoken=spoken)])


async def test_a_host_with_deployments_gets_the_model_in_its_path_and_its_own_version() -> None:
    async with staged("a") as core:
        deployed_at(core, "a")
        exchange = await core.ask(BODY, path=DEPLOYED)
    (first, *_) = core.stages["a"].heads[0].split(b"\r\n")
    assert first == b"POST /openai/deployments/up/chat/completions?api-version=2025-03-01-preview HTTP/1.1"
    assert msgspec.json.decode(core.stages["a"].bodies[0]) == BODY
    assert exchange.status == 200


async def test_a_client_of_another_dialect_reaches_a_deployment_too() -> None:
    async with staged("a") as core:
        deployed_at(core, "a")
        exchange = await core.ask({"model": "r", "max_tokens": 9, **BODY}, path="/anthropic/v1/messages")
    assert core.stages["a"].heads[0].startswith(b"POST /openai/deployments/up/chat/completions?api-version=2025")
    assert "model" not in msgspec.json.decode(core.stages["a"].bodies[0])
    assert msgspec.json.decode(exchange.body)["content"][0]["text"] == "Yes."


async def test_azure_s_milliseconds_of_0_shorten_no_rest() -> None:
    async with staged("a") as core:
        core.stages["a"].acts.extend(["429", "ok"])
        core.stages["a"].errors = b"retry-after: 1\r\nretry-after-ms: 0\r\n"
        core.configure([core.endpoint("a")])
        await core.ask(BODY, path=DEPLOYED)
    assert (core.slept, len(core.stages["a"].bodies)) == ([1.0], 2)


@pytest.mark.parametrize("token", ["eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2ln", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_token_of_entra_is_told_that_it_is_no_key(token: str) -> None:
    async with staged("a") as core:
        core.configure([core.endpoint("a")])
        exchange = CoreExchange(DEPLOYED, msgspec.json.encode(BODY), key=token)
        await core.gateway.serve(exchange)
    error = msgspec.json.decode(exchange.body)["error"]
    assert (exchange.status, error["code"]) == (401, "invalid_api_key")
    assert "Microsoft Entra ID" in error["message"]
    assert token not in error["message"]
