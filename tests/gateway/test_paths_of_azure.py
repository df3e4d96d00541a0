"""Azure's paths name the route: what a host gets, what the receipt says, and what a foreign token is told."""

from __future__ import annotations

import msgspec
import pytest
from core import Core, CoreExchange, staged

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
